"""A stored sweep survives: kills, faults of the disk, damage; and each of these tests can fail."""

import errno
import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from damaging import Mutations, detected
from killing import STOPS
from pairing import pairwise
from small_sweeps import (
    SHARDS,
    drop,
    faults,
    finished,
    leftovers,
    small_shards,
    store,
    swept,
    usual_digest,
)

import fastnn
from fastnn import files
from fastnn.sweeping.store import folder as folder_module
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.work import places

__all__ = ["store"]  # a fixture

# Multiplies the trials and the time for them, on request.
SCALE = float(os.environ.get("FASTNN_TRIALS", "1"))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - TemporaryDirectory makes one of its own


def killing(trials, seconds, variant):
    """Run the program `killing`, many trials in two processes; add up what they found."""
    seeds = (0, 1) if trials > 100 else (0,)
    with TemporaryDirectory(dir=MEMORY) as base:
        processes = []
        for seed in seeds:
            part = Path(base) / str(seed)
            part.mkdir()
            program = [sys.executable, str(Path(__file__).parents[2] / "killing.py")]
            arguments = [str(part), str(trials // len(seeds)), str(seconds), variant, str(seed)]
            processes.append(subprocess.Popen(program + arguments, stdout=subprocess.PIPE, text=True))
        reports = [json.loads(process.communicate(timeout=seconds + 120)[0]) for process in processes]
    assert {process.returncode for process in processes} == {0}
    kinds = {kind for report in reports for kind in report["by"]}
    return {
        "kills": sum(report["kills"] for report in reports),
        "finished": sum(report["finished"] for report in reports),
        "failures": sum(report["failures"] for report in reports),
        "lost": [lost for report in reports for lost in report["lost"]],
        "by": {kind: sum(report["by"].get(kind, 0) for report in reports) for kind in kinds},
    }


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
@pytest.mark.slow
class TestKill:
    def test_many_kills_lose_nothing(self):  # 15 s; a thousand with FASTNN_TRIALS=4
        found = killing(trials=int(250 * SCALE), seconds=240 * SCALE, variant="defended")
        assert found["kills"] >= 250 * SCALE
        assert min(found["by"][kind] for kind in ("before", "after", "within", "random")) > 12
        assert found["finished"] > 12
        assert (found["failures"], found["lost"]) == (0, [])

    def test_networks_that_stop_for_themselves_stop_alike(self):  # 6 s
        ended = swept(**STOPS).ended.tolist()
        assert {"validation", "diverged"} <= {*ended}
        found = killing(trials=40, seconds=60, variant="stopping")
        assert found["kills"] >= 20
        assert found["finished"] > 2
        assert (found["failures"], found["lost"]) == (0, [])

    def test_without_the_defence_something_is_lost(self):
        found = killing(trials=60, seconds=60, variant="undefended")
        assert found["kills"] >= 30
        assert any("damaged" in lost or "digest does not fit" in lost for lost in found["lost"])

    def test_without_a_kill_none_is_counted(self):
        found = killing(trials=2, seconds=2, variant="harmless")
        assert (found["kills"], found["failures"]) == (0, 0)
        assert found["finished"] > 0


class FaultyOS:
    """The module `os`, in which the k-th call of one function fails, alone or with all that follow."""

    def __init__(self, name, k, error, persistent):
        self.name, self.k, self.error, self.persistent = name, k, error, persistent
        self.calls = self.failed = 0

    def __getattr__(self, name):
        call = getattr(os, name)
        return self._faulty(call) if name == self.name else call

    def _faulty(self, call):
        def faulty(*arguments):
            self.calls += 1
            if self.calls == self.k or (self.persistent and self.calls > self.k):
                self.failed += 1
                if self.error == "short":
                    if self.failed == 1 or not self.persistent:
                        return call(arguments[0], arguments[1][:7])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise OSError(self.error, os.strerror(self.error))
            return call(*arguments)

        return faulty


ERRORS = [errno.ENOSPC, errno.EIO, errno.EACCES]
FAULTS = [
    *pairwise(("open", "write", "fsync", "replace", "link"), ERRORS, (False, True)),
    *(("write", "short", persistent) for persistent in (False, True)),
]


def faulty_sweeps(base, name, error, persistent, patch):
    """For every k: a sweep in which the k-th call fails, and the same again without; how many failed."""
    failures = 0
    for k in range(1, 1000):
        folder = base / f"{name}-{k}"
        shim = FaultyOS(name, k, error, persistent)
        with small_shards(64), pytest.MonkeyPatch.context() as mended:
            mended.setattr(files, "os", shim if patch else os)
            try:
                swept(store=folder)
            except OSError:
                failures += 1
        assert leftovers(folder) == [] or persistent  # a persistent fault may keep them from being removed
        if (folder / "manifest.json").exists():
            assert faults(folder) == []
        with small_shards(64):
            assert swept(store=folder).digest() == usual_digest()
        assert (leftovers(folder), faults(folder)) == ([], [])
        if not shim.failed:
            return failures
    raise AssertionError("every call failed")


class TestFaults:
    @pytest.mark.slow
    @pytest.mark.parametrize(("name", "error", "persistent"), FAULTS, ids=str)
    def test_every_call_may_fail(self, name, error, persistent):
        with TemporaryDirectory(dir=MEMORY) as folder:
            failures = faulty_sweeps(Path(folder), name, error, persistent, patch=True)
        expected = 0 if error == "short" and not persistent else 1
        assert failures >= expected

    def test_some_of_them(self, tmp_path):
        assert faulty_sweeps(tmp_path, "fsync", errno.ENOSPC, True, patch=True) > 3

    def test_without_a_fault_nothing_fails(self, tmp_path):
        assert faulty_sweeps(tmp_path, "fsync", errno.ENOSPC, True, patch=False) == 0

    def test_a_write_that_ignores_how_much_was_written_is_found_out(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "_write", lambda descriptor, content: files.os.write(descriptor, content))
        with pytest.raises(
            (AssertionError, OSError), match=r"damaged|digest does not fit|StoreError|is damaged"
        ):
            faulty_sweeps(tmp_path, "write", "short", False, patch=True)

    def test_an_error_says_what_happened_and_the_command_line_how_to_go_on(self, store, monkeypatch, capsys):
        from fastnn.commands.cli import main

        monkeypatch.setattr(files, "os", FaultyOS("fsync", 9, errno.ENOSPC, True))
        options = ["--data", "simulated", "--networks", "100", "--rows", "10", "--epochs", "2"]
        code = main(["sweep", *options, "--store", str(store), "--no-progress"])
        err = capsys.readouterr().err
        assert code == 1
        assert "No space left on device" in err
        assert f"what is finished is in {store}; run the same command again to go on" in err


class TestStaleTemporaries:
    def test_they_are_removed_and_others_are_not(self, store):
        finished(store)
        drop(store, 1)
        stale = store / "shards" / ".shard-00000001-aa.parquet.1-aa.part"
        stale.write_bytes(b"half")
        mine = store / "shards" / ".notes"
        mine.write_bytes(b"kept")
        swept(store=store)
        assert leftovers(store) == [".notes"]

    def test_those_of_a_living_writer_stay(self, store):
        finished(store)
        with (store / "shards" / ".x.parquet.1-aa.part").open("wb") as file:
            files._lock(file.fileno())
            assert files.remove_stale(store / "shards") == []
        assert files.remove_stale(store / "shards") == [".x.parquet.1-aa.part"]

    def test_a_writer_whose_file_was_taken_for_stale_writes_again(self, tmp_path, monkeypatch):
        taken = []

        class Taking(FaultyOS):
            def _faulty(self, call):
                def fsync(descriptor):
                    if not taken:
                        taken.extend(tmp_path.iterdir())
                        taken[0].unlink()
                    call(descriptor)

                return fsync

        monkeypatch.setattr(files, "os", Taking("fsync", 1, 0, False))
        files.publish(tmp_path / "file", b"content")
        assert len(taken) == 1
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"content"]


@pytest.fixture(scope="module")
def damaged():
    """A finished store to be damaged, in memory, with curves and given starts, and another one."""
    with TemporaryDirectory(dir=MEMORY) as base, small_shards(32):
        swept(store=Path(base) / "store", curves=5)
        swept(store=Path(base) / "other", curves=5, seed=1)
        yield Mutations(Path(base) / "store", Path(base) / "other", random.Random(0))  # noqa: S311


def each_way(mutations, times):
    """Every mutation a number of times; returns which went unnoticed."""
    unnoticed = []
    for way in sorted({*Mutations.WAYS}):
        unnoticed += damage(mutations, times, ways=[way])[0]
    return unnoticed


def damage(mutations, trials, harmless=False, enough=None, ways=Mutations.WAYS):
    """Mutations, until `enough` went unnoticed; returns which did, and how often each way was taken."""
    unnoticed, taken = [], {}
    for _ in range(trials):
        if enough is not None and enough <= set(unnoticed):
            break
        began = time.perf_counter()
        way = "none" if harmless else mutations.one(ways)
        taken[way] = taken.get(way, 0) + 1
        if not detected(mutations.folder):
            unnoticed.append(way)
        assert time.perf_counter() - began < 5, way
        mutations.undone()
    return unnoticed, taken


class TestDamage:
    @pytest.mark.slow  # 15 s; ten thousand with FASTNN_TRIALS=4
    def test_every_one_of_many_mutations_is_noticed(self, damaged):
        unnoticed, ways = damage(damaged, int(2500 * SCALE))
        assert unnoticed == []
        assert sum(ways.values()) >= 2500 * SCALE
        assert set(ways) == set(Mutations.WAYS)
        assert min(ways.values()) > 25
        assert not detected(damaged.folder)

    @pytest.mark.long
    def test_some_of_each_in_bounded_memory(self, damaged):
        assert each_way(damaged, 3) == []
        tracemalloc.start()
        assert each_way(damaged, 1) == []
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20e6

    def test_without_damage_nothing_is_noticed(self, damaged):
        assert damage(damaged, 20, harmless=True) == (["none"] * 20, {"none": 20})

    def test_without_the_digest_it_goes_unnoticed(self, damaged, monkeypatch):
        class AnyDigest:
            def __ne__(self, other):
                return False

        monkeypatch.setattr(Store, "_digest", lambda *_: AnyDigest())
        assert "foreign name" in damage(damaged, 9, ways=["foreign name"])[0]
        monkeypatch.setattr(folder_module, "fault_of_content", lambda *_: "")
        enough = {"bit", "truncated", "swapped", "foreign name"}
        assert enough <= set(damage(damaged, 400, enough=enough, ways=sorted(enough))[0])

    def test_without_the_seal_of_the_manifest(self, damaged, monkeypatch):
        from fastnn.sweeping.store import manifest

        monkeypatch.setattr(manifest, "sealed", lambda values: AnyBytes())
        enough = {"manifest grown"}
        assert enough <= set(damage(damaged, 100, enough=enough, ways=sorted(enough))[0])

    @pytest.mark.parametrize(
        "seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 16))]
    )
    def test_what_was_damaged_is_computed_again(self, store, seed):
        finished(store)
        finished(store.with_name("other"), seed=1)
        mutations = Mutations(store, store.with_name("other"), random.Random(seed))  # noqa: S311
        ways = [mutations.one() for _ in range(3)]
        if any(way.startswith("manifest") for way in ways):
            (store / "manifest.json").unlink()
        with small_shards():
            assert swept(store=store).digest() == usual_digest(), ways
        assert faults(store) == []
        assert len(Store.at(store).done()) == SHARDS


class AnyBytes:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Scrambled(Executor):
    """An executor in this thread that does things in a random order, and loses some of them."""

    def __init__(self, draw, losses):
        self.draw, self.losses = draw, losses
        self.waiting = []
        self._max_workers = 3

    def submit(self, call, /, *arguments):
        future = Future()
        self.waiting.append((future, call, arguments))
        self.draw.shuffle(self.waiting)
        if len(self.waiting) > 2 or self.draw.random() < 0.5:
            for waiting in self.waiting:
                self._do(*waiting)
            self.waiting = []
        else:
            Thread(target=self._do, args=self.waiting.pop()).start()
        return future

    def _do(self, future, call, arguments):
        if not future.set_running_or_notify_cancel():
            return
        if self.draw.random() < self.losses:
            future.set_exception(RuntimeError("lost"))
        else:
            future.set_result(call(*arguments))


def combination(seed, folder):
    """A sweep done in some way, interrupted and gone on with in others; returns its digest and the ways."""
    draw = random.Random(seed)  # noqa: S311
    size = draw.choice([1, 7, 16, 50, 100])
    ways = []
    interruptions = draw.randrange(4)
    for run in range(interruptions + 1):
        options = {"engine": draw.choice(fastnn.ENGINES), "workers": draw.choice([1, 2, 3, 8])}
        who = draw.choice(["threads", "threads", "pool", "scrambled"])
        ways.append((who, *options.values(), size))
        last = run == interruptions
        with small_shards(size), pytest.MonkeyPatch.context() as patch:
            if not last:
                after = draw.randrange(5)
                ways.append(after)
                patch.setattr(Store, "keep", interrupting(after))
            if who == "threads":
                one_run(folder, options)
            elif who == "pool":
                with ThreadPoolExecutor(options["workers"]) as pool:
                    one_run(folder, options | {"executor": pool})
            else:
                one_run(folder, options | {"executor": Scrambled(draw, 0.02 if last else 0.2)})
    with small_shards(size):  # what three losses in a row may have left undone
        return swept(store=folder).digest(), ways


def interrupting(after):
    """`Store.keep` that ends in Ctrl-C, or in a full disk, after some shards."""
    keep, kept = Store.keep, []

    def keep_some(store, results):
        if len(kept) >= after:
            raise KeyboardInterrupt if after % 2 else OSError(errno.ENOSPC, "full")
        kept.append(keep(store, results))

    return keep_some


def one_run(folder, options):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # shards that were lost three times
        try:
            swept(store=folder, **options)
        except (OSError, KeyboardInterrupt):
            return


class TestSameBits:
    """Whatever the workers, shards, engine, interruptions and resumes."""

    @pytest.mark.parametrize("count", [3, pytest.param(80, marks=pytest.mark.slow)])
    def test_over_combinations(self, count):
        seen = set()
        with TemporaryDirectory(dir=MEMORY) as folder:
            for seed in range(count):
                digest, ways = combination(seed, Path(folder) / str(seed))
                assert digest == usual_digest(), ways
                seen.add(tuple(ways))
        assert len(seen) >= count * 2 / 3

    def test_in_memory(self):
        for engine in fastnn.ENGINES:
            for workers in (1, 2, 5):
                assert swept(engine=engine, workers=workers).digest() == usual_digest()

    @pytest.mark.parametrize(
        "changes", [{"seed": 1}, {"epochs": 24}, {"dtype": "float32"}, {"shuffle": True}], ids=str
    )
    def test_another_sweep_has_another_digest(self, changes):
        assert swept(**changes).digest() != usual_digest()

    def test_a_worker_that_computes_otherwise_is_found_out(self, store, monkeypatch):
        assert swept(store=store).digest() == usual_digest()
        drop(store, 2)
        keep = Store.keep

        def one_bit_off(found, results):
            results["loss"].view("u8")[3] ^= 1
            keep(found, results)

        monkeypatch.setattr(Store, "keep", one_bit_off)
        with pytest.raises(fastnn.StoreError, match="the finished table must have the digest"):
            swept(store=store)


def test_modules_that_were_patched_are_whole():
    assert files.os is os
    assert folder_module.publish is files.publish
    assert places.Stored
