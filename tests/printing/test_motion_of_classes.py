"""The class boundary in motion: a browser fills and counts what fastnn predicts after the same epochs."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pytest
from matplotlib.path import Path
from test_motion import OUTSIDE

import fastnn
from fastnn.explaining.motion import motion
from fastnn.explaining.motion.regions import BOTTOM, LEFT, RIGHT, TOP
from fastnn.pages.blocks import Fragment, Section
from fastnn.pages.html import html_page

NAMES = ("cat", "dog </script>", "owl")
EPOCHS = 15


@dataclass(frozen=True)
class Case:
    """Rows of classes, and a network that tells these apart."""

    network: fastnn.Network
    classes: int
    named: bool = False
    learning_rate: float = 0.2
    loss: str = "cross_entropy"

    @property
    def rows(self):
        """A Dataset, or X and y."""
        draw = np.random.default_rng(5)
        inputs, code = self.network.n_inputs, np.arange(40) % self.classes
        X = draw.normal(size=(40, inputs)) * 0.6
        X[:, 0] += np.cos(2 * np.pi * code / self.classes)
        X[:, -1] += np.sin(2 * np.pi * code / self.classes)
        if not self.named:
            return X, code
        frame = pd.DataFrame(X, columns=list("abcd")[:inputs]).assign(kind=np.array(NAMES)[code])
        return (fastnn.Dataset.from_frame(frame, list("abcd")[:inputs], "kind"),)

    @cached_property
    def motion(self):
        return motion(self.network, *self.rows, loss=self.loss, learning_rate=self.learning_rate)

    @cached_property
    def trained(self):
        options = {"learning_rate": self.learning_rate, "loss": self.loss, "epochs": EPOCHS}
        return fastnn.train(
            self.network, *self.rows, start=fastnn.normal(0, 1.5), engine="batched", **options
        )


CASES = {
    "three classes of a Dataset, two of three inputs": Case(
        fastnn.Network((3, 3, 3), "tanh", "softmax"), 3, True
    ),
    "one sigmoid output": Case(fastnn.Network((2, 3, 1), "tanh", "sigmoid"), 2),
    "one sigmoid output of a Dataset": Case(fastnn.Network((2, 1), (), "sigmoid"), 2, True),
    "one input": Case(fastnn.Network((1, 3, 3), "tanh", "softmax"), 3),
    "more classes than colours": Case(fastnn.Network((2, 8), (), "softmax"), 8),
    "diverging": Case(fastnn.Network((2, 3), (), "softmax"), 3, learning_rate=8e307),
}
READ = """(section) => ({
    regions: [...section.querySelectorAll("[data-region]")].map((path) => path.getAttribute("d")),
    edge: section.querySelector("[data-part=edge]").getAttribute("d"),
    right: section.querySelector("[data-part=right]").textContent,
    here: ["cx", "cy"].map((key) => Number(section.querySelector("[data-part=here]").getAttribute(key))),
})"""


@pytest.fixture(scope="module")
def found(page):
    """What all sections show after some epochs, by the names of their cases."""
    fragments = [Fragment(case.motion.fragment) for case in CASES.values()]
    page.open(html_page("classes", "", [Section("", fragments)]))
    shown = page.evaluate(f"""[...document.querySelectorAll(".fastnn-motion")].map((section) => {{
        for (let n = 0; n < {EPOCHS}; n++) section.querySelector("[data-part=epoch]").click();
        return ({READ})(section);
    }})""")
    assert page.evaluate(OUTSIDE) == []
    return dict(zip(CASES, shown, strict=True))


def filled(shown, points):
    """Which regions hold each point of the picture: (classes, points)."""
    held = []
    for shapes in shown["regions"]:
        inside = np.zeros(len(points), bool)
        for shape in re.findall(r"M([^z]*)z", shapes):
            corners = [tuple(map(float, corner.split())) for corner in shape.split("L")]
            inside |= Path(corners).contains_points(points)
        held.append(inside)
    return np.array(held)


def far_from_edges(shown, points):
    """Whether points are some pixels away from every piece of an edge."""
    far = np.ones(len(points), bool)
    for piece in re.findall(r"M([^M]*)", shown["edge"]):
        for end in piece.split("L"):
            far &= np.hypot(*(points - np.array(end.split(), float)).T) > 12
    return far


@pytest.mark.parametrize("name", [name for name in CASES if name != "diverging"])
def test_regions_are_those_of_the_trained_network(found, name):
    case, regions = CASES[name], CASES[name].motion.regions
    draw = np.random.default_rng(0)
    shares = draw.uniform(size=(400, 2))
    points = np.column_stack([LEFT + shares[:, 0] * (RIGHT - LEFT), BOTTOM - shares[:, 1] * (BOTTOM - TOP)])
    inputs = np.repeat(regions.held[None], len(points), axis=0)
    for place, (low, high), share in zip(regions.chosen, regions.ends, shares.T, strict=False):
        inputs[:, place] = low + share * (high - low)
    said = case.trained.predict_classes(inputs)
    places = np.array([list(map(str, regions.classes)).index(str(each)) for each in said])
    clear = far_from_edges(found[name], points)
    assert clear.sum() > 100
    held = filled(found[name], points[clear])
    assert held[places[clear], np.arange(clear.sum())].mean() > 0.98  # edges of cells hold no point
    assert (held.sum(axis=0) <= 1).all()
    assert len(set(said)) > 1


@pytest.mark.parametrize("name", [name for name in CASES if name != "diverging"])
def test_the_rows_that_are_known_are_counted(found, name):
    case = CASES[name]
    accuracy = case.trained.score(*case.rows)["accuracy"]
    assert 0.3 < accuracy <= 1
    assert found[name]["right"] == f"{round(40 * accuracy)} of 40 rows are classified correctly."


def test_one_that_diverged_says_nothing(found):
    shown = found["diverging"]
    assert np.isnan(CASES["diverging"].trained.parameters).all()
    assert (shown["regions"], shown["edge"], shown["right"]) == (["", "", ""], "", "")


def test_the_ring_is_around_the_row_above(found):
    case = CASES["one sigmoid output"]
    X, _ = case.rows
    share = (X[-1] - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    place = (LEFT + share[0] * (RIGHT - LEFT), BOTTOM - share[1] * (BOTTOM - TOP))
    np.testing.assert_allclose(found["one sigmoid output"]["here"], place)


def test_names_of_classes_and_held_inputs_are_told():
    case = CASES["three classes of a Dataset, two of three inputs"]
    fragment = case.motion.fragment
    assert "dog &lt;/script&gt;" in fragment
    assert fragment.count("</script>") == 2
    assert "cat <i>y1</i> = " in fragment
    one = CASES["one sigmoid output of a Dataset"].motion.fragment
    assert "kind=dog &lt;/script&gt; <i>y</i> = " in one
    assert re.search(r"Further inputs are held at [abc] = -?0\.\d+\.", fragment)
    labelled = motion(case.network, np.ones((3, 3)), ["a", "b", "c"], loss="cross_entropy")
    assert labelled.regions.classes == ("a", "b", "c")
    assert labelled.regions.ends == [(0.5, 1.5), (0.5, 1.5)]


def test_a_class_without_a_row_is_refused():
    with pytest.raises(fastnn.InputError, match="the training rows must hold each class; got none of 2"):
        motion(fastnn.Network((1, 3), (), "softmax"), [1.0, 2.0, 3.0], [0, 1, 0])


def test_no_classes_have_no_picture():
    yes_or_no = motion(fastnn.Network((2, 2), (), "sigmoid"), [[1, 2]], [[0.0, 1.0]], loss="cross_entropy")
    for shown in (yes_or_no, motion(fastnn.Network((2, 1)), [[1, 2]], [3])):
        assert shown.regions is None
        assert "data-region" not in shown.fragment
        assert "answersOf" not in shown.fragment
