"""What stands at the axes of pictures: numbers that share a part, of either precision; nothing overlaps."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import fastnn

plotting = pytest.importorskip("fastnn.plotting", reason='needs pip install "fastnn-sweep[plot]"')
from fastnn.plotting.curves import draw_fan  # noqa: E402 - after the import that may skip

random = np.random.default_rng(0)
QUANTILES = list(plotting.tables.QUANTILE_NAMES)
COLUMNS = {
    "far": 1e9 + random.uniform(0, 3, 60),
    "large": 1e9 * random.uniform(1, 3, 60),
    "small": 1e-7 * random.uniform(1, 3, 60),
    "near": -1e9 + random.uniform(0, 3, 60),
}


def fitted(inputs, target):
    data = fastnn.Dataset.from_frame(pd.DataFrame(COLUMNS), inputs, target)
    net = fastnn.Network((len(inputs), 2, 1))
    return fastnn.train(net, data.X, data.y, fastnn.normal(0, 1.5), epochs=30, engine="batched"), data


def intervals(ax):
    rows = np.sort(COLUMNS["far"][:20].reshape(4, 5), axis=1)
    table = pd.DataFrame(rows, columns=QUANTILES)
    plotting.intervals(table.assign(label=list("abcd")), "loss", ax)


def scores(ax):
    table = pd.DataFrame({"rows": [10] * 30 + [20] * 30, "mse": COLUMNS["far"]})
    plotting.scores_against_rows(table, "mse", ax)


def histogram(ax):
    data = fastnn.Dataset.from_frame(pd.DataFrame(COLUMNS), ["far"], "large")
    found = fastnn.sweep(
        fastnn.Network((1, 2, 1)), data.X, 3e4 + data.y, networks=9, epochs=2, engine="batched",
        learning_rate=1e-9, progress=False,
    )  # fmt: skip
    plotting.sweep_histogram(found, ax)


def surface(inputs, target):
    return lambda ax: plotting.surface(*fitted(inputs, target), ax=ax)


PICTURES = {
    "a map": (surface(["far", "large"], "near"), ["far (less 1e9)", "large (in 1e9)"]),
    "a small map": (surface(["small", "near"], "large"), ["small (in 1e-7)", "near (plus 1e9)"]),
    "a line": (surface(["near"], "far"), ["near (plus 1e9)", "far (less 1e9)"]),
    "intervals": (intervals, ["loss (less 1e9)"]),
    "scores": (scores, ["mean squared error (less 1e9)"]),
    "a fan": (
        lambda ax: plotting.fan(COLUMNS["far"].reshape(6, 10), ax),
        ["loss (mean squared error, scaled) (less 1e9)"],
    ),
}


@pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
@pytest.mark.parametrize(("draw", "labels"), PICTURES.values(), ids=PICTURES.keys())
def test_what_numbers_share_stands_in_the_label_and_nothing_overlaps(draw, labels):
    figure, ax = plotting.new_figure()
    draw(ax)
    figure.draw_without_rendering()
    figure.draw_without_rendering()  # what is written twice is not told twice
    told = [
        axis.get_label_text().replace("\n", " ") for one in figure.axes for axis in (one.xaxis, one.yaxis)
    ]
    assert set(labels) <= set(told)
    assert not any(axis.offsetText.get_text() for one in figure.axes for axis in (one.xaxis, one.yaxis))
    for one, other in combinations(boxes(figure), 2):
        assert not one.overlaps(other)


def boxes(figure):
    """Where titles, labels and the numbers of ticks stand, a hundredth smaller."""
    found = []
    for ax in figure.axes:
        found += [ax.title, ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = axis.get_view_interval()
            places = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
            found += [text for text, place in places if low <= place <= high]
    written = [text.get_window_extent() for text in found if text.get_text() and text.get_visible()]
    return [box.shrunk(0.99, 0.99) for box in written]


def test_a_label_of_the_user_s_own_stays():
    figure, ax = plotting.new_figure()
    intervals(ax)
    figure.draw_without_rendering()
    ax.set_xlabel("mine")
    figure.draw_without_rendering()
    assert ax.get_xlabel() == "mine (less 1e9)"


@pytest.mark.parametrize("losses", [[0.1, 0.1001], [0.001, 10.0]], ids=["alike", "wide"])
def test_losses_of_single_precision_are_drawn(losses, tmp_path):
    figure, ax = plotting.new_figure()
    draw_fan(ax, plotting.tables.fan(np.array([losses, losses], np.float32)))  # as pages do
    plotting.save(figure, tmp_path / "fan.png")
    assert np.isfinite(ax.get_ylim()).all()


@pytest.mark.parametrize("columns", [["label"], ["label", *QUANTILES]])
def test_tables_without_what_is_drawn_are_refused(columns):
    with pytest.raises(
        fastnn.InputError, match=r"table must be a DataFrame .* got (none called '5 %'|no row)"
    ):
        plotting.intervals(pd.DataFrame({name: [] for name in columns}), "loss")
    with pytest.raises(
        fastnn.InputError, match=r"scores must be a DataFrame .* got (none called 'rows'|no row)"
    ):
        plotting.scores_against_rows(pd.DataFrame({"mse": []}), "mse")
    with pytest.raises(fastnn.InputError, match=r"got \[1\]\. Give one"):
        plotting.intervals([1], "loss")
