"""The progress of a sweep or a training: a bar on a terminal, a line every ten seconds in a log file."""

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
UNASKED_SECONDS = 2.0  # a notebook or a training shows a bar that nobody asked for after this time


class Progress:
    """Tells on standard error how many networks are done, how fast they are and how much time is left.

    It never raises: a failure to write is ignored.

    Parameters
    ----------
    total, done : int
        The networks of the sweep, and how many of them were done before.
    show : bool, optional
        By default progress is shown on a terminal, and in a notebook after two seconds. True shows it
        everywhere: as lines where there is neither.
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
        """Say something before the work begins: from then on the line belongs to the bar."""
        if self.shown and not self.delayed:
            tell(text)

    def begin(self) -> None:
        """Begin the work, and the time from which the rate is computed."""
        self.begun = True
        self.began = self.said = perf_counter()
        if self.shown and (self.terminal or self.notebook):
            delay = UNASKED_SECONDS if self.delayed else 0.0
            self.bar = Bar(self.total, self.done, unit=" networks", delay=delay)

    def reached(self, done: int) -> None:
        """Show that `done` networks of the sweep are done."""
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
    """Shows how many epochs of a training are over, after two seconds of work; it never raises.

    Parameters
    ----------
    total : int
    show : bool, optional
        By default progress is shown on a terminal and in a notebook. True shows it everywhere: as lines
        where there is neither.
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
        """Show that `done` epochs are over."""
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
    """A progress bar on standard error. It never raises: if it cannot be drawn, the work goes on.

    Parameters
    ----------
    total, done : int
        The number of units of work, and how many of them were done before.
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

                if not _width():  # some terminals report no width, and tqdm would draw nothing
                    looks |= {"dynamic_ncols": False, "ncols": NARROW}
                self.drawn = tqdm(file=Words(), **looks)

    def update(self, more: int) -> None:
        """Show that `more` units of work are done."""
        with suppress(Exception):
            self.drawn.update(more)

    def reach(self, done: int) -> None:
        """Show that `done` units of work are done in all."""
        with suppress(Exception):
            self.drawn.update(done - self.drawn.n)

    def name(self, what: str) -> None:
        """Show `what` as the name of the present work."""
        with suppress(Exception):
            self.drawn.set_description(what)

    def close(self) -> None:
        """End the bar and leave it as it is."""
        with suppress(Exception):
            self.drawn.close()


def _width() -> int:
    """The number of the terminal's columns; 0 if it is unknown."""
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
    """A time in its two largest units: 3 h 20 min."""
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
