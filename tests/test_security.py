"""What a hostile store cannot do; that nothing read is run, `test_nothing_read_is_run` holds."""

import json
import socket
import sys

import pandas as pd
import pytest
from small_sweeps import faults, files, finished, store, swept

import fastnn
from fastnn.commands.cli import main
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import Manifest, sealed

__all__ = ["store"]  # a fixture


class TestNoPathLeavesTheStore:
    """A manifest written by an enemy, its seal in order."""

    def hostile(self, store, change):
        finished(store)
        values = json.loads((store / "manifest.json").read_text())
        del values["sha256"]
        change(values)
        (store / "manifest.json").write_bytes(sealed(values))

    @pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "shards/../../x", "a\0b"])
    def test_names_in_a_manifest_are_of_no_use(self, store, name):
        (store.parent / "outside").write_text("untouched")

        def change(values):
            values["plan"]["data"]["file"] = values["plan"]["shards"] = values["folder"] = name

        self.hostile(store, change)
        before = files(store.parent, "**/*")
        for use in (fastnn.open, lambda folder: swept(store=folder)):
            with pytest.raises(
                OSError, match="must describe a sweep; it does not: it must have format, plan"
            ):
                use(store)
        assert files(store.parent, "**/*") == before

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *(("network", {"layers": [2, 10**9, 1], "hidden": ["relu"], "output": "identity"}),),
            *(("network", "__import__('os')"), ("networks", "1"), ("networks", None), ("networks", -5)),
            *(("networks_per_shard", 0), ("networks_per_shard", 10**30), ("epochs", "x"), ("epochs", None)),
            *(
                ("dtype", "object"),
                ("dtype", "O"),
                ("learning_rate", {"a": 1}),
                ("rows", 3),
                ("curves", "all"),
            ),
            *(("start", {"rule": "__class__"}), ("start", []), ("seed", -1), ("networks", 10**15)),
            *(("losses", ["loss"]), ("losses", "loss"), ("losses", ["loss", "../loss"]), ("losses", None)),
            *(("validation", {"rows": 3}), ("validation", []), ("validation", None)),
        ],
        ids=str,
    )
    def test_strange_values_are_one_clear_error(self, store, key, value):
        self.hostile(store, lambda values: values["plan"].update({key: value}))
        with pytest.raises((fastnn.StoreError, fastnn.InputError)):
            fastnn.open(store)
        try:
            assert faults(store)
        except fastnn.StoreError:
            return
        assert Store.at(store).done() == Store.at(store).done()

    def test_links_out_of_the_store_are_not_followed(self, store):
        finished(store)
        outside = store.parent / "outside.parquet"
        path = next(store.glob("shards/*"))
        path.rename(outside)
        path.symlink_to(outside)
        assert faults(store) == [f"{path.name} is not a file"]
        swept(store=store)
        assert outside.exists()


class TestFormulas:
    def test_an_exported_table_has_none(self, store, tmp_path):
        swept(store=store)
        assert main(["store", "export", str(store), str(tmp_path / "all.csv")]) == 0
        cells = [cell for line in (tmp_path / "all.csv").read_text().splitlines() for cell in line.split(",")]
        assert [cell for cell in cells if formula(cell)] == []
        assert len(pd.read_csv(tmp_path / "all.csv")) == 84

    @pytest.mark.usefixtures("undrawn")
    def test_nor_has_the_table_of_a_sweep_nor_a_picture_of_its_page(self, tmp_path, monkeypatch):
        (tmp_path / "=cmd().csv").write_text("=1+1,@b,y\n1,2,3\n2,1,5\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)  # so that the table is written as CSV
        options = ["--data", "=cmd().csv", "--inputs", "=1+1,@b", "--target", "y", "--networks", "9"]
        options += ["--layers", "2,1", "--engine", "batched"]  # has few pictures, and compiles nothing
        assert main(["sweep", *options, "--epochs", "2", "--no-progress"]) == 0
        files = [tmp_path / "fastnn-sweep/sweep.csv", *(tmp_path / "fastnn-sweep/pictures").glob("*.csv")]
        assert len(files) > 5
        assert "'=1+1" in (tmp_path / "fastnn-sweep/pictures/surface-best.csv").read_text()
        for file in files:
            cells = [cell for line in file.read_text().splitlines() for cell in line.split(",")]
            assert [cell for cell in cells if formula(cell)] == []

    @pytest.mark.parametrize("cell", ["=1", "+cmd", "-cmd", "@x", "\t=1", "\r=1", "-1+1"])
    def test_one_would_be_seen(self, cell):
        assert formula(cell)


def formula(cell):
    """Whether a spreadsheet could take a cell for a formula: it begins like one and is no number."""
    if cell[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def test_no_socket_listens(store, monkeypatch):
    def refused(*arguments):
        raise AssertionError("a socket was to listen")

    monkeypatch.setattr(socket.socket, "listen", refused)
    monkeypatch.setattr(socket.socket, "bind", refused)
    swept(store=store, workers=2)
    fastnn.open(store).summary()
    with socket.socket() as one, pytest.raises(AssertionError, match="was to listen"):
        one.listen()


def test_the_plan_of_a_store_reads_back(store):
    swept(store=store)
    assert Manifest.read((store / "manifest.json").read_bytes()).total == 84
