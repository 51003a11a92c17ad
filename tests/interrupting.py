"""Ctrl-C in the middle of a sweep, as a terminal sends it to this process."""

import itertools
import signal
import threading
import time

from fastnn.sweeping import splitting
from fastnn.sweeping.design import Design


def interrupt_after(monkeypatch, chunks):
    """For a test, press Ctrl-C once, when a number of small chunks are finished; returns when, in a list."""
    original, finished, moments = Design.train, itertools.count(1), []

    def train(*arguments):
        original(*arguments)
        for_an_estimate = threading.current_thread() is threading.main_thread()
        if not for_an_estimate and next(finished) == chunks:
            moments.append(time.perf_counter())
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Design, "train", train)
    monkeypatch.setattr(splitting, "CHUNK_SECONDS", 0.002)
    return moments
