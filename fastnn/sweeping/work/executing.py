"""Shards on any executor: processes here, or workers on other machines.

Only submit, result and wait of `concurrent.futures` are used. A shard is a pure function of the sweep's
description and the shard's numbers. A worker's answer is bytes with a digest; it is compared with the request
and with the identity of this process. So it does not matter which worker computes a shard, when or how often.
If an executor falls silent, this process computes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from threading import Thread
from time import perf_counter, sleep
from typing import Any

from fastnn.checking import InputError, shown
from fastnn.showing.lettering import counted
from fastnn.sweeping.design import Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work.executors import (
    Width,
    executor_of,
    maker_of,
    refuse_a_script_read_again,
    refuse_what_cannot_be_read_again,
)
from fastnn.sweeping.work.places import Place
from fastnn.sweeping.work.shard_queue import Lost, ShardQueue
from fastnn.sweeping.work.silence import Silence, trained_here
from fastnn.sweeping.work.tasks import compute, edges_of, results_of, task, told
from fastnn.system.calling import at_most, submitted
from fastnn.system.progress import Progress

__all__ = ["Crew"]

POLL_SECONDS = 0.1
# Shards handed over for each worker: one that it works on, one that waits for it.
WINDOW = 2
# An executor that has nothing in hand but takes nothing is busy: asked again after 0.1 s, 0.2 s, 0.4 s, ...
MOST_REFUSALS = 6
# The breaks allowed in any case, and the number of answers that allow one more.
FEW_BREAKS, ANSWERS_FOR_A_BREAK = 6, 4
CLOSING_SECONDS = 5.0


class Crew:
    """Workers of any kind, and their history.

    Parameters
    ----------
    given : int, concurrent.futures.Executor, distributed.Client, or a function that makes one of these
        An int is a number of processes on this machine.
    workers : int, optional
        The number of shards worked on at a time, if the executor does not tell.
    """

    def __init__(self, given: Any, workers: int | None) -> None:
        self.maker = maker_of(given)
        self.workers = workers
        self.given = self.maker() if self.maker else given
        refuse_what_cannot_be_read_again(self.given)
        self.executor = executor_of(self.given)
        self.width = Width(self.given, workers)
        self.answers, self.breaks, self.why = 0, 0, ""
        self.answered = False  # by this executor
        # If executors break one after the other without an answer: the shards that were in hand every time,
        # one of which may be to blame.
        self.blamed: set[int] | None = None
        self.refusals, self.wait_until = 0, 0.0
        self.silence = Silence()
        # The future result of `submit`, and the shard submitted, unless that was computed here meanwhile.
        self.reply: Future[Any] | None = None
        self.offered: Numbers | None = None

    @property
    def gone(self) -> bool:
        """Whether the given distributed.Client is closed for good."""
        return getattr(self.given, "status", "running") in ("closed", "closing")

    def replace(self) -> str:
        """Make new workers; return an empty text, or the reason why there are none."""
        if self.maker is None:
            return "a function that makes one could replace it"
        self.dismiss()
        before = self.given
        try:
            self.given = self.maker()
            self.executor = executor_of(self.given)
        except Exception as error:
            return f"it could not be replaced: {told(error)}"
        if self.given is before:
            return "it could not be replaced: the function gave the same one again"
        self.answered, self.refusals, self.wait_until = False, 0, 0.0
        self.silence, self.width, self.reply = Silence(), Width(self.given, self.workers), None
        return ""

    def dismiss(self) -> None:
        """Dismiss workers that were made here, at once; leave alone workers that were given."""
        if self.maker is None:
            return
        processes: dict[Any, Any] = {}
        manager = getattr(self.given, "_executor_manager_thread", None)
        with contextlib.suppress(Exception):  # the executor may be broken
            processes |= getattr(self.given, "_processes", None) or {}
            if hasattr(self.given, "nthreads"):
                at_most(CLOSING_SECONDS, self.given.close, timeout=2)
            else:
                at_most(CLOSING_SECONDS, self.given.shutdown, wait=False, cancel_futures=True)
        for process in processes.values():
            with contextlib.suppress(Exception):
                process.kill()
        if isinstance(manager, Thread):  # at Python's exit it may close a pipe that is being written to
            manager.join(CLOSING_SECONDS)

    def work(
        self, place: Place, check: Callable[[Results], None] | None, progress: Progress
    ) -> tuple[bool, Lost]:
        """Have the missing shards computed; return whether Ctrl-C stopped it, and the lost shards.

        `check` gets the results of every shard before they are kept, and may raise.
        """
        packed = task(place.design, place.every, place.curve_dtype)
        queue = ShardQueue(place.shards(self.width.now))
        pending: dict[Future[bytes], Numbers] = {}

        def keep(results: Results) -> None:
            if check is not None:
                check(results)
            place.keep(results)
            progress.reached(place.done)

        self.silence = Silence()
        try:
            while queue.more() or pending or self.offered:
                self._hand_over(queue, pending, packed)
                finished = self._finished(pending)
                broken, company = self.gone, len(self._out(pending)) > 1
                in_hand = {numbers.first for numbers in self._out(pending)}
                for future in finished:
                    self.wait_until = 0.0
                    numbers = pending.pop(future)
                    self.silence.ends(numbers)
                    try:
                        results = self._answer(future, numbers, place)
                    except (Exception, CancelledError) as error:
                        breaks = self.gone or isinstance(error, BrokenExecutor)
                        self.why = told(error)
                        queue.lost(numbers, self.why, breaks and company)
                        broken |= breaks
                        continue
                    keep(results)
                if broken:
                    for numbers in self._out(pending):
                        queue.lost(numbers, "the executor broke", company)
                    pending.clear()
                    self.offered = None
                    self._begin_anew(queue, in_hand)
                elif not finished and self.silence.is_long(place, self._out(pending)):
                    self.silence.tell(stacklevel=4)
                    helped = self._help(queue, pending, place)
                    if helped is not None:
                        keep(helped)
        except KeyboardInterrupt:
            return True, queue.failed
        finally:
            at_most(CLOSING_SECONDS, _cancel, *pending)
        return False, queue.failed

    def _out(self, pending: dict[Future[bytes], Numbers]) -> list[Numbers]:
        """The shards that are handed over or being handed over."""
        return [*pending.values(), *([] if self.offered is None else [self.offered])]

    def _finished(self, pending: dict[Future[bytes], Numbers]) -> list[Future[bytes]]:
        """The finished futures, after a short wait for one, or for `submit` to return."""
        awaited = [*pending, *([] if self.reply is None else [self.reply])]
        if not awaited:  # the executor is busy
            sleep(POLL_SECONDS)
            return []
        finished, _ = wait(awaited, POLL_SECONDS, FIRST_COMPLETED)
        # `wait` overlooks futures that were cancelled before any work on them.
        return [future for future in pending if future in finished or future.cancelled()]

    def _help(self, queue: ShardQueue, pending: dict[Future[bytes], Numbers], place: Place) -> Results | None:
        """Compute here the shard that is least likely to be under way; return None if its answer came first.

        A shard that was in hand whenever an executor broke is left out: it might end this process, too.
        """
        future = None
        numbers = queue.other_than([suspect.first for suspect in queue.suspects])
        if numbers is None and self.offered is not None:
            numbers, self.offered = self.offered, None
        elif numbers is None and pending:
            future, numbers = next(reversed(pending.items()))
        numbers = numbers or queue.next()
        if numbers is None:
            return None
        results = None
        if queue.suspected(numbers):
            queue.lost(numbers, "it was in hand when executors broke, and now the executor is silent", False)
        else:
            try:
                results = trained_here(place, numbers, lambda: future is not None and future.done())
            except Exception as error:
                queue.lost(numbers, told(error), False)
            else:
                if results is None:
                    return None
        if future is not None:
            del pending[future]
            at_most(CLOSING_SECONDS, _cancel, future)
            self.wait_until = 0.0
        return results

    def _answer(self, future: Future[bytes], numbers: Numbers, place: Place) -> Results:
        """Return the results in a finished future, or raise its error."""
        error = future.exception()  # a SystemExit ended the worker and must not end this process
        if error is not None:
            raise error if isinstance(error, Exception | CancelledError) else RuntimeError(told(error))
        answer = future.result()
        self.answered, self.blamed, self.answers = True, None, self.answers + 1
        return results_of(answer, numbers, place.design, place.every, place.curve_dtype)

    def _begin_anew(self, queue: ShardQueue, in_hand: set[int]) -> None:
        """Replace an executor that broke, or give up."""
        refuse_a_script_read_again(self.given)
        self.breaks += 1
        again = self.blamed is not None
        if not self.answered:
            self.blamed = in_hand if self.blamed is None else self.blamed & in_hand
        if not queue.more():
            return
        broke = f"the executor broke{'' if self.answered else ' before it answered anything'} ({self.why})"
        if not self.answered and again and not (self.blamed and queue.has_other_than(self.blamed)):
            queue.give_up(f"{broke}, twice in a row")
        elif self.breaks >= FEW_BREAKS + self.answers // ANSWERS_FOR_A_BREAK:
            queue.give_up(
                f"{broke}; so did {self.breaks - 1} before it, for {counted(self.answers, 'answer')}"
            )
        elif reason := self.replace():
            queue.give_up(f"{broke}; {reason}")

    def _hand_over(self, queue: ShardQueue, pending: dict[Future[bytes], Numbers], packed: bytes) -> None:
        """Hand over shards until the window is full; a suspect only alone, when nothing else is in hand."""
        if self.reply is not None and not self._taken(self.reply, queue, pending):
            return
        if perf_counter() < self.wait_until:
            return
        room = WINDOW * self.width.now - len(pending)
        if queue.suspects or self.blamed is not None:
            room = int(not pending)
        elif any(queue.suspected(numbers) for numbers in pending.values()):
            room = 0
        for _ in range(room):
            numbers = queue.other_than(self.blamed) if self.blamed else None
            numbers = numbers or queue.next()
            if numbers is None:
                return
            self.silence.hands(numbers, alone=not pending)
            self.offered = numbers
            self.reply = submitted(self.executor, compute, packed, *edges_of(numbers))
            if not self._taken(self.reply, queue, pending):
                return

    def _taken(self, reply: Future[Any], queue: ShardQueue, pending: dict[Future[bytes], Numbers]) -> bool:
        """Whether `submit` has returned, so that it can be called again."""
        with contextlib.suppress(TimeoutError):
            reply.exception(POLL_SECONDS)
        if not reply.done():
            return False
        numbers, self.offered, self.reply = self.offered, None, None
        future = self._submitted(reply, pending)
        if numbers is None:  # computed here meanwhile
            if future is not None:
                at_most(CLOSING_SECONDS, _cancel, future)
            return future is not None
        if future is None:
            queue.postpone(numbers)
            return False
        pending[future] = numbers
        ended = future.done() and not future.cancelled()
        return not (ended and isinstance(future.exception(), BrokenExecutor))

    def _submitted(self, reply: Future[Any], pending: dict[Future[bytes], Numbers]) -> Future[bytes] | None:
        """Return the future of a shard, or a failed future with the reason; None if the shard has to wait."""
        error = reply.exception()
        if isinstance(error, KeyboardInterrupt):
            raise error
        if error is not None:
            return self._refused(error, bool(pending))
        future = reply.result()
        self.refusals = 0
        if isinstance(future, Future) and future not in pending:
            return future
        if isinstance(future, Future):
            return _failed(RuntimeError("the executor gave one future for two shards"))
        reason = (
            "an executor's submit must return a concurrent.futures.Future; "
            f"got {shown(future)} of {shown(self.executor)}. Give one of concurrent.futures, or a number."
        )
        if not self.answers and not pending:
            raise InputError(reason)
        return _failed(BrokenExecutor(reason))

    def _refused(self, error: BaseException, waiting: bool) -> Future[bytes] | None:
        """Return a failed future if the executor is broken; None if it is busy and is to be asked later."""
        if self.gone or isinstance(error, BrokenExecutor) or "after shutdown" in str(error):
            return _failed(error if isinstance(error, BrokenExecutor) else BrokenExecutor(str(error)))
        self.wait_until = float("inf")  # until a shard in its hands is finished
        if not waiting:
            self.refusals += 1
            self.wait_until = perf_counter() + POLL_SECONDS * 2 ** (self.refusals - 1)
        if self.refusals < MOST_REFUSALS:
            return None
        return _failed(
            BrokenExecutor(f"it refused work {counted(self.refusals, 'time')} in a row: {told(error)}")
        )


def _cancel(*futures: Future[Any]) -> None:
    for future in futures:
        future.cancel()


def _failed(error: Exception) -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_exception(error)
    return future
