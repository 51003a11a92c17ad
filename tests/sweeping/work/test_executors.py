"""What may be given as executor, what is refused in which words, and scripts that say nothing of main."""

import multiprocessing
import re
import subprocess
import sys
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor, wait
from decimal import Decimal

import numpy as np
import pytest

import fastnn
from fastnn.sweeping.work import executors

NET = fastnn.Network((2, 2, 1))
X, Y = [[0.0, 1.0], [1.0, 0.5]], [0.0, 1.0]


def swept(**options):
    return fastnn.sweep(NET, X, Y, networks=6, epochs=2, engine="batched", **options)


DIGEST = swept().digest()


class Parallel:
    """As joblib's: it has no submit, and calls what it is given."""

    __module__ = "joblib.parallel"

    def __call__(self, iterable):
        raise AssertionError

    def __repr__(self):
        return "Parallel(n_jobs=2)"


class InterpreterPoolExecutor(ThreadPoolExecutor):
    """As that of Python 3.14: its interpreters cannot load NumPy."""


class ActorPool:
    """As Ray's: what it calls submit is something else."""

    def submit(self, function, *values):
        return None


class Once(ThreadPoolExecutor):
    """Breaks after its first answer."""

    def __init__(self):
        super().__init__(1)
        self.used = False

    def submit(self, function, *values):
        if self.used:
            raise BrokenExecutor
        self.used = True
        future = super().submit(function, *values)
        wait([future])
        return future


class Closed(ThreadPoolExecutor):
    def __init__(self):
        super().__init__(1)
        self.shutdown()


class TestNumbers:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (0, r"executor must be a whole number from 1 to 1024; got 0\. Choose"),
            (-2, r"got -2\. Choose"),
            (True, r"got True\. Give an int"),
            (np.True_, r"got (np\.)?True_?\. Give an int"),
            (2.0, r"got 2\.0\. Write 2\."),
            (2.5, r"got 2\.5\. Give an int"),
            (float("nan"), r"got nan\. Give an int"),
        ],
    )
    def test_what_is_no_number_of_processes(self, given, words):
        with pytest.raises(fastnn.InputError, match=words):
            swept(executor=given)

    @pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2)])
    def test_any_whole_number(self, number, monkeypatch):
        made = []
        monkeypatch.setattr(
            executors, "processes", lambda count: made.append(count) or ThreadPoolExecutor(count)
        )
        assert swept(executor=number).digest() == DIGEST
        assert made == [2]

    def test_windows_has_no_more_than_61(self, monkeypatch):
        monkeypatch.setattr(sys, "platform", "win32")
        words = r"executor on Windows must be a whole number from 1 to 61; got 62\. Choose"
        with pytest.raises(fastnn.InputError, match=words):
            executors.maker_of(62)
        assert executors.maker_of(61) is not None

    def test_elsewhere_there_may_be_more(self, monkeypatch):
        monkeypatch.setattr(sys, "platform", "linux")
        assert executors.maker_of(62) is not None


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("4", r"got '4'\. Give one of these"),
            (Decimal(2), r"got Decimal\('2'\)\. Give one of these"),
            ([2], r"got \[2\]\. Give one of these"),
            ((number for number in range(2)), r"got .*generator.*\. Give one of these"),
            (Parallel(), r"got Parallel\(n_jobs=2\)\. Give a number, or loky\.get_reusable_executor"),
            (lambda number: number, r"function without arguments .*; got .*\. Give one of these"),
            (dict, r"a function given as executor must make .*; got \{\}\. Return one of these"),
            (InterpreterPoolExecutor(1), "got an InterpreterPoolExecutor.* Give a number of processes"),
            (
                lambda: InterpreterPoolExecutor(1),
                "got an InterpreterPoolExecutor.* Give a number of processes",
            ),
        ],
    )
    def test_in_words(self, given, words):
        with pytest.raises(fastnn.InputError, match=words):
            swept(executor=given)

    def test_a_pool_of_multiprocessing(self):
        with (
            multiprocessing.get_context("spawn").Pool(1) as pool,
            pytest.raises(
                fastnn.InputError, match=r"got <.*Pool.*>\. Give a number, or a concurrent\.futures"
            ),
        ):
            swept(executor=pool)

    def test_joblib(self):
        joblib = pytest.importorskip("joblib", reason="needs pip install joblib")
        with pytest.raises(fastnn.InputError, match="Give a number, or loky"):
            swept(executor=joblib.Parallel(2))

    @pytest.mark.parametrize("given", [ActorPool(), ActorPool])
    def test_a_submit_that_returns_no_future(self, given):
        with pytest.raises(fastnn.InputError, match=r"submit must return .*Future; got None of .*ActorPool"):
            swept(executor=given)


class TestTaken:
    def test_threads(self):
        with ThreadPoolExecutor(2) as pool:
            assert swept(executor=pool).digest() == DIGEST

    def test_a_class(self):
        assert swept(executor=ThreadPoolExecutor).digest() == DIGEST


class TestBroken:
    @pytest.mark.parametrize("given", [Closed(), Closed])
    def test_one_that_is_closed_says_so(self, given):
        words = "none could be: .* cannot schedule new futures after shutdown"
        with pytest.raises(RuntimeError, match=words):
            swept(executor=given)

    @pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration, KeyboardInterrupt, SystemExit])
    def test_a_function_that_raises_ends_with_its_own_error(self, error, tmp_path):
        def make():
            raise error("no cluster today")

        with pytest.raises(error, match="no cluster today"):
            swept(executor=make, store=tmp_path / "store")
        assert list(tmp_path.iterdir()) == []  # nothing was begun
        assert swept(executor=lambda: ThreadPoolExecutor(1), store=tmp_path / "store").digest() == DIGEST

    def test_one_that_raises_the_second_time_keeps_what_was_done(self, tmp_path, monkeypatch):
        monkeypatch.setattr("fastnn.sweeping.store.manifest.MOST_NETWORKS", 1)
        made = []

        def make():
            if made:
                raise ZeroDivisionError("no cluster any more")
            made.append(Once())
            return made[-1]

        with pytest.warns(
            RuntimeWarning, match="could not be replaced: ZeroDivisionError: no cluster any more"
        ):
            sweep = swept(executor=make, store=tmp_path / "store")
        assert len(sweep) == 1
        assert swept(store=tmp_path / "store").digest() == DIGEST

    def test_executors_that_never_answer_are_not_made_without_end(self, monkeypatch):
        monkeypatch.setattr("fastnn.sweeping.work.places.SHARD", 1)
        made = []

        def make():
            made.append(Closed())
            return made[-1]

        with pytest.raises(RuntimeError, match=r"broke before it answered anything .*, twice in a row"):
            fastnn.sweep(NET, X, Y, networks=60, epochs=2, engine="batched", executor=make)
        assert len(made) == 2


SWEEP = (
    "s = fastnn.sweep(fastnn.Network((2, 2, 1)), [[0, 1], [1, 0.5]], [0, 1], networks=6, epochs=2, "
    "engine='batched', executor={executor})\nprint('networks', len(s), s.digest())\n"
)
NUMBER = "import fastnn\nprint('read')\n" + SWEEP.format(executor=2)
POOL = (
    "import fastnn, multiprocessing\n"
    "from concurrent.futures import ProcessPoolExecutor\n"
    "make = lambda: ProcessPoolExecutor(2, multiprocessing.get_context({method!r}))\n"
)
METHODS = multiprocessing.get_all_start_methods()


def run(*arguments, text=None):
    return subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, timeout=100, check=False
    )


def last_told(done):
    """The last line on stderr, but for what Python tells of locks that a pool which was broken off left."""
    left = re.compile(r".*resource_tracker: .*(\n  .*)?\n?")
    return left.sub("", done.stderr).splitlines()[-1]


class TestScripts:
    """Scripts without `if __name__ == "__main__"`, as Python runs them."""

    def script(self, folder, text):
        path = folder / "script.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    @pytest.mark.parametrize(
        "way", ["script", *(pytest.param(way, marks=pytest.mark.slow) for way in ("input", "-m", "-c"))]
    )
    def test_a_number_needs_no_guard_and_reads_no_script(self, way, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = self.script(tmp_path, NUMBER)
        arguments = {"script": [path], "input": ["-"], "-c": ["-c", NUMBER], "-m": ["-m", "script"]}[way]
        done = run(*arguments, text=NUMBER)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"read\nnetworks 6 {DIGEST}\n"

    @pytest.mark.parametrize("method", [pytest.param("spawn", marks=pytest.mark.slow), "forkserver"])
    def test_a_pool_without_a_guard_ends_in_one_sentence(self, method, tmp_path):
        if method not in METHODS:
            pytest.skip(f"this system has no {method}")
        text = POOL.format(method=method) + SWEEP.format(executor="make()")
        done = run(self.script(tmp_path, text))
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("Traceback") == 1
        assert 'must start processes under `if __name__ == "__main__":`' in last_told(done)
        assert "executor=N" in last_told(done)

    @pytest.mark.skipif("forkserver" not in METHODS, reason="this system has no fork server")
    def test_that_needs_no_exit_code(self, tmp_path):
        """A fork server tells it once: of two threads that ask at the same moment, one meets the end."""
        deaf = (
            "from multiprocessing import forkserver\nread, heard = forkserver.read_signed, set()\n"
            "def once(end):\n"
            "    if end in heard: raise EOFError\n"
            "    heard.add(end)\n"
            "    return read(end)\n"
            "forkserver.read_signed = once\n"
        )
        text = deaf + POOL.format(method="forkserver") + SWEEP.format(executor="make()")
        assert 'under `if __name__ == "__main__":`' in last_told(run(self.script(tmp_path, text)))

    @pytest.mark.slow
    def test_so_does_a_function_that_makes_pools(self, tmp_path):
        text = POOL.format(method="spawn") + SWEEP.format(executor="make")
        done = run(self.script(tmp_path, text))
        assert (done.returncode, done.stdout, done.stderr.count("Traceback")) == (1, "", 1)
        assert 'must start processes under `if __name__ == "__main__":`' in last_told(done)

    def test_a_pool_from_standard_input_is_refused(self):
        done = run("-", text=POOL.format(method="spawn") + SWEEP.format(executor="make()"))
        assert (done.returncode, done.stdout, done.stderr.count("Traceback")) == (1, "", 1)
        assert "must be able to read the script that made it; got <stdin>" in last_told(done)

    def test_with_a_guard_a_pool_works(self, tmp_path):
        inside = SWEEP.format(executor="pool").replace("\n", "\n        ").rstrip()
        guarded = f'if __name__ == "__main__":\n    with make() as pool:\n        {inside}\n'
        done = run(self.script(tmp_path, POOL.format(method="spawn") + guarded))
        assert (done.returncode, done.stdout, done.stderr) == (0, f"networks 6 {DIGEST}\n", "")

    def test_the_script_is_as_it_was_afterwards(self):
        main = vars(sys.modules["__main__"])
        before = {name: main.get(name, "none") for name in ("__file__", "__spec__")}
        with executors._without_script():
            assert (main["__file__"], main["__spec__"]) == (None, None)
        assert {name: main.get(name, "none") for name in ("__file__", "__spec__")} == before
