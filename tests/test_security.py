"""Nothing that is read from a store, a model or a data file is run, and no socket of ours listens."""

import ast
import json
import os
import socket
import subprocess
import sys

import pandas as pd
import pytest
from small_sweeps import faults, files, store, swept
from test_architecture import imports, modules

import fastnn
from fastnn.storing.folder import Store
from fastnn.storing.manifest import Manifest, sealed

__all__ = ["store"]  # a fixture

# Modules that turn bytes into running code or objects of any class, and those that listen.
FORBIDDEN_MODULES = {
    *("pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "code"),
    *("socket", "socketserver", "http", "asyncio", "runpy", "imp", "xmlrpc", "ctypes"),
}
# Functions that run a text, by name or as a method of whatever object.
FORBIDDEN_CALLS = {
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
        "read_pickle",
        "to_pickle",
        "query",
        "unpickle",
        "load_module",
    ),
}
# What an engine runs is printed by fastnn alone, from a checked `Network`; what it keeps of it on disk lies
# in a private folder and is checked before it is loaded (tests/test_kernel_cache.py).
PRINTED_CODE = {"engines.compiling", "engines.kernel_cache"}


def unsafe(name, source):
    """What in a module could run what it has read, in words: nothing, if it is safe."""
    if name in PRINTED_CODE:
        return []
    found = [
        f"imports {module}" for module in imports(source) if module.partition(".")[0] in FORBIDDEN_MODULES
    ]
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        by_name = isinstance(node.func, ast.Name)
        if called in FORBIDDEN_CALLS and not (called == "compile" and not by_name):  # re.compile
            found.append(f"calls {called}")
        allowed = {word.arg: word.value for word in node.keywords}.get("allow_pickle")
        if allowed is not None and getattr(allowed, "value", True) is not False:
            found.append("allows pickle")
        of_numpy = getattr(getattr(node.func, "value", None), "id", "") in ("np", "numpy")
        if called == "load" and of_numpy and allowed is None:
            found.append("loads without allow_pickle=False")
    return found


class TestNothingIsRun:
    @pytest.mark.parametrize("name", modules())
    def test_by_rule(self, name):
        assert unsafe(name, modules()[name]) == []

    @pytest.mark.parametrize(
        ("line", "offence"),
        [
            ("import pickle", "imports pickle"),
            ("from pickle import loads", "imports pickle"),
            ("def f():\n    import cloudpickle", "imports cloudpickle"),
            ("import http.server", "imports http.server"),
            ("x = eval(text)", "calls eval"),
            ("exec(text)", "calls exec"),
            ("compile(text, '', 'exec')", "calls compile"),
            ("frame.query(text)", "calls query"),
            ("frame.eval(text)", "calls eval"),
            ("pd.read_pickle(path)", "calls read_pickle"),
            ("np.load(path)", "loads without allow_pickle=False"),
            ("np.load(path, allow_pickle=True)", "allows pickle"),
            ("np.load(path, allow_pickle=anything)", "allows pickle"),
        ],
    )
    def test_the_rule_can_fail(self, line, offence):
        assert offence in unsafe("storing.folder", line)

    @pytest.mark.parametrize("line", ["re.compile('a')", "np.load(p, allow_pickle=False)", "json.loads(t)"])
    def test_the_rule_can_hold(self, line):
        assert unsafe("storing.folder", line) == []

    def test_ruff_holds_it_too(self, tmp_path):
        ruff = os.path.join(os.path.dirname(sys.executable), "ruff")  # noqa: PTH118, PTH120
        if not os.access(ruff, os.X_OK):
            pytest.skip("needs ruff beside Python")
        (tmp_path / "bad.py").write_text("import pickle\n\npickle.loads(b'')\neval('1')\nexec('1')\n")
        command = [ruff, "check", "--isolated", "--select", "S", "--output-format", "concise", str(tmp_path)]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        assert {"S301", "S307", "S102"} <= set(found.replace(":", " ").split())


class TestNoPathLeavesTheStore:
    """A manifest written by an enemy, its seal in order."""

    def hostile(self, store, change):
        swept(store=store)
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
        with pytest.raises(OSError, match="is damaged"):  # which are of another plan now
            fastnn.open(store)
        with pytest.raises(fastnn.InputError, match="store must be of the same sweep"):
            swept(store=store)
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
            *(("initial", {"start": "__class__"}), ("initial", []), ("seed", -1), ("networks", 10**15)),
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
        swept(store=store)
        outside = store.parent / "outside.parquet"
        path = next(store.glob("shards/*"))
        path.rename(outside)
        path.symlink_to(outside)
        assert faults(store) == [f"{path.name} is not a file"]
        swept(store=store)
        assert outside.exists()


class TestFormulas:
    def test_an_exported_table_has_none(self, store, tmp_path):
        from fastnn.cli import main

        swept(store=store)
        assert main(["store", "export", str(store), str(tmp_path / "all.csv")]) == 0
        cells = [cell for line in (tmp_path / "all.csv").read_text().splitlines() for cell in line.split(",")]
        assert [cell for cell in cells if formula(cell)] == []
        assert len(pd.read_csv(tmp_path / "all.csv")) == 84

    def test_nor_has_the_table_of_a_sweep(self, tmp_path, monkeypatch):
        from fastnn.cli import main

        monkeypatch.chdir(tmp_path)
        swept().frame()  # pandas, where pyarrow is there, needs it for its own text
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        (tmp_path / "=cmd().csv").write_text("=1+1,@b,y\n1,2,3\n2,1,5\n")
        options = ["--data", "=cmd().csv", "--inputs", "=1+1,@b", "--target", "y", "--networks", "9"]
        assert main(["sweep", *options, "--epochs", "2", "--no-progress"]) == 0
        text = (tmp_path / "fastnn-sweep" / "sweep.csv").read_text()
        assert [cell for line in text.splitlines() for cell in line.split(",") if formula(cell)] == []

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
