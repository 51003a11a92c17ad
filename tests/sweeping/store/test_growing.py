"""Stores that grow: the same sweep with more networks goes on, and is what it would be if made at once."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_sweeps import (
    X,
    Y,
    copied,
    drop,
    faults,
    files,
    leftovers,
    small_shards,
    store,
    swept,
)
from test_survival import killing

import fastnn
from fastnn.sweeping.axes import LearningRates
from fastnn.sweeping.grid import Grid
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import sealed, unsealed
from fastnn.sweeping.store.shards import Shards

__all__ = ["store"]  # a fixture

VALIDATION = (X[:5] + 0.5, Y[:5])
KINDS = {
    "one cell": {"rows": 12, "learning_rate": 0.02},
    "four cells, some diverge": {},
    "many cells of few starts": {
        "learning_rate": [0.001, 0.002, 0.003],
        "rows": [3, 12, 5],
    },
    "float32, shuffled, measured": {
        "dtype": "float32",
        "shuffle": True,
        "validation": VALIDATION,
        "engine": "loop",
    },
}
STEPS = [(21, 40), (5, 21), (16, 17), (1, 100), (3, 4, 5, 33), (64, 80)]
# Every kind with half of the steps, every steps with half of the kinds.
PAIRS = [
    (kind, steps)
    for row, kind in enumerate(KINDS)
    for column, steps in enumerate(STEPS)
    if (row + column) % 2 == 0
]


def grown(store, steps, **options):
    """A store that grew in steps, and its sweep."""
    with small_shards():
        for networks in steps:
            found = swept(store=store, networks=networks, **options)
    return found


class TestSameAsAtOnce:
    @pytest.mark.parametrize(
        ("kind", "steps"),
        [pytest.param(*pair, marks=pytest.mark.slow if n % 2 else ()) for n, pair in enumerate(PAIRS)],
        ids=str,
    )
    def test_it_has_the_digest_of_a_sweep_made_at_once(self, kind, steps, store):
        before, options = 0, {"engine": "lanes"} | KINDS[kind]  # whose kernels other tests compile
        for networks in steps:
            found = swept(store=store, networks=networks, **options)
            cells = found.grid.total // networks
            assert found.ran == cells * (networks - before)  # what was there is not trained again
            assert len(found) == cells * networks
            before = networks
        memory = swept(networks=steps[-1], **options)
        assert found.digest() == memory.digest() == fastnn.open(store).table_digest()
        assert (faults(store), leftovers(store)) == ([], [])
        assert swept(store=store, networks=steps[-1], **options).ran == 0

    def test_everything_it_is_asked_is_answered_alike(self, store):
        stored = grown(store, (5, 21, 33), curves=5)
        opened, memory = fastnn.open(store), swept(networks=33, curves=5)
        for found in (stored, opened):
            pd.testing.assert_frame_equal(found.frame(), memory.frame())
            pd.testing.assert_frame_equal(found.best(9), memory.best(9))
            pd.testing.assert_frame_equal(found.summary(), memory.summary())
            assert found.numbers.tolist() == list(range(132))
            with np.errstate(over="ignore"):
                assert found.curves.tobytes() == memory.curves.astype(np.float32).tobytes()
            assert found.replay(100).parameters.tobytes() == memory.replay(100).parameters.tobytes()
            wanted = [131, 4, 5, 40, 32]
            assert found.predict(X, wanted).tobytes() == memory.predict(X, wanted).tobytes()
            cell = list(found.grid.cells())[2]
            pd.testing.assert_frame_equal(found.only(cell).frame(), memory.only(cell).frame())

    def test_files_that_were_there_stay(self, store):
        grown(store, (21,))
        before = {path: path.read_bytes() for path in store.glob("*/*.parquet")}
        manifest = (store / "manifest.json").read_bytes()
        grown(store, (40,))
        assert {path: path.read_bytes() for path in before} == before
        assert (store / "manifest.json").read_bytes() == manifest

    def test_other_readers_find_every_network_once(self, store):
        found = grown(store, (5, 21))
        frame = pd.read_parquet(store / "shards")
        key = ["learning_rate", "rows", "start"]
        assert len(frame) == len(frame.drop_duplicates(key)) == 84
        mine = found.frame().assign(start=found.numbers % 21).sort_values(key)
        assert frame.sort_values(key)["loss"].tolist() == pytest.approx(mine["loss"].tolist(), nan_ok=True)

    def test_executors(self, store):
        grown(store, (5,))
        with small_shards(), ThreadPoolExecutor(2) as pool:
            assert swept(store=store, executor=pool).digest() == swept().digest()

    def test_its_kept_digest_is_of_what_it_is_now(self, store):
        grown(store, (5,))
        small = Store.at(store).kept_digest()
        Store.at(store).grown_to(21)
        assert Store.at(store).kept_digest() is None
        assert grown(store, (21,)).digest() == Store.at(store).kept_digest() != small


class TestInterrupted:
    """Growing is one file: before it the old store is there, with it the new one, unfinished."""

    def test_an_unfinished_store_grows(self, store):
        grown(store, (21,))
        drop(store, 0, 4)
        found = grown(store, (40,))
        assert found.ran == 32 + 4 * 19
        assert found.digest() == swept(networks=40).digest()

    def test_one_that_had_only_begun_to_grow(self, store):
        grown(store, (21,))
        Store.at(store).grown_to(40)
        assert len(fastnn.open(store)) == 84  # what was there can be read
        assert fastnn.open(store).grid.total == 160
        assert grown(store, (40,)).ran == 4 * 19

    def test_shards_of_the_growth_are_lost(self, store):
        grown(store, (21, 40))
        drop(store, 7)
        opened = fastnn.open(store)
        assert len(opened) == 160 - 5  # the last starts of a cell that come with 21
        whole = swept(networks=40).frame().set_index("network")
        pd.testing.assert_frame_equal(opened.frame().set_index("network"), whole.loc[opened.numbers])
        assert grown(store, (40,)).ran == 5

    @pytest.mark.parametrize("step", ["before", "after"])
    def test_a_crash_while_it_grows(self, step, store, monkeypatch):
        """The one file that says so appears whole or not at all."""
        digest = grown(store, (21,)).digest()
        link = os.link

        class Crashing:
            def __getattr__(self, name):
                return self.link if name == "link" else getattr(os, name)

            def link(self, *paths):
                if step == "after":
                    link(*paths)
                raise KeyboardInterrupt

        monkeypatch.setattr("fastnn.files.os", Crashing())
        with pytest.raises(KeyboardInterrupt):
            Store.at(store).grown_to(40)
        monkeypatch.undo()
        assert faults(store) == []
        if step == "before":
            assert fastnn.open(store).digest() == digest
        assert grown(store, (40,)).digest() == swept(networks=40).digest()

    @pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
    @pytest.mark.parametrize("trials", [6, pytest.param(40, marks=pytest.mark.slow)])
    def test_kills(self, trials):
        found = killing(trials=trials, seconds=60, variant="growing")
        assert found["kills"] >= trials / 2
        assert found["finished"] > 0
        assert (found["failures"], found["lost"]) == (0, [])


class TestRefused:
    def test_fewer_networks(self, store):
        grown(store, (21, 40))
        for networks in (39, 21, 5):
            with pytest.raises(
                fastnn.InputError, match=rf"networks is 40 there and {networks} here.*for more"
            ):
                swept(store=store, networks=networks)

    @pytest.mark.parametrize("change", [{"seed": 1}, {"rows": 3}, {"curves": 5}, {"y": Y + 1}])
    def test_another_sweep_of_more_networks(self, change, store):
        grown(store, (21,))
        with pytest.raises(fastnn.InputError, match="store must be of the same sweep") as refusal:
            swept(store=store, networks=40, **change)
        assert "networks is" not in str(refusal.value)
        assert files(store, "grown*") == []

    def test_more_networks_than_were_given(self, store):
        start = fastnn.given(np.arange(189.0).reshape(21, 9) / 100)
        grown(store, (5, 21), start=start)
        with pytest.raises(fastnn.InputError, match="must hold a row for every network; got 21"):
            swept(store=store, networks=22, start=start)

    @pytest.mark.parametrize(
        "values",
        [
            {"networks": 21},
            {"networks": 5},
            {"networks": -1},
            {"networks": "40"},
            {"networks": 2**60},
            {"networks": 40.5},
            {"plan": "0" * 64},
            {"format": "fastnn store 9"},
        ],
        ids=str,
    )
    def test_forged_growth(self, values, store):
        grown(store, (21, 40))
        path = store / "grown-00000001.json"
        plain = unsealed(path.read_bytes(), path.name)
        path.write_bytes(sealed(plain | values))
        with pytest.raises(StoreError, match="must say to how many networks this store has grown"):
            fastnn.open(store)

    def test_damaged_growth(self, store):
        grown(store, (21, 40))
        path = store / "grown-00000001.json"
        path.write_bytes(path.read_bytes().replace(b"40", b"41"))
        with pytest.raises(StoreError, match=r"grown-00000001\.json must be as fastnn wrote it"):
            fastnn.open(store)

    def test_growth_that_is_missing(self, store):
        grown(store, (5, 21, 40))
        (store / "grown-00000001.json").unlink()
        with pytest.raises(StoreError, match=r"grown-00000001\.json must be in the store"):
            fastnn.open(store)

    def test_shards_of_another_growth(self, store):
        """Their number is the same, their starts are not: the name tells."""
        grown(store, (5, 21))
        other = copied(store, "other")
        (other / "grown-00000001.json").unlink()
        with small_shards():
            Store.at(other).grown_to(30)
        assert any("is damaged" in fault for fault in faults(other))
        assert grown(other, (30,)).digest() == swept(networks=30).digest()
        assert faults(other) == []


class TestTwoAtOnce:
    def test_both_grow_and_neither_is_lost(self, store):
        grown(store, (5,))
        found, refused = [], []

        def grow(networks):
            try:
                found.append(swept(store=store, networks=networks))
            except fastnn.InputError as error:
                refused.append(str(error))

        sizes = (21, 40, 40, 33)
        threads = [threading.Thread(target=grow, args=(networks,)) for networks in sizes]
        with small_shards():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(found) + len(refused) == len(sizes)
        assert all("networks is" in text for text in refused)
        assert all(sweep.digest() == swept(networks=sweep.grid.starts).digest() for sweep in found)
        assert (faults(store), leftovers(store)) == ([], [])
        assert grown(store, (40,)).digest() == swept(networks=40).digest()

    def test_a_sweep_of_the_old_size_that_is_under_way_ends_well(self, store, monkeypatch):
        with small_shards():
            begun = Store.keep
            other = []

            def keep(self, results):
                if not other:
                    other.append(None)  # another process lets it grow, and is done first
                    with monkeypatch.context() as patch:
                        patch.setattr(Store, "keep", begun)
                        other.append(swept(store=store, networks=40))
                begun(self, results)

            monkeypatch.setattr(Store, "keep", keep)
            found = swept(store=store, networks=21)
        assert found.digest() == swept(networks=21).digest()
        assert other[1].digest() == swept(networks=40).digest() == Store.at(store).kept_digest()
        assert faults(store) == []


class TestShards:
    @given(
        cells=st.integers(1, 9),
        starts=st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted),
        size=st.integers(1, 40),
    )
    def test_every_network_is_in_one_row_of_one_shard(self, cells, starts, size):
        shards = Shards(cells, tuple(starts), size)
        grid = Grid((LearningRates(np.arange(1.0, cells + 1), "float64"),), starts[-1])
        seen = {}
        for shard in range(shards.count):
            numbers = shards.numbers(shard).array()
            assert len(numbers) == len(shards.numbers(shard)) == shards.rows(shard) <= size
            assert set(grid.start_of(numbers)) <= set(shards.came_with(shard))
            seen |= {int(number): (shard, row) for row, number in enumerate(numbers)}
        assert sorted(seen) == list(range(shards.total)) == list(range(grid.total))
        found = zip(*shards.places(np.arange(shards.total)), strict=True)
        assert [(int(shard), int(row)) for shard, row in found] == [seen[n] for n in sorted(seen)]

    @given(
        cells=st.integers(1, 9), starts=st.integers(1, 60), more=st.integers(1, 60), size=st.integers(1, 40)
    )
    def test_growing_moves_nothing(self, cells, starts, more, size):
        before, after = Shards(cells, (starts,), size), Shards(cells, (starts, starts + more), size)
        for shard in range(before.count):
            some, same = before.numbers(shard).array(), after.numbers(shard).array()
            cell, start = np.divmod(some, starts)
            assert same.tolist() == (cell * (starts + more) + start).tolist()

    @given(
        cells=st.integers(1, 9),
        starts=st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted),
        size=st.integers(1, 40),
    )
    def test_no_shard_has_networks_of_two_cells(self, cells, starts, size):
        shards = Shards(cells, tuple(starts), size)
        found = [shards.numbers(shard).array() // starts[-1] for shard in range(shards.count)]
        assert all(len(set(cell.tolist())) == 1 for cell in found)

    @given(
        cells=st.integers(1, 9),
        starts=st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted),
        size=st.integers(1, 40),
        data=st.data(),
    )
    def test_stretches_read_each_shard_once(self, cells, starts, size, data):
        shards = Shards(cells, tuple(starts), size)
        first = data.draw(st.integers(0, shards.total))
        within = range(first, data.draw(st.integers(first, shards.total)))
        found = list(shards.stretches(within))
        assert [number for some in found for number in some] == list(within)
        assert all(0 < len(some) <= size for some in found)
        read = [shard for some in found for shard in np.unique(shards.places(np.array(some))[0])]
        assert len(read) == len(set(read))


@pytest.mark.usefixtures("without_matplotlib")
def test_on_the_command_line(store, capsys):
    from fastnn.commands.cli import main

    options = ["--data", "simulated", "--rows", "10,20", "--epochs", "2", "--store", str(store), "--json"]
    out = ["--out", str(store.with_name("page")), "--no-progress"]
    assert main(["sweep", "--networks", "30", *options, *out]) == 0
    capsys.readouterr()
    assert main(["sweep", "--networks", "50", *options[:-1], *out]) == 0
    assert capsys.readouterr().out.startswith("100 networks, 40 of them in ")
    assert main(["store", "info", str(store)]) == 0
    told = capsys.readouterr().out
    assert "100 of 100" in told
    assert main(["store", "verify", str(store)]) == 0
    assert main(["sweep", "--networks", "30", *options, *out]) == 2
    assert "networks is 50 there and 30 here" in capsys.readouterr().err
