"""Words for people, on standard error and standard output: that they cannot be said never ends any work.

The streams may be missing (a windowed program, a daemon), closed, full, without a reader, of an encoding
that holds no ²; an editor's may know no more than ``write``, and that may fail in any way.
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

# What fastnn prints beyond ASCII, for streams that cannot hold it; names of the user's get escapes.
PLAIN = {
    **{"²": "2", "ŷ": "yhat", "∂": "d", "σ": "sigma", "Σ": "sum", "ᵀ": "^T", "·": "*", "⊙": "(*)", "×": "x"},
    **{"≤": "<=", "≥": ">=", "≠": "!=", "←": "<-", "→": "->", "−": "-", "–": "-", "…": "...", "∞": "inf"},
}
MARKED = ("utf-8-sig", "utf-16", "utf-32")  # begin with a mark, which must be written only once
RETRY_SECONDS = 0.01

_NOTES: list[str] = []  # told before the next words


class OutputError(OSError):
    """Standard output could not be written, and nothing but that was asked for."""


def tell(text: str) -> None:
    """Tell people a line, on standard error, if that can be."""
    tell_notes()
    Words().write(f"{text}\n")


def note(text: str) -> None:
    """Keep a note until other words are told or printed: where the work is refused it is of no interest."""
    _NOTES.append(" ".join(text.split()))


def tell_notes() -> None:
    """Tell the notes that were kept."""
    while _NOTES:
        Words().write(f"note: {_NOTES.pop(0)}\n")


def drop_notes() -> None:
    """Forget the notes that were kept."""
    _NOTES.clear()


def say(text: str, end: str = "\n") -> None:
    """Print words beside results that are safe in files; where they cannot be printed, tell why."""
    try:
        give(text, end)
    except OutputError as error:
        tell(f"fastnn: {error}")


def give(text: str, end: str = "\n", encoding: str | None = None) -> None:
    """Print what was asked for; a reader who has left had all that it wanted.

    Parameters
    ----------
    text, end : str
    encoding : str, optional
        That of a document which names its own; by default that of standard output.

    Raises
    ------
    OutputError
        It could not be printed.
    """
    tell_notes()
    try:
        _write(sys.stdout, text + end, patient=True, encoding=encoding)
    except Exception as error:
        if not _reader_left(error):
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise OutputError(f"standard output could not be written: {reason}") from None


def warn(text: str, category: type[Warning], stacklevel: int = 1) -> None:
    """Warn as `warnings.warn` does: it may raise where warnings are errors, but not for want of a stream."""
    try:
        warnings.warn(text, category, stacklevel + 1)
    except category:
        raise
    except Exception as error:
        log(logging.DEBUG, "a warning could not be shown: %r", error)


def log(level: int, text: str, *arguments: object) -> None:
    """Tell the logger ``fastnn``; its handlers may fail."""
    with suppress(Exception):
        LOG.log(level, text, *arguments, stacklevel=2)


def is_terminal(stream: Any) -> bool:
    """Whether somebody watches a stream."""
    try:
        return bool(stream.isatty())
    except Exception:  # None, closed, or an object that knows no such thing
        return False


class Words:
    """Standard error as a file whose writing never fails; for `tell` and for progress bars."""

    @property
    def encoding(self) -> str:
        """What decides which signs a bar is drawn with."""
        return str(getattr(sys.stderr, "encoding", None) or "ascii")

    def write(self, text: str) -> int:
        """Write and flush at once, or drop the text."""
        with suppress(Exception):
            _write(sys.stderr, text, patient=False)
        return len(text)

    def flush(self) -> None:
        """Do nothing: all that was written is flushed."""

    def isatty(self) -> bool:
        """Whether somebody watches."""
        return is_terminal(sys.stderr)

    def fileno(self) -> int:
        """The file descriptor, for who asks how wide the terminal is."""
        return int(sys.stderr.fileno())


def settle() -> bool:
    """Flush what others have printed, and return whether that could be done.

    Otherwise the interpreter tries when it ends, complains, and ends with an exit code of its own.
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
    """Have all that is printed to a stream from now on, and what it still holds, go nowhere."""
    with suppress(Exception):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _write(stream: Any, text: str, patient: bool, encoding: str | None = None) -> None:
    """Write and flush, whole if `patient`, or raise; what could not be written does not stay in a buffer."""
    if stream is None:
        raise OSError("there is none")
    raw = _raw(stream)
    if raw is None:
        _write_text(stream, text)
        return
    stream.flush()  # what others have printed comes first
    left = memoryview(_encoded(text.replace("\n", os.linesep), encoding or stream.encoding))
    while left:
        count = raw.write(left)
        if count is not None:
            left = left[count:]
        elif patient:
            time.sleep(RETRY_SECONDS)  # a pipe that does not block, and is full
        else:
            raise BlockingIOError(errno.EAGAIN, "nobody reads it")


def _raw(stream: Any) -> io.RawIOBase | None:
    """What a file of the operating system's writes through; None for streams of any other kind."""
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
    """The bytes of a text, with plain signs or escapes for what an encoding does not hold."""
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
    """Whether a pipe's reader has gone, which Windows calls an invalid argument."""
    gone = (errno.EPIPE, errno.ESHUTDOWN, *((errno.EINVAL,) if sys.platform == "win32" else ()))
    return isinstance(error, OSError) and error.errno in gone
