"""What is said beside "ok": of dead and constant networks, of huge losses, of numbers far from 1."""

import warnings

import numpy as np
import pytest

import fastnn
from fastnn.training import endings

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))
DEAD = [-1, -1, -1, -1, 1, 1, -5, -5, 0.3]
ALIVE = [1, 1, 1, -1, 1, 1, 0.5, 0.5, 0.3]
X = np.array([[0.0, 0.5], [1.0, 0.25], [0.5, 1.0], [0.25, 0.75]])
Y = np.array([0.0, 1.0, 0.5, 0.25])


def notes(parameters, network=NET, X=X, y=Y, **more):
    """The notes of a short training."""
    return fastnn.train(network, X, y, parameters, **{"epochs": 2, "engine": "batched", **more}).notes


class TestOneNetwork:
    def test_that_is_as_it_should_be_has_no_notes(self):
        run = fastnn.train(NET, X, Y, ALIVE, epochs=2)
        assert run.notes == ()
        assert repr(run).endswith("dtype='float64': ok>")

    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    def test_that_is_dead_says_so_wherever_it_is_shown(self, engine):
        run = fastnn.train(NET, X, Y, DEAD, epochs=2, engine=engine)
        note = (
            "its 2 hidden units are all dead, shut on every row: it answers all rows with "
            f"{run.parameters[-1]:.6g}"
        )
        assert (run.status, run.notes) == ("ok", (note,))
        assert str(run).splitlines()[-1] == note
        assert repr(run).endswith(f": ok, but {note}>")

    @pytest.mark.parametrize(
        ("layers", "hidden", "which"),
        [
            ((2, 1, 1), "relu", "its hidden unit is dead"),
            ((2, 3, 2, 1), "relu", "its 3 units of hidden layer 1 are all dead"),
            ((2, 3, 2, 1), ("tanh", "relu"), "its 2 units of hidden layer 2 are all dead"),
            ((2, 3, 1, 1), ("tanh", "relu"), "its only unit of hidden layer 2 is dead"),
            ((2, 3, 1), "tanh", "it answers all rows with about -0.85"),
        ],
    )
    def test_one_dead_layer_is_enough(self, layers, hidden, which):
        network = fastnn.Network(layers, hidden)
        parameters = np.r_[np.zeros(network.n_weights), -np.ones(network.n_parameters - network.n_weights)]
        found = notes(parameters + 1e-3, network, epochs=1)
        assert [note.partition(",")[0] for note in found] == [which]

    def test_that_answers_with_one_number(self):
        saturated = fastnn.Network((2, 1), output="sigmoid")
        assert notes([0, 0, 800], saturated) == ("it answers all rows with 1",)
        two = fastnn.Network((2, 2), output="sigmoid")
        y = np.column_stack([Y, Y])
        assert notes([0, 0, 0, 0, 800, 800], two, y=y) == ("it answers all rows with 1 and 1",)
        assert notes([0, 0, 0, 0, 800, 0], two, y=y, epochs=200) == ()

    def test_that_answers_with_the_mean(self):
        run = fastnn.train(NET, X, Y, DEAD, epochs=200, learning_rate=0.01, batch_size=4)
        assert f"with {run.parameters[-1]:.6g}, the mean of the targets" in str(run)
        assert run.parameters[-1] == pytest.approx(Y.mean(), abs=1e-2 * Y.std())

    def test_that_predicts_one_class(self):
        softmax, names = fastnn.Network((2, 3), output="softmax"), ["moss", "moss", "rose", "fern"]
        start = [1, 0, 0, 0.1, 0, 0, 0, 9, 0]  # probabilities vary, and moss has the largest
        found = notes(start, softmax, y=names)
        assert found[-1] == "it predicts moss for all rows, the class of most of them: 2 of 4"
        found = notes([1, 0, 0, 0.1, 0, 0, 0, 0, 9], softmax, y=names)
        assert found[-1] == "it predicts rose for all rows, not the class of most of them: 1 of 4"
        assert len(notes([5, 0, 0, 0, -5, -5, -2, 0, 2], softmax, y=names)) == 1
        sigmoid = fastnn.Network((2, 2, 1), output="sigmoid")
        dead = notes(DEAD, sigmoid, y=[0, 1, 1, 1], loss="cross_entropy")
        assert dead[0].endswith(
            "dead, shut on every row: it predicts 1 for all rows, the class of most of them: 3 of 4"
        )

    def test_one_number_may_be_right(self):
        saturated = fastnn.Network((2, 1), output="sigmoid")
        assert notes([0, 0, 800], saturated, y=np.ones(4)) == ()
        assert notes([0, 0, 800], saturated, X=X[:1], y=[0.5]) == ()
        assert notes([0, 0, 800], saturated, X=X[[0, 0]], y=[0.5, 1.0]) == ()

    def test_that_lost_more_than_1e30_on_its_way(self):
        line = fastnn.Network((1, 1))
        run = fastnn.train(line, [0, 1, 0], [1, 2, 1.0], [1e17, 0], epochs=300, learning_rate=0.1)
        assert run.status == "ok"
        assert run.notes == (f"its loss was {run.loss_curve[0]:.3g} in epoch 1",)
        assert run.loss < 1e30

    def test_that_diverged_has_said_it(self):
        run = fastnn.train(NET, X, Y, ALIVE, epochs=4, learning_rate=1e200)
        assert run.notes == ()
        assert repr(run).endswith(f": diverged in epoch {run.diverged}>")


class TestManyNetworks:
    def test_are_counted(self):
        rates = [0.01, 0.01, 1e200]
        run = fastnn.train(NET, X, Y, [DEAD, ALIVE, ALIVE], epochs=4, learning_rate=rates)
        note = "1 of 3 is dead: all units of a hidden layer are shut on every row (network 0)"
        assert run.notes == (note,)
        assert str(run).splitlines()[1:] == ["2 ok, 1 diverged", note]
        assert repr(run).endswith(f": 2 ok, 1 diverged, but {note}>")

    def test_that_predict_one_class_are_counted(self):
        softmax = fastnn.Network((2, 2), output="softmax")
        starts = np.array([[1, 0, 0, 1, 0, 0], [1, 0, 0, 0.1, 0, 9], [1, 0, 0, 0.1, 9, 0]])
        run = fastnn.train(softmax, X, [0, 1, 0, 1], starts, epochs=1, engine="batched")
        assert run.notes[-1] == "2 of 3 are not dead and predict one class for all rows (networks 1, 2)"
        found = fastnn.sweep(
            softmax, X, [0, 1, 0, 1], start=fastnn.given(starts[1:]), networks=2, epochs=1, engine="batched"
        )
        said = "all networks predict one class for all rows, as dead networks do"
        assert found.notes == ("the labels 0, 1 of y became classes, an output each", said)

    def test_some_are_looked_at_where_all_would_take_long(self, monkeypatch):
        monkeypatch.setattr(endings, "LOOKED_AT", 5 * len(X))
        (note,) = fastnn.train(NET, X, Y, [DEAD] * 100, epochs=1).notes
        assert note.startswith("5 of 5 networks that were looked at are dead")


class TestSweeps:
    def test_say_where_most_came_to_nothing(self):
        quick = {"networks": 40, "epochs": 3, "progress": False}
        assert fastnn.sweep(NET, X, Y, **quick).notes == ()
        wild = fastnn.sweep(NET, X, Y, learning_rate=[0.005, 1e200], **quick)
        note = "learning rate 1e+200: all networks diverged; a smaller learning rate may help"
        assert wild.notes == (note,)
        assert str(wild) == f"{wild!r}\n{note}"
        dead = fastnn.sweep(NET, X, Y, start=fastnn.given([DEAD] * 3 + [ALIVE]), **(quick | {"networks": 4}))
        assert dead.notes == ("most networks (75 %) answer all rows with one number, as dead networks do",)

    def test_with_every_cell_alike_say_it_once(self):
        found = fastnn.sweep(
            NET, X, Y, networks=5, epochs=2, progress=False, learning_rate=[1e200, 1e210], rows=[2, 4]
        )
        assert found.notes == ("all networks diverged; a smaller learning rate may help",)


class TestScaleWarning:
    @pytest.mark.parametrize(
        ("X", "y", "named"),
        [
            (100 * X, Y, r"X\[:, 0\] of about 57, X\[:, 1\] of about 68\. "),
            (X * [1, 1e-6], Y, r": X\[:, 1\] of about 6.8e-07\. "),
            (X + 1000, Y, r"X\[:, 0\] of about 1e\+03"),
            (X, 1e5 * Y, r": y of about 5.7e\+04\. Scale first: Dataset.from_frame does"),
            (X, 1e-6 * Y, ": y of about 5.7e-07"),
            (1e300 * X, Y, r"of about 5.7e\+299"),
        ],
    )
    def test_where_numbers_are_far_from_1(self, X, y, named):
        calls = (
            lambda: fastnn.train(NET, X, y, ALIVE, epochs=1),
            lambda: fastnn.sweep(NET, X, y, networks=2, epochs=1, progress=False),
        )
        for call in calls:
            with pytest.warns(fastnn.ScaleWarning, match=named) as said:
                call()
            assert [warning.filename for warning in said] == [__file__]

    @pytest.mark.parametrize(
        "scaled",
        [
            np.linspace(0, 1, 1000),
            np.random.default_rng(0).normal(size=1000),
            np.random.default_rng(0).standard_t(3, size=1000),
            np.eye(1, 1000)[0],
            0.01 * np.random.default_rng(0).normal(size=1000),
            np.zeros(1000),
            np.arange(1000) % 10 - 5.0,
        ],
        ids=["min-max", "standard", "heavy tails", "one in a thousand", "small noise", "zeros", "digits"],
    )
    def test_not_where_they_are_scaled(self, scaled):
        line = fastnn.Network((1, 1))
        with warnings.catch_warnings(action="error"):
            fastnn.train(line, scaled, scaled, epochs=1)

    @pytest.mark.parametrize(
        ("further", "named"),
        [
            ((100 * X, Y), r"validation's X\[:, 0\] of about 57"),
            ((X, 1e5 * Y), "validation's y of about 5.7e"),
        ],
    )
    def test_of_rows_that_are_only_measured_on(self, further, named):
        for call in (
            lambda: fastnn.train(NET, X, Y, ALIVE, epochs=1, validation=further),
            lambda: fastnn.sweep(NET, X, Y, networks=2, epochs=1, progress=False, validation=further),
        ):
            with pytest.warns(fastnn.ScaleWarning, match=named) as said:
                call()
            assert [warning.filename for warning in said] == [__file__]

    def test_a_replay_does_not_say_it_again(self):
        with pytest.warns(fastnn.ScaleWarning):
            found = fastnn.sweep(NET, 100 * X, Y, networks=2, epochs=1, progress=False)
        with warnings.catch_warnings(action="error"):
            assert found.replay(1).loss == found.loss[1]
