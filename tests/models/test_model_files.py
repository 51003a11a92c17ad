"""Trained networks on disk: what is kept, what other readers see, what is refused, how it is published."""

import errno
import io
import json
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from model_fuzzing import dataset, models, saved_models, sealed, taken_apart, unlike
from rules import OTHER_RULES

import fastnn
from fastnn import files
from fastnn.commands.cli import main
from fastnn.models import npz
from fastnn.models.npz import Member, written
from fastnn.plotting import tables
from fastnn.training import identity

NET = fastnn.Network((2, 2, 1))
X, Y = np.array([[0.0, 1.0], [1.0, 0.5], [0.5, 0.0]]), np.array([0.0, 1.0, 0.5])
# Of the file in `test_the_layout_is_for_ever` as first written: files of that day must stay readable.
LAYOUT = "1d96f7615fce71c14e5f3c8476f57e70d2dd74d617d50eb51656e16596ef5843"
KINDS = ["with data", "validated", "several float32", "flat", "one diverged", "to go on from"]


@pytest.fixture
def run():
    return fastnn.train(NET, X, Y, epochs=2, engine="batched")


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


class TestRoundTrip:
    @pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
    def test_everything_comes_back_to_the_bit(self, kind, tmp_path):
        run, data = models()[kind]
        run.save(tmp_path / "m.npz", data, finite=False)
        loaded = fastnn.Training.load(tmp_path / "m.npz", finite=False)
        scaling = None if data is None else data.scaling
        assert unlike(loaded, replace(run, scaling=scaling)) == []
        assert (str(loaded), repr(loaded)) == (str(run), repr(run))

    def test_what_had_to_be_said_comes_back(self, tmp_path):
        dead = fastnn.train(NET, X, Y, [-1, -1, -1, -1, 1, 1, -1, -1, 0], epochs=2)
        (note,) = dead.notes
        assert note.startswith("its 2 hidden units are all dead, shut on every row")
        dead.save(tmp_path / "m.npz")
        loaded = fastnn.Training.load(tmp_path / "m.npz")
        assert (loaded.notes, str(loaded), repr(loaded)) == (dead.notes, str(dead), repr(dead))
        loaded.save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "m.npz").read_bytes()

    @pytest.mark.parametrize(
        "labels", [["a"], ["a", "a"], ["a", 1], [True, False], ["a", ""], ["a", "b", "c"], 7]
    )
    def test_labels_of_other_classes(self, tmp_path, labels):
        run = fastnn.train(
            fastnn.Network((1, 2), output="softmax"), [0, 1], ["no", "yes"], epochs=1, engine="batched"
        )
        run.save(tmp_path / "m.npz")
        header, arrays = taken_apart((tmp_path / "m.npz").read_bytes())
        (tmp_path / "m.npz").write_bytes(sealed(json.dumps({**header, "labels": labels}).encode(), arrays))
        with pytest.raises(fastnn.ModelFileError, match=r"makes no sense|one for each class"):
            fastnn.Training.load(tmp_path / "m.npz")

    @pytest.mark.parametrize("notes", [["\x1b[2J"], ["two\nlines"], [7], "text", ["x" * 10_001], None])
    def test_what_nobody_would_say_is_refused(self, notes, run, tmp_path):
        run.save(tmp_path / "m.npz")
        header, arrays = taken_apart((tmp_path / "m.npz").read_bytes())
        (tmp_path / "m.npz").write_bytes(sealed(json.dumps({**header, "notes": notes}).encode(), arrays))
        with pytest.raises(fastnn.ModelFileError, match="makes no sense"):
            fastnn.Training.load(tmp_path / "m.npz")

    @pytest.mark.parametrize("field", ["parameters", "start", "learning_rate", "epochs", "dtype", "network"])
    def test_a_difference_would_be_seen(self, field, run):
        others = {
            "parameters": np.nextafter(run.parameters, 1),
            "start": run.start.astype("f4"),
            "learning_rate": 0.5,
            "epochs": 3,
            "dtype": "float32",
            "network": fastnn.Network((2, 2, 1), "tanh"),
        }
        assert unlike(run, replace(run, **{field: others[field]})) == [field]

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid", "identity"])
    def test_it_predicts_the_same_bits(self, dtype, hidden, tmp_path):
        run = fastnn.train(fastnn.Network((2, 3, 1), hidden), X, Y, epochs=2, engine="batched", dtype=dtype)
        run.save(tmp_path / "m.npz")
        loaded = fastnn.Training.load(tmp_path / "m.npz")
        assert loaded.predict(X).tobytes() == run.predict(X).tobytes()
        with pytest.warns(fastnn.MetricNote):  # a target is 0
            assert loaded.score(X, Y) == run.score(X, Y)

    def test_a_loaded_model_is_saved_as_the_same_file(self, tmp_path):
        run, data = models()[0]
        run.save(tmp_path / "one.npz", data)
        fastnn.Training.load(tmp_path / "one.npz").save(tmp_path / "two.npz")
        assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()

    def test_a_loaded_model_can_be_trained_on(self, run, tmp_path):
        run.save(tmp_path / "m.npz")
        loaded = fastnn.Training.load(tmp_path / "m.npz")
        further = fastnn.train(loaded.network, X, Y, loaded.parameters, epochs=2)
        longer = fastnn.train(NET, X, Y, epochs=4)
        assert further.parameters.tobytes() == longer.parameters.tobytes()

    def test_a_path_is_a_text_or_a_path_with_any_name(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        run.save("müll, = 1")
        assert listing(tmp_path) == ["müll, = 1"]
        assert unlike(fastnn.Training.load(Path("müll, = 1")), run) == []


CONTAINERS = {
    "Series": lambda best, n: best.network,
    "number": lambda best, n: best.network.iloc[0],
    "value of a row": lambda best, n: best[["network", "loss"]].iloc[0]["network"],
    "frame of one column": lambda best, n: best[["network"]],
    "array": lambda best, n: best.network.to_numpy(),
    "array without axes": lambda best, n: np.array(n),
    "uint8": lambda best, n: np.uint8(n),
    "whole float": lambda best, n: float(n),
    "Int64": lambda best, n: best.network.astype("Int64"),
    "Index": lambda best, n: pd.Index([n]),
    "list": lambda best, n: [n],
    "list of floats": lambda best, n: [float(n)],
    "tuple": lambda best, n: (n,),
    "range": lambda best, n: range(n, n + 1),
    "set": lambda best, n: {n},
}


class TestOfASweep:
    def test_the_best_are_replayed_and_saved(self, tmp_path):
        sweep = fastnn.sweep(NET, X, Y, networks=20, learning_rate=[0.01, 0.1], epochs=3)
        best = sweep.best(4)
        sweep.replay(best.network).save(tmp_path / "best.npz")
        loaded = fastnn.Training.load(tmp_path / "best.npz")
        assert loaded.parameters.tobytes() == best[list(NET.parameter_names)].to_numpy().tobytes()
        assert loaded.loss.tolist() == best.loss.tolist()
        assert loaded.learning_rate.tolist() == best.learning_rate.tolist()
        assert loaded.loss_curve.shape == (4, 3)
        assert loaded.number.tolist() == best.network.tolist()
        assert loaded.number.dtype == np.int64

    def test_several_are_what_each_is_alone(self):
        sweep = fastnn.sweep(NET, X, Y, networks=5, learning_rate=[0.01, 0.1], epochs=3, shuffle=True)
        several = sweep.replay([7, 0, 7])
        for place, number in enumerate([7, 0, 7]):
            alone = sweep.replay(number)
            assert several.parameters[place].tobytes() == alone.parameters.tobytes()
            assert several.learning_rate[place] == alone.learning_rate
        assert several.number.tolist() == [7, 0, 7]
        assert "3 networks (7, 0, 7)" in repr(several)

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_one_number_in_any_container_is_one_network(self, container, tmp_path):
        sweep = fastnn.sweep(NET, X, Y, networks=5, learning_rate=[0.01, 0.1], epochs=3)
        number = int(sweep.best(1).network.iloc[0])
        assert number > 0  # its number is not its place
        run = sweep.replay(CONTAINERS[container](sweep.best(1), number))
        assert (run.number, run.parameters.shape, run.predict(X).shape) == (number, (9,), (3,))
        assert run.parameters.tobytes() == sweep.parameters[number].tobytes()
        assert f"network {number}, " in repr(run)
        run.save(tmp_path / "best.npz")
        loaded = fastnn.Training.load(tmp_path / "best.npz")
        assert (type(loaded.number), loaded.number) == (int, number)
        assert repr(loaded) == repr(run)

    def test_one_number_from_best_can_be_drawn(self):
        sweep = fastnn.sweep(NET, X, Y, networks=5, epochs=3)
        run = sweep.replay(sweep.best(1).network)
        assert len(tables.network(run)) == 9
        assert (tables.surface(run, X, Y)["kind"] == "data").sum() == 3

    def test_what_was_not_replayed_has_no_number(self, run):
        assert run.number is None

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            (True, "from 0 to 4; got True"),
            ([0, True], "from 0 to 4; got True"),
            (np.nan, "from 0 to 4; got nan"),
            (1.5, "from 0 to 4; got 1.5"),
            ([1.0, 5.0], "from 0 to 4; got 5"),
            (pd.Series([1, None], dtype="Int64"), "from 0 to 4; got <NA>"),
            ([[1, 2]], r"from 0 to 4; got \[1, 2\]"),
            (np.ones((2, 2)), "got a ndarray. Take one column, such as sweep.best"),
            (pd.DataFrame({"network": [1], "loss": [0.1]}), "got a DataFrame. Take one column"),
            ({1: 2}, "must be the number of a network, or a sequence of numbers; got {1: 2}"),
        ],
    )
    def test_what_is_no_number_is_refused_in_words(self, given, text):
        sweep = fastnn.sweep(NET, X, Y, networks=5, epochs=1)
        with pytest.raises(fastnn.InputError, match=text):
            sweep.replay(given)

    @pytest.mark.parametrize(
        ("numbers", "message"),
        [
            ([0, 5], "trained on the same rows; got 2 rows and 3 rows. Replay networks"),
            ([], "must name at least one network; got none. Name one"),
        ],
    )
    def test_of_other_rows_or_none_they_are_refused(self, numbers, message):
        sweep = fastnn.sweep(NET, X, Y, networks=5, rows=[2, 3], epochs=1)
        with pytest.raises(fastnn.InputError, match=message):
            sweep.replay(numbers)


class TestAnotherArithmetic:
    """As with a store: what is there can be read, what would be computed is refused."""

    OTHER = "fastnn 0: another"
    NEW = pd.DataFrame({"age": [30], "smoker": ["no"], "Größe, in cm": [170.0]})

    @pytest.fixture
    def foreign(self, tmp_path):
        run, data = models()[0]
        run.save(tmp_path / "m.npz", data)
        header, arrays = taken_apart((tmp_path / "m.npz").read_bytes())
        (tmp_path / "m.npz").write_bytes(
            sealed(json.dumps(header | {"arithmetic": self.OTHER}).encode(), arrays)
        )
        return tmp_path / "m.npz"

    def test_it_is_named(self, run, tmp_path):
        run.save(tmp_path / "m.npz")
        assert taken_apart((tmp_path / "m.npz").read_bytes())[0]["arithmetic"] == identity.ARITHMETIC
        assert (run.foreign, fastnn.Training.load(tmp_path / "m.npz").foreign) == ("", "")

    def test_what_is_there_can_be_read_and_says_so(self, foreign):
        loaded, (run, _) = fastnn.Training.load(foreign), models()[0]
        for name in ("start", "parameters", "loss_curve"):
            assert getattr(loaded, name).tobytes() == getattr(run, name).tobytes()
        words = f"arithmetic is '{self.OTHER}' there and 'fastnn 1: IEEE"
        assert words in loaded.foreign
        for text in (str(loaded), repr(loaded), loaded._repr_html_().replace("&#x27;", "'")):
            assert "may give other bits: arithmetic is" in text

    def test_saved_again_it_is_the_same_file(self, foreign):
        again = foreign.with_name("again.npz")
        fastnn.Training.load(foreign).save(again)
        assert again.read_bytes() == foreign.read_bytes()

    def test_what_would_be_computed_is_refused(self, foreign, tmp_path, capsys):
        loaded, (_, data) = fastnn.Training.load(foreign), models()[0]
        uses = {
            "predict": lambda: loaded.predict(data.X),
            "of rows in their own units": lambda: loaded.predict(self.NEW, loaded.scaling),
            "score": lambda: loaded.score(data),
            "surface": lambda: tables.surface(loaded, data),
        }
        for use in uses.values():
            with pytest.raises(fastnn.ModelFileError, match=f"arithmetic is '{self.OTHER}' there"):
                use()
        self.NEW.to_csv(tmp_path / "new.csv", index=False)
        assert main(["predict", str(foreign), "--data", str(tmp_path / "new.csv")]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert self.OTHER in printed.err

    @pytest.mark.parametrize("arithmetic", ["", "two\nlines", 7, None, [], "\x1b[2J"])
    def test_what_no_version_would_write_is_refused(self, arithmetic, foreign):
        header, arrays = taken_apart(foreign.read_bytes())
        foreign.write_bytes(sealed(json.dumps(header | {"arithmetic": arithmetic}).encode(), arrays))
        with pytest.raises(fastnn.ModelFileError, match="makes no sense"):
            fastnn.Training.load(foreign)


class TestOtherReaders:
    @pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
    def test_numpy_and_zipfile_read_it(self, kind, tmp_path):
        run, data = models()[kind]
        run.save(tmp_path / "m.npz", data, finite=False)
        with zipfile.ZipFile(tmp_path / "m.npz") as archive:
            assert archive.testzip() is None
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
            header = json.loads(archive.read("header.json"))
        assert header["network"]["layers"] == list(run.network.layers)
        assert header["versions"]["fastnn"] == fastnn.__version__
        with np.load(tmp_path / "m.npz", allow_pickle=False) as arrays:
            for name in ("parameters", "start", "loss_curve"):
                assert arrays[name].tobytes() == getattr(run, name).tobytes()
                assert arrays[name].dtype == run.dtype

    def test_the_header_says_what_it_is(self, tmp_path):
        run, data = models()[0]
        run.save(tmp_path / "m.npz", data)
        header, _ = taken_apart((tmp_path / "m.npz").read_bytes())
        age, smoker, size = header["scaling"]["inputs"]
        assert [age["name"], smoker["name"], size["name"]] == list(data.inputs)
        assert smoker == {"name": "smoker", "categories": ["no", "yes"], "one_hot": False}
        assert header["scaling"]["minimum"]["targets"] == data.target_values.min()
        assert (header["epochs"], header["rows"], header["dtype"]) == (3, 12, "float64")
        assert header["rule"] == {
            "loss": "squared",
            "optimizer": "sgd",
            "batch_size": 1,
            "schedule": {"schedule": "constant"},
        }

    def test_the_layout_is_for_ever(self):
        content = b"".join(bytes(p) for p in written(b"{}", {Member("w", "<f8", (2, 3)): np.arange(6.0)}))
        with np.load(io.BytesIO(content)) as arrays:
            assert arrays["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert sha256(content).hexdigest() == LAYOUT


ROWS_REFUSED = {
    "a column is missing": (
        pd.DataFrame({"age": [1]}),
        "must have the column 'smoker' of training once; got 0",
    ),
    "an unknown category": (
        pd.DataFrame({"age": [30], "smoker": ["maybe"], "Größe, in cm": [1.0]}),
        r"column 'smoker' must hold the categories of training, no, yes; got 'maybe' in row 0 ",
    ),
    "numbers for categories": (
        pd.DataFrame({"age": [30], "smoker": [1], "Größe, in cm": [1.0]}),
        r"column 'smoker' must hold the categories of training, no, yes; got 1 in row 0",
    ),
    "text for numbers": (
        pd.DataFrame({"age": ["old"], "smoker": ["no"], "Größe, in cm": [1.0]}),
        r"column 'age' must hold numbers, as in training; got 'old' in row 0 .*\. Convert",
    ),
    "too few columns": ([[30, 1]], r"X must have 3 columns, one for each input; got shape \(1, 2\)"),
    "one dimension": ([30, 1, 170], "X must have 2 dimensions"),
    "text in an array": ([[30, "maybe", 170]], "the categories of training, no, yes; got 'maybe' in row 0"),
    "text for all columns but one": (
        [[30, "yes"]],
        "a cell for each of the columns age, smoker, 'Größe, in cm'",
    ),
    "a code of no category": ([[30, 2, 170]], r"categories of 'smoker' as no = 0, yes = 1; got \[2\.0\] in"),
    "a Dataset": (dataset(), "X must be rows in their own units if scaling is given; got a Dataset"),
}


class TestOwnUnits:
    def test_a_loaded_model_predicts_new_rows(self, tmp_path):
        data = dataset()
        run = fastnn.train(fastnn.Network((3, 2, 1)), data.X, data.y, epochs=5, engine="batched")
        run.save(tmp_path / "m.npz", data)
        loaded = fastnn.Training.load(tmp_path / "m.npz")
        new = pd.DataFrame({"Größe, in cm": [171.5, 180], "smoker": ["yes", "no"], "age": [30, 60], "x": "?"})
        low, span = data.X_scaling.minimum, data.X_scaling.range
        own = np.array([[30, 1, 171.5], [60, 0, 180]])  # no is 0, yes is 1
        scaled = (own - low) / span
        expected = run.predict(scaled) * data.y_scaling.range + data.y_scaling.minimum
        assert loaded.predict(new, loaded.scaling).tolist() == expected.tolist()
        assert run.predict(new, data).tolist() == expected.tolist()
        assert run.predict(own, scaling=data.scaling).tolist() == expected.tolist()

    def test_the_rows_of_training_come_back_as_with_the_dataset(self):
        data = fastnn.load_insurance(simulated=True, inputs=["age", "smoker", "region"])
        assert data.inputs[2:] == tuple(f"region={place}" for place in data.categories["region"])
        run = fastnn.train(fastnn.Network((6, 2, 1)), data.X, data.y, epochs=1, engine="batched")
        frame = pd.read_csv(Path(__file__).parents[2] / "data" / "insurance_simulated.csv")
        assert run.predict(frame, data).tobytes() == run.predict(data).tobytes()

    def test_of_several_networks_and_targets(self):
        draw = np.random.default_rng(0)
        frame = pd.DataFrame(draw.normal(5, 3, (6, 4)), columns=[0, 1, "u", "v"])
        data = fastnn.Dataset.from_frame(frame, [0, 1], ["u", "v"])
        network = fastnn.Network((2, 2, 2))
        starts = fastnn.he().draw(network, range(3), 0)
        run = fastnn.train(network, data.X, data.y, starts, epochs=1, engine="batched")
        assert run.predict(frame, data).shape == (3, 6, 2)
        assert run.predict(frame, data).tobytes() == run.predict(data).tobytes()

    def test_bools_read_as_text_are_the_same_categories(self):
        frame = pd.DataFrame({"smoker": [True, False, True], "y": [1.0, 2.0, 4.0]})
        data = fastnn.Dataset.from_frame(frame, "smoker", "y")
        assert data.scaling.apply(pd.DataFrame({"smoker": ["False", "True"]})).tolist() == [[0.0], [1.0]]
        assert data.scaling.apply([0, 1]).tolist() == [[0.0], [1.0]]

    @pytest.mark.parametrize("case", ROWS_REFUSED)
    def test_refused(self, case):
        data = dataset()
        run = fastnn.train(fastnn.Network((3, 2, 1)), data.X, data.y, epochs=1, engine="batched")
        rows, refusal = ROWS_REFUSED[case]
        with pytest.raises(fastnn.InputError, match=refusal):
            run.predict(rows, data)

    def test_a_scaling_must_be_one(self, run):
        with pytest.raises(fastnn.InputError, match="must be a Dataset or its scaling; got True"):
            run.predict(X, scaling=True)


class TestRefusedToSave:
    def test_a_network_that_diverged(self, tmp_path):
        run = models()[4][0]
        with pytest.raises(fastnn.InputError, match="must be finite to be saved; got 1 of 3 that diverged"):
            run.save(tmp_path / "m.npz")
        single = fastnn.train(NET, X, Y, np.ones(9), learning_rate=1e30, epochs=9, engine="batched")
        with pytest.raises(fastnn.InputError, match="got a network that diverged"):
            single.save(tmp_path / "m.npz")
        assert listing(tmp_path) == []

    def test_data_that_do_not_fit(self, run, tmp_path):
        with pytest.raises(fastnn.InputError, match=r"must have 2 inputs and 1 target .* got 3 and 1\."):
            run.save(tmp_path / "m.npz", dataset())
        with pytest.raises(fastnn.InputError, match="data must be a Dataset or its scaling; got"):
            run.save(tmp_path / "m.npz", X)
        assert listing(tmp_path) == []

    def test_a_table_of_too_many_names(self, tmp_path):
        names = [f"{number:x}" * 1000 for number in range(450)]
        frame = pd.DataFrame(np.eye(2, 450), columns=names).assign(y=[1.0, 2.0])
        data = fastnn.Dataset.from_frame(frame, names, "y")
        run = fastnn.train(fastnn.Network((450, 1)), data.X, data.y, epochs=1, engine="batched")
        with pytest.raises(fastnn.InputError, match="names and categories may take at most 1 MiB"):
            run.save(tmp_path / "m.npz", data)

    def test_more_than_two_gibibytes(self, run, tmp_path):
        curve = np.lib.stride_tricks.as_strided(np.zeros(1), (2**28,), (0,), writeable=False)
        with pytest.raises(fastnn.InputError, match=r"may take at most 2 GiB; got 2\.0 GiB\. Train"):
            replace(run, epochs=2**28, loss_curve=curve).save(tmp_path / "m.npz")

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"parameters": np.ones(8)}, r"parameters of shape \(8,\), not \(9,\)"),
            ({"parameters": np.full(9, np.inf)}, "parameters that are not finite"),
            ({"start": np.full(9, np.nan)}, "a start that is not finite"),
            ({"learning_rate": -1.0}, "a learning rate that is not positive"),
            ({"loss_curve": np.full(2, np.nan)}, "losses that are not finite"),
            ({"diverged": -1}, "epochs of divergence that cannot be"),
        ],
    )
    def test_a_training_that_was_tampered_with(self, change, fault, run, tmp_path):
        with pytest.raises(fastnn.InputError, match=f"must be unchanged to be saved; got {fault}"):
            replace(run, **change).save(tmp_path / "m.npz", finite=False)
        assert listing(tmp_path) == []

    @pytest.mark.parametrize(
        ("path", "problem"),
        [
            ("no/such/m.npz", "there is no such folder"),
            (".", "it is no ordinary file"),
            ("new/", "it ends as the name of a folder"),
            ("nul\0", "it holds a NUL sign"),
            (7, "must be the path of a file; got 7"),
            (None, "must be the path of a file; got None"),
            (b"m.npz", "must be the path of a file; got b'm.npz'"),
        ],
    )
    def test_a_path(self, path, problem, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(fastnn.InputError, match=problem):
            run.save(path)
        assert listing(tmp_path) == []

    def test_finite_is_a_flag(self, run, tmp_path):
        with pytest.raises(fastnn.InputError, match="finite must be True or False; got 'no'"):
            run.save(tmp_path / "m.npz", finite="no")


class TestPublishing:
    def test_a_file_is_replaced_whole(self, run, tmp_path):
        path = tmp_path / "m.npz"
        path.write_text("old")
        run.save(path)
        assert unlike(fastnn.Training.load(path), run) == []
        assert listing(tmp_path) == ["m.npz"]

    def test_a_link_is_followed(self, run, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "target.npz")
        run.save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert unlike(fastnn.Training.load(tmp_path / "target.npz"), run) == []

    def test_it_gets_the_permissions_of_any_new_file(self, run, tmp_path):
        (tmp_path / "other").touch()
        run.save(tmp_path / "m.npz")
        modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "m.npz")]
        assert modes[0] == modes[1]

    @pytest.mark.parametrize("step", ["fsync", "replace", "write"])
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
    def test_a_failure_leaves_what_was_there(self, step, code, run, tmp_path, monkeypatch):
        path = tmp_path / "m.npz"
        path.write_text("old")

        def fail(*arguments):
            raise OSError(code, os.strerror(code))

        if step == "write":
            monkeypatch.setattr(npz, "crc32", fail)
        else:
            monkeypatch.setattr(os, step, fail)
        with pytest.raises(OSError, match=os.strerror(code)):
            run.save(path)
        assert path.read_text() == "old"
        assert listing(tmp_path) == ["m.npz"]

    def test_it_is_flushed_before_it_is_renamed_and_the_folder_after(self, run, tmp_path, monkeypatch):
        done = []
        fsync, move = os.fsync, os.replace

        def recording_fsync(handle):
            done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
            fsync(handle)

        def recording_move(path, target):
            done.append("rename")
            return move(path, target)

        monkeypatch.setattr(os, "fsync", recording_fsync)
        monkeypatch.setattr(os, "replace", recording_move)
        run.save(tmp_path / "m.npz")
        assert done == ["file", "rename", "folder"]

    def test_killed_while_writing_nothing_is_published(self, tmp_path):
        code = (
            "import os, signal, fastnn\n"
            "from fastnn import files\n"
            "files.os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
            "run = fastnn.train(fastnn.Network((1, 1)), [0, 1], [1, 0], epochs=1, engine='batched')\n"
            f"run.save({str(tmp_path / 'm.npz')!r})\n"
        )
        done = subprocess.run([sys.executable, "-c", code], check=False)
        assert done.returncode == -9
        assert not (tmp_path / "m.npz").exists()

    def test_threads_that_save_to_one_place_leave_one_whole_file(self, tmp_path):
        path = tmp_path / "m.npz"
        runs = [fastnn.train(NET, X, Y, epochs=1, seed=seed, engine="batched") for seed in range(4)]
        threads = [threading.Thread(target=run.save, args=(path,)) for run in runs for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [] in [unlike(fastnn.Training.load(path), run) for run in runs]
        assert listing(tmp_path) == ["m.npz"]

    @pytest.mark.parametrize("look", ["is_file", "exists", "is_dir", "stat"])
    def test_a_file_that_appears_while_its_place_is_looked_at_is_no_reason_to_refuse(
        self, look, tmp_path, monkeypatch
    ):
        path, seen = tmp_path / "m.npz", []
        real = getattr(Path, look)

        def looked_at(self, **options):
            try:
                return real(self, **options)
            finally:
                if self == path:
                    seen.append(look)
                    path.write_text("another's")

        monkeypatch.setattr(Path, look, looked_at)
        assert files.file_to_write(path, "path") == path
        assert seen or look != "stat"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return saved_models(tmp_path_factory.mktemp("whole"))


def refusal(path, **options):
    with pytest.raises(fastnn.InputError) as caught:
        fastnn.Training.load(path, **options)
    return str(caught.value), caught.type


class TestRefusedToLoad:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (b"", "case.npz must be a model file that fastnn wrote; got something else. Give the path"),
            (b"age,bmi\n1,2\n", "must be a model file that fastnn wrote; got something else"),
            (b"PK\x03\x04" + b"\0" * 26 + b"header.json", "got a header of 0 bytes. It is damaged"),
            (b"PK\x03\x04" + b"\xff" * 26 + b"header.json{}", "got a header of 4294967295 bytes"),
        ],
    )
    def test_what_is_no_model_file(self, content, text, tmp_path):
        (tmp_path / "case.npz").write_bytes(content)
        found, kind = refusal(tmp_path / "case.npz")
        assert text in found
        assert kind is fastnn.ModelFileError

    def test_an_npz_of_numpys(self, tmp_path):
        np.savez(tmp_path / "case.npz", parameters=np.ones(9))
        assert "must be a model file that fastnn wrote" in refusal(tmp_path / "case.npz")[0]

    def test_a_pickle_is_not_run(self, tmp_path):
        trap = np.array([Trap()], object)
        np.savez(tmp_path / "case.npz", header=trap, allow_pickle=True)
        assert "must be a model file" in refusal(tmp_path / "case.npz")[0]
        assert not Trap.sprung

    def test_a_short_and_a_long_file(self, whole, tmp_path):
        content = whole[0][1]
        for changed in (content[:-1], content + b"\0"):
            (tmp_path / "case.npz").write_bytes(changed)
            found, kind = refusal(tmp_path / "case.npz")
            assert (
                f"got {len(changed)} bytes where its header asks for {len(content)}. It is damaged" in found
            )
            assert kind is fastnn.ModelFileError

    def test_every_single_byte_counts(self, whole, tmp_path):
        run, content = min(whole, key=lambda pair: len(pair[1]))
        path = tmp_path / "case.npz"
        for place in range(len(content)):
            path.unlink(missing_ok=True)
            path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
            assert refusal(path)[1] is fastnn.ModelFileError, place
        path.write_bytes(content)
        assert unlike(fastnn.Training.load(path), run) == []

    def test_a_later_format(self, whole, tmp_path):
        header, arrays = taken_apart(whole[0][1])
        (tmp_path / "case.npz").write_bytes(sealed(json.dumps(header | {"fastnn_model": 6}).encode(), arrays))
        assert "of format 5; got format 6. Read it with the version" in refusal(tmp_path / "case.npz")[0]

    @pytest.mark.parametrize("rule", OTHER_RULES, ids=str)
    def test_of_another_rule(self, rule, whole, tmp_path):
        header, arrays = taken_apart(whole[0][1])
        (tmp_path / "case.npz").write_bytes(sealed(json.dumps(header | {"rule": rule}).encode(), arrays))
        assert refusal(tmp_path / "case.npz")[1] is fastnn.ModelFileError

    @pytest.mark.parametrize("number", [-1, -(2**63)])
    def test_a_forged_number(self, number, whole, tmp_path):
        header, arrays = taken_apart(whole[1][1])
        assert arrays["number"] == 1064
        arrays["number"] = np.array(number)
        (tmp_path / "case.npz").write_bytes(sealed(json.dumps(header).encode(), arrays))
        found, kind = refusal(tmp_path / "case.npz")
        assert "got a number of a network below 0" in found
        assert kind is fastnn.ModelFileError

    @pytest.mark.parametrize("within", ["row", None, 1, ""])
    def test_a_forged_claim_of_weights(self, within, whole, tmp_path):
        header, arrays = taken_apart(whole[0][1])
        (tmp_path / "case.npz").write_bytes(
            sealed(json.dumps(header | {"weights_within": within}).encode(), arrays)
        )
        assert refusal(tmp_path / "case.npz")[1] is fastnn.ModelFileError

    @pytest.mark.parametrize("numbered", [False, None, 1, "yes"])
    def test_a_forged_claim_of_numbers(self, numbered, whole, tmp_path):
        header, arrays = taken_apart(whole[1][1])
        (tmp_path / "case.npz").write_bytes(
            sealed(json.dumps(header | {"numbered": numbered}).encode(), arrays)
        )
        assert refusal(tmp_path / "case.npz")[1] is fastnn.ModelFileError

    def test_diverged_networks(self, whole, tmp_path):
        (tmp_path / "case.npz").write_bytes(whole[4][1])
        found, kind = refusal(tmp_path / "case.npz")
        assert "must hold finite parameters; got 1 of 3 that diverged. Load it with finite=False" in found
        assert kind is fastnn.ModelFileError
        loaded = fastnn.Training.load(tmp_path / "case.npz", finite=False)
        assert loaded.status.tolist() == ["ok", "diverged", "ok"]

    def test_a_file_that_is_not_there_or_not_a_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for name in ("none.npz", ".", "pipe", "/dev/zero"):
            found, kind = refusal(tmp_path / name)
            assert "path must be an existing file; got" in found
            assert kind is fastnn.InputError

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
    def test_a_file_that_may_not_be_read(self, run, tmp_path):
        run.save(tmp_path / "m.npz")
        (tmp_path / "m.npz").chmod(0)
        assert "must be readable; got Permission denied" in refusal(tmp_path / "m.npz")[0]

    def test_a_disk_that_fails(self, run, tmp_path, monkeypatch):
        run.save(tmp_path / "m.npz")

        def fail(*arguments):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr("fastnn.models.model_files.arrays_of", fail)
        assert "must be readable; got Input/output error. Check" in refusal(tmp_path / "m.npz")[0]


def rezipped(content, change):
    """A file of the same contents as Python's zipfile and NumPy write it, with one thing changed."""
    header, arrays = taken_apart(content)
    out = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if change == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", packing) as archive:
        archive.writestr(zipfile.ZipInfo("header.json"), json.dumps(header), packing)
        for name, array in arrays.items():
            array = {
                "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
                "Fortran order": lambda array: np.asfortranarray(np.atleast_2d(array)),
                "objects": lambda array: array.astype(object),
                "float32": lambda array: array.astype("f4"),
            }.get(change, lambda array: array)(array)
            npy = io.BytesIO()
            np.save(npy, array, allow_pickle=True)
            place = f"../../{name}.npy" if change == "a path" else f"{name}.npy"
            archive.writestr(zipfile.ZipInfo(place), npy.getvalue(), packing)
        if change == "a member more":
            archive.writestr("more.npy", b"")
        if change == "a comment":
            archive.comment = b"made by hand"
        if change == "a member twice":
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr(zipfile.ZipInfo("start.npy"), npy.getvalue())
    return out.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        "compressed",
        "big-endian",
        "Fortran order",
        "objects",
        "float32",
        "a path",
        "a member more",
        "a member twice",
        "a comment",
        "nothing",
    ],
)
def test_an_archive_of_another_making_is_refused(change, whole, tmp_path):
    (tmp_path / "case.npz").write_bytes(rezipped(whole[0][1], change))
    assert zipfile.is_zipfile(tmp_path / "case.npz")
    assert refusal(tmp_path / "case.npz")[1] is fastnn.ModelFileError


class Trap:
    """What would be noticed if it were unpickled."""

    sprung: ClassVar[list[bool]] = []

    def __reduce__(self):
        return self.sprung.append, (True,)


CLAIMS = {
    "networks": {"networks": 2**31 - 1},
    "epochs": {"epochs": 2**31 - 1},
    "units": {"network": {"layers": [3, 2**31 - 1, 1], "hidden": ["relu"], "output": "identity"}},
    "everything": {
        "network": {"layers": [3, 3000, 3000, 1], "hidden": ["relu"] * 2, "output": "identity"},
        "networks": 2**31 - 1,
        "epochs": 2**31 - 1,
    },
    "layers": {"network": {"layers": [1] * 20_000, "hidden": ["relu"] * 19_998, "output": "identity"}},
}


class TestBounds:
    @pytest.mark.parametrize("claim", CLAIMS)
    def test_a_claim_takes_no_memory(self, claim, whole, tmp_path):
        header, arrays = taken_apart(whole[0][1])
        text = json.dumps(header | CLAIMS[claim] | {"scaling": None}).encode()
        (tmp_path / "case.npz").write_bytes(sealed(text, arrays))
        tracemalloc.start()
        try:
            found, kind = refusal(tmp_path / "case.npz")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert kind is fastnn.ModelFileError
        assert "asks for" in found or "makes no sense" in found
        assert peak < 40 * len(text) + (1 << 20)

    def test_without_the_comparison_of_lengths_it_would_be_believed(self, whole, tmp_path, monkeypatch):
        header, arrays = taken_apart(whole[0][1])
        text = json.dumps(header | CLAIMS["everything"] | {"scaling": None}).encode()
        content = sealed(text, arrays)
        (tmp_path / "case.npz").write_bytes(content)
        monkeypatch.setattr(npz, "size_of", lambda header, members: len(content))
        with pytest.raises(MemoryError):
            fastnn.Training.load(tmp_path / "case.npz")

    def test_a_sparse_file_as_long_as_it_claims(self, whole, tmp_path):
        header, arrays = taken_apart(whole[0][1])
        for epochs, text in ((2**29, "more than 2 GiB"), (2**20, "other bytes before")):
            claim = json.dumps(header | {"epochs": epochs}).encode()
            with (tmp_path / "case.npz").open("wb") as file:
                file.write(sealed(claim, arrays))
                file.truncate(file.tell() + _longer(header["epochs"], epochs))
            assert text in refusal(tmp_path / "case.npz")[0]

    def test_a_zip_bomb_is_not_unpacked(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "case.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", b"[" * 50_000_000)
        tracemalloc.start()
        try:
            assert refusal(tmp_path / "case.npz")[1] is fastnn.ModelFileError
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


def _longer(one, other):
    """How many more bytes the curve's member takes with another number of epochs."""
    one, other = (Member("loss_curve", "<f8", (epochs,)) for epochs in (one, other))
    return len(other.head) + other.bytes - len(one.head) - one.bytes
