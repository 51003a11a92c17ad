"""Threads that train chunks of a sweep until none is left: the default, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event, Lock

from fastnn.sweeping.design import Part, Results
from fastnn.sweeping.splitting import Chunk
from fastnn.sweeping.work.places import Place
from fastnn.system.progress import Progress
from fastnn.training.sharing import Helpers

__all__ = ["train_here"]

POLL_SECONDS = 0.1


class _Stopped(Exception):  # noqa: N818 - an answer to a request, not an error
    """Raised inside a thread to leave a half-trained chunk."""


class _Crew:
    """The state that the threads share."""

    def __init__(
        self, place: Place, workers: int, check: Callable[[Results], None] | None, helpers: Helpers
    ) -> None:
        self.helpers = helpers
        self.design = place.design
        self.parts = place.parts(workers)
        self.part: Part | None = None  # the one that chunks are taken from
        self.deliver = place.keep
        self.check = check
        self.stop = Event()
        self.lock = Lock()
        self.trained = 0.0  # in networks; half a training counts 0.5

    def take_chunks(self, worker: int) -> None:
        with suppress(_Stopped), self.helpers.busy():
            while not self.stop.is_set():
                with self.lock:
                    part, chunk = self.next_for(worker)
                if part is None or chunk is None:
                    return
                self.train(part, chunk)

    def next_for(self, worker: int) -> tuple[Part | None, Chunk | None]:
        """The next chunk for a worker, and its part; (None, None) if none is left."""
        while self.part is None or (chunk := self.part.next_for(worker)) is None:
            self.part = next(self.parts, None)
            if self.part is None:
                return None, None
        return self.part, chunk

    def train(self, part: Part, chunk: Chunk) -> None:
        """Train a chunk; deliver its part if this was the part's last chunk."""

        def pause(networks: float) -> None:
            with self.lock:
                self.trained += networks
            if self.stop.is_set():
                raise _Stopped

        self.design.train(chunk, part.results, pause, self.helpers)
        if self.check is not None:
            self.check(part.results.only(chunk))
        with self.lock:
            part.finished[chunk.place : chunk.place + chunk.count] = True
            part.unfinished -= 1
            complete = not part.unfinished
        if complete:
            self.deliver(part.results)


def train_here(
    place: Place, workers: int, check: Callable[[Results], None] | None, progress: Progress
) -> bool:
    """Train the missing networks on threads; return whether Ctrl-C stopped it.

    A thread without work asks for the next part, so at most one part per thread is under way; where there is
    none, it helps the others. The thread that finishes a part keeps it. `check` gets the results of every
    chunk and may raise.
    """
    done_before = progress.done
    with ThreadPoolExecutor(workers) as pool:
        crew = _Crew(place, workers, check, Helpers(pool, workers))
        try:
            unfinished = threads = {pool.submit(crew.take_chunks, worker) for worker in range(workers)}
            while unfinished and not any(thread.done() and thread.exception() for thread in threads):
                _, unfinished = wait(unfinished, POLL_SECONDS, FIRST_EXCEPTION)
                progress.reached(done_before + int(crew.trained))
        except KeyboardInterrupt:
            return True
        finally:
            crew.stop.set()
        for thread in threads:
            thread.result()
    return False
