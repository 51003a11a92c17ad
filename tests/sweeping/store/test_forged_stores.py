"""Stores whose digests are right and whose content is not: refused in words, or set aside and done again."""

import json
import os
import random
import re

import numpy as np
import pyarrow as pa
import pytest
from forging import JUNK, changed, named, reseal, reshaped, unsealed, with_column
from small_sweeps import faults, files, finished, small_shards, store, swept, usual_digest

import fastnn
from fastnn.commands.cli import main
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.contents import fault_of_content, most_bytes
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import Manifest, sealed
from fastnn.sweeping.work import places

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

__all__ = ["store"]  # a fixture

OTHER = {"arithmetic": "fastnn 0: another", "random_numbers": "fastnn 0: others"}


def first(folder, kind="shard"):
    return min(path for path in folder.glob(f"*/{kind}-*") if path.parent.name != "damaged")


def column(table, name):
    return table.column(name).to_numpy(zero_copy_only=False).copy()


def put(name, place, value):
    """A change of one value of a column."""

    def change(table):
        values = column(table, name)
        values[place] = value
        return with_column(table, name, values)

    return change


def with_type(name, dtype):
    return lambda table: with_column(table, name, column(table, name).astype(dtype))


def with_nulls(name):
    return lambda table: with_column(table, name, [None, *table.column(name).to_pylist()[1:]])


SHARD = {
    "a row less": lambda table: table.slice(1),
    "a row more": lambda table: pa.concat_tables([table, table.slice(0, 1)]),
    "no rows": lambda table: table.slice(0, 0),
    "rows in another order": lambda table: table.take(list(reversed(range(len(table))))),
    "no loss": lambda table: table.drop_columns(["loss"]),
    "no parameter": lambda table: table.drop_columns(["w3"]),
    "another column": lambda table: table.append_column("more", table.column("loss")),
    "columns in another order": lambda table: table.select(list(reversed(table.column_names))),
    "a column twice": lambda table: table.append_column("loss", table.column("loss")),
    "losses of float32": with_type("loss", np.float32),
    "losses of text": with_type("loss", str),
    "parameters of float32": with_type("w1", np.float32),
    "diverged of int64": with_type("diverged", np.int64),
    "start of int32": with_type("start", np.int32),
    "missing losses": with_nulls("loss"),
    "a missing parameter": with_nulls("b3"),
    "other starts": put("start", 3, 20),
    "other learning rates": put("learning_rate", 2, 0.5),
    "other rows": put("rows", 2, 12),
    "a status of its own": lambda table: with_column(table, "status", ["fine"] * len(table)),
    "the other status": put("status", 0, "diverged"),
    "diverged below 0": put("diverged", 0, -1),
    "diverged beyond the epochs": put("diverged", 0, 26),
    "diverged and finite": put("diverged", 0, 3),
    "a loss of NaN": put("loss", 0, np.nan),
    "an infinite loss": put("loss", 0, np.inf),
    "a loss below 0": put("loss", 0, -1.0),
    "an infinite loss on all rows": put("loss_all_rows", 0, np.inf),
    "a parameter of NaN": put("w4", 0, np.nan),
    "an infinite parameter": put("b1", 0, -np.inf),
    "nested losses": lambda table: with_column(table, "loss", [[value] for value in column(table, "loss")]),
}
CURVES = {
    "a row less": lambda table: table.slice(1),
    "other starts": put("start", 3, 20),
    "no curves": lambda table: table.drop_columns(["curve"]),
    "curves of float64": lambda table: of_curves(table, pa.list_(pa.float64(), 5)),
    "curves of any length": lambda table: of_curves(table, pa.list_(pa.float32())),
    "short curves": lambda table: with_column(table, "curve", lists(np.zeros((len(table), 4), "f4"))),
    "one NaN": lambda table: curve_put(table, (0, 1), np.nan),
    "a loss below 0": lambda table: curve_put(table, (0, 1), -1),
    "another end": lambda table: curve_put(table, (0, 4), 0.75),
    "missing losses": lambda table: with_column(
        table, "curve", pa.array([[None] * 5] * len(table), pa.list_(pa.float32(), 5))
    ),
}


def lists(curves):
    return pa.FixedSizeListArray.from_arrays(pa.array(curves.reshape(-1)), curves.shape[1])


def of_curves(table, kind):
    return with_column(table, "curve", pa.array(table.column("curve").to_pylist(), kind))


def curve_put(table, place, value):
    curves = np.array(table.column("curve").to_pylist(), np.float32)
    curves[place] = value
    return with_column(table, "curve", lists(curves))


def read(folder):
    """Read all of a store."""
    sweep = fastnn.open(folder)
    return sweep.loss, sweep.curves


def noticed(folder):
    """A forged file is found, and refused where it is read."""
    found = faults(folder)
    assert len(found) == 1
    assert re.search("holds (something else|impossible results)", found[0])
    with pytest.raises(StoreError, match="Run the same sweep again with this store"):
        read(folder)


def mended(folder, **options):
    """And set aside, and computed again."""
    noticed(folder)
    sweep = swept(store=folder, **options)
    assert sweep.ran > 0
    assert (sweep.digest(), faults(folder), len(files(folder, "damaged/*"))) == (usual_digest(), [], 1)


def every_third(changes):
    """Changes by name; two of three are slow tests."""
    return [
        pytest.param(change, id=name, marks=pytest.mark.slow if n % 3 else ())
        for n, (name, change) in enumerate(changes.items())
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished store with curves, which every test that is given it leaves whole."""
    folder = tmp_path_factory.mktemp("whole") / "store"
    finished(folder, curves=5)
    return folder


class TestShards:
    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            pytest.param(kind, change, id=f"{kind}-{name}")
            for kind, changes in (("shard", SHARD), ("curves", CURVES))
            for name, change in changes.items()
        ],
    )
    def test_of_wrong_content_are_noticed(self, whole, kind, change):
        path = first(whole, kind)
        right = path.read_bytes()
        wrong = reshaped(path, change)
        noticed(whole)
        wrong.unlink()
        path.write_bytes(right)

    @pytest.mark.parametrize("change", every_third(SHARD))
    def test_of_wrong_content_are_computed_again(self, store, change):
        finished(store)
        reshaped(first(store), change)
        mended(store)

    @pytest.mark.parametrize("change", every_third(CURVES))
    def test_curves_of_wrong_content_are_computed_again(self, store, change):
        finished(store, curves=5)
        reshaped(first(store, "curves"), change)
        mended(store, curves=5)

    def test_what_unpacks_to_more_is_not_unpacked(self, store):
        finished(store)

        def swollen(table):
            return with_column(table, "status", pa.array(["x" * 10**6] * len(table)).dictionary_encode())

        reshaped(first(store), swollen, compression="zstd")
        assert main(["store", "verify", str(store)]) == 1
        mended(store)

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"nonsense", b"PAR1" + bytes(100) + b"PAR1"])
    def test_of_other_bytes(self, store, content):
        finished(store)
        named(first(store), content, Store.at(store).manifest.plan_digest)
        mended(store)

    def test_inputs_too(self, store):
        finished(store)
        for change in (put("x1", 3, 0.5), with_type("y1", np.float32), lambda table: table.slice(1)):
            reshaped(first(store, "data"), change)
            with pytest.raises(StoreError, match="holds something else"):
                fastnn.open(store)
            sweep = swept(store=store)
            assert (sweep.digest(), sweep.ran, faults(store)) == (usual_digest(), 0, [])

    def test_a_forged_one_beside_the_right_one_does_not_win(self, store, monkeypatch):
        finished(store)
        path = first(store)
        right = path.read_bytes()
        forged = reshaped(path, put("loss", 0, -1.0))
        wrong = forged.read_bytes()
        path.write_bytes(right)
        assert fastnn.open(store).digest() == usual_digest()
        assert swept(store=store).ran == 0
        path.unlink()
        keep = places.Stored.keep

        def appearing(place, results):
            keep(place, results)
            forged.write_bytes(wrong)

        monkeypatch.setattr(places.Stored, "keep", appearing)
        assert swept(store=store).digest() == usual_digest()


class TestNothingLeavesItStuck:
    @pytest.mark.parametrize("name", ["shards", "curves", "inputs", "damaged"])
    def test_a_file_in_the_place_of_a_folder(self, store, name):
        finished(store)
        if (store / name).exists():
            (store / name).rename(store.with_name("moved"))
        (store / name).write_text("in the way")
        if name == "damaged":
            first(store).write_bytes(b"")
        assert swept(store=store).digest() == usual_digest()
        assert swept(store=store).ran == 0

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes among files")
    @pytest.mark.parametrize("kind", ["pipe", "folder", "device", "sparse", "other", "list", "number"])
    def test_a_digest_that_is_none(self, store, kind):
        finished(store)
        path, manifest = store / "digest.json", Store.at(store).manifest
        path.unlink()
        known = {"plan": manifest.plan_digest, "networks": 84}
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "sparse":
            path.touch()
            os.truncate(path, 60 << 30)
        else:
            path.write_bytes(sealed({"table": {"other": None, "list": [1], "number": 7}[kind], **known}))
        assert fastnn.open(store).digest() == usual_digest()
        first(store).unlink()
        assert swept(store=store).digest() == usual_digest()
        assert Store.at(store).kept_digest() == usual_digest()

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes among files")
    @pytest.mark.parametrize("name", ["manifest.json", "grown-00000001.json"])
    @pytest.mark.parametrize("kind", ["pipe", "sparse", "device", "folder"])
    def test_a_manifest_that_is_none(self, store, name, kind):
        finished(store)
        path = store / name
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        else:
            path.touch()
            os.truncate(path, 60 << 30)
        for use in (fastnn.open, lambda folder: swept(store=folder)):
            with pytest.raises((StoreError, fastnn.InputError), match=r"manifest\.json|grown-0+1\.json must"):
                use(store)


class TestAnotherArithmetic:
    @pytest.fixture
    def foreign(self, store):
        finished(store, curves=5)
        reseal(store, lambda values: values["plan"].update(arithmetic=OTHER["arithmetic"]))
        return store

    def test_what_is_there_can_be_read(self, foreign):
        whole, sweep = swept(curves=5), fastnn.open(foreign)
        assert sweep.digest() == usual_digest()
        assert sweep.frame().equals(whole.frame())
        assert sweep.best(3).equals(whole.best(3))
        assert sweep.summary().equals(whole.summary())
        assert sweep.part([1, 2]).loss.tobytes() == whole.loss[1:3].tobytes()
        assert sweep.curves.shape == (84, 5)

    @pytest.mark.parametrize("name", ["arithmetic", "random_numbers"])
    def test_what_would_be_computed_is_refused(self, store, name):
        finished(store)
        reseal(store, lambda values: values["plan"].update({name: OTHER[name]}))
        sweep = fastnn.open(store)
        words = f"{name} is '{OTHER[name]}' there and 'fastnn 1: .* here"
        uses = {
            "replay": lambda: sweep.replay(3),
            "predict": lambda: sweep.predict([[0.1, 0.2]]),
            "predict some": lambda: sweep.part([1]).predict([[0.1, 0.2]]),
            "score": lambda: sweep.score([[0.1, 0.2]], [0.3]),
            "dead units": sweep.dead_units,
            "counts of them": sweep.dead_unit_counts,
        }
        for use in uses.values():
            with pytest.raises(StoreError, match=words):
                use()
        for more in ({}, {"networks": 30}):
            with pytest.raises(fastnn.InputError, match=f'{name} is "{OTHER[name]}" there and "fastnn 1'):
                swept(store=store, **more)

    def test_it_says_so(self, foreign, capsys):
        sweep = fastnn.open(foreign)
        words = "arithmetic is 'fastnn 0: another' there and 'fastnn 1: IEEE"
        assert words in str(sweep)
        assert words in sweep.foreign
        assert "arithmetic is" in sweep._repr_html_()
        assert main(["store", "verify", str(foreign)]) == 1
        assert words in capsys.readouterr().out
        assert main(["store", "info", str(foreign), "--json"]) == 0
        assert words in json.loads(capsys.readouterr().out)["foreign"]
        assert main(["store", "info", str(foreign)]) == 0
        assert "can be read alone" in capsys.readouterr().out
        file = foreign.with_name("all.csv")
        assert main(["store", "export", str(foreign), str(file)]) == 0

    def test_of_our_own_nothing_is_said(self, store):
        finished(store)
        assert fastnn.open(store).foreign == ""


class TestTooMuch:
    @pytest.mark.parametrize("networks", [10**14, 10**12, 2**53])
    def test_networks(self, tmp_path, networks):
        with pytest.raises(fastnn.InputError, match=r"a store must have at most 10000000 shards; got \d+"):
            swept(store=tmp_path / "store", networks=networks)
        assert not (tmp_path / "store").exists()

    def test_a_store_of_many_shards_begins_at_once(self, tmp_path, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("fastnn.sweeping.design.Design.train", stop)
        monkeypatch.setattr("fastnn.sweeping.store.manifest.MOST_NETWORKS", 16)
        sweep = swept(store=tmp_path / "store", networks=4_000_000, progress=False)
        assert sweep.interrupted
        assert len(sweep) == 0

    def test_growing(self, store):
        finished(store)
        with pytest.raises(fastnn.InputError, match="a store must have at most 10000000 shards"):
            swept(store=store, networks=10**9)


class TestManifests:
    @pytest.fixture(scope="class")
    @classmethod
    def values(cls, tmp_path_factory):
        """What manifests say: of a plain sweep, and of one with all that a manifest can name."""
        folder = tmp_path_factory.mktemp("manifests")
        with small_shards():
            swept(store=folder / "plain")
            options = {"validation": ([[0.1, 0.2]], [0.3]), "curves": 5, "dtype": "float32"}
            swept(store=folder / "all", start=fastnn.given(np.ones((21, 9))), **options)
        return [unsealed(folder / name) for name in ("plain", "all")]

    def test_they_are_read(self, values):
        for each in values:
            assert Manifest.read(sealed(each)).plan == each["plan"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(("start", [1]), ("data", [1]), ("network", {"layers": [2, 10**9, 1], "hidden": ["relu"]})),
            ("network", {"layers": [2, 10**9, 1], "hidden": ["relu"], "output": "identity"}),
            *(("networks", 10**18), ("networks_per_shard", 0), ("networks_per_shard", 10**9), ("curves", 26)),
            *(("epochs", 2**31), ("epochs", True), ("seed", -1), ("seed", 2**64), ("dtype", "float16")),
            *(("learning_rate", []), ("learning_rate", [0.01, 0.01]), ("learning_rate", 0.01)),
            *(
                ("rows", [3, 13]),
                ("rows", [0]),
                ("shuffle", 1),
                ("shuffle", [1]),
                ("arithmetic", ""),
                ("arithmetic", None),
            ),
            *(
                ("start", {"rule": "normal", "mean": "0", "sd": 1}),
                ("start", {"rule": "normal", "m": 0}),
            ),
            ("losses", ["loss"]),
            ("validation", {"rows": 1, "sha256": "0" * 64}),
            ("more", 1),
        ],
    )
    def test_each_entry_is_checked(self, values, name, value):
        forged = values[0] | {"plan": values[0]["plan"] | {name: value}}
        with pytest.raises(StoreError, match=r"manifest\.json must describe a sweep; it does not: "):
            Manifest.read(sealed(forged))

    @pytest.mark.parametrize("name", ["plan", "written_by", "data", "format"])
    @pytest.mark.parametrize("junk", [None, 1, "a", [1], {"inputs": "ab", "target": "c", "source": "d"}])
    def test_the_rest_too(self, values, name, junk):
        if (name == "data" and junk is None) or (name == "written_by" and isinstance(junk, dict)):
            return
        with pytest.raises(StoreError, match=r"manifest\.json must"):
            Manifest.read(sealed(values[0] | {name: junk}))

    @pytest.mark.parametrize("name", ["more", "Plan", "", "__class__"])
    def test_an_entry_that_no_manifest_has(self, values, name):
        words = r"must describe a sweep; it does not: it must have format, plan, written_by; got "
        with pytest.raises(StoreError, match=f"{words}.*{name!r}"):
            Manifest.read(sealed(values[0] | {name: 1}))

    def test_an_entry_that_no_growth_has(self, values):
        found = Manifest.read(sealed(values[0]))
        grown = found.growing(30)
        assert found.after(grown, "grown-00000001.json").starts == 30
        told = json.loads(grown)
        told.pop("sha256")
        with pytest.raises(StoreError, match=r"grown-00000001\.json must say to how many networks"):
            found.after(sealed(told | {"more": 1}), "grown-00000001.json")


def used(manifest):
    """Ask a manifest that was read for everything that is asked of it before a file is."""
    _ = manifest.grid, manifest.total, manifest.shard_count, manifest.schema, manifest.foreign
    _ = (
        manifest.numbers(0),
        manifest.numbers(manifest.shard_count - 1),
        manifest.expected(0),
        manifest.plan_digest,
    )
    assert all(network.n_parameters <= 10**7 for network in manifest.grid["network"].values)
    assert manifest.shard_count <= 10**7
    assert manifest.shards.rows(0) <= 1 << 16
    assert most_bytes(manifest, "data", 0) > 0


@pytest.mark.slow
class TestFuzz:
    @pytest.mark.parametrize("seed", range(2))
    def test_manifests(self, seed, tmp_path):
        generator, folder = random.Random(seed), tmp_path / "store"  # noqa: S311
        with small_shards():
            swept(store=folder, start=fastnn.given(np.ones((21, 9))) if seed else fastnn.normal(0, 1))
        values, refused = unsealed(folder), 0
        original = Manifest.read(sealed(values))
        for _ in range(2000):
            try:
                found = Manifest.read(sealed(changed(values, generator)))
            except StoreError:
                refused += 1
                continue
            used(found)
            original.differences(found)
        assert 1200 < refused < 2000

    def test_opened(self, tmp_path):
        generator, folder = random.Random(5), tmp_path / "store"  # noqa: S311
        with small_shards():
            swept(store=folder)
        values, refused = unsealed(folder), 0
        for _ in range(200):
            (folder / "manifest.json").write_bytes(sealed(changed(values, generator)))
            try:
                _ = fastnn.open(folder).loss
            except StoreError:
                refused += 1
        assert refused > 120

    @pytest.mark.parametrize("kind", ["shard", "curves", "data"])
    def test_files(self, kind, tmp_path):
        generator, folder = random.Random(7), tmp_path / "store"  # noqa: S311
        with small_shards():
            swept(store=folder, curves=5)
        found, table = Store.at(folder), pa.parquet.read_table(first(folder, kind))
        shard = first(folder).read_bytes() if kind == "curves" else None
        for _ in range(500):
            content = forged(table, generator)
            reason = fault_of_content(found.manifest, kind, 0, content, shard)
            assert reason == "" or "holds" in reason
            if not reason:
                assert pa.parquet.read_table(pa.BufferReader(content)).num_rows == table.num_rows

    def test_bytes_of_files(self, tmp_path):
        generator, folder = random.Random(8), tmp_path / "store"  # noqa: S311
        with small_shards():
            swept(store=folder)
        found, content = Store.at(folder), first(folder).read_bytes()
        for _ in range(1000):
            some = bytearray(content)
            for _ in range(generator.randint(1, 3)):
                some[generator.randrange(len(some))] = generator.randrange(256)
            reason = fault_of_content(found.manifest, "shard", 0, bytes(some))
            assert reason == "" or "holds" in reason


def forged(table, generator):
    """The bytes of a table with one change of a column: its values, its type, its name, its rows."""
    name = generator.choice(table.column_names)
    way = generator.choice(["value", "value", "type", "name", "drop", "rows", "junk"])
    values = table.column(name).to_pylist()
    try:
        if way == "value":
            values[generator.randrange(len(values))] = generator.choice(
                [*JUNK[:30], float("nan"), float("inf")]
            )
            table = with_column(table, name, pa.array(values, table.schema.field(name).type))
        elif way == "type":
            kinds = (pa.float32(), pa.float64(), pa.int8(), pa.int64(), pa.string(), pa.bool_(), pa.binary())
            table = with_column(table, name, table.column(name).cast(generator.choice(kinds), safe=False))
        elif way == "junk":
            table = with_column(table, name, pa.array([generator.choice(JUNK)] * len(values)))
        elif way == "name":
            names = [
                generator.choice(["", "loss", "w1", "x"]) if old == name else old
                for old in table.column_names
            ]
            table = table.rename_columns(names)
        elif way == "drop":
            table = table.drop_columns([name])
        else:
            table = table.slice(generator.randrange(len(table)), generator.randrange(len(table)))
        sink = pa.BufferOutputStream()
        pa.parquet.write_table(table, sink, compression=generator.choice(["none", "none", "none", "zstd"]))
    except (pa.ArrowException, OverflowError, TypeError, ValueError):  # there is no such file
        return b"PAR1"
    return sink.getvalue().to_pybytes()
