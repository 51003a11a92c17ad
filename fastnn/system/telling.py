"""Words for people, on standard error and standard output: failing to write them never ends any work.

A stream may be missing (a windowed program, a daemon), closed or full. It may have no reader, or an encoding
without ². An editor's stream may have only a ``write``, and that may fail in any way.
"""

from __future__ import annotations

import codecs
import errno
import io
import logging
import os
import sys
import time
import warnings
from contextlib import suppress
from typing import Any

__all__ = [
    "OutputError",
    "Words",
    "drop_notes",
    "give",
    "is_terminal",
    "log",
    "note",
    "say",
    "settle",
    "tell",
    "tell_notes",
    "warn",
]

LOG = logging.getLogger("fastnn")

# The characters beyond ASCII that fastnn prints, and their stand-ins on streams that cannot hold them. Other
# characters, such as letters of the user's names, are escaped.
PLAIN = {
    **{"²": "2", "ŷ": "yhat", "∂": "d", "σ": "sigma", "Σ": "sum", "ᵀ": "^T", "·": "*", "⊙": "(*)", "×": "x"},
    **{"≤": "<=", "≥": ">=", "≠": "!=", "←": "<-", "→": "->", "−": "-", "–": "-", "…": "...", "∞": "inf"},
}
MARKED = ("utf-8-sig", "utf-16", "utf-32")  # encodings that begin with a mark, which is written only once
RETRY_SECONDS = 0.01

_NOTES: list[str] = []  # to be told before the next words


class OutputError(OSError):
    """Standard output could not be written, and writing it was the whole task."""


def tell(text: str) -> None:
    """Write a line for people to standard error, if that is possible."""
    tell_notes()
    Words().write(f"{text}\n")


def note(text: str) -> None:
    """Keep a note until other words are told or printed: if the work is refused, nobody needs the note."""
    _NOTES.append(" ".join(text.split()))


def tell_notes() -> None:
    """Tell the notes that were kept, and forget them."""
    while _NOTES:
        Words().write(f"note: {_NOTES.pop(0)}\n")


def drop_notes() -> None:
    """Forget the notes that were kept."""
    _NOTES.clear()


def say(text: str, end: str = "\n") -> None:
    """Print words when the results are already safe in files; if printing fails, tell why and go on."""
    try:
        give(text, end)
    except OutputError as error:
        tell(f"fastnn: {error}")


def give(text: str, end: str = "\n", encoding: str | None = None) -> None:
    """Print what the user asked for. A reader that has left is no error: it had all that it wanted.

    Parameters
    ----------
    text, end : str
    encoding : str, optional
        By default standard output's; for a document that names its own encoding, that one.

    Raises
    ------
    OutputError
        If it could not be printed.
    """
    tell_notes()
    try:
        _write(sys.stdout, text + end, patient=True, encoding=encoding)
    except Exception as error:
        if not _reader_left(error):
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise OutputError(f"standard output could not be written: {reason}") from None


def warn(text: str, category: type[Warning], stacklevel: int = 1) -> None:
    """Warn as `warnings.warn` does: it raises where warnings are errors, but not because a stream fails."""
    try:
        warnings.warn(text, category, stacklevel + 1)
    except category:
        raise
    except Exception as error:
        log(logging.DEBUG, "a warning could not be shown: %r", error)


def log(level: int, text: str, *arguments: object) -> None:
    """Tell the logger ``fastnn``, and ignore handlers that fail."""
    with suppress(Exception):
        LOG.log(level, text, *arguments, stacklevel=2)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal."""
    try:
        return bool(stream.isatty())
    except Exception:  # None, closed, or an object without `isatty`
        return False


class Words:
    """Standard error as a file whose writing never fails; for `tell` and for progress bars."""

    @property
    def encoding(self) -> str:
        """The encoding, by which tqdm chooses the characters of its bar."""
        return str(getattr(sys.stderr, "encoding", None) or "ascii")

    def write(self, text: str) -> int:
        """Write and flush at once, or drop the text."""
        with suppress(Exception):
            _write(sys.stderr, text, patient=False)
        return len(text)

    def flush(self) -> None:
        """Do nothing: `write` has flushed already."""

    def isatty(self) -> bool:
        """Whether standard error is a terminal."""
        return is_terminal(sys.stderr)

    def fileno(self) -> int:
        """The file descriptor, by which a bar asks for the terminal's width."""
        return int(sys.stderr.fileno())


def settle() -> bool:
    """Flush both standard streams, and return whether standard output could be flushed.

    If fastnn did not, the interpreter would try at its end, complain and choose an exit code of its own.
    """
    settled = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if hasattr(stream, "flush") and not getattr(stream, "closed", False):
                stream.flush()
        except Exception as error:
            settled = settled and (stream is sys.stderr or _reader_left(error))
            if stream in (sys.__stdout__, sys.__stderr__):
                _discard(stream)
    return settled


def _discard(stream: Any) -> None:
    """Discard what a stream still holds and all that is printed to it from now on."""
    with suppress(Exception):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _write(stream: Any, text: str, patient: bool, encoding: str | None = None) -> None:
    """Write and flush a text, or raise; if `patient`, wait for a slow reader. Nothing stays in a buffer."""
    if stream is None:
        raise OSError("there is no stream")
    raw = _raw(stream)
    if raw is None:
        _write_text(stream, text)
        return
    stream.flush()  # text that others have printed comes first
    left = memoryview(_encoded(text.replace("\n", os.linesep), encoding or stream.encoding))
    while left:
        count = raw.write(left)
        if count is not None:
            left = left[count:]
        elif patient:
            time.sleep(RETRY_SECONDS)  # a non-blocking pipe is full
        else:
            raise BlockingIOError(errno.EAGAIN, "nobody reads it")


def _raw(stream: Any) -> io.RawIOBase | None:
    """The raw file under a stream of the operating system; None for streams of any other kind."""
    if type(stream) is not io.TextIOWrapper or codecs.lookup(stream.encoding).name in MARKED:
        return None
    buffer = stream.buffer
    raw: Any = buffer.raw if type(buffer) is io.BufferedWriter else buffer
    return raw if isinstance(raw, io.RawIOBase) else None


def _write_text(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = str(getattr(stream, "encoding", None) or "ascii")
        stream.write(_encoded(text, encoding).decode(encoding))
    flush = getattr(stream, "flush", None)
    if flush is not None:
        flush()


def _encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text, with plain stand-ins or escapes for characters that the encoding lacks."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "fastnn.plain")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or _escaped(sign) for sign in signs), error.end


def _escaped(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error("fastnn.plain", _plain)


def _reader_left(error: Exception) -> bool:
    """Whether a write failed because the pipe's reader has gone; Windows calls that an invalid argument."""
    gone = (errno.EPIPE, errno.ESHUTDOWN, *((errno.EINVAL,) if sys.platform == "win32" else ()))
    return isinstance(error, OSError) and error.errno in gone
