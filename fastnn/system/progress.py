"""What a sweep or a training says while it runs: on a terminal a bar, in a log file a line now and then."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from time import perf_counter
from types import TracebackType
from typing import Any

from fastnn.checking import flag
from fastnn.showing.lettering import counted, grouped
from fastnn.system.telling import Words, is_terminal, tell, tell_notes

__all__ = ["Bar", "Epochs", "Progress", "duration", "size"]

LINE_SECONDS = 10.0
NARROW = 79
UNASKED_SECONDS = 2.0  # of work, before a notebook or a training shows a bar unasked


class Progress:
    """Tells how many networks are done, how fast and how much time is left, on standard error.

    Nothing that goes wrong with telling is raised.

    Parameters
    ----------
    total, done : int
        Networks of the sweep, and how many of them were done before.
    show : bool, optional
        By default on a terminal, and in a notebook after two seconds; with True also elsewhere, in lines.
    """

    def __init__(self, total: int, done: int, show: bool | None) -> None:
        self.terminal = is_terminal(sys.stderr)
        self.notebook = not self.terminal and in_notebook()
        self.delayed = self.notebook and show is None
        self.shown = self.terminal or self.notebook if show is None else flag(show, "progress")
        self.total, self.done, self.before = total, done, done
        self.began = self.said = perf_counter()
        self.begun = False
        self.bar: Bar | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif self.shown:
            self._say_line()

    def say(self, text: str) -> None:
        """Say something before the work begins: after that the line belongs to the bar."""
        if self.shown and not self.delayed:
            tell(text)

    def begin(self) -> None:
        """The work begins; so does the time of which a rate is told."""
        self.begun = True
        self.began = self.said = perf_counter()
        if self.shown and (self.terminal or self.notebook):
            delay = UNASKED_SECONDS if self.delayed else 0.0
            self.bar = Bar(self.total, self.done, unit=" networks", delay=delay)

    def reached(self, done: int) -> None:
        """So many networks of the sweep are done."""
        done = max(self.done, min(done, self.total))
        if self.bar is not None:
            self.bar.update(done - self.done)
        self.done = done
        if self.shown and self.begun and self.bar is None and perf_counter() - self.said >= LINE_SECONDS:
            self._say_line()

    def _say_line(self) -> None:
        self.said = perf_counter()
        rate = (self.done - self.before) / max(self.said - self.began, 1e-9)
        left = (
            f", {duration((self.total - self.done) / rate)} left"
            if rate > 0 and self.done < self.total
            else ""
        )
        done = f"{grouped(self.done)}/{counted(self.total, 'network')}, {100 * self.done / self.total:.0f} %"
        tell(f"{done}, {grouped(round(rate))}/s{left}")


class Epochs:
    """Shows how many epochs of a training are over, from two seconds on; nothing of it is raised.

    Parameters
    ----------
    total : int
    show : bool, optional
        By default on a terminal and in a notebook; with True also elsewhere, in lines.
    """

    def __init__(self, total: int, show: bool | None) -> None:
        self.drawing = is_terminal(sys.stderr) or in_notebook()
        self.shown = self.drawing if show is None else flag(show, "progress")
        self.total = total
        self.began = self.said = perf_counter()
        self.bar: Bar | None = None

    def __enter__(self) -> Epochs:
        return self

    def __exit__(self, *why: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def reached(self, done: int) -> None:
        """So many epochs are over."""
        now = perf_counter()
        if self.bar is not None:
            self.bar.reach(done)
        elif not self.shown or now - self.began < UNASKED_SECONDS:
            return
        elif self.drawing:
            self.bar = Bar(self.total, done, unit=" epochs")
        elif now - self.said >= LINE_SECONDS:
            self.said = now
            tell(f"{grouped(done)}/{counted(self.total, 'epoch')}, {100 * done / self.total:.0f} %")


class Bar:
    """A progress bar on standard error, of which nothing is raised: work goes on where it cannot be drawn.

    Parameters
    ----------
    total, done : int
        What there is to do, and what of it was done before.
    looks
        Further arguments of `tqdm.tqdm`.
    """

    def __init__(self, total: int, done: int = 0, **looks: Any) -> None:
        self.drawn: Any = None
        tell_notes()  # after this the line belongs to the bar
        looks = {"total": total, "initial": done, "dynamic_ncols": True, "mininterval": 0.2, **looks}
        with suppress(Exception):
            if in_notebook() and find_spec("ipywidgets") is not None:
                from tqdm.notebook import tqdm as widget

                self.drawn = widget(**looks)
            else:
                from tqdm import tqdm

                if not _width():  # some terminals do not know, and nothing would be drawn
                    looks |= {"dynamic_ncols": False, "ncols": NARROW}
                self.drawn = tqdm(file=Words(), **looks)

    def update(self, more: int) -> None:
        """So much more is done."""
        with suppress(Exception):
            self.drawn.update(more)

    def reach(self, done: int) -> None:
        """So much is done by now."""
        with suppress(Exception):
            self.drawn.update(done - self.drawn.n)

    def name(self, what: str) -> None:
        """Name what is being done."""
        with suppress(Exception):
            self.drawn.set_description(what)

    def close(self) -> None:
        """Leave the bar as it is."""
        with suppress(Exception):
            self.drawn.close()


def _width() -> int:
    """How many columns the terminal has; 0 where that is not known."""
    with suppress(Exception):
        return os.get_terminal_size(sys.stderr.fileno()).columns
    return 0


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    with suppress(Exception):
        ipython = sys.modules.get("IPython")
        return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
    return False


def duration(seconds: float) -> str:
    """A time in the two units that matter: 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(bytes_: float) -> str:
    """A number of bytes: 84 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if bytes_ < 1000:
            return f"{bytes_:.3g} {unit}"
        bytes_ /= 1000
    return f"{bytes_:.3g} TB"
