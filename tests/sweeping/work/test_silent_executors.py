"""Executors that hang, in memory and with a store: nothing waits for them, is lost or counted twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_sweeps import SHARDS, faults, store, swept, usual_digest

from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work import executing, places, silence
from fastnn.system.calling import submitted

__all__ = ["store"]  # a fixture

TOTAL = 84
TESTS = Path(__file__).parents[2]


class Over(threading.Event):
    """What a call waits for that never returns, until the test is over; `waiting` counts such calls.

    `later` holds calls that are made one by one, each when nobody is at work.
    """

    def __init__(self):
        super().__init__()
        self.waiting, self.later = 0, []

    def wait(self):
        self.waiting += 1
        super().wait()
        self.waiting -= 1


@pytest.fixture
def over():
    event = Over()
    yield event
    event.set()


@pytest.fixture
def few_at_a_time(monkeypatch):
    """Shards of 16 networks in memory, too, and short waits."""
    monkeypatch.setattr(places, "SHARD", 16)
    monkeypatch.setattr(executing, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(executing, "CLOSING_SECONDS", 0.1)


@pytest.fixture(params=["memory", "store"])
def patient(request, store, few_at_a_time):
    """Where the results go, for executors that are not silent."""
    return {} if request.param == "memory" else {"store": store}


@pytest.fixture
def place(patient, over, monkeypatch):
    """Where the results go. A silence is long at once if no call of `submit` is at work.

    So a busy machine, where work takes long, makes no executor seem silent.
    """
    now, replies = [0.0], []

    def asked(*work):
        replies.append(submitted(*work))
        return replies[-1]

    def waited(*options):
        finished = wait(*options)
        if not finished.done and sum(not reply.done() for reply in replies) == over.waiting:
            if over.later:
                over.later.pop()()
            else:
                now[0] += silence.LEAST_SECONDS
        return finished

    monkeypatch.setattr(silence, "perf_counter", lambda: now[0])
    monkeypatch.setattr(silence, "MOST_SHARDS", 1)
    monkeypatch.setattr(executing, "submitted", asked)
    monkeypatch.setattr(executing, "wait", waited)
    return patient


def done(call, *arguments):
    future = Future()
    future.set_result(call(*arguments))
    return future


class Here:
    """Works at once, in `submit`; `odd` says what it does instead, or returns None."""

    _max_workers = 2

    def __init__(self, odd):
        self.odd, self.calls, self.firsts, self.futures = odd, 0, [], []

    def submit(self, call, task, first, *rest):
        self.calls += 1
        self.firsts.append(first)
        self.futures.append(self.odd(self.calls, first) or done(call, task, first, *rest))
        return self.futures[-1]

    def shutdown(self, **options):
        """As all executors."""


def raises(error):
    raise error


def whole(place, **options):
    """An undisturbed sweep, in which every network was kept once; the warning is the caller's."""
    with pytest.warns(RuntimeWarning, match="executor has answered nothing for .* are computed here") as told:
        sweep = swept(**options, **place)
    assert [Path(warning.filename).name for warning in told] == ["small_sweeps.py"]
    assert (len(sweep), sweep.failures, sweep.interrupted, sweep.ran) == (TOTAL, (), False, TOTAL)
    assert sweep.digest() == usual_digest()
    if place:
        assert faults(place["store"]) == []
        assert swept(curves=options.get("curves", False), **place).digest() == usual_digest()
    return sweep


HANGS = {
    "never answers": lambda calls, first, over: Future(),
    "is silent after the first answers": lambda calls, first, over: Future() if calls > 3 else None,
    "answers all but one": lambda calls, first, over: Future() if first == 21 else None,
    "answers every second": lambda calls, first, over: Future() if calls % 2 else None,
    "never returns": lambda calls, first, over: over.wait(),
    "does not return from the third on": lambda calls, first, over: over.wait() if calls > 2 else None,
    "does not return for one": lambda calls, first, over: over.wait() if first == 21 else None,
    "is silent and does not return": lambda calls, first, over: Future() if calls < 3 else over.wait(),
    "is silent and refuses": lambda calls, first, over: Future() if calls < 3 else raises(OSError("full")),
}


@cache
def usual_curves():
    """The curves of that sweep, of every fifth epoch."""
    return swept(curves=5).curves


class TestHanging:
    @pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS.keys())
    def test_the_rest_is_computed_here(self, place, hang, over):
        executor = Here(lambda calls, first: hang(calls, first, over))
        whole(place, executor=executor)
        if hang is not HANGS["is silent and refuses"]:
            assert len(executor.firsts) == len(set(executor.firsts))  # nothing is handed over twice

    @pytest.mark.parametrize(
        "hang",
        [
            pytest.param(hang, id=name, marks=pytest.mark.slow if n % 2 else ())
            for n, (name, hang) in enumerate(HANGS.items())
        ],
    )
    def test_so_it_is_with_curves_and_where_a_function_makes_them(self, place, hang, over):
        made = []

        def make():
            made.append(Here(lambda calls, first: hang(calls, first, over)))
            made[-1].shutdown = lambda **options: over.wait()
            return made[-1]

        sweep = whole(place, executor=make, curves=5)
        assert len(made) == 1
        assert all(future.done() for future in made[0].futures)
        with np.errstate(over="ignore"):
            expected = usual_curves().astype(sweep.curves.dtype)
        assert np.array_equal(sweep.curves, expected, equal_nan=True)

    def test_one_that_wakes_up_goes_on(self, place, monkeypatch):
        late, train = [], silence.trained_here

        class Sleeper(Here):
            """Keeps what it is handed until a shard was computed elsewhere, and then works."""

            def submit(self, call, *arguments):
                self.firsts.append(arguments[1])
                if helped:
                    return done(call, *arguments)
                late.append((Future(), call, arguments))
                return late[-1][0]

        def help_once(*arguments):
            results = train(*arguments)
            helped.append(results.numbers.first)
            for future, call, work in late:
                future.set_result(call(*work))
            return results

        helped = []
        monkeypatch.setattr(executing, "trained_here", help_once)
        sleeper = Sleeper(None)
        whole(place, executor=sleeper, workers=1)
        assert len(helped) == 1
        assert helped[0] not in [work[1] for _, _, work in late]  # it was not in anybody's hand
        assert len(sleeper.firsts) + len(helped) == SHARDS

    def test_an_answer_that_comes_first_is_taken(self, place, monkeypatch):
        left, train = [], silence.trained_here

        def answered(place, numbers, done_):
            if not hand:
                return train(place, numbers, done_)
            future, call, arguments = hand.pop()
            future.set_result(call(*arguments))
            left.append(train(place, numbers, done_))
            return left[-1]

        class One(Here):
            def submit(self, call, *arguments):
                if arguments[1] != 21:
                    return super().submit(call, *arguments)
                hand.append((Future(), call, arguments))
                return hand[-1][0]

        hand = []
        monkeypatch.setattr(executing, "trained_here", answered)
        whole(place, executor=One(lambda *_: None))
        assert left == [None]

    def test_a_submit_that_returns_late_is_not_counted_twice(self, place, over, monkeypatch):
        """The first shard is never answered; `submit` returns for the second when it was computed here."""
        train, returned = silence.trained_here, threading.Event()

        class Late(Here):
            def submit(self, *work):
                future = super().submit(*work)
                if over.is_set():
                    returned.set()
                return future

        def here(place, numbers, answered):
            results = train(place, numbers, answered)
            if numbers.first == late.firsts[1]:
                over.set()
                assert returned.wait(60)
            return results

        monkeypatch.setattr(executing, "trained_here", here)
        late = Late(lambda calls, first: over.wait() if calls > 1 else Future())
        whole(place, executor=late)
        assert [future.done() for future in late.futures] == [True, True]

    def test_its_shard_that_cannot_be_trained_here_is_told_of(self, place, monkeypatch):
        train = silence.trained_here
        monkeypatch.setattr(
            executing,
            "trained_here",
            lambda place, numbers, answered: (
                raises(MemoryError("none left")) if numbers.first == 42 else train(place, numbers, answered)
            ),
        )
        with pytest.warns(RuntimeWarning) as told:
            sweep = swept(executor=Here(lambda *_: Future()), **place)
        assert str(told[-1].message).endswith("computed: networks 42 to 57: MemoryError: none left")
        assert (len(sweep), sweep.failures) == (68, ("networks 42 to 57: MemoryError: none left",))
        if place:
            assert swept(**place).digest() == usual_digest()


class TestHangingAndBreaking:
    def test_what_breaks_executors_is_not_computed_here(self, place, over, monkeypatch):
        """Some networks break three executors that had others in hand; the fourth is silent."""
        train, made = silence.trained_here, []
        culprit, last = (21, 36) if place else (37, 41)  # the third shard

        def here(place, numbers, answered):
            assert numbers.first != culprit
            return train(place, numbers, answered)

        def make():
            def odd(calls, first):
                future = Future()
                if len(made) > 3:
                    return future if first == culprit else None
                if first == culprit:
                    over.later.append(lambda: future.set_exception(BrokenExecutor("gone")))
                return None if calls == 1 else future

            made.append(Here(odd))
            return made[-1]

        monkeypatch.setattr(places, "randrange", lambda count: 0)
        monkeypatch.setattr(executing, "trained_here", here)
        with pytest.warns(RuntimeWarning) as told:
            sweep = swept(executor=make, **place)
        assert f"could not be computed: networks {culprit} to {last}" in str(told[-1].message)
        assert "now the executor is silent" in sweep.failures[0]
        assert (len(sweep), len(sweep.failures)) == (83 - last + culprit, 1)
        if place:
            assert swept(**place).digest() == usual_digest()

    @pytest.mark.parametrize("second", ["answers", "hangs"])
    def test_a_submit_that_hangs_when_the_executor_breaks(self, place, over, second):
        """The shard that it was called for goes to the next executor."""
        made = []

        def odd(calls, first):
            if len(made) > 1:
                return Future() if second == "hangs" else None
            if calls == 1:
                return first_future
            first_future.set_exception(BrokenExecutor("gone"))
            return over.wait()

        def make():
            made.append(Here(odd))
            return made[-1]

        first_future = Future()
        if second == "hangs":
            whole(place, executor=make)
        else:
            sweep = swept(executor=make, **place)
            assert (sweep.digest(), sweep.failures) == (usual_digest(), ())
        assert len(made) == 2

    def test_futures_that_are_cancelled_at_once(self, patient):
        def cancelled(calls, first):
            future = Future()
            future.cancel()
            return future if calls % 3 == 1 else None

        sweep = swept(executor=Here(cancelled), **patient)
        assert (sweep.digest(), sweep.failures) == (usual_digest(), ())

    @pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), CancelledError()])
    def test_a_submit_that_ends_otherwise_has_refused(self, patient, error):
        sweep = swept(executor=Here(lambda calls, _: raises(error) if calls % 2 else None), **patient)
        assert (sweep.digest(), sweep.failures) == (usual_digest(), ())

    def test_one_that_refuses_for_ever_keeps_what_was_finished(self, patient):
        busy = Here(lambda calls, first: raises(OSError("busy")) if calls > 3 else None)
        with pytest.warns(RuntimeWarning, match="refused work 6 times in a row: OSError: busy"):
            sweep = swept(executor=busy, **patient)
        assert 26 <= len(sweep) <= 48  # three shards, of 16 or of 5 networks
        assert sweep.failures[0].startswith(f"{TOTAL - len(sweep)} networks: the executor broke")
        if patient:
            assert swept(**patient).digest() == usual_digest()


class TestInterrupting:
    def test_while_computing_here(self, place, monkeypatch):
        train, calls = silence.trained_here, []

        def twice(*arguments):
            calls.append(1)
            return train(*arguments) if len(calls) < 3 else raises(KeyboardInterrupt)

        monkeypatch.setattr(executing, "trained_here", twice)
        deaf = Here(lambda *_: Future())
        with pytest.warns(RuntimeWarning, match="answered nothing"):
            sweep = swept(executor=deaf, workers=1, **place)
        assert (sweep.interrupted, sweep.failures) == (True, ())
        assert 0 < len(sweep) <= 32
        assert all(future.cancelled() for future in deaf.futures)

    @pytest.mark.long
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has another Ctrl-C")
    def test_a_submit_that_never_returns(self, tmp_path):
        """Ctrl-C while it is waited for, and while shards are computed here."""
        script = tmp_path / "script.py"
        script.write_text("""
import sys, threading
import fastnn
from fastnn.sweeping.work import silence
class Stuck:
    def submit(self, *work):
        print("asked", flush=True)
        threading.Event().wait()
def shown(*_, tell=silence.Silence.tell, **options):
    print("helping", flush=True)
silence.Silence.tell = shown
for silence.LEAST_SECONDS, silence.MOST_SHARDS in ((60, 20), (0.1, 0)):
    long = {"networks": 2_000_000, "epochs": 500_000, "engine": "batched", "progress": False}
    sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), [[0, 1], [1, 0.5]], [0, 1], executor=Stuck(), **long)
    print(sweep.interrupted, flush=True)
""")
        with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
            for said in (["asked"], ["asked", "helping"]):
                assert [process.stdout.readline().strip() for _ in said] == said
                process.send_signal(signal.SIGINT)
                assert process.stdout.readline() == "True\n"
            assert process.wait(60) == 0


class TestProcesses:
    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="stops with SIGSTOP")
    @pytest.mark.parametrize(("patient", "how"), [("memory", "one"), ("store", "all")], indirect=["patient"])
    def test_that_are_stopped(self, patient, how, monkeypatch):
        """A pool by number, whose processes stop when the first shard is done."""
        pools, keep = [], executing.Silence.ends

        def ends(silence_, numbers):
            keep(silence_, numbers)
            for process in list(pools[0]._processes.values())[: 1 if how == "one" else None]:
                os.kill(process.pid, signal.SIGSTOP)
                stopped.append(process)

        class Pool(ProcessPoolExecutor):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                pools.append(self)

        stopped = []
        monkeypatch.setattr("fastnn.sweeping.work.executors.ProcessPoolExecutor", Pool)
        monkeypatch.setattr(silence, "LEAST_SECONDS", 10.0)
        monkeypatch.setattr(silence, "MOST_SHARDS", 1)
        monkeypatch.setattr(executing.Silence, "ends", ends)
        whole(patient, executor=2)
        deadline = time.monotonic() + 60
        while any(process.is_alive() for process in stopped) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(process.is_alive() for process in stopped)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no fork")
    def test_a_process_pool_is_asked_from_this_thread(self):
        asked = []

        class Pool:
            def submit(self, *work):
                asked.append(threading.current_thread())
                return Future()

        assert submitted(Pool(), abs, -1).result(10) is not None
        assert asked[0] is not threading.current_thread()
        with ProcessPoolExecutor(1) as pool:
            pool.shutdown()
            assert isinstance(submitted(pool, abs, -1).exception(0), RuntimeError)


class TestPatience:
    """A minute, or the time of twenty of the longest shards, measured or predicted."""

    @pytest.fixture
    def clock(self, monkeypatch):
        now = [1000.0]
        monkeypatch.setattr(silence, "perf_counter", lambda: now[0])
        monkeypatch.setattr(silence, "most_seconds_per_network", lambda design: 1.5e-3)
        return now

    def lasts(self, clock, silent, place, out):
        """After how many seconds a silence is long."""
        began = clock[0]
        while not silent.is_long(place, out):
            clock[0] += 1
        return clock[0] - began

    @pytest.fixture
    def quick(self):
        """A place of networks that take at most one and a half milliseconds each."""
        return SimpleNamespace(design=None)

    def test_of_small_shards_it_is_a_minute(self, clock, quick):
        assert self.lasts(clock, silence.Silence(), quick, [Numbers.of(0, 16)]) == 60

    def test_of_large_shards_it_is_longer(self, clock, quick):
        out = [Numbers.of(0, 16), Numbers.of(16, 10_016)]
        assert self.lasts(clock, silence.Silence(), quick, out) == 20 * 10 * 1.5

    def test_of_slow_shards_it_is_longer(self, clock, quick):
        silent, first, second = silence.Silence(), Numbers.of(0, 16), Numbers.of(16, 32)
        silent.hands(first, alone=True)
        silent.hands(second, alone=False)
        clock[0] += 7
        silent.ends(first)
        assert self.lasts(clock, silent, quick, [second]) == 140

    def test_a_quick_failure_does_not_shorten_it(self, clock, quick):
        silent, first, second = silence.Silence(), Numbers.of(0, 10_000), Numbers.of(10_000, 20_000)
        silent.hands(first, alone=True)
        clock[0] += 0.001
        silent.ends(first)
        assert self.lasts(clock, silent, quick, [second]) == pytest.approx(300, abs=1)

    def test_an_answer_after_a_long_silence_does_not_lengthen_it(self, clock, quick):
        silent, first, second = silence.Silence(), Numbers.of(0, 16), Numbers.of(16, 32)
        silent.hands(first, alone=True)
        clock[0] += 500
        assert silent.is_long(quick, [first])
        with pytest.warns(RuntimeWarning, match="nothing for 8 min 20 s"):
            silent.tell(1)
        silent.tell(1)  # not again
        silent.ends(first)
        assert self.lasts(clock, silent, quick, [second]) == 60
