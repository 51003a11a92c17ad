"""A Dataset goes wherever X and y go: the same results as from its arrays, and one refusal for all doors."""

import re

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn import plotting
from fastnn.explaining.motion.section import motion
from fastnn.plotting import tables

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))
START = fastnn.normal(0, 1.5).draw(NET, [3], 0)[0]


def table(inputs, targets=("pay",)):
    """A Dataset of eight rows, a city among its inputs if asked for."""
    numbers = np.random.default_rng(4).normal(5, 2, (8, 5))
    frame = pd.DataFrame(numbers, columns=["age", "bmi", "height", "pay", "tax"])
    return fastnn.Dataset.from_frame(frame.assign(city=list("abcdabcd")), list(inputs), list(targets))


DATA = table(["age", "bmi"])
OTHER_INPUTS = table(["age", "city", "height"])
OTHER_TARGETS = table(["age", "bmi"], ["pay", "tax"])


@pytest.fixture(scope="module")
def run():
    return fastnn.train(NET, DATA, start=START, epochs=5)


@pytest.fixture(scope="module")
def swept():
    return fastnn.sweep(NET, DATA, networks=4, epochs=3, progress=False)


@pytest.fixture
def trained(run, swept):
    return {"run": run, "swept": swept}


# Everything public that takes X and y: called with some trained networks and the rows.
DOORS = {
    "train": lambda _, *rows: fastnn.train(NET, *rows, epochs=2),
    "train, validation": lambda _, *rows: fastnn.train(NET, DATA.X, DATA.y, epochs=2, validation=one(rows)),
    "sweep": lambda _, *rows: fastnn.sweep(NET, *rows, networks=3, epochs=2, progress=False),
    "sweep, validation": lambda _, *rows: fastnn.sweep(
        NET, DATA.X, DATA.y, networks=3, epochs=2, validation=one(rows), progress=False
    ),
    "Training.score": lambda trained, *rows: trained["run"].score(*rows),
    "Sweep.score": lambda trained, *rows: trained["swept"].score(*rows),
    "motion": lambda _, *rows: motion(NET, *rows),
    "Explanation.motion": lambda _, *rows: fastnn.explain(NET).motion(*rows),
    "plotting.surface": lambda trained, *rows: plotting.surface(trained["run"], *rows),
    "tables.surface": lambda trained, *rows: tables.surface(trained["run"], *rows),
}
# Those that take X alone.
INPUTS = {
    "Training.predict": lambda trained, X: trained["run"].predict(X),
    "Sweep.predict": lambda trained, X: trained["swept"].predict(X),
    "plotting.network": lambda trained, X: plotting.network(trained["run"], X=X),
}
doors = pytest.mark.parametrize("door", DOORS)


def one(rows):
    """Rows as `validation` takes them: a Dataset alone, else all in one tuple."""
    return rows[0] if len(rows) == 1 and isinstance(rows[0], fastnn.Dataset) else rows


def refusal(call, *arguments):
    """The text of the InputError that a call ends with."""
    with pytest.raises(fastnn.InputError) as refused:
        call(*arguments)
    return str(refused.value)


class TestTheSameAsItsArrays:
    def test_train(self):
        validation = table(["age", "bmi"])
        settings = {"epochs": 4, "learning_rate": [0.01, 0.02], "seed": 5, "shuffle": True}
        run = fastnn.train(NET, DATA, start=[START, START], validation=validation, **settings)
        rows = (validation.X, validation.y)
        same = fastnn.train(NET, DATA.X, DATA.y, [START, START], validation=rows, **settings)
        for name in ("parameters", "loss_curve", "validation_curve"):
            assert getattr(run, name).tobytes() == getattr(same, name).tobytes()
        assert all(np.array_equal(*pair) for pair in zip(run.trained_on, same.trained_on, strict=True))

    def test_train_in_float32_with_two_targets(self):
        network = fastnn.Network((2, 3, 2), "tanh")
        options = {"epochs": 3, "engine": "batched", "dtype": "float32"}
        run = fastnn.train(network, OTHER_TARGETS, **options)
        same = fastnn.train(network, OTHER_TARGETS.X, OTHER_TARGETS.y, **options)
        assert run.parameters.dtype == np.float32
        assert run.parameters.tobytes() == same.parameters.tobytes()

    def test_sweep(self, swept):
        same = fastnn.sweep(NET, DATA.X, DATA.y, networks=4, epochs=3, progress=False)
        assert swept.digest() == same.digest()
        assert swept.replay(2).parameters.tobytes() == same.parameters[2].tobytes()

    @pytest.mark.slow  # a process begins, which takes a second
    def test_a_sweep_of_processes(self, swept):
        same = fastnn.sweep(NET, DATA, networks=4, epochs=3, executor=1, progress=False)
        assert swept.digest() == same.digest()

    def test_motion(self):
        found, same = motion(NET, DATA), motion(NET, DATA.X, DATA.y)
        assert (found.X.tobytes(), found.Y.tobytes()) == (same.X.tobytes(), same.Y.tobytes())
        assert fastnn.explain(NET).motion(DATA).fragment == found.fragment


class TestItsScaling:
    """A Training on a Dataset has the names and the scaling of its columns, and saves them."""

    def test_it_is_kept(self, run, swept):
        assert run.scaling is DATA.scaling
        assert swept.replay(1).scaling is DATA.scaling
        assert fastnn.train(NET, DATA.X, DATA.y, epochs=1).scaling is None

    def test_it_is_saved(self, run, tmp_path):
        run.save(tmp_path / "model.npz")
        loaded = fastnn.Training.load(tmp_path / "model.npz")
        assert loaded.scaling.same_as(DATA.scaling)
        rows = pd.DataFrame({"bmi": [4.0], "age": [6.5]})
        assert loaded.predict(rows, loaded.scaling) == run.predict(rows, run.scaling)
        assert run.predict(rows, run.scaling) == run.predict(rows, DATA)


class TestRefusals:
    @doors
    @pytest.mark.parametrize("beside", [DATA.y, START.tolist(), fastnn.he(), {"ones": [1.0] * 9}, DATA])
    def test_anything_beside_a_dataset(self, trained, door, beside):
        said = refusal(DOORS[door], trained, DATA, beside)
        assert said.startswith("a Dataset must stand alone in the place of ")
        assert said.endswith("Leave y out, and give everything else by name.")

    @pytest.mark.parametrize("door", [door for door in DOORS if "validation" not in door])
    def test_one_array_alone(self, trained, door):
        said = refusal(DOORS[door], trained, DATA.X)
        assert said.startswith("X must come with y, or be a Dataset; got X alone. Give the targets as y")

    @doors
    def test_a_dataset_for_y(self, trained, door):
        assert "got one for y. Give it alone, or its y." in refusal(DOORS[door], trained, DATA.X, DATA)

    @pytest.mark.parametrize("door", DOORS | INPUTS)
    def test_other_inputs(self, trained, door):
        said = refusal((DOORS | INPUTS)[door], trained, OTHER_INPUTS)
        whose = "validation" if "validation" in door else "data"
        assert said.startswith(
            f"{whose} must have the network's 2 inputs and 1 output; "
            "got 6 inputs (age, city=a, city=b, city=c, city=d, height), of which 'city' became 4, "
            "and 1 target (pay). "
        )
        if whose == "data":
            assert said.endswith("Make the network's layers (6, 2, 1), or choose other columns.")

    @pytest.mark.parametrize("door", DOORS | INPUTS)
    def test_other_targets(self, trained, door):
        said = refusal((DOORS | INPUTS)[door], trained, OTHER_TARGETS)
        assert "and 1 output; got 2 inputs (age, bmi) and 2 targets (pay, tax). " in said

    def test_the_advice_can_be_followed(self):
        layers = re.search(r"layers (\(.*?\))", refusal(fastnn.train, NET, OTHER_INPUTS))[1]
        sizes = tuple(map(int, layers.strip("()").split(", ")))
        assert fastnn.train(fastnn.Network(sizes), OTHER_INPUTS, epochs=1).status == "ok"
        without_hidden = fastnn.Network((2, 1))
        assert "Make the network's layers (6, 1)," in refusal(fastnn.train, without_hidden, OTHER_INPUTS)

    def test_many_columns_and_long_names_are_shortened(self):
        names = ["a, b", "n" * 500, *(f"x{n}" for n in range(20))]
        frame = pd.DataFrame(np.eye(22, 23), columns=[*names, "pay"])
        said = refusal(fastnn.train, NET, fastnn.Dataset.from_frame(frame, names, "pay"))
        assert "got 22 inputs ('a, b', nnnn" in said
        assert "x5, ...) and 1 target" in said
        assert len(said) < 400

    @pytest.mark.parametrize("door", [fastnn.train, fastnn.sweep])
    def test_a_validation_of_another_scaling(self, door):
        frame = pd.DataFrame({"age": [1.0, 2.0], "bmi": [3.0, 9.0], "pay": [1.0, 5.0]})
        other = fastnn.Dataset.from_frame(frame, ["age", "bmi"], "pay")
        for validation in (other, (other, None)):
            said = refusal(lambda given: door(NET, DATA, validation=given), validation)
            assert said.startswith("validation must have the columns and the scaling of the training data;")
