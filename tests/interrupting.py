"""Ctrl-C in the middle of a sweep, as a terminal sends it to this process."""

import itertools
import signal
import time

from fastnn.sweeping.design import Design


def interrupt_after(monkeypatch, chunks):
    """For a test, press Ctrl-C once, when so many chunks are finished; returns the list of when it was."""
    original, finished, moments = Design.train, itertools.count(1), []

    def train(*arguments):
        original(*arguments)
        if next(finished) == chunks:
            moments.append(time.perf_counter())
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Design, "train", train)
    return moments
