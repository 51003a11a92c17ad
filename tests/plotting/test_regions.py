"""Pictures of what networks of classes predict: regions, rows by their class, and the numbers behind them."""

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn import plotting
from fastnn.data.holding import inputs_to_draw
from fastnn.plotting import tables
from fastnn.plotting.surface_tables import GRID

NAMES = ("cat", "dog", "owl")


def dataset(classes=3, inputs=2):
    """Rows around a place for each class, some of them among those of another."""
    draw = np.random.default_rng(4)
    code = np.arange(60) % classes
    X = (
        np.column_stack([code, code % 2, draw.normal(size=60)])[:, :inputs]
        + draw.normal(size=(60, inputs)) * 0.4
    )
    columns = {
        name: X[:, place] for place, name in zip(range(inputs), ("age", "$size", "third"), strict=False)
    }
    return fastnn.Dataset.from_frame(
        pd.DataFrame({**columns, "kind": np.array(NAMES)[code]}), list(columns), "kind"
    )


def trained(data, output="softmax", outputs=3, inputs=2):
    network = fastnn.Network((inputs, 3, outputs), "tanh", output)
    return fastnn.train(network, data, loss="cross_entropy", learning_rate=0.1, epochs=40, engine="batched")


@pytest.fixture(scope="module")
def three():
    data = dataset()
    return trained(data), data


def figure(run, *rows, **asked):
    drawn, ax = plotting.new_figure()
    plotting.surface(run, *rows, ax=ax, **asked)
    drawn.canvas.draw()
    return ax


def texts_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_numbers_are_the_classes_and_the_output_of_each(three):
    run, data = three
    table = tables.surface(run, data)
    assert list(table) == ["kind_", "age", "$size", "kind", "predicted", *NAMES]
    assert table.attrs["classes"] == list(NAMES)
    fitted, rows = (table[table["kind_"] == kind] for kind in ("fitted", "data"))
    assert (len(fitted), len(rows)) == (GRID**2, data.rows)
    outputs = run.predict(fitted[["age", "$size"]], scaling=data)
    np.testing.assert_allclose(fitted[list(NAMES)], outputs, rtol=1e-9, atol=1e-12)
    assert (fitted["kind"] == "").all()
    assert (fitted["predicted"] == np.array(NAMES)[fitted[list(NAMES)].to_numpy().argmax(axis=1)]).all()
    assert (rows["kind"] == np.array(NAMES)[np.arange(60) % 3]).all()
    assert rows[list(NAMES)].to_numpy().tobytes() == run.predict(data.X).tobytes()
    assert set(fitted["predicted"]) == set(NAMES)
    assert rows["predicted"].tolist() == run.predict_classes(data).tolist()


def test_one_sigmoid_output_has_a_region_of_each_class():
    data = dataset(2)
    run = trained(data, "sigmoid", 1)
    table = tables.surface(run, data)
    assert table.attrs["classes"] == ["cat", "dog"]
    np.testing.assert_allclose(table["cat"] + table["dog"], 1.0, rtol=1e-12)
    fitted = table[table["kind_"] == "fitted"]
    assert ((fitted["predicted"] == "dog") == (fitted["dog"] >= 0.5)).all()
    assert 0.1 < (fitted["predicted"] == "dog").mean() < 0.9
    so = table[table["kind_"] == "data"]["kind"].tolist()
    assert so == ["cat", "dog"] * 30
    assert texts_of(figure(run, data))[:2] == ["cat", "dog"]


def test_arrays_have_classes_by_number(three):
    run, data = three
    plain = fastnn.train(run.network, data.X, np.arange(60) % 3, run.parameters, epochs=1, engine="batched")
    table = tables.surface(plain, data.X, np.arange(60) % 3)
    assert list(table) == ["kind", "x1", "x2", "class", "predicted", "0", "1", "2"]
    assert table[table["kind"] == "data"]["class"].tolist() == ["0", "1", "2"] * 20


def test_the_picture_has_regions_edges_rows_and_rings(three):
    run, data = three
    ax = figure(run, data)
    table = tables.surface(run, data)
    rows = table[table["kind_"] == "data"]
    said = np.array(NAMES)[rows[list(NAMES)].to_numpy().argmax(axis=1)]
    wrong = said != rows["kind"]
    assert 0 < wrong.sum() < 20
    assert texts_of(ax) == [*NAMES, "misclassified"]
    assert ax.get_legend().get_title().get_text() == "kind"
    drawn = [len(dots.get_offsets()) for dots in ax.collections if len(dots.get_offsets()) > 1]
    assert drawn == [20, 20, 20, wrong.sum()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", r"\$size")
    for name, (x, y) in {"cat": (0.0, 0.0), "dog": (1.0, 1.0), "owl": (2.0, 0.0)}.items():
        filled = [shape for shape in ax.collections if shape.get_alpha() == 0.3]
        inside = [shape.get_paths()[0].contains_point((x, y)) for shape in filled]
        assert inside == [each == name for each in NAMES]


def test_a_named_output_is_drawn_as_a_number(three):
    run, data = three
    table = tables.surface(run, data, output=1)
    assert "classes" not in table.attrs
    rows = table[table["kind"] == "data"]
    assert set(rows.iloc[:, 3]) == {0.0, 1.0}
    assert figure(run, data, output=1).get_legend() is None


def test_over_one_input_each_class_has_a_line():
    data = dataset(inputs=1)
    ax = figure(trained(data, inputs=1), data)
    assert len(ax.lines) == 3
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert ax.get_ylabel() == "output of each class"
    assert texts_of(ax)[:3] == list(NAMES)


def test_of_more_classes_than_colours_the_regions_are_named():
    draw = np.random.default_rng(2)
    code = np.arange(40) % 8
    angle = 2 * np.pi * code / 8
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + draw.normal(size=(40, 2)) * 0.05
    network = fastnn.Network((2, 8), (), "softmax")
    run = fastnn.train(network, X, code, [0.0] * 24, learning_rate=0.5, epochs=60, engine="batched")
    ax = figure(run, X, code)
    assert [text.get_text() for text in ax.texts] == list("01234567")
    assert texts_of(ax) == list("01234567")


def test_one_that_diverged_has_rows_and_no_regions(three):
    run, data = three
    lost = fastnn.train(run.network, data, learning_rate=1e300, epochs=2, engine="batched")
    ax = figure(lost, data)
    assert not [shape for shape in ax.collections if shape.get_alpha() == 0.3]
    assert texts_of(ax) == list(NAMES)


def test_a_network_of_one_class_alone_has_one_region(three):
    run, data = three
    start = np.zeros(run.network.n_parameters)
    start[-2] = 5.0
    same = {"start": start, "learning_rate": 1e-9, "epochs": 1, "engine": "batched"}
    ax = figure(fastnn.train(run.network, data, **same), data)
    assert len([shape for shape in ax.collections if shape.get_alpha() == 0.3]) == 1
    assert texts_of(ax) == [*NAMES, "misclassified"]


def test_where_all_outputs_are_alike_one_class_is_predicted():
    X, y = np.eye(2), np.array([0, 1])
    for network, name in (
        (fastnn.Network((2, 1), (), "sigmoid"), "1"),
        (fastnn.Network((2, 2), (), "softmax"), "0"),
    ):
        start = [0.0] * network.n_parameters
        same = {"loss": "cross_entropy", "learning_rate": 5e-324, "epochs": 1, "engine": "batched"}
        run = fastnn.train(network, X, y, start, **same)
        assert set(tables.surface(run, X, y)["predicted"]) == {name} == set(map(str, run.predict_classes(X)))
        ax = figure(run, X, y)
        assert len([shape for shape in ax.collections if shape.get_alpha() == 0.3]) == 1
        assert texts_of(ax) == ["0", "1", "misclassified"]


def test_of_many_inputs_the_two_that_tell_the_classes_are_drawn():
    draw = np.random.default_rng(8)
    code = np.arange(60) % 3
    X = draw.normal(size=(60, 5))
    X[:, 3] += 6.0 * (code == 1)
    X[:, 1] += 6.0 * (code == 2)
    assert inputs_to_draw(None, X, code) == (1, 3)
    assert inputs_to_draw(None, X) == (0, 1)
    run = fastnn.train(fastnn.Network((5, 3), (), "softmax"), X, code, epochs=1, engine="batched")
    assert list(tables.surface(run, X, code))[1:3] == ["x2", "x4"]
    assert list(tables.surface(run, X, code, inputs=(4, 0)))[1:3] == ["x5", "x1"]
    frame = pd.DataFrame(
        {"sex": np.where(code == 1, "f", "m"), "town": np.array(NAMES)[code], "age": X[:, 0]}
    )
    data = fastnn.Dataset.from_frame(frame.assign(kind=np.array(NAMES)[code]), ["town", "sex", "age"], "kind")
    assert [data.inputs[place] for place in inputs_to_draw(data, data.X, code)] == ["sex", "age"]


def test_a_drawn_network_has_the_names_of_the_classes(three):
    run, data = three
    _, ax = plotting.new_figure()
    plotting.network(run, X=data, ax=ax)
    assert {*NAMES, "age"} <= {text.get_text() for text in ax.texts}
