"""The code in texts that people read, found and run as it stands."""

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout

from fastnn.commands.cli import main

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")  # to a file, not to an address


def blocks(text, *languages):
    """Its code blocks in these languages, or in all: each a language and the code."""
    return [block for block in BLOCK.findall(text) if not languages or block[0] in languages]


def links(text):
    """The files that a text links to."""
    return LINK.findall(text)


def run(text, folder, monkeypatch):
    """Run its blocks of Python and of commands in their order, in a folder; return what was printed."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        for language, code in blocks(text, "python", "sh"):
            if language == "python":
                exec(compile(code, "a block of Python", "exec"), names)  # noqa: S102 - our own texts
                continue
            for line in code.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "fastnn", line
                assert main(arguments) == 0, f"{line}\n{said.getvalue()}"
    return said.getvalue()
