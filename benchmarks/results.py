"""The measured tables in RESULTS.md, and the sentences about the machine that they come from."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import fastnn

RESULTS = Path(__file__).resolve().with_name("RESULTS.md")


def write(path, name, section):
    """Put a section between the markers of that name in a file."""
    path.write_text(written_between(path.read_text(encoding="utf-8"), name, section), encoding="utf-8")


def written_between(text, name, section):
    """Replace the text between ``<!-- name: ... -->`` and ``<!-- end of name -->`` by a section.

    Raises
    ------
    ValueError
        Unless `text` holds both markers, each once and in this order.
    """
    before, _, after = parted(text, name)
    return f"{before}\n\n{section.strip()}\n\n{after}"


def between(text, name):
    """The section between the markers of a name; see `written_between`."""
    return parted(text, name)[1].strip()


def parted(text, name):
    """The text up to the first marker and with it, what is between the two, and the rest."""
    begin, end = f"<!-- {name}: ", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ValueError(f"the text must hold '{begin}... -->' and then '{end}', each once. Put them in.")
    inside = text.index("-->", text.index(begin)) + len("-->")
    outside = text.index(end)
    return text[:inside], text[inside:outside], text[outside:]


def about(packages, data):
    """Versions, machine, date and data, in one sentence each."""
    versions = [f"{package} {installed(package)}" for package in packages if installed(package)]
    return (
        f"fastnn {fastnn.__version__}, Python {platform.python_version()}, {', '.join(versions)}. "
        f"{processor()}, {os.cpu_count()} processors, {platform.system()}; {datetime.now(UTC):%Y-%m-%d}. "
        f"Data: {data.source}, {len(data.X)} rows."
    )


def installed(package):
    """The version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def processor():
    """The processor's name and its widest vectors, as far as the system tells them.

    And the one that Numba is told to compile for, if it is another.
    """
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    facts = dict(re.findall(r"^(.+?)\s*: (.+)$", text, re.MULTILINE))
    name = facts.get("model name") or platform.processor() or platform.machine()
    flags = facts.get("flags", "").split()
    widest = [vectors for flag, vectors in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags]
    other = os.environ.get("NUMBA_CPU_NAME")
    return name + f" with {widest[0]}" * bool(widest) + f", code for {other}" * bool(other)
