"""What a sweep says while it runs: on a terminal a bar, in a log file a line now and then."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Any

from fastnn.checking import flag

__all__ = ["Progress", "duration", "grouped", "size"]

LINE_SECONDS = 10.0


class Progress:
    """Tells how many networks are done, how fast and how much time is left, on standard error.

    Parameters
    ----------
    total, done : int
        Networks of the sweep, and how many of them were done before.
    show : bool, optional
        By default on a terminal only; with True also elsewhere, in lines.
    """

    def __init__(self, total: int, done: int, show: bool | None) -> None:
        terminal = sys.stderr.isatty()
        self.shown = terminal if show is None else flag(show, "progress")
        self.total, self.done, self.before = total, done, done
        self.terminal = terminal
        self.began = self.said = perf_counter()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        if self.shown and self.terminal:
            from tqdm import tqdm

            self.bar = tqdm(
                total=self.total, initial=self.done, unit=" networks", dynamic_ncols=True, mininterval=0.2
            )
        self.began = self.said = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif self.shown:
            self._say_line()

    def say(self, text: str) -> None:
        """Say something beside the progress itself."""
        if self.shown:
            print(text, file=sys.stderr, flush=True)

    def reached(self, done: int) -> None:
        """So many networks of the sweep are done."""
        done = max(self.done, min(done, self.total))
        if self.bar is not None:
            self.bar.update(done - self.done)
        self.done = done
        if self.shown and self.bar is None and perf_counter() - self.said >= LINE_SECONDS:
            self._say_line()

    def _say_line(self) -> None:
        self.said = perf_counter()
        rate = (self.done - self.before) / max(self.said - self.began, 1e-9)
        left = (
            f", {duration((self.total - self.done) / rate)} left"
            if rate > 0 and self.done < self.total
            else ""
        )
        counted = f"{grouped(self.done)}/{grouped(self.total)} networks, {100 * self.done / self.total:.0f} %"
        self.say(f"{counted}, {grouped(round(rate))}/s{left}")


def grouped(number: int) -> str:
    """A whole number in groups of three digits: 1 000 000."""
    return f"{number:,}".replace(",", " ")


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
