"""Executors of every kind: the same bits, lost shards done again, broken pools replaced."""

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import counting
import numpy as np
import pytest
from small_sweeps import faults, leftovers, store, swept, usual_digest

import fastnn
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work import executing, packing, places, shard_queue, silence, tasks

__all__ = ["store"]  # a fixture

TESTS = Path(__file__).parents[2]
ROOT = TESTS.parent


class TestPacking:
    def test_there_and_back(self):
        arrays = {
            "a": np.arange(6.0).reshape(2, 3),
            "b": np.float32([1, np.nan]),
            "c": np.zeros((0, 4), np.int32),
        }
        values, found = packing.unpack(packing.pack({"x": 1, "y": "é"}, arrays | {"none": None}))
        assert values == {"x": 1, "y": "é"}
        assert list(found) == ["a", "b", "c"]
        for name, array in arrays.items():
            assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
            assert found[name].tobytes() == array.tobytes()

    def test_every_flipped_bit_is_noticed(self):
        packed = packing.pack({"x": 1}, {"a": np.arange(3.0)})
        for place in range(8 * len(packed)):
            content = bytearray(packed)
            content[place // 8] ^= 1 << place % 8
            with pytest.raises(packing.DamageError):
                packing.unpack(bytes(content))

    @pytest.mark.parametrize("content", [b"", b"abc", bytes(40), bytes(32), "text", None, {"a": 1}])
    def test_other_things_are_refused(self, content):
        with pytest.raises(packing.DamageError):
            packing.unpack(content)

    def test_every_cut_is_noticed(self):
        packed = packing.pack({"x": 1}, {"a": np.arange(3.0)})
        for length in range(len(packed)):
            with pytest.raises(packing.DamageError):
                packing.unpack(packed[:length])


class TestCompute:
    def test_a_shard_is_a_function_of_the_order_and_its_numbers(self):
        sweep = swept(curves=True)
        task = executing.task(sweep.design, 5, "float32")
        answer = executing.compute(task, 20, 50)
        assert answer == executing.compute(task, 20, 50)
        results = tasks.results_of(answer, Numbers.of(20, 50), sweep.design, 5, "float32")
        assert results["parameters"].tobytes() == sweep.parameters[20:50].tobytes()
        with np.errstate(over="ignore"):
            assert results["curves"].tobytes() == sweep.curves[20:50, 4::5].astype(np.float32).tobytes()

    def test_it_answers_in_bytes_and_never_raises(self):
        for task in (b"", b"nonsense", executing.task(swept().design, 0, "float64")[:-1]):
            answer = executing.compute(task, 0, 3)
            assert isinstance(answer, bytes)
            assert "DamageError" in packing.unpack(answer)[0]["error"]

    def test_the_order_of_given_starts(self):
        start = fastnn.given(np.arange(189.0).reshape(21, 9) / 100)
        expected = swept(start=start)
        with ThreadPoolExecutor(2) as pool:
            assert swept(start=start, executor=pool).digest() == expected.digest()


class Deaf:
    """An executor whose futures never end."""

    def __init__(self):
        self.futures = []

    def submit(self, call, *arguments):
        self.futures.append(Future())
        return self.futures[-1]


class TestKinds:
    """Each kind, in memory and with a store."""

    @pytest.fixture(params=["memory", "store"])
    def place(self, request, store):
        return {} if request.param == "memory" else {"store": store}

    def test_threads(self, place):
        with ThreadPoolExecutor(3) as pool:
            sweep = swept(executor=pool, **place)
            assert pool.submit(abs, -1).result() == 1  # what was given is left alone
        assert (sweep.digest(), len(sweep), sweep.failures, sweep.interrupted) == (
            usual_digest(),
            84,
            (),
            False,
        )

    def test_processes(self, store):
        before = set(multiprocessing.active_children())
        threads = set(threading.enumerate())
        assert swept(executor=2, store=store).digest() == usual_digest()
        assert (
            set(threading.enumerate()) <= threads
        )  # none is left to write to a closed pipe at Python's exit
        deadline = time.monotonic() + 60
        while set(multiprocessing.active_children()) - before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert set(multiprocessing.active_children()) <= before

    @pytest.mark.slow  # quick: a script with a pool of its own, in test_executors.py
    def test_a_process_pool(self):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, context) as pool:
            assert swept(executor=pool, curves=5).digest() == usual_digest()

    @pytest.mark.slow
    def test_loky(self, store):
        loky = pytest.importorskip("loky", reason="needs pip install loky")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of loky's own
            pool = loky.ProcessPoolExecutor(2)
            assert swept(executor=pool, store=store).digest() == usual_digest()
            pool.shutdown(wait=True, kill_workers=True)

    def test_the_window_is_bounded(self, monkeypatch):
        deaf = Deaf()

        def wait(awaited, *_):
            if len(awaited) >= 6:
                raise KeyboardInterrupt
            return set(), set(awaited)

        monkeypatch.setattr(executing, "wait", wait)
        sweep = swept(executor=deaf, workers=3, networks=30_000)
        assert sweep.interrupted
        assert len(deaf.futures) == 6  # two for each of three workers, of 30 shards
        assert all(future.cancelled() for future in deaf.futures)

    def test_curves(self, place):
        whole = swept(curves=5, **place)
        with ThreadPoolExecutor(2) as pool:
            options = {} if not place else {"store": place["store"].with_name("other")}
            found = swept(curves=5, executor=pool, **options)
        assert found.curves.dtype == whole.curves.dtype
        assert found.curves.tobytes() == whole.curves.tobytes()

    def test_divergence_can_be_raised(self, place):
        with ThreadPoolExecutor(2) as pool, pytest.raises(fastnn.DivergenceError, match="learning rate 9"):
            swept(executor=pool, on_divergence="raise", **place)

    def test_nothing_of_ours_is_pickled(self, monkeypatch):
        sent = []

        class Watched(ThreadPoolExecutor):
            def submit(self, call, *arguments):
                sent.append([*arguments])
                future = super().submit(call, *arguments)
                sent[-1].append(future.result())
                pickle.dumps(call)
                return future

        with Watched(1) as pool:
            swept(executor=pool)
        for task, first, stop, answer in sent:
            assert [type(thing) for thing in (task, first, stop, answer)] == [bytes, int, int, bytes]


class Losing(ThreadPoolExecutor):
    """Loses the shards of some numbers, each a number of times."""

    def __init__(self, times, error=None):
        super().__init__(2)
        self.times, self.error = dict(times), error or RuntimeError("lost")

    def submit(self, call, task, first, stop):
        if self.times.get(first, 0):
            self.times[first] -= 1
            future = Future()
            future.set_exception(self.error)
            return future
        return super().submit(call, task, first, stop)


class TestLosses:
    def test_a_shard_is_tried_three_times(self, store):
        with Losing({16: 2, 42: 1}) as pool:
            assert swept(executor=pool, store=store).digest() == usual_digest()

    def test_what_cannot_be_done_is_listed_and_the_rest_is_kept(self, store):
        message = "shards could not be computed: networks 21 to 36: RuntimeError: lost"
        with Losing({21: 3}) as pool, pytest.warns(RuntimeWarning, match=message):
            sweep = swept(executor=pool, store=store)
        assert sweep.failures == ("networks 21 to 36: RuntimeError: lost",)
        assert (len(sweep), sweep.interrupted, sweep.digest() == usual_digest()) == (68, False, False)
        assert "68 networks of 84, unfinished" in repr(sweep)
        assert swept(store=store).digest() == usual_digest()

    def test_with_one_attempt_a_single_loss_is_final(self, monkeypatch):
        monkeypatch.setattr(shard_queue, "ATTEMPTS", 1)
        with (
            Losing(dict.fromkeys(range(0, 12, 3), 1)) as pool,
            pytest.raises(RuntimeError, match=r"of 12 networks .* none could be"),
        ):
            swept(executor=pool, networks=3)

    @pytest.mark.parametrize("worker", [counting.wrong, counting.other])
    def test_a_wrong_answer_counts_as_lost(self, monkeypatch, worker):
        monkeypatch.setattr(executing, "compute", worker)
        with ThreadPoolExecutor(2) as pool, pytest.raises(RuntimeError, match=r"none could be.* DamageError"):
            swept(executor=pool)

    def test_an_error_of_a_worker_is_told(self, monkeypatch):
        monkeypatch.setattr(tasks, "_design", lambda task: 1 / 0)
        with ThreadPoolExecutor(2) as pool, pytest.raises(RuntimeError, match="ZeroDivisionError"):
            swept(executor=pool)

    def test_a_broken_pool_that_was_given_ends_it(self, store, monkeypatch):
        monkeypatch.setattr(places, "randrange", lambda count: 0)
        # The third shard: it is handed over when one of the first two is done.
        with Losing({21: 9}, BrokenExecutor("gone")) as pool, pytest.warns(RuntimeWarning, match="broke"):
            sweep = swept(executor=pool, store=store, workers=1)
        assert any("a function that makes one could replace it" in failure for failure in sweep.failures)
        assert swept(store=store).digest() == usual_digest()

    def test_one_that_a_function_made_is_replaced(self, store, monkeypatch):
        monkeypatch.setattr(places, "randrange", lambda count: 0)
        made = []

        def make():
            times = [{21: 1}, {63: 1}, {}][len(made)]
            made.append(Losing(times, BrokenExecutor("gone")))
            return made[-1]

        sweep = swept(executor=make, store=store, workers=1)
        assert (sweep.digest(), sweep.failures, len(made)) == (usual_digest(), (), 3)
        assert all(pool._shutdown for pool in made)

    def test_a_shard_that_breaks_its_worker_is_told_from_its_neighbours(self, store):
        class Poisoned:
            """Holds what it is handed until it has four shards or all there are; 21 breaks them all."""

            _max_workers = 2

            def __init__(self):
                self.hand = []

            def submit(self, call, *arguments):
                self.hand.append((Future(), call, arguments))
                threading.Timer(0.05, self.work).start()
                return self.hand[-1][0]

            def work(self):
                hand, self.hand = self.hand, []
                broken = any(arguments[1] == 21 for _, _, arguments in hand)
                for future, call, arguments in hand:
                    if broken:
                        future.set_exception(BrokenExecutor("poisoned"))
                    else:
                        future.set_result(call(*arguments))

            def shutdown(self, **options):
                pass

        with pytest.warns(RuntimeWarning, match="networks 21 to 36"):
            sweep = swept(executor=lambda: Poisoned(), store=store)
        assert sweep.failures == ("networks 21 to 36: BrokenExecutor: poisoned",)
        assert len(sweep) == 68

    def test_one_that_always_breaks_is_given_up(self, store):
        def make():
            return Losing(dict.fromkeys(range(99), 9), BrokenExecutor("gone"))

        words = r"none could be: 84 networks: the executor broke before it answered .*gone\), twice in"
        with pytest.raises(RuntimeError, match=words):
            swept(executor=make, store=store)


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Workers that count; a function that tells the shards that were begun."""
    file = tmp_path / "count"
    file.touch()
    monkeypatch.setenv(counting.FILE, str(file))
    monkeypatch.setenv(counting.SECONDS, "0.02")
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{ROOT}")
    monkeypatch.setattr(executing, "compute", counting.compute)
    return lambda: [int(line.split()[0]) for line in file.read_text().splitlines()]


class Breaker:
    """Makes process pools and kills a process of each once some more shards are begun.

    That a pool broke is proven by the making of the next: only a broken one is replaced.
    """

    def __init__(self, breaks, counted, after=8):
        self.breaks, self.counted, self.after = breaks, counted, after
        self.made = 0
        self.threads = []

    def make(self):
        # Not "forkserver", which keeps the environment of the test that it began in.
        pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
        if self.made < self.breaks:
            self.threads.append(threading.Thread(target=self.kill, args=(pool, len(self.counted()))))
            self.threads[-1].start()
        self.made += 1
        return pool

    def kill(self, pool, begun):
        deadline = time.monotonic() + 60
        while len(self.counted()) < begun + self.after and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(next(iter(pool._processes)), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
class TestWorkersAreKilled:
    def sweep(self, breaks, counted, store):
        breaker = Breaker(breaks, counted)
        sweep = swept(executor=breaker.make, store=store, networks=1000)
        for thread in breaker.threads:
            thread.join()
        return sweep, breaker.made - 1, len(counted()) - len(set(counted()))

    def test_a_pool_broken_six_times(self, counted, store):  # 10 s
        sweep, kills, repeated = self.sweep(6, counted, store)
        assert kills == 6
        assert sweep.digest() == swept(networks=1000).digest()
        assert (sweep.failures, faults(store), leftovers(store)) == ((), [], [])
        assert 0 < repeated <= 2 * kills

    def test_without_a_kill_nothing_is_repeated(self, counted, store):
        sweep, kills, repeated = self.sweep(0, counted, store)
        assert (kills, repeated, len(sweep)) == (0, 0, 4000)

    def test_without_a_replacement_it_does_not_end(self, counted, store, monkeypatch):
        monkeypatch.setattr(executing.Crew, "replace", lambda crew: False)
        with pytest.warns(RuntimeWarning, match="could not be computed"):
            sweep, _, _ = self.sweep(1, counted, store)
        assert 0 < len(sweep) < 4000


class Cluster:
    """A Dask scheduler and workers, each a process of its own, on loopback."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.workers = []
        self.started = 0
        self.scheduler = self.start_scheduler()

    def start(self, module, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        log = (self.folder / f"log-{self.started}").open("w")
        self.started += 1
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def start_scheduler(self):
        self.file.unlink(missing_ok=True)
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter", "--no-show"]
        process = self.start("dask_scheduler", *options, "--scheduler-file", str(self.file))
        deadline = time.monotonic() + 60
        while self.address is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return process

    @property
    def address(self):
        """Where the scheduler is; None until it has written its whole file, which is empty at first."""
        try:
            return json.loads(self.file.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def add_worker(self):
        options = ["--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        options += ["--local-directory", str(self.folder)]
        self.workers.append(self.start("dask_worker", self.address, *options))

    def kill(self, process):
        """Kill a process and prove that it happened."""
        process.kill()
        return process.wait(20) == -signal.SIGKILL

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            if process.poll() is None:
                process.kill()
            process.wait(20)


@pytest.fixture
def cluster(tmp_path, counted):
    pytest.importorskip("distributed", reason='needs pip install "fastnn-sweep[dask]"')
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    for _ in range(2):
        found.add_worker()
    yield found
    found.stop()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.filterwarnings("ignore")  # of Dask and tornado, about what they have lost
class TestDask:
    def test_it_completes(self, cluster, store, counted):
        from distributed import Client

        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
            sweep = swept(executor=client, store=store)
            assert (sweep.digest(), sweep.failures) == (usual_digest(), ())
            assert client.status == "running"  # what was given is left alone
            assert swept(executor=client, curves=5).digest() == usual_digest()
        assert sorted(counted()) == sorted([*range(0, 84, 21), *range(16, 84, 21), *range(0, 84, 21)])

    def test_workers_killed_every_two_seconds(self, cluster, store, counted, monkeypatch):
        from distributed import Client

        kills = []
        over = threading.Event()

        def killer():
            while not over.wait(1):
                cluster.add_worker()
                while len(client.nthreads()) < 3 and not over.wait(0.1):
                    pass
                kills.append(cluster.kill(cluster.workers[len(kills)]))

        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
            thread = threading.Thread(target=killer)
            thread.start()
            sweep = swept(executor=client, store=store, networks=1000, workers=2, epochs=10)
            over.set()
            thread.join()
        assert all(kills)
        assert len(kills) >= 2
        assert (sweep.failures, faults(store), leftovers(store)) == ((), [], [])
        assert sweep.digest() == swept(networks=1000, epochs=10).digest()
        assert len(counted()) - len(set(counted())) <= 2 * len(kills)

    @pytest.mark.parametrize("which", ["scheduler", "worker"])
    def test_one_that_is_frozen_is_not_waited_for(self, cluster, store, counted, monkeypatch, which):
        from distributed import Client

        frozen = cluster.scheduler if which == "scheduler" else cluster.workers[0]
        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
            assert swept(executor=client).digest() == usual_digest()
            monkeypatch.setattr(silence, "LEAST_SECONDS", 3.0)
            monkeypatch.setattr(silence, "MOST_SHARDS", 0)
            monkeypatch.setattr(executing, "CLOSING_SECONDS", 0.5)
            frozen.send_signal(signal.SIGSTOP)
            sweep = swept(executor=client, store=store)
            frozen.send_signal(signal.SIGCONT)
        assert (sweep.digest(), sweep.failures, sweep.ran) == (usual_digest(), (), 84)

    def test_the_scheduler_killed_then_gone_on_with(self, cluster, store, counted):
        from distributed import Client

        killed = []

        def killer():
            while len(list(store.glob("shards/*"))) < 20:
                time.sleep(0.02)
            killed.append(cluster.kill(cluster.scheduler))

        client = Client(cluster.address, timeout=5)
        client.wait_for_workers(2, timeout=60)
        thread = threading.Thread(target=killer)
        thread.start()
        with pytest.warns(RuntimeWarning, match="could not be computed"):
            sweep = swept(executor=client, store=store, networks=1000, workers=2)
        thread.join()
        client.close(timeout=2)
        assert killed == [True]
        assert 0 < len(sweep) < 4000
        before = len(set(counted()))
        cluster.scheduler = cluster.start_scheduler()
        for _ in range(2):
            cluster.add_worker()
        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
            sweep = swept(executor=client, store=store, networks=1000, workers=2)
        assert sweep.digest() == swept(networks=1000).digest()
        assert len(set(counted())) == 4 * 63 > before  # 1000 networks of each cell, 16 to a shard


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another Ctrl-C")
@pytest.mark.long
def test_ctrl_c_ends_processes_too(tmp_path, counted):
    script = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import counting
import fastnn
from fastnn.sweeping.work import executing
if __name__ == "__main__":
    executing.compute = counting.compute
    long = {{"networks": 2_000_000, "epochs": 500_000, "engine": "batched", "progress": False}}
    sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), [[0, 1], [1, 0.5]], [0, 1], executor=2, **long)
    print(sweep.interrupted, flush=True)
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    with subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True) as process:
        while len(counted()) < 2:  # each process has begun what takes it an hour
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "True\n"
        assert process.wait(60) == 0  # about 1 s on an idle machine
