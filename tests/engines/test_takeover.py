"""Kernels that take over from others between two calls, and the thread in which they are made."""

import ctypes
import gc
import logging
import os
import subprocess
import sys
import threading
import weakref
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn.core.rule import PLAIN
from fastnn.engines import load
from fastnn.engines.takeover import Ready, Successor, Takeover
from fastnn.system import background
from fastnn.training import jobs, kernels, pace

NET = fastnn.Network((2, 2, 1))
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.random((60, 2)), RANDOM.random(60)
STARTS = RANDOM.normal(0, 1.5, (5, 9))
HOW = {"epochs": 40, "engine": "batched", "learning_rate": 0.05}


class Called:
    """The kernels of `batched` under names of their own, and which of them was called when."""

    def __init__(self):
        self.names = []
        self.before, self.rule = lambda name: None, PLAIN

    def ready(self, name):
        known = load("batched").kernel(NET, "float64", self.rule)

        def kernel(*arguments):
            self.before(name)
            self.names.append(name)
            known(*arguments)

        return Ready(kernel, load("batched").call_sizes(NET, "float64", PLAIN), name)


class Short:
    """The pace of calls of seven rows, or of an epoch where each is looked at."""

    visits = 0.0

    def next_call(self, parameters, epochs, rows, row, batch=1):
        return 1, min(7, rows - row)

    def took(self, seconds, visits):
        pass


@pytest.fixture
def train(monkeypatch):
    """Train in short calls, beginning with a kernel named `first`, by successors that are always worth it."""

    def train(called, *successors, **how):
        found = []

        def begun(engine, network, dtype, rule, waits):
            called.rule = rule
            found.append(Takeover(called.ready("first"), successors))
            return found[-1]

        monkeypatch.setattr(kernels, "begun", begun)
        run = fastnn.train(NET, X, Y, STARTS, **HOW | how)
        return run, found[0].forms

    monkeypatch.setattr(jobs, "FEWEST_SECONDS", 0.0)
    monkeypatch.setattr(pace, "Pace", Short)
    return train


@pytest.fixture(scope="module")
def expected():
    return fastnn.train(NET, X, Y, STARTS, **HOW)


def test_every_bit_is_kept(train, expected):
    """Two successors, one after the other, each compiled slowly while calls go on."""
    called, compiled = Called(), Event()

    def wait(name):
        """After the twentieth call with a kernel, let the compiler that is at work come to its end."""
        if called.names[-20:] == [name] * 20 and name != "third":
            compiled.set()
            background.finish()
            compiled.clear()

    def slow(name):
        def find(wanted):
            assert compiled.wait(60)
            return called.ready(name) if wanted() else None

        return Successor(0.0, find)

    called.before = wait
    found, forms = train(called, slow("second"), slow("third"))
    assert forms == ["first", "second", "third"]
    assert called.names == sorted(called.names, key=forms.index)  # each was called from some call on
    assert [called.names.count(name) > 19 for name in forms] == [True] * 3
    assert found.parameters.tobytes() == expected.parameters.tobytes()
    assert found.loss_curve.tobytes() == expected.loss_curve.tobytes()


def test_calls_that_look_after_every_epoch_change_over_too(train):
    how = {"validation": (X[:9], Y[:9]), "patience": 3}
    alone, called = fastnn.train(NET, X, Y, STARTS, **HOW | how), Called()
    called.before = lambda name: background.finish()
    found, forms = train(called, Successor(0.0, lambda wanted: called.ready("second")), **how)
    assert forms == [*dict.fromkeys(called.names)] == ["first", "second"]
    assert found.parameters.tobytes() == alone.parameters.tobytes()
    assert found.trained_epochs.tolist() == alone.trained_epochs.tolist()


def test_little_work_is_left(train, expected):
    """Nobody looks for a successor that is not worth it; nor if no kernel is to take over."""
    called, asked = Called(), []
    found, forms = train(called, Successor(1e9, asked.append))
    background.finish()
    assert (asked, forms, {*called.names}) == ([], ["first"], {"first"})
    assert found.parameters.tobytes() == expected.parameters.tobytes()


@pytest.mark.parametrize("failed", [RuntimeError("no compiler"), None])
def test_none_is_found(train, expected, failed, caplog):
    """A compiler that fails, or finds nothing better, leaves the run as it was; only failing is logged."""
    called = Called()

    def find(wanted):
        if failed:
            raise failed

    called.before = lambda name: background.finish()
    with caplog.at_level(logging.INFO, logger="fastnn"):
        found, forms = train(called, Successor(0.0, find), Successor(0.0, find))
    assert forms == ["first"]
    assert found.parameters.tobytes() == expected.parameters.tobytes()
    assert [record.getMessage() for record in caplog.records] == (
        ["fastnn: work in the background failed: RuntimeError('no compiler')"] * 2 if failed else []
    )


def test_a_run_that_is_over_is_not_waited_for():
    """The thread keeps nothing of a run alive, and its compiler is told that nobody waits."""
    begun, ended, wanted = Event(), Event(), []

    def find(is_wanted):
        begun.set()
        assert ended.wait(60)
        wanted.append(is_wanted())
        return Called().ready("late")

    run = Takeover(Called().ready("first"), [Successor(0.0, find)])
    run.see(1.0)
    assert begun.wait(60)
    gone = weakref.ref(run)
    del run
    gc.collect()
    assert gone() is None
    ended.set()
    background.finish()
    assert wanted == [False]


# A thread that is at work when Python ends, at its own code or inside LLVM.
PROGRAM = """
import sys, time
import fastnn
from fastnn.engines.self_check import checked_kernel
from fastnn.system import background

def compile_many():
    begun.append(True)
    for units in range(2, 100):
        checked_kernel("lanes", fastnn.Network((3, units, 1)), "float64")

begun = []
background.ask(compile_many)
while not begun:
    time.sleep(0.01)
time.sleep(float(sys.argv[1]))
print("over")
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_pythons_exit_does_not_wait(delay):
    environment = {**os.environ, "FASTNN_CACHE": "0"}
    command = [sys.executable, "-c", PROGRAM, str(delay)]
    done = subprocess.run(command, env=environment, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")


def test_an_end_within_a_call_from_c_is_not_told(monkeypatch):
    told, begun = [], Event()
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)  # Python's own knows SystemExit

    @ctypes.CFUNCTYPE(None)
    def called_from_c():
        begun.set()
        while True:
            pass

    worker = background._Worker()
    worker.ask(called_from_c)
    assert begun.wait(60)
    worker.end()
    assert told == []
    sys.unraisablehook(SimpleNamespace(exc_type=ValueError))
    assert len(told) == 1


# JAX warns of every fork once another test of the process has imported it; the child calls nothing of it.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_child_that_forks_has_a_thread_of_its_own():
    begun, ended = Event(), Event()
    background.ask(lambda: (begun.set(), ended.wait(60)))
    assert begun.wait(60)
    child = os.fork()
    if child == 0:
        background.finish()
        os._exit(7)
    _, status = os.waitpid(child, 0)
    ended.set()
    background.finish()
    assert os.waitstatus_to_exitcode(status) == 7
