"""Training on classes: labels and names, what is predicted, scores, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn import Dataset, InputError, Network, train
from fastnn.data.rows import checked_rows

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

ROWS = 30
PLACES = np.arange(ROWS) % 3
TEXTS = np.array(["fern", "moss", "rose"])[PLACES]
SOFTMAX = Network((2, 4, 3), output="softmax")
SIGMOID = Network((2, 4, 1), output="sigmoid")
SIGMOIDS = Network((2, 4, 3), output="sigmoid")
HOW = {"engine": "batched", "epochs": 40, "batch_size": ROWS, "optimizer": "adam", "learning_rate": 0.1}


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(3)
    centres = np.array([[0, 0], [3, 0], [0, 3]])[PLACES]
    x, z = (centres + random.normal(size=(ROWS, 2))).T
    return pd.DataFrame({"x": x, "z": z, "plant": TEXTS, "moss": TEXTS == "moss"})


@pytest.fixture(scope="module")
def data(frame):
    return Dataset.from_frame(frame, ["x", "z"], "plant")


@pytest.fixture(scope="module")
def run(data):
    return train(SOFTMAX, data, **HOW)


@pytest.fixture(scope="module")
def of_two(frame):
    return Dataset.from_frame(frame, ["x", "z"], "moss")


def test_predicted_classes_are_those_of_the_largest_outputs(run, data, frame):
    found = run.predict(data)
    assert found.sum(axis=1) == pytest.approx(1)
    assert run.classes == data.classes == ("fern", "moss", "rose")
    said = run.predict_classes(data)
    assert said.tolist() == [run.classes[place] for place in found.argmax(axis=1)]
    assert run.predict_classes(frame[["x", "z"]], run.scaling).tolist() == said.tolist()
    assert (said == TEXTS).mean() > 0.7


def test_scores_are_those_of_classes(run, data):
    score = run.score(data)
    assert list(score) == list(run.scores) == ["accuracy", "log_loss", "f1"]
    said = run.predict_classes(data)
    assert score["accuracy"] == fastnn.accuracy(data.labels, said)
    assert score["f1"] == pytest.approx(fastnn.f1(data.labels, said))
    assert score["log_loss"] == pytest.approx(fastnn.log_loss(data.labels, run.predict(data), run.classes))
    assert run.score(data.X, TEXTS) == run.score(data.X, data.y) == score


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (PLACES, (0, 1, 2)),
        (PLACES.astype(float)[:, None], (0, 1, 2)),
        ((PLACES * 2 + 3).tolist(), (3, 5, 7)),
        (TEXTS.tolist(), ("fern", "moss", "rose")),
        (pd.Series(TEXTS, dtype="category"), ("fern", "moss", "rose")),
    ],
)
def test_labels_become_classes_and_it_is_said(labels, classes, run, data):
    again = train(SOFTMAX, data.X, labels, **HOW)
    assert (again.parameters == run.parameters).all()
    assert again.classes == again.labels == classes
    assert again.predict_classes(data.X).tolist() == [
        classes[run.classes.index(name)] for name in run.predict_classes(data)
    ]
    assert f"the labels {', '.join(map(str, classes))} of y became classes, an output each" in again.notes
    assert again.score(data.X, labels) == run.score(data)


def test_one_output_tells_two_classes_apart(of_two):
    run = train(SIGMOID, of_two, loss="cross_entropy", **HOW)
    column = train(SIGMOID, of_two.X, of_two.y[:, 1], loss="cross_entropy", **HOW)
    assert (run.parameters == column.parameters).all()
    assert (run.classes, column.classes) == (("False", "True"), (0, 1))
    chosen = run.predict(of_two) >= 0.5
    assert run.predict_classes(of_two).tolist() == np.where(chosen, "True", "False").tolist()
    assert column.predict_classes(of_two.X).tolist() == chosen.astype(int).tolist()
    assert run.score(of_two) == column.score(of_two.X, of_two.y[:, 1])
    assert run.score(of_two)["f1"] == pytest.approx(fastnn.f1(of_two.labels, run.predict_classes(of_two)))
    texts = train(SIGMOID, of_two.X, of_two.labels, loss="cross_entropy", **HOW)
    assert (texts.classes, texts.parameters.tolist()) == (("False", "True"), run.parameters.tolist())


def test_several_sigmoid_outputs_are_yeses_and_noes(data):
    both = np.column_stack([PLACES == 1, PLACES != 2]).astype(int)
    run = train(Network((2, 4, 2), output="sigmoid"), data.X, both, loss="cross_entropy", **HOW)
    said = run.predict_classes(data.X)
    assert (run.classes, said.tolist()) == (None, (run.predict(data.X) >= 0.5).astype(int).tolist())
    score = run.score(data.X, both)
    assert score["accuracy"] == (said == both).mean()
    yes = [fastnn.f1(both[:, k], said[:, k], by_class=True)[1] for k in range(2)]
    assert score["f1"] == pytest.approx(np.mean(yes))
    assert score["log_loss"] == pytest.approx(
        np.mean([fastnn.log_loss(both[:, k], run.predict(data.X)[:, k]) for k in range(2)])
    )


def test_many_networks_and_one_that_diverged(data):
    starts = fastnn.normal(0, 1.5).draw(SOFTMAX, range(3), 0)
    runs = train(
        SOFTMAX, data, start=starts, **HOW | {"optimizer": "sgd", "learning_rate": [0.1, 1e200, 0.1]}
    )
    said = runs.predict_classes(data)
    assert (runs.status.tolist(), said.shape, set(said[1])) == (["ok", "diverged", "ok"], (3, ROWS), {""})
    accuracy = runs.score(data)["accuracy"]
    assert np.isnan(accuracy[1])
    for number in (0, 2):
        alone = train(SOFTMAX, data, start=starts[number], **HOW | {"optimizer": "sgd"})
        assert alone.predict_classes(data).tolist() == said[number].tolist()
        assert alone.score(data)["accuracy"] == accuracy[number]


def test_model_files_keep_the_names(run, of_two, data, tmp_path):
    labelled = train(SOFTMAX, data.X, PLACES + 5, **HOW | {"epochs": 1})
    two = train(SIGMOID, of_two, loss="cross_entropy", **HOW | {"epochs": 1})
    for given, rows in ((run, data), (labelled, data.X), (two, of_two)):
        given.save(tmp_path / "model.npz")
        read = fastnn.Training.load(tmp_path / "model.npz")
        assert (read.classes, read.labels, read.notes) == (given.classes, given.labels, given.notes)
        assert read.predict_classes(rows).tolist() == given.predict_classes(rows).tolist()


def test_validation_rows_have_the_classes_of_training(data):
    ours = train(SOFTMAX, data, validation=(data.X[:4], TEXTS[:4]), **HOW | {"epochs": 2})
    theirs = train(SOFTMAX, data, validation=(data.X[:4], data.y[:4]), **HOW | {"epochs": 2})
    assert ours.validation_curve.tolist() == theirs.validation_curve.tolist()
    with pytest.raises(
        InputError, match=r"validation y must hold the classes of training, .* 'pine' in row 1"
    ):
        train(SOFTMAX, data, validation=(data.X[:2], ["fern", "pine"]), **HOW)


@pytest.mark.parametrize(
    ("network", "y", "match"),
    [
        (SOFTMAX, np.full(ROWS, 7), "the 3 classes .* got one class, 7. Take rows of several classes"),
        (SOFTMAX, np.zeros(ROWS, int), "must be of at least two classes; got 0 in each. With one"),
        (SOFTMAX, PLACES % 2, "the training rows must hold each class; got none of 2"),
        (SOFTMAX, np.arange(ROWS) % 4, r"4 classes, 0, 1, 2, 3. Take Network\(\(2, 4, 4\), output=.softmax"),
        (SOFTMAX, np.eye(3)[PLACES % 2], "must hold each class; got none of 2"),
        (SIGMOIDS, np.eye(3)[PLACES % 2], "must hold each class; got none of 2"),
        (SIGMOIDS, np.eye(3)[PLACES * 0], "at least two classes; got 0 in each"),
        (
            SOFTMAX,
            pd.Categorical(TEXTS[::-1], ["fern", "moss", "rose", "tree"]),
            "4 classes, fern, moss, rose",
        ),
        (SOFTMAX, ["fern", None, "moss"] * 10, "y must name a class in each row; got None in row 1"),
        (SIGMOID, np.ones(ROWS), "at least two classes; got 1 in each"),
        (SIGMOID, TEXTS, r"the 2 classes that .* Take Network\(\(2, 4, 3\), output=.softmax"),
        (
            Network((2, 4, 3)),
            TEXTS,
            r"y must hold numbers .* identity .* Take Network\(\(2, 4, 3\), output=.s",
        ),
    ],
)
def test_classes_that_do_not_fit_are_refused(network, y, match, data):
    loss = None if network.output == "identity" else "cross_entropy"
    with pytest.raises(InputError, match=match):
        train(network, data.X, y, loss=loss, epochs=1)


def test_whole_numbers_of_a_dataset_become_classes(frame, tmp_path):
    """As if their column had been among the categories, and it is said."""
    codes = frame.assign(plant=10 * PLACES - 10)
    numbers = Dataset.from_frame(codes, ["x", "z"], "plant")
    named = Dataset.from_frame(codes, ["x", "z"], "plant", categories=["plant"])
    options = HOW | {"epochs": 3, "validation": 0.2, "batch_size": 8}
    run, expected = train(SOFTMAX, numbers, **options), train(SOFTMAX, named, **options)
    assert run.parameters.tobytes() == expected.parameters.tobytes()
    assert run.validation_curve.tobytes() == expected.validation_curve.tobytes()
    assert (run.classes, run.notes) == (
        ("-10", "0", "10"),
        ("the labels -10, 0, 10 of y became classes, an output each",),
    )
    assert run.scaling.same_as(expected.scaling)
    run.save(tmp_path / "run.npz")
    for one in (run, fastnn.Training.load(tmp_path / "run.npz")):
        assert one.predict(numbers).tolist() == expected.predict(named).tolist()
        assert one.predict_classes(numbers).tolist() == expected.predict_classes(named).tolist()
        assert one.score(numbers) == expected.score(named)
    some = train(SOFTMAX, numbers, validation=numbers.first(2), **HOW | {"epochs": 1})
    assert (
        some.validation_curve.tolist()
        == train(SOFTMAX, named, validation=named.first(2), **HOW | {"epochs": 1}).validation_curve.tolist()
    )
    sweep = fastnn.sweep(SOFTMAX, numbers, networks=2, workers=1, progress=False, **options)
    assert (sweep.classes, sweep.notes[0]) == (run.classes, run.notes[0])
    assert sweep.score(numbers).iloc[1].to_dict() == {"network": 1, **sweep.replay(1).score(named)}
    assert sweep.predict(numbers).tolist() == sweep.predict(named).tolist()


def test_other_numbers_of_a_dataset_do_not(frame):
    for target in (PLACES + 0.5, np.zeros(ROWS)):
        data = Dataset.from_frame(frame.assign(plant=target), ["x", "z"], "plant")
        with pytest.raises(InputError, match="data must have the network's 2 inputs and 3 outputs"):
            train(SOFTMAX, data, **HOW)


def test_several_yeses_and_noes_may_be_the_same_in_all_rows(data):
    answers = np.column_stack([PLACES > 0, PLACES > 1, np.ones(ROWS)]).astype(float)
    run = train(SIGMOIDS, data.X, answers, loss="cross_entropy", **HOW | {"epochs": 1})
    assert run.classes is None


def test_rows_of_a_sweep_hold_each_class(data):
    order = np.argsort(PLACES, kind="stable")
    with pytest.raises(InputError, match="the first 20 rows must hold each class; got none of 2"):
        fastnn.sweep(SOFTMAX, data.X[order], PLACES[order], networks=2, epochs=1, rows=[20, 30])


def test_a_sweep_scores_classes(data):
    found = fastnn.sweep(SOFTMAX, data, networks=3, workers=1, progress=False, **HOW | {"epochs": 2})
    again = found.replay(1)
    assert (found.classes, again.classes, found.scores) == (data.classes, data.classes, again.scores)
    assert found.predict_classes(data)[1].tolist() == again.predict_classes(data).tolist()
    assert found.predict_classes(data.X[:4], [2, 0]).shape == (2, 4)
    assert found.score(data).iloc[1].to_dict() == {"network": 1, **again.score(data)}


def test_other_classes_are_not_scored(run, frame):
    other = Dataset.from_frame(frame.assign(plant=frame.plant.str.upper()), ["x", "z"], "plant")
    with pytest.raises(InputError, match=r"data must have the classes of training .* got FERN, MOSS, ROSE"):
        run.score(other)


def test_numbers_have_no_classes(data):
    run = train(Network((2, 1)), data.X, data.X[:, 0], **HOW | {"epochs": 1})
    assert (run.classes, run.scores) == (None, ("mse", "r2", "mape"))
    with pytest.raises(InputError, match=r"squared error on numbers. Use predict"):
        run.predict_classes(data.X)
    found = fastnn.sweep(Network((2, 1)), data.X, data.X[:, 0], networks=1, workers=1, **HOW | {"epochs": 1})
    with pytest.raises(InputError, match=r"got a sweep on numbers. Use predict"):
        found.predict_classes(data.X)


def test_what_is_shown_follows_the_loss(run, data):
    score = run.score(data)
    said = f"accuracy {score['accuracy']:.4f}, log-loss {score['log_loss']:.4f}, on the rows trained on"
    assert str(run).splitlines()[-1] == said
    page = run._repr_html_()
    assert "R²" not in page
    assert f"{score['accuracy']:.4f} on the rows trained on" in page
    assert f"{score['log_loss']:.4f} on the rows trained on" in page


def test_a_store_keeps_the_names(data, tmp_path):
    options = {"networks": 2, "workers": 1, "progress": False, **HOW, "epochs": 1}
    for X, y, classes in ((data, None, data.classes), (data.X, PLACES + 5, (5, 6, 7))):
        folder = tmp_path / str(classes[0])
        found = fastnn.sweep(SOFTMAX, X, y, store=folder, **options)
        opened = fastnn.open(folder)
        assert (opened.classes, opened.replay(1).classes, found.classes) == (classes, classes, classes)


def test_a_target_of_two_numbers_has_these_for_classes(frame):
    of_numbers = Dataset.from_frame(frame.assign(moss=frame.moss + 1), ["x", "z"], "moss")
    run = train(SIGMOID, of_numbers, loss="cross_entropy", **HOW)
    assert run.classes == (1, 2)
    assert (
        fastnn.accuracy(of_numbers.target_values, run.predict_classes(of_numbers))
        == run.score(of_numbers)["accuracy"]
    )


def test_training_goes_on_with_the_same_classes(run, data):
    assert train(SOFTMAX, data.X, TEXTS, start=run, epochs=1).classes == run.classes
    for y in (np.char.upper(TEXTS), PLACES):
        with pytest.raises(InputError, match=r"y must have the labels of the run .*'fern', 'moss', 'rose'"):
            train(SOFTMAX, data.X, y, start=run, epochs=1)


def test_whole_numbers_are_classes_wherever_rows_are_asked_for(frame):
    codes = frame.assign(plant=10 * PLACES - 10)
    numbers = Dataset.from_frame(codes, ["x", "z"], "plant")
    named = Dataset.from_frame(codes, ["x", "z"], "plant", categories=["plant"])
    found, expected = (checked_rows(SOFTMAX, data, None, "float64") for data in (numbers, named))
    for one, other in zip(found, expected, strict=True):
        assert one.tolist() == other.tolist()
