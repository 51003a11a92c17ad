"""The table of result columns: a column added to it goes wherever results go; nothing else states it."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_sweeps import small_shards, swept

import fastnn
from fastnn.checking import InputError
from fastnn.sweeping import columns
from fastnn.sweeping.columns import COLUMNS, Column, Schema
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.work import packing, tasks
from fastnn.sweeping.work.expecting import RULES, Expected
from fastnn.training.statuses import STATUSES

PACKAGE = Path(fastnn.__file__).parent
EPOCHS = 25

ENDS = ("epochs", "validation")
ADDED = (
    Column("mean_epoch", dtype="int32", values="epoch"),
    Column("outcome", dtype="int8", values="word", words=ENDS),
    Column("penalty", values="measured", needs=frozenset({"validation"})),
    Column("rough_curve", per="epoch", values="curve", needs=frozenset({"curves"}), array="rough_curves"),
)


@pytest.fixture
def added(monkeypatch):
    """Sweeps with further columns: entries in the table, and the code that computes them."""
    train = Design.train

    def trained(design, chunk, into, *rest):
        train(design, chunk, into, *rest)
        room, numbers = into.only(chunk), np.arange(chunk.first, chunk.first + chunk.count)
        room["mean_epoch"][:] = numbers % EPOCHS
        room["outcome"][:] = numbers % 2
        if "penalty" in room.arrays:
            room["penalty"][:] = np.where(room["diverged"] > 0, np.nan, numbers / 4)
        if "curves" in room.arrays:
            with np.errstate(over="ignore"):
                room["rough_curves"][:] = room["curves"] * 2

    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, *ADDED))
    monkeypatch.setattr(Design, "train", trained)


@pytest.fixture
def rows():
    draw = np.random.default_rng(1)
    return draw.random((7, 2)), draw.random(7)


def alike(found, whole):
    """Whether two sweeps have the same columns, to the bit, curves as float32."""
    frame = [*whole.frame().columns, "diverged"]
    assert found.frame(frame).equals(whole.frame(frame))
    with np.errstate(over="ignore"):
        for name in ("curves", "rough_curves"):
            assert getattr(found, name).astype("f4").tobytes() == getattr(whole, name).astype("f4").tobytes()
    return found.digest() == whole.digest()


@pytest.mark.usefixtures("added")
class TestAnAddedColumn:
    def test_in_memory(self, rows):
        found = swept(curves=5, validation=rows)
        numbers = found.numbers
        assert found.mean_epoch.dtype == np.int32
        assert found.mean_epoch.tolist() == (numbers % EPOCHS).tolist()
        assert found.outcome.tolist() == [ENDS[number % 2] for number in numbers]
        ok = found.diverged == 0
        assert found.penalty[ok].tolist() == (numbers[ok] / 4).tolist()
        assert np.array_equal(found.rough_curves, found.curves * 2, equal_nan=True)
        assert {"mean_epoch", "outcome", "penalty", "rough_curves"} <= {*dir(found)}

    def test_only_where_it_is_needed(self):
        found = swept()
        assert found.penalty is found.rough_curves is found.curves is None
        assert not {"penalty", "rough_curve"} & {*found.frame().columns}

    def test_in_frames(self, rows):
        found = swept(validation=rows)
        frame = found.frame(["outcome", "mean_epoch", "penalty"], [("outcome", "==", "validation")])
        assert frame.dtypes.astype(str).tolist() == ["category", "int32", "float64"]
        assert frame.outcome.cat.categories.tolist() == [*ENDS]
        assert frame.mean_epoch.tolist() == (found.numbers[1::2] % EPOCHS).tolist()
        assert {"outcome", "mean_epoch", "penalty"} < {*found.best(3).columns}
        assert found.frame(filters=[("network", "<", 0)]).dtypes.equals(found.frame().dtypes)
        with pytest.raises(InputError, match="must be a word for outcome"):
            found.frame(filters=[("outcome", "==", 1)])

    def test_in_a_part(self, rows):
        found = swept(curves=5, validation=rows)
        part = found.part([3, 50])
        assert part.mean_epoch.tolist() == [3, 0]
        assert part.outcome.tolist() == ["validation", "epochs"]
        assert part.rough_curves.tobytes() == found.rough_curves[[3, 50]].tobytes()

    def test_in_the_digest(self, monkeypatch):
        digest = swept().digest()
        train = Design.train

        def other(design, chunk, into, *rest):
            train(design, chunk, into, *rest)
            into.only(chunk)["mean_epoch"][0] += 1

        monkeypatch.setattr(Design, "train", other)
        assert swept().digest() != digest

    def test_in_a_store(self, tmp_path, rows):
        whole = swept(curves=5, validation=rows)
        with small_shards():
            found = swept(curves=5, validation=rows, store=tmp_path / "store")
        assert alike(found, whole)
        store = Store.at(tmp_path / "store")
        assert alike(fastnn.open(store.folder), whole)
        assert [*store.faults()] == []
        schema = pq.read_schema(next(store.folder.glob("shards/*")))
        kinds = {name: str(schema.field(name).type) for name in ("mean_epoch", "outcome", "penalty")}
        assert list(kinds.values())[0::2] == ["int32", "double"]
        assert kinds["outcome"].startswith("dictionary<values=string, indices=int8")
        assert schema.names.index("diverged") < schema.names.index("outcome") < schema.names.index("w1")
        assert pq.read_schema(next(store.folder.glob("curves/*"))).names == ["start", "curve", "rough_curve"]

    def test_in_answers(self, rows):
        design, numbers = swept(validation=rows).design, Numbers.of(16, 48)
        answer = tasks.compute(tasks.task(design, 5, "float32"), 16, 48)
        found = tasks.results_of(answer, numbers, design, 5, "float32")
        assert found["mean_epoch"].tolist() == [number % EPOCHS for number in range(16, 48)]
        assert found["rough_curves"].shape == (32, EPOCHS // 5)
        values, arrays = packing.unpack(answer)
        for name, wrong in (("mean_epoch", EPOCHS + 1), ("outcome", len(ENDS)), ("rough_curves", -1.0)):
            forged = arrays | {name: arrays[name].copy()}
            forged[name].flat[0] = wrong
            with pytest.raises(packing.DamageError, match=f"no result of the sweep: {name} "):
                tasks.results_of(packing.pack(values, forged), numbers, design, 5, "float32")

    def test_in_sizes(self, rows):
        design = swept(validation=rows).design
        schema = design.schema(5)
        there = replace(schema, columns=tuple(column for column in schema.columns if column not in ADDED))
        grown = schema.bytes_per_network() - there.bytes_per_network()
        assert grown == 4 + 1 + 8 + 4 * (EPOCHS // 5)
        assert sum(array.nbytes for array in schema.room(3).values()) == 3 * schema.bytes_per_network()


def test_sizes_are_those_of_the_arrays():
    found = swept(rows=[5, 12], curves=10)
    taken = sum(array.nbytes for array in found.design.room(Numbers.of(0, 1), 10).arrays.values())
    assert found.design.schema(10, "float64").bytes_per_network() == taken


def test_every_column_is_whole():
    assert (
        len({column.name for column in COLUMNS}) == len({column.array for column in COLUMNS}) == len(COLUMNS)
    )
    for column in COLUMNS:
        assert bool(column.source) == (column.made is not None)
        assert column.source or column.values in RULES
        assert not column.ranks or column.title
    names = ("w1", "b1")
    all_of_them = Schema.of(names, "float64", 9, rows=[1, 2], validation=(), stopping=(), every=2)
    assert {*all_of_them.columns} == {*COLUMNS}
    assert {column.array for column in Expected(all_of_them).schema.kept} == {*all_of_them.room(1)}


def texts(source):
    """The texts of a module that are not its docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    }
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return {node.value for node in nodes if isinstance(node.value, str)}


def modules_with(text, *folders):
    paths = [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]
    found = [path for path in paths if text in texts(path.read_text(encoding="utf-8"))]
    return {str(path.relative_to(PACKAGE)) for path in found}


def test_words_of_the_status_stand_in_one_place():
    assert STATUSES == ("ok", "diverged")
    assert modules_with("ok", "") == {"training/statuses.py"}


@pytest.mark.parametrize("name", ["status", "loss_all_rows", "validation_loss", "curve"])
def test_columns_stand_in_one_place(name):
    """Beside the table only the code that computes a column names it; "curve" is also a rule's name."""
    others = {"status": "work/executing", "curve": "work/expecting"}  # the status is that of Dask's client
    allowed = {"sweeping/columns.py", "sweeping/design.py", f"sweeping/{others.get(name)}.py"}
    assert modules_with(name, "sweeping", "reporting") <= allowed
