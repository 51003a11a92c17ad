"""Shards on any executor: processes here, or workers on other machines.

Only submit, result and wait of `concurrent.futures` are used. A shard is a pure function of the sweep's
description and its number; what a worker sends back is bytes with a digest. So it does not matter who
computes a shard, when, or how often.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from fastnn.checking import InputError, shown
from fastnn.describing import arrays_of, described, design_of
from fastnn.designing import Design, Results
from fastnn.executors import maker_of, refuse_a_script_read_again, refuse_what_cannot_be_read_again
from fastnn.grid import Numbers
from fastnn.packing import DamageError, pack, unpack
from fastnn.places import Place
from fastnn.progress import Progress

__all__ = ["Crew", "compute", "order"]

POLL_SECONDS = 0.1
ASK_SECONDS = 5.0
ATTEMPTS = 3
# Shards handed over for each worker: one that it works on, one that waits for it.
WINDOW = 2
MOST_BREAKS = 2 * ATTEMPTS  # of executors that never answered: the next would not, either


def order(design: Design, every: int, curve_dtype: str) -> bytes:
    """Everything that a worker must know of a sweep."""
    values = {"plan": described(design), "engine": design.plan.engine, "every": every, "dtype": curve_dtype}
    return pack(values, arrays_of(design))


def compute(order: bytes, *edges: int) -> bytes:
    """Train networks of the sweep that was ordered; never raises.

    Those from the first edge to before the second, from the third to before the fourth, and so on.

    Runs in a worker. The answer is packed: the results, or in ``error`` why there are none.
    """
    try:
        design, every, curve_dtype = _design(order)
        numbers = Numbers(tuple(map(range, edges[::2], edges[1::2])))
        results = design.room(numbers, every, curve_dtype)
        for block in design.blocks(numbers, 1):
            design.train(block, results)
    except Exception as error:
        return pack({"error": f"{type(error).__name__}: {error}"}, {})
    arrays = {name: getattr(results, name) for name in ("parameters", "loss", "diverged", "curves")}
    return pack({"edges": edges, "every": every}, arrays | results.measured)


def _edges(numbers: Numbers) -> list[int]:
    """Where the ranges of numbers begin and end, as a worker is told."""
    return [edge for some in numbers.ranges for edge in (some.start, some.stop)]


@lru_cache(maxsize=2)
def _design(order: bytes) -> tuple[Design, int, str]:
    values, arrays = unpack(order)
    design = design_of(values["plan"], arrays, values["engine"])
    return design, values["every"], values["dtype"]


def _results(answer: Any, numbers: Numbers, design: Design) -> Results:
    """What a worker sent back, after a look at every bit; raises DamageError or RuntimeError."""
    values, arrays = unpack(answer)
    if "error" in values:
        raise RuntimeError(values["error"])
    measured = {name: arrays.pop(name, np.empty(0)) for name in design.measures}
    columns: dict[str, Any] = {"curves": None, **arrays}
    results = Results(numbers, every=values["every"], **columns, measured=measured)
    shape = (len(numbers), design.plan.network.n_parameters)
    sizes = {len(results), *map(len, measured.values())}
    if (values["edges"], results.parameters.shape, sizes) != (_edges(numbers), shape, {len(numbers)}):
        raise DamageError(f"networks {numbers} were asked for, others came back")
    return results


class Crew:
    """Workers of any kind, and what is known of them.

    Parameters
    ----------
    given : int, concurrent.futures.Executor, distributed.Client, or a function that makes one of these
        A number is that of processes on this machine.
    workers : int, optional
        How many shards are worked on at a time, where the executor does not say.
    """

    def __init__(self, given: Any, workers: int | None) -> None:
        self.maker = maker_of(given)
        self.workers = workers
        self.given = self.maker() if self.maker else given
        refuse_what_cannot_be_read_again(self.given)
        self.executor = _executor(self.given)
        self.threads, self.asked = 1, -ASK_SECONDS  # of a cluster
        self.answered, self.breaks, self.why = False, 0, ""

    @property
    def parallel(self) -> int:
        """How many shards are worked on at a time; a cluster is asked again as it grows."""
        if self.workers is not None:
            return self.workers
        if hasattr(self.given, "nthreads"):
            if perf_counter() - self.asked > ASK_SECONDS and self.given.status == "running":
                self.asked = perf_counter()
                self.threads = max(1, sum(self.given.nthreads().values()))
            return self.threads
        known = getattr(self.given, "_max_workers", None)
        return known if isinstance(known, int) and known > 0 else os.cpu_count() or 1

    @property
    def gone(self) -> bool:
        """Whether the scheduler of a distributed.Client has left for good."""
        return getattr(self.given, "status", "running") in ("closed", "closing")

    def replace(self) -> bool:
        """Make new workers, if a function was given that can."""
        if self.maker is None:
            return False
        self.dismiss()
        self.given = self.maker()
        self.executor = _executor(self.given)
        return True

    def dismiss(self) -> None:
        """Let go of workers that were made here, at once; leave alone those that were given."""
        if self.maker is None:
            return
        processes = dict(getattr(self.given, "_processes", None) or {})
        with contextlib.suppress(Exception):  # it may be broken, which is why it goes
            if hasattr(self.given, "nthreads"):
                self.given.close(timeout=2)
            else:
                self.given.shutdown(wait=False, cancel_futures=True)
        for process in processes.values():
            with contextlib.suppress(Exception):
                process.kill()

    def work(
        self, place: Place, check: Callable[[Results], None] | None, progress: Progress
    ) -> tuple[bool, list[str]]:
        """Have what is missing computed; return whether Ctrl-C stopped it, and what could not be done.

        `check` is shown the results of every shard before they are kept, and may raise.
        """
        ordered = order(place.design, place.every, place.curve_dtype)
        queue = _Queue(place.shards())
        pending: dict[Future[bytes], Numbers] = {}
        try:
            while queue.more() or pending:
                self._hand_over(queue, pending, ordered)
                finished, _ = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
                broken, company = self.gone, len(pending) > 1
                for future in finished:
                    numbers = pending.pop(future)
                    try:
                        answer = future.result()
                        self.answered = True
                        results = _results(answer, numbers, place.design)
                    except (Exception, CancelledError) as error:
                        breaks = self.gone or isinstance(error, BrokenExecutor)
                        self.why = f"{type(error).__name__}: {error}"
                        queue.lost(numbers, self.why, breaks and company)
                        broken |= breaks
                        continue
                    if check is not None:
                        check(results)
                    place.keep(results)
                    progress.reached(place.done)
                if broken:
                    self._begin_anew(queue, pending, company)
        except KeyboardInterrupt:
            return True, queue.failures
        finally:
            for future in pending:
                future.cancel()
        return False, queue.failures

    def _begin_anew(self, queue: _Queue, pending: dict[Future[bytes], Numbers], company: bool) -> None:
        """Replace an executor that broke, or give up; all that it had in hand is lost."""
        refuse_a_script_read_again(self.given)
        for numbers in pending.values():
            queue.lost(numbers, "the executor broke", company)
        pending.clear()
        self.breaks += 1
        if not self.answered and (self.maker is None or self.breaks == MOST_BREAKS):
            queue.give_up(f"the executor broke before it answered anything ({self.why})")
        elif not self.replace():
            queue.give_up(f"the executor broke ({self.why}); a function that makes one could replace it")

    def _hand_over(self, queue: _Queue, pending: dict[Future[bytes], Numbers], ordered: bytes) -> None:
        """Fill the window; a suspect is handed over when nothing else is, and nothing beside it."""
        room = WINDOW * self.parallel - len(pending)
        if queue.suspects:
            room = int(not pending)
        elif any(queue.suspected(numbers) for numbers in pending.values()):
            room = 0
        for _ in range(room):
            numbers = queue.next()
            if numbers is None:
                return
            future = self._submitted(ordered, numbers)
            pending[future] = numbers
            if future.done() and isinstance(future.exception(), BrokenExecutor):
                return

    def _submitted(self, ordered: bytes, numbers: Numbers) -> Future[bytes]:
        try:
            future = self.executor.submit(compute, ordered, *_edges(numbers))
        except Exception as error:  # a broken pool refuses; its futures tell, or the next round does
            broken = error if isinstance(error, BrokenExecutor) else BrokenExecutor(str(error))
            future = Future()
            future.set_exception(broken)
        if not isinstance(future, Future):
            raise InputError(
                "an executor's submit must return a concurrent.futures.Future; "
                f"got {shown(future)} of {shown(self.executor)}. Give one of concurrent.futures, or a number."
            )
        return future


class _Queue:
    """The shards that are still to be handed over: those that were lost first."""

    def __init__(self, shards: Iterable[Numbers]) -> None:
        self.coming: Iterator[Numbers] = iter(shards)
        self.again: list[Numbers] = []
        self.suspects: list[Numbers] = []
        self.attempts: dict[int, int] = {}
        self.failures: list[str] = []

    def more(self) -> bool:
        """Whether a shard is left."""
        if not self.again and not self.suspects:
            self.again += [numbers for numbers in [next(self.coming, None)] if numbers is not None]
        return bool(self.again or self.suspects)

    def next(self) -> Numbers | None:
        """The next shard; a suspect is handed over when nothing else is."""
        if not self.more():
            return None
        return self.suspects.pop(0) if self.suspects else self.again.pop(0)

    def suspected(self, numbers: Numbers) -> bool:
        """Whether a shard was in hand every time that an executor broke."""
        return self.attempts.get(numbers.first, 0) >= ATTEMPTS

    def lost(self, numbers: Numbers, reason: str, company: bool) -> None:
        """A shard did not come back: it is tried again, three times in all.

        Where an executor broke that had others in hand as well, who broke it is not known. So after three
        such losses a shard is only suspected, and tried once more, alone.
        """
        count = self.attempts[numbers.first] = self.attempts.get(numbers.first, 0) + 1
        if count < ATTEMPTS:
            self.again.insert(0, numbers)
        elif company:
            self.suspects.append(numbers)
        else:
            self.failures.append(f"networks {numbers}: {reason}")

    def give_up(self, reason: str) -> None:
        """Nothing more can be done."""
        left = [*self.suspects, *self.again, *self.coming]
        self.again, self.suspects = [], []
        if left:
            self.failures.append(f"{len(left)} shards: {reason}")


def _executor(given: Any) -> Any:
    """The executor of what was given: of a distributed.Client, its own."""
    # pure=False: a shard that was lost is computed again, not looked up.
    return given.get_executor(pure=False) if hasattr(given, "get_executor") else given
