"""Stores: what they hold, how they are gone on with, read lazily, checked and refused."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from comparing import DTYPES, array_differences
from pairing import in_turns
from rules import OTHER_OPTIMIZERS
from small_sweeps import (
    GRID,
    NET,
    SHARDS,
    X,
    Y,
    both_at_once,
    copied,
    drop,
    faults,
    files,
    finished,
    leftovers,
    small_shards,
    store,
    swept,
    usual_digest,
)

import fastnn
from fastnn.commands.cli import main
from fastnn.sweeping.design import Design
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import Manifest, sealed, unsealed
from fastnn.sweeping.work import executors, places

__all__ = ["store"]  # a fixture


GUIDE = Path(__file__).parents[3] / "fastnn" / "guide" / "sweeps.md"
STARTS = [
    *(fastnn.normal(0.1, 2), fastnn.uniform(-2, 2), fastnn.he(), fastnn.glorot()),
    *(fastnn.constant(0.5), fastnn.given(np.ones(9)), fastnn.given(np.arange(189.0).reshape(21, 9))),
]


@pytest.fixture
def trained(monkeypatch):
    """The numbers of the networks that are trained from now on."""
    numbers = []
    original = Design.train

    def train(design, chunk, *others):
        numbers.extend(range(chunk.first, chunk.first + chunk.count))
        original(design, chunk, *others)

    monkeypatch.setattr(Design, "train", train)
    return numbers


class TestManifest:
    def test_it_is_readable_and_says_what_the_sweep_is_of(self, store):
        swept(store=store, seed=5, curves=10, dtype="float32")
        values = json.loads((store / "manifest.json").read_text())
        plan = values["plan"]
        assert plan["network"] == [{"layers": [2, 2, 1], "hidden": ["relu"], "output": "identity"}]
        assert plan["start"] == {"rule": "normal", "mean": 0.0, "sd": 1.5}
        assert plan["learning_rate"] == [float(np.float32(0.01)), 9.0]
        assert (plan["rows"], plan["networks"], plan["seed"]) == ([3, 12], 21, 5)
        assert (plan["epochs"], plan["dtype"], plan["shuffle"], plan["curves"]) == (
            25,
            "float32",
            [False],
            10,
        )
        assert plan["data"]["rows"] == 12
        assert len(plan["data"]["sha256"]) == 64
        assert "Philox4x32-10" in plan["random_numbers"]
        assert {"fastnn-sweep", "numpy", "numba", "pyarrow", "python", "engine"} <= set(values["written_by"])

    def test_it_is_written_first(self, store, monkeypatch):
        monkeypatch.setattr(Store, "keep_inputs", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            swept(store=store)
        assert files(store, "*") == ["curves", "inputs", "manifest.json", "shards"]

    def test_it_names_no_path(self, store):
        finished(store)
        text = (store / "manifest.json").read_text()
        assert str(store) not in text
        assert "/" not in text.replace("Philox4x32-10 by counter (network or epoch", "")

    @pytest.mark.parametrize(("dtype", "start"), in_turns(product(DTYPES, STARTS)), ids=repr)
    def test_a_design_comes_back_from_it(self, store, start, dtype):
        network = fastnn.Network((2, 2, 1), "tanh", "sigmoid")
        x = pd.DataFrame({"a": [0.1, 1e-30, 3], "b": [1, 2, -5]})
        options = {"rows": [2, 3], "epochs": 3, "shuffle": True, "seed": 2**64 - 1, "dtype": dtype}
        options["engine"] = "batched"  # which compiles nothing
        made = swept(store=store, network=network, x=x, y=np.array([0.1, 0.2, 0.9]), start=start, **options)
        opened = fastnn.open(store, engine="batched")
        assert Manifest.of(opened.design, 0).plan == Manifest.of(made.design, 0).plan
        assert opened.start == start
        assert same(opened.plan.X, made.plan.X)
        assert opened.plan.network == network
        assert same(opened.replay(7).parameters, made.parameters[7])


def same(found, expected):
    """Whether two arrays are equal to the bit."""
    return not array_differences("", np.atleast_1d(found), np.atleast_1d(expected))


class TestNames:
    """The names of the data are kept where they are known; the sweep is the same without."""

    @pytest.fixture
    def data(self):
        frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y})
        return fastnn.Dataset.from_frame(frame, ["a", "b"], "c", source="a table of mine")

    def test_they_are_kept(self, store, data):
        with_names = fastnn.sweep(NET, data, networks=5, epochs=2, store=store, progress=False)
        manifest = Store.at(store).manifest
        assert manifest.names == {"inputs": ["a", "b"], "target": ["c"], "source": "a table of mine"}
        without = fastnn.sweep(NET, data.X, data.y, networks=5, epochs=2, store=store, progress=False)
        assert (without.ran, without.digest()) == (0, with_names.digest())
        assert Store.at(store).manifest.names == manifest.names

    def test_arrays_have_none(self, store):
        finished(store)
        assert "data" not in json.loads((store / "manifest.json").read_text())
        assert Store.at(store).manifest.names is None

    @pytest.mark.parametrize(
        "names",
        [
            {},
            [],
            "a, b -> c",
            {"inputs": ["a", "b"], "target": ["c"]},
            {"inputs": ["a"], "target": ["c"], "source": ""},
            {"inputs": ["a", 2], "target": ["c"], "source": ""},
            {"inputs": ["a", "b"], "target": [], "source": ""},
            {"inputs": ["a", "b"], "target": ["c"], "source": None},
            {"inputs": ["a", "b"], "target": ["c"], "source": "", "more": 1},
            {"inputs": ["a", "b"], "target": ["c"], "source": "", "classes": ["no"]},
            {"classes": ["no", "no"]},
            {"classes": ["no", 1]},
            {"classes": [["no"], ["yes"]]},
        ],
        ids=str,
    )
    def test_forged_ones(self, store, data, names):
        fastnn.sweep(NET, data, networks=5, epochs=2, store=store, progress=False)
        path = store / "manifest.json"
        plain = unsealed(path.read_bytes(), "manifest.json")
        path.write_bytes(sealed(plain | {"data": names}))
        with pytest.raises(StoreError, match=r"manifest\.json must describe a sweep"):
            fastnn.open(store)

    def test_a_validation_of_the_same_scaling(self, data):
        frame = pd.DataFrame({"a": X[:, 0] * 2, "b": X[:, 1], "c": Y})
        found = fastnn.sweep(NET, data, networks=3, epochs=2, validation=data, progress=False)
        rows = (data.scaling.apply(frame / [2, 1, 1]), data.scaling.y.apply(Y))
        pair = fastnn.sweep(NET, data, networks=3, epochs=2, validation=rows, progress=False)
        assert found.digest() == pair.digest()


class TestShards:
    def test_one_parquet_file_each_with_page_checksums(self, store):
        finished(store)
        assert len(files(store, "shards/*")) == SHARDS
        rows = []
        for path in sorted(store.glob("shards/*")):
            content = pq.ParquetFile(path, page_checksum_verification=True)
            rows += content.read().column("start").to_pylist()
            assert b"of sweep " in content.schema_arrow.metadata[b"fastnn"]
        assert rows == list(range(21)) * 4

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_their_size_does_not_depend_on_the_workers(self, tmp_path, workers):
        with small_shards():
            swept(store=tmp_path / "one")
            swept(store=tmp_path / "other", workers=workers)
        assert files(tmp_path / "one") == files(tmp_path / "other")  # and their bytes, whose digest they bear

    def test_a_flipped_bit_of_a_page_is_seen_by_any_reader(self, store):
        finished(store)
        path = next(store.glob("shards/*"))
        content = bytearray(path.read_bytes())
        losses = pq.read_table(path).column("loss").to_numpy()[:4].tobytes()
        content[content.index(losses)] ^= 1
        path.write_bytes(content)
        with pytest.raises(OSError, match=r"(?i)crc|checksum"):
            pq.read_table(path, page_checksum_verification=True)

    def test_pandas_and_duckdb_read_them(self, store):
        finished(store)
        sweep = fastnn.open(store)
        frame = pd.read_parquet(store / "shards")
        assert same(frame["loss"].to_numpy(), sweep.loss)
        assert frame["status"].astype(str).tolist() == sweep.status.tolist()
        query = re.search(r"^SELECT .*?;$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[0]
        medians = duckdb.sql(query.replace("night/", f"{store}/")).fetchall()
        ok_losses = sweep.frame(["learning_rate", "loss"], [("status", "==", "ok")])
        for rate, count, median in medians:
            some = ok_losses["loss"][ok_losses["learning_rate"] == rate]
            assert (count, median) == (len(some), pytest.approx(some.median()))
        ok = duckdb.read_parquet(f"{store}/shards/*.parquet").filter("status = 'ok'")
        found = ok.aggregate("count(*), min(loss)").fetchall()
        assert found == [((sweep.diverged == 0).sum(), np.nanmin(sweep.loss))]

    def test_curves_have_files_of_their_own(self, store):
        whole = swept(curves=True)
        sweep = swept(store=store, curves=10)
        assert len(files(store, "curves/*")) == SHARDS
        assert sweep.curve_epochs.tolist() == [10, 20]
        with np.errstate(over="ignore"):  # the losses of networks that are about to diverge
            assert same(sweep.curves, whole.curves[:, [9, 19]].astype(np.float32))
        frame = pd.read_parquet(store / "curves")
        assert frame["start"].tolist() == list(range(21)) * 4
        assert same(np.stack(frame["curve"].to_list()), sweep.curves)

    def test_curves_in_memory(self):
        whole = swept(curves=True)
        some = swept(curves=7)
        assert same(some.curves, whole.curves[:, [6, 13, 20]])
        assert some.curve_epochs.tolist() == [7, 14, 21]


class TestGoingOn:
    def test_only_what_is_missing_is_done(self, store, trained):
        finished(store)
        digest = usual_digest()
        drop(store, 1, 4)
        trained.clear()
        sweep = swept(store=store)
        assert sorted(trained) == [*range(16, 21), *range(42, 58)]
        assert (sweep.ran, len(sweep), sweep.digest()) == (21, 84, digest)
        assert faults(store) == []

    def test_a_finished_store_runs_nothing(self, store, trained, monkeypatch):
        before = swept(store=store)
        listing = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
        trained.clear()
        monkeypatch.setattr(places, "Part", None)
        after = swept(store=store)
        assert (trained, after.ran, after.digest()) == ([], 0, before.digest())
        assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == listing

    def test_a_shard_without_its_curves_is_not_done(self, store, trained):
        finished(store, curves=5)
        next(iter(sorted(store.glob("curves/*")))).unlink()
        trained.clear()
        swept(store=store, curves=5)
        assert sorted(trained) == list(range(16))

    @pytest.mark.parametrize(
        ("changes", "difference"),
        [
            ({"seed": 1}, "seed is 0 there and 1 here"),
            ({"epochs": 26}, "epochs is 25 there and 26 here"),
            ({"learning_rate": [0.01]}, r"learning_rate is \[0.01, 9.0\] there and \[0.01\] here"),
            ({"rows": [3]}, r"rows is \[3, 12\] there and \[3\] here"),
            ({"networks": 20}, "networks is 21 there and 20 here"),
            ({"dtype": "float32"}, 'dtype is "float64" there and "float32" here'),
            ({"shuffle": True}, r"shuffle is \[false\] there and \[true\] here"),
            ({"curves": 5}, "curves is 0 there and 5 here"),
            ({"start": fastnn.he()}, 'start is {"rule": "normal".* there and {"rule": "he"} here'),
            ({"network": fastnn.Network((2, 3, 1))}, r"network is \[{\"layers\": \[2, 2, 1\].* there"),
            ({"y": Y + 1e-15}, "data is .* there and .* here"),
        ],
        ids=lambda value: value if isinstance(value, str) else ", ".join(value),
    )
    def test_another_sweep_is_refused_with_the_difference(self, store, trained, changes, difference):
        finished(store)
        listing = files(store, "**/*")
        trained.clear()
        with pytest.raises(fastnn.InputError, match=f"store must be of the same sweep; .*{difference}"):
            swept(store=store, **changes)
        assert (trained, files(store, "**/*")) == ([], listing)

    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    def test_another_engine_may_go_on(self, store, engine):
        finished(store)
        digest = usual_digest()
        drop(store, 0, 3)
        assert swept(store=store, engine=engine).digest() == digest

    def test_shards_keep_the_size_that_they_have(self, store):
        finished(store)
        drop(store, 2)
        with small_shards(64):
            assert len(swept(store=store)) == 84
        assert len(files(store, "shards/*")) == SHARDS

    def test_a_damaged_shard_is_set_aside_and_computed_again(self, store, trained):
        finished(store)
        digest = usual_digest()
        path = sorted(store.glob("shards/*"))[3]
        path.write_bytes(path.read_bytes()[:-1])
        trained.clear()
        sweep = swept(store=store)
        assert sorted(trained) == list(range(37, 42))
        assert sweep.digest() == digest
        assert files(store, "damaged/*") == [f"damaged/{path.name}"]
        path.write_bytes(b"")  # and once more
        swept(store=store)
        assert files(store, "damaged/*") == [f"damaged/{path.name}", f"damaged/{path.name}.1"]
        assert faults(store) == []

    def test_damaged_inputs_are_written_again(self, store):
        finished(store)
        path = next(store.glob("inputs/*"))
        path.write_bytes(path.read_bytes() + b"\0")
        with pytest.raises(StoreError, match="is damaged: its bytes do not have the digest in its name"):
            fastnn.open(store)
        swept(store=store)
        assert same(fastnn.open(store).plan.X, X)

    def test_a_damaged_manifest_is_refused(self, store):
        finished(store)
        path = store / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
        for use in (fastnn.open, lambda folder: swept(store=folder)):
            with pytest.raises(StoreError, match=r"manifest\.json must be as fastnn wrote it; its digest"):
                use(store)
        path.unlink()  # as the message advises
        assert swept(store=store).ran == 0

    def test_a_manifest_of_another_format_is_refused(self, store):
        finished(store)
        values = json.loads((store / "manifest.json").read_text())
        del values["sha256"]
        (store / "manifest.json").write_bytes(sealed(values | {"format": "fastnn store 1"}))
        with pytest.raises(StoreError, match="must be of format 'fastnn store 5'; got 'fastnn store 1'"):
            fastnn.open(store)

    @pytest.mark.parametrize(
        "other",
        [
            {"loss": "huber"},
            {"loss": None},
            {"loss": [{"loss": "squared"}, {"loss": "other"}]},
            {"rule": {"loss": "squared"}},
            {"optimizer": "sgd"},
            {"optimizer": []},
            *({"optimizer": [{"optimizer": "sgd"}, plain]} for plain in OTHER_OPTIMIZERS),
        ],
        ids=str,
    )
    def test_a_manifest_of_another_rule_is_refused(self, store, other):
        finished(store)
        values = json.loads((store / "manifest.json").read_text())
        del values["sha256"]
        assert (values["plan"]["loss"], values["plan"]["optimizer"]) == (
            [{"loss": "squared"}],
            [{"optimizer": "sgd"}],
        )
        (store / "manifest.json").write_bytes(sealed(values | {"plan": values["plan"] | other}))
        with pytest.raises(
            StoreError, match=r"must describe a sweep; it does not: (optimizer|momentum|loss|plan)"
        ):
            fastnn.open(store)

    def test_bits_that_changed_are_an_error(self, store):
        finished(store)
        drop(store, 0)
        Store.at(store).keep_digest("0" * 64)
        with pytest.raises(StoreError, match="the finished table must have the digest"):
            swept(store=store)

    @pytest.mark.parametrize("place", ["a file", "a folder of others", "a file's name below"])
    def test_what_is_no_store_is_left_alone(self, tmp_path, place):
        (tmp_path / "notes.txt").write_text("mine")
        folder = {"a file": tmp_path / "notes.txt", "a folder of others": tmp_path}.get(place)
        expected = fastnn.InputError if folder else OSError
        with pytest.raises(expected, match=r"store must name|notes\.txt"):
            swept(store=folder or tmp_path / "notes.txt" / "store")
        assert [path.name for path in tmp_path.rglob("*")] == ["notes.txt"]

    def test_nothing_there_is_refused(self, tmp_path):
        with pytest.raises(fastnn.InputError, match=r"a store must be a folder with a manifest\.json"):
            fastnn.open(tmp_path / "nothing")

    def test_without_pyarrow(self, store, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(fastnn.InputError, match=r'pip install "fastnn-sweep\[store\]"'):
            swept(store=store)
        assert not store.exists()


class TestTwoAtOnce:
    def test_threads_of_two_sweeps_on_one_store(self, store):
        digest = swept().digest()
        found = []
        sweeps = [
            threading.Thread(target=lambda: found.append(swept(store=store, workers=2))) for _ in range(2)
        ]
        for sweep in sweeps:
            sweep.start()
        for sweep in sweeps:
            sweep.join()
        assert [sweep.digest() for sweep in found] == [digest] * 2
        assert (faults(store), leftovers(store), len(files(store, "shards/*"))) == ([], [], SHARDS)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork: two processes that import take 2 s")
    def test_processes(self, tmp_path):
        """On a new store, on one that grows, and on a disk without hard links."""
        new, grows, without_links = stores = [tmp_path / name for name in ("new", "grows", "without links")]
        with small_shards():
            swept(store=grows, networks=5)
        before = {new: "", grows: "", without_links: "import os, killing; os.link = killing.refused_link"}
        assert both_at_once(before, 23) == [[swept(networks=23).digest()] * 2] * 3
        assert [(faults(store), leftovers(store)) for store in stores] == [([], [])] * 3

    def test_copies_of_a_shard_by_two_versions_of_pyarrow(self, store):
        finished(store)
        path = sorted(store.glob("shards/*"))[2]
        before = path.name
        found = Store.at(store)
        found._publish("shard", 2, path.read_bytes() + b"\0")  # other bytes, whose name comes first or not
        listed = files(store, "shards/shard-00000002-*")
        assert len(listed) == 1
        assert faults(store) == []
        assert listed[0] <= f"shards/{before}"


class TestReading:
    """A store answers as the same sweep in memory does."""

    @pytest.fixture(params=DTYPES, scope="class")
    @classmethod
    def pair(cls, request, tmp_path_factory):
        folder = tmp_path_factory.mktemp("stores") / "store"
        finished(folder, dtype=request.param)
        return fastnn.open(folder), swept(dtype=request.param)

    def test_every_answer(self, pair):
        stored, memory = pair
        assert isinstance(stored, fastnn.Sweep)
        for name in ("numbers", "parameters", "loss", "diverged"):
            assert array_differences(name, getattr(stored, name), getattr(memory, name)) == []
        pd.testing.assert_frame_equal(stored.frame(), memory.frame(), check_exact=True)
        pd.testing.assert_frame_equal(stored.best(7), memory.best(7), check_exact=True)
        pd.testing.assert_frame_equal(stored.summary(), memory.summary(), check_exact=True)
        pd.testing.assert_frame_equal(stored.score(X, Y), memory.score(X, Y), check_exact=True)
        assert stored.dead_units().tolist() == memory.dead_units().tolist()
        assert stored.dead_unit_counts().tolist() == memory.dead_unit_counts().tolist()
        assert stored.digest() == memory.digest() == stored.table_digest()
        assert same(stored.predict(X, [80, 3, 3, 41]), memory.predict(X, [80, 3, 3, 41]))
        assert same(stored.predict(X), memory.predict(X))
        assert same(stored.loss_quantiles([0, 0.3, 1]), memory.loss_quantiles([0, 0.3, 1]))
        assert (len(stored), stored.status.tolist()) == (84, memory.status.tolist())
        assert stored.curves is memory.curves is None

    def test_replay(self, pair):
        stored, memory = pair
        for number in (0, 40, 83):
            assert same(stored.replay(number).parameters, memory.parameters[number])
            assert same(stored.replay(number).loss_curve, memory.replay(number).loss_curve)

    def test_columns_and_filters(self, pair):
        for sweep in pair:
            whole = sweep.frame()
            some = sweep.frame(
                ["loss", "w3", "network", "diverged"], [("loss", "<", 0.5), ("rows", "==", 12)]
            )
            expected = whole[(whole["loss"] < 0.5) & (whole["rows"] == 12)]
            assert some.columns.tolist() == ["loss", "w3", "network", "diverged"]
            assert some["network"].tolist() == expected["network"].tolist()
            assert same(some["w3"].to_numpy(), expected["w3"].to_numpy())
            diverged = sweep.frame(["network"], [("status", "==", "diverged")])["network"]
            assert diverged.tolist() == whole["network"][whole["status"] == "diverged"].tolist()
            assert sweep.frame(["network"], [("network", "in", [70, 3])])["network"].tolist() == [3, 70]
            assert len(sweep.frame(filters=[("diverged", "==", 0), ("loss", "<", 10**400)])) == len(
                whole[whole["status"] == "ok"]
            )
            none = sweep.frame(filters=[("loss", ">", 1e300)])
            assert (len(none), none.columns.tolist()) == (0, whole.columns.tolist())
            assert none.dtypes.tolist() == whole.dtypes.tolist()

    @pytest.mark.parametrize(
        ("columns", "filters", "message"),
        [
            (["lost"], [], "each of columns must be one of 'network', .*; got 'lost'"),
            (None, [("loss", "~", 1)], "a filter's comparison must be one of .*; got '~'"),
            (None, [("lost", "<", 1)], "each of columns must be one of .*; got 'lost'"),
            (
                None,
                [("loss", "<", Decimal("sNaN"))],
                "filter's value must be a number for loss; got Decimal",
            ),
            (None, [("loss", "<", pd.NA)], r"a filter's value must be a number for loss; got <NA>\. Write"),
            (None, [("loss", "==", pd.NaT)], "a filter's value must be a number for loss; got NaT"),
            (None, [("loss", "<", "1")], "a filter's value must be a number for loss; got '1'"),
            (None, [("loss", "<", [1, 2])], r"a filter's value must be a number for loss; got \[1, 2\]"),
            (None, [("network", "in", [3, None])], "a filter's value must be a number for network; got None"),
            (None, [("network", "in", 3)], "a filter's value must be a list if its comparison is in; got 3"),
            (None, [("status", "==", 1)], "a filter's value must be a word for status; got 1"),
            (None, ["loss<1"], r"each of filters must be \(column, comparison, value\); got 'loss<1'"),
        ],
    )
    def test_what_cannot_be_asked(self, pair, columns, filters, message):
        for sweep in pair:
            with pytest.raises(fastnn.InputError, match=message):
                sweep.frame(columns, filters)

    def test_levels(self, pair):
        for sweep in pair:
            with pytest.raises(fastnn.InputError, match="each of levels must be a number from 0 to 1; got 5"):
                sweep.quantiles([5])
            assert sweep.quantiles([0.5]).columns.tolist() == ["learning_rate", "rows", "50 %"]

    def test_repr(self, pair):
        stored, memory = pair
        assert repr(stored) == repr(memory)[:-1] + f", store={str(stored.store)!r}>"

    def test_an_unfinished_store(self, store):
        finished(store)
        drop(store, 0, 2)
        sweep = fastnn.open(store)
        assert len(sweep) == 52
        assert sweep.numbers.tolist() == [*range(16, 21), *range(37, 84)]
        assert "52 networks of 84, unfinished" in repr(sweep)
        assert sweep.summary()["networks"].tolist() == [5, 5, 21, 21]
        assert same(sweep.replay(3).parameters, swept().parameters[3])
        with pytest.raises(fastnn.InputError, match="got 3, which the interrupted sweep did not reach"):
            sweep.predict(X, [20, 3])

    def test_an_empty_store(self, store, monkeypatch):
        finished(store)
        drop(store, *range(SHARDS))
        sweep = fastnn.open(store)
        assert len(sweep) == len(sweep.frame()) == len(sweep.best()) == len(sweep.numbers) == 0
        assert sweep.parameters.shape == (0, 9)
        assert sweep.summary()["networks"].tolist() == [0] * 4
        assert sweep.dead_unit_counts().tolist() == [0]

    def test_a_damaged_shard_is_not_read(self, store):
        finished(store)
        path = sorted(store.glob("shards/*"))[3]
        sweep = fastnn.open(store)
        sweep.frame()
        path.write_bytes(path.read_bytes().replace(b"PAR1", b"PAR2"))
        for question in (fastnn.open(store).frame, sweep.best, sweep.summary):
            with pytest.raises(StoreError, match=r"shard-00000003-.* is damaged.*Run the same sweep again"):
                question()

    def test_columns_alone_are_read(self, store, monkeypatch):
        finished(store)
        sweep = fastnn.open(store)
        asked = []
        read = Store.read
        monkeypatch.setattr(
            Store, "read", lambda found, *rest: (asked.append((rest[1], *rest[2])), read(found, *rest))[1]
        )
        sweep.frame(["loss"])
        assert asked == [(shard, "loss") for shard in range(SHARDS)]
        asked.clear()
        sweep.predict(X, [5, 83])
        assert {shard for shard, *_ in asked} == {0, 7}

    @pytest.mark.slow
    def test_memory_does_not_grow(self, tmp_path):
        script = f"""
import tracemalloc
import fastnn
from fastnn.sweeping.store import manifest
manifest.MOST_NETWORKS = 1 << 12
import numpy as np
x = np.linspace(0, 1, 6).reshape(3, 2)
for networks in 20_000, 20_000, 200_000:  # the first time, other things are made and kept
    sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), x, x[:, 0], networks=networks, epochs=1,
                         store={str(tmp_path)!r} + f"/{{networks}}", progress=False)
    sweep.best(), sweep.summary()
    tracemalloc.start()
    sweep.best(), sweep.dead_unit_counts(), sweep.table_digest(), sweep.replay(5)
    sweep.frame(["network"], [("loss", "<", 1e-9)])
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.reset_peak()
    sweep.summary(), sweep.quantiles(), sweep.loss_quantiles([0, 0.5])
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        _, few, many = np.array(done.stdout.split(), int).reshape(3, 2)
        assert many[0] < 1.2 * few[0] + 200_000  # a byte for each network more would be 180 000
        assert many[1] < 1.2 * few[1] + 200_000 + 8 * 180_000  # the losses themselves, once


class TestQuantiles:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_of_what_is_there(self, dtype, store):
        finished(store, dtype=dtype)
        drop(store, 1, 4)
        sweep = fastnn.open(store)
        losses = sweep.loss[sweep.diverged == 0].astype(np.float64)
        assert 0 < len(losses) < len(sweep) < 84
        levels = [0, 0.05, 0.3, 0.5, 1]
        assert same(sweep.loss_quantiles(levels), np.quantile(losses, levels))
        for cell, row in zip(sweep.grid.cells(), sweep.quantiles(levels).to_numpy(), strict=True):
            ok = sweep.only(cell).frame(["loss"], [("status", "==", "ok")])["loss"].astype(np.float64)
            expected = np.quantile(ok, levels) if len(ok) else np.full(len(levels), np.nan)
            assert same(row[2:], expected)

    def test_of_none(self, store):
        swept(store=store, learning_rate=1e9)
        assert np.isnan(fastnn.open(store).loss_quantiles([0, 0.5])).all()


class TestDigest:
    def test_it_is_kept_beside_the_manifest_and_is_the_tables(self, store):
        sweep = swept(store=store)
        kept = json.loads((store / "digest.json").read_text())
        assert kept["table"] == sweep.digest() == swept().digest()
        assert kept["plan"] == Store.at(store).manifest.plan_digest

    @pytest.mark.parametrize("name", ["loss", "loss_all_rows", "matrix", "diverged", "network"])
    def test_every_bit_counts(self, name):
        sweep = swept(learning_rate=0.01)
        before = sweep.digest()
        array = sweep.table.matrix if name == "matrix" else sweep.table.columns[name]
        array.reshape(-1).view(np.uint8)[8] ^= 1
        assert sweep.digest() != before

    def test_a_damaged_one_is_computed_again(self, store):
        finished(store)
        digest = usual_digest()
        path = store / "digest.json"
        path.write_bytes(path.read_bytes()[:-3])
        assert Store.at(store).kept_digest() is None
        assert swept(store=store).digest() == digest
        assert Store.at(store).kept_digest() == digest


class TestDivergence:
    def test_it_is_recorded(self, store):
        assert (swept(store=store, on_divergence="record").diverged > 0).any()

    @pytest.mark.parametrize("workers", [1, 2])
    def test_or_raised(self, workers):
        message = (
            r'on_divergence="raise" requires that no network diverges; network \d+ did, in epoch \d+ at '
            r"learning rate 9, 12 rows\. Lower the learning rate"
        )
        with pytest.raises(fastnn.DivergenceError, match=message):
            swept(on_divergence="raise", workers=workers)
        assert len(swept(on_divergence="raise", learning_rate=0.01)) == 42

    def test_what_was_finished_before_is_kept(self, store, monkeypatch):
        monkeypatch.setattr(places, "randrange", lambda count: 0)
        with pytest.raises(fastnn.DivergenceError):
            swept(store=store, on_divergence="raise")
        assert 42 <= len(fastnn.open(store)) < 84  # the first four shards are of a low learning rate alone
        assert len(swept(store=store)) == 84

    def test_also_by_what_is_in_the_store(self, store):
        finished(store)
        with pytest.raises(fastnn.DivergenceError, match=r"network \d+ did"):
            swept(store=store, on_divergence="raise")


class TestInterruption:
    def test_shards_that_were_finished_are_kept(self, store, monkeypatch):
        kept = []
        keep = Store.keep

        def keep_some(found, results):
            if len(kept) == 3:
                return
            keep(found, results)
            kept.append(results.numbers.array())

        monkeypatch.setattr(Store, "keep", keep_some)
        monkeypatch.setattr("fastnn.sweeping.work.threads.wait", wait_for(lambda: len(kept) == 3))
        sweep = swept(store=store)
        assert sweep.interrupted
        assert sweep.numbers.tolist() == sorted(np.concatenate(kept).tolist())
        monkeypatch.undo()
        with small_shards():
            assert swept(store=store).digest() == swept().digest()


def wait_for(condition):
    """A stand-in for `wait` that ends in Ctrl-C once a condition holds."""

    def wait(*arguments):
        while not condition():
            time.sleep(0.001)
        raise KeyboardInterrupt

    return wait


class TestCommands:
    @pytest.fixture
    def run(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        def run(*arguments):
            code = main([str(argument) for argument in arguments])
            captured = capsys.readouterr()
            return code, captured.out, captured.err

        return run

    @pytest.mark.usefixtures("without_matplotlib")
    def test_sweep(self, run, store):
        options = ["--data", "simulated", "--networks", 40, "--epochs", 3, "--rows", 30]
        code, out, err = run("sweep", *options, "--store", store, "--curves", 2)
        assert code == 0
        assert err.startswith("40 networks, about ")
        assert f"in 3 shards in {store}" in err
        assert f"digest   {fastnn.open(store).digest()}" in out
        assert max(map(len, out.splitlines())) <= 80 + len(str(store))
        assert fastnn.open(store).curves.shape == (40, 1)
        code, out, _ = run("sweep", *options, "--store", store, "--curves", 2, "--no-progress")
        assert code == 0
        assert "40 networks found in the store" in out

    def test_info(self, run, store):
        finished(store)
        drop(store, 2)
        code, out, err = run("store", "info", store)
        assert (code, err) == (0, "")
        lines = dict(line.split(None, 1) for line in out.splitlines() if not line.startswith(" "))
        assert lines["networks"] == "68 of 84, 81 %"
        assert re.fullmatch(r"7 of 8, [\d.]+ kB; up to 16 networks each", lines["shards"])
        assert lines["learning_rate"] == "0.01, 9.0"
        assert max(map(len, out.splitlines())) <= 80
        values = json.loads(run("store", "info", store, "--json")[1])
        assert values["shards"] == {"done": 7, "total": 8}

    @pytest.mark.usefixtures("without_matplotlib")
    def test_info_names_the_data(self, run, store, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        frame = pd.DataFrame({"age": range(6), "city": ["Graz", "Wien", "Linz"] * 2, "charges": range(6)})
        frame.to_csv("mine.csv", index=False)
        options = ["--data", "mine.csv", "--inputs", "age,city", "--target", "charges", "--networks", 5]
        assert (
            run("sweep", *options, "--epochs", 2, "--store", store, "--no-progress", "--out", "out")[0] == 0
        )
        out = run("store", "info", store)[1]
        lines = dict(line.split(None, 1) for line in out.splitlines() if not line.startswith(" "))
        assert lines["inputs"] == "age, city=Graz, city=Linz, city=Wien"
        assert (lines["target"], lines["source"]) == ("charges", "mine.csv")
        names = json.loads(run("store", "info", store, "--json")[1])["names"]
        assert (names["target"], names["source"], len(names["inputs"])) == (["charges"], "mine.csv", 4)

    def test_export_refuses_to_overwrite(self, run, store, tmp_path):
        finished(store)
        for name in ("all.parquet", "all.csv"):
            path = tmp_path / name
            path.write_text("mine")
            code, out, err = run("store", "export", store, path)
            assert (code, out) == (2, "")
            assert (
                f"FILE must name a new file; got {path}, which exists. Name another one, or remove it" in err
            )
            assert path.read_text() == "mine"

    def test_verify(self, run, store):
        finished(store)
        digest = usual_digest()
        assert run("store", "verify", store) == (0, f"shards 8, missing 0, faults 0\ndigest {digest}\n", "")
        drop(store, 2)
        path = next(store.glob("shards/shard-00000001-*"))
        path.write_bytes(b"")
        code, out, _ = run("store", "verify", store)
        assert code == 1
        assert out.startswith("shards 7, missing 1, faults 1\nshards/shard-00000001-")
        assert "run the same sweep with this store again" in out
        code, out, _ = run("store", "verify", store, "--json")
        assert (code, json.loads(out)["missing"]) == (1, 1)

    def test_verify_compares_the_digest(self, run, store):
        finished(store)
        Store.at(store).keep_digest("f" * 64)
        code, out, _ = run("store", "verify", store)
        assert code == 1
        assert "digest.json says ffff" in out

    def test_export(self, run, store):
        finished(store)
        sweep = fastnn.open(store)
        assert run("store", "export", store, "all.parquet") == (0, "", "")
        pd.testing.assert_frame_equal(pd.read_parquet("all.parquet"), sweep.frame(), check_exact=True)
        where = ["--where", "loss<0.5", "--where", "status==ok", "--columns", "network,loss"]
        assert run("store", "export", store, "some.csv", *where)[0] == 0
        expected = sweep.frame(["network", "loss"], [("loss", "<", 0.5)])
        pd.testing.assert_frame_equal(pd.read_csv("some.csv"), expected)

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["info", "nothing"], "a store must be a folder with a manifest.json"),
            (["export", "{store}", "table.xlsx"], "FILE must end in .parquet or .csv; got 'table.xlsx'"),
            (["export", "{store}", "a.csv", "--where", "loss~1"], "--where must be a test like loss<0.01"),
            (
                ["export", "{store}", "a.csv", "--where", "loss<low"],
                "--where must compare loss with a",
            ),
            (["export", "{store}", "a.csv", "--columns", "lost"], "each of --columns must be one of"),
        ],
    )
    def test_refusals(self, run, store, arguments, reason):
        finished(store)
        code, out, err = run("store", *[argument.format(store=store) for argument in arguments])
        assert (code, out) == (2, "")
        assert reason in err
        assert err.count("\n") == 1

    def test_a_damaged_store_exits_1(self, run, store):
        finished(store)
        (store / "manifest.json").write_text("{}")
        code, out, err = run("store", "info", store)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "manifest.json must be as fastnn wrote it" in err

    @pytest.mark.usefixtures("without_matplotlib")
    def test_processes(self, run, store, monkeypatch):
        asked = []
        made = lambda count: asked.append(count) or ThreadPoolExecutor(count)  # noqa: E731 - in their place
        monkeypatch.setattr(executors, "processes", made)
        options = ["--data", "simulated", "--networks", 40, "--epochs", 3, "--rows", 30, "--no-progress"]
        code, out, _ = run("sweep", *options, "--store", store, "--processes", 2)
        assert code == 0
        assert asked == [2]
        here = run("sweep", *options, "--store", store.with_name("here"))[1]
        assert re.findall("digest .*", out) == re.findall("digest .*", here)

    def test_processes_and_dask_exclude_each_other(self, run):
        code, _, err = run("sweep", "--data", "simulated", "--processes", 2, "--dask", "tcp://127.0.0.1:1")
        assert (code, err.count("\n")) == (2, 1)
        assert "--processes and --dask exclude each other" in err

    def test_without_dask(self, run, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        code, _, err = run("sweep", "--data", "simulated", "--dask", "tcp://127.0.0.1:1")
        assert code == 2
        assert 'pip install "fastnn-sweep[dask]"' in err

    def test_curves_need_a_store(self, run):
        code, _, err = run("sweep", "--curves", 3)
        assert code == 2
        assert "--curves needs a place for them" in err

    @pytest.mark.parametrize(
        ("name", "code"), [("SIGINT", 130), pytest.param("SIGTERM", 143, marks=pytest.mark.slow)]
    )
    def test_signals(self, tmp_path, name, code):

        command = [
            sys.executable,
            "-u",
            "-m",
            "fastnn",
            "sweep",
            "--data",
            "simulated",
            "--networks",
            "30000000",
        ]
        command += ["--store", "kept", "--rows", "10", "--epochs", "4"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
        with subprocess.Popen(command, **pipes) as process:
            while not list(tmp_path.glob("kept/shards/*.parquet")):
                assert process.poll() is None
                time.sleep(0.02)
            kept = set(tmp_path.glob("kept/shards/*.parquet"))
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=30)  # 0.3 s on an idle machine; the sweep takes minutes
        assert process.returncode == code
        assert "what is finished is in kept; run the same command again to go on" in err
        assert "of 30 000 000, interrupted" in out
        assert kept <= set(tmp_path.glob("kept/shards/*.parquet"))
        assert faults(tmp_path / "kept") == []
        assert "Traceback" not in err


def test_copies_are_stores_too(store):
    finished(store)
    digest = usual_digest()
    other = copied(store, "other")
    assert fastnn.open(other).table_digest() == digest
    assert fastnn.open(other).network == NET
    assert GRID["epochs"] == fastnn.open(other).plan.epochs
