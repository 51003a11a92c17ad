"""The network in motion: what a browser computes is what `fastnn.train` does, to the last bit."""

import json
import re
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from elementary_numbers import anything, scalar_form

import fastnn
from fastnn.core.elementary import FUNCTIONS, functions_of
from fastnn.core.optimizers import Adagrad, Adam, IRpropMinus, Momentum, Nesterov, Optimizer, RMSProp
from fastnn.explaining.motion import motion, section
from fastnn.pages.blocks import Fragment, Section
from fastnn.pages.html import html_page
from fastnn.printing.javascript import javascript_functions, results_of

REPORT_START = [2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]  # I1 of the classroom report


@dataclass(frozen=True)
class Case:
    """A network that is trained in the browser and by fastnn."""

    network: fastnn.Network
    epochs: int
    learning_rate: float | None = 0.05
    rows: int = 7
    start: tuple[float, ...] | None = None
    optimizer: str | Optimizer = "sgd"
    batch_size: int | None = 1
    loss: str = "squared"
    limits: dict = field(default_factory=dict)

    def data(self):
        """Rows with all their digits; with cross-entropy, classes or yes and no."""
        draw = np.random.default_rng(sum(self.network.layers))
        X, Y = (draw.normal(size=(self.rows, n)) for n in (self.network.n_inputs, self.network.n_outputs))
        if self.network.output == "softmax":
            return X, np.eye(self.network.n_outputs)[Y[:, 0].argsort() % self.network.n_outputs]
        return X, (Y > 0).astype(float) if self.loss != "squared" else Y

    def motion(self):
        starts = None if self.start is None else {"given": self.start}
        return motion(self.network, *self.data(), starts, learning_rate=self.learning_rate, **self.rule)

    @property
    def rule(self):
        return {"optimizer": self.optimizer, "batch_size": self.batch_size, "loss": self.loss, **self.limits}

    def trained(self):
        """The parameters by fastnn."""
        start = fastnn.normal(0, 1.5) if self.start is None else self.start
        # All engines give the same bits; this one compiles nothing.
        options = {"learning_rate": self.learning_rate, "epochs": self.epochs, "engine": "batched"}
        return fastnn.train(self.network, *self.data(), start, **self.rule, **options).parameters


CASES = {
    "2-2-1 after one epoch": Case(fastnn.Network((2, 2, 1)), 1),
    "2-2-1 of the report": Case(fastnn.Network((2, 2, 1)), 4, 0.005, 100, tuple(REPORT_START)),
    "tanh": Case(fastnn.Network((2, 3, 1), "tanh"), 5),
    "sigmoid everywhere, two outputs": Case(fastnn.Network((2, 2, 2), "sigmoid", "sigmoid"), 5, 0.25),
    "three hidden layers": Case(fastnn.Network((3, 4, 2, 3, 1), ("relu", "tanh", "identity"), "tanh"), 5),
    "no hidden layer": Case(fastnn.Network((4, 3)), 5, 0.01),
    "one unit each": Case(fastnn.Network((1, 1, 1), "sigmoid"), 3, 1.5),
    "diverging": Case(fastnn.Network((2, 2, 1)), 6, 1e200),
    "momentum": Case(fastnn.Network((2, 3, 2), "tanh"), 5, 0.01, optimizer="momentum"),
    "momentum of the report": Case(
        fastnn.Network((2, 2, 1)), 4, 0.005, 100, tuple(REPORT_START), Momentum(momentum=0.5)
    ),
    "nesterov": Case(fastnn.Network((3, 2, 2, 1)), 5, 0.01, optimizer=Nesterov(momentum=0.7)),
    "nesterov, diverging": Case(fastnn.Network((2, 2, 1)), 6, 1e200, optimizer="nesterov"),
    "batches, the last one short": Case(fastnn.Network((2, 3, 2), "tanh"), 5, batch_size=3),
    "batches of the report": Case(
        fastnn.Network((2, 2, 1)), 4, 0.005, 100, tuple(REPORT_START), batch_size=32
    ),
    "all rows in a batch": Case(fastnn.Network((2, 2, 1), "leaky_relu"), 5, batch_size=7),
    "momentum in batches": Case(
        fastnn.Network((3, 2, 2, 1)), 5, 0.02, optimizer=Momentum(momentum=0.7), batch_size=2
    ),
    "nesterov in batches": Case(
        fastnn.Network((2, 2, 1), "sigmoid"), 5, optimizer=Nesterov(momentum=0.3), batch_size=5
    ),
    "adam": Case(fastnn.Network((2, 3, 2), "tanh"), 5, 0.01, optimizer="adam"),
    "adam of other libraries in batches": Case(
        fastnn.Network((2, 2, 1), "sigmoid"), 5, optimizer=Adam(eps=0.01, eps_hat=True), batch_size=3
    ),
    "adam in batches of the report": Case(
        fastnn.Network((2, 2, 1)), 4, 0.005, 100, tuple(REPORT_START), Adam(beta1=0.8), 32
    ),
    "rmsprop": Case(fastnn.Network((3, 2, 2, 1)), 5, 0.01, optimizer=RMSProp(rho=0.7)),
    "rmsprop in batches": Case(fastnn.Network((2, 2, 1)), 5, 0.01, optimizer="rmsprop", batch_size=2),
    "adagrad": Case(fastnn.Network((2, 2, 1)), 5, optimizer=Adagrad(initial_sum=0.25)),
    "adagrad in batches": Case(fastnn.Network((4, 3)), 5, optimizer="adagrad", batch_size=7),
    "adam, diverging": Case(fastnn.Network((2, 2, 1)), 6, 1e200, optimizer="adam", batch_size=4),
    "irprop-": Case(fastnn.Network((2, 3, 2), "tanh"), 5, None, optimizer="irprop-", batch_size=None),
    "irprop- in batches": Case(
        fastnn.Network((2, 2, 1)),
        5,
        None,
        optimizer=IRpropMinus(delta0=0.01, up=1.5, down=0.3, least=0.004, most=0.012),
        batch_size=3,
    ),
    "irprop- row by row": Case(fastnn.Network((3, 2, 2, 1)), 5, None, optimizer="irprop-", batch_size=1),
    "softmax": Case(fastnn.Network((2, 3, 3), "tanh", "softmax"), 5, loss="cross_entropy"),
    "softmax, adam in batches": Case(
        fastnn.Network((2, 3, 4), "tanh", "softmax"), 5, 0.01, 7, None, "adam", 3, "cross_entropy"
    ),
    "sigmoid cross-entropy": Case(fastnn.Network((2, 3, 2), "tanh", "sigmoid"), 5, loss="cross_entropy"),
    "Poisson": Case(fastnn.Network((2, 3, 1), "tanh", "exponential"), 5, 0.01, loss="poisson"),
    "l2 and decay": Case(fastnn.Network((2, 3, 2), "tanh"), 5, limits={"l2": 0.3, "decay": 0.2}),
    "l2 on the sum, in batches": Case(
        fastnn.Network((2, 2, 1)), 5, batch_size=3, limits={"l2": 0.3, "l2_on": "sum"}
    ),
    "l1 from 0, in batches": Case(
        fastnn.Network((1, 2, 1)), 5, start=(0, 0.5, -0.25, 0, 1, 0, 0), batch_size=2, limits={"l1": 0.3}
    ),
    "all penalties, adam": Case(
        fastnn.Network((2, 2, 1)), 5, 0.02, optimizer="adam", limits={"l2": 0.3, "l1": 0.2, "decay": 0.1}
    ),
    "clipped": Case(fastnn.Network((2, 3, 2), "tanh"), 5, limits={"clip": 0.4}),
    "clipped in batches": Case(
        fastnn.Network((3, 2, 2, 1)), 5, optimizer="nesterov", batch_size=3, limits={"clip": 0.4, "l2": 0.3}
    ),
    "clipped, adam": Case(
        fastnn.Network((2, 3, 3), "tanh", "softmax"),
        5,
        0.02,
        optimizer="adam",
        batch_size=3,
        loss="cross_entropy",
        limits={"clip": 0.2, "l1": 0.1, "l2": 0.3, "l2_on": "sum"},
    ),
    "clipped irprop-": Case(
        fastnn.Network((2, 2, 1)), 5, None, optimizer="irprop-", batch_size=None, limits={"clip": 0.1}
    ),
    "rows with weights": Case(
        fastnn.Network((2, 2, 1)), 5, limits={"sample_weight": [1, 0, 2.5, 1, 0.3, 1, 4], "l2": 0.1}
    ),
    "rows with weights within batches, clipped": Case(
        fastnn.Network((2, 3, 2), "tanh"),
        5,
        0.02,
        optimizer="adam",
        batch_size=3,
        limits={"sample_weight": [1, 0, 2.5, 0, 0, 0, 4], "weights_within": "batch", "clip": 0.3},
    ),
    "cosine with a warm-up": Case(
        fastnn.Network((2, 2, 1)),
        5,
        0.05,
        batch_size=3,
        limits={"schedule": fastnn.schedules.Cosine(horizon=4, warmup=2), "decay": 0.1},
    ),
    "steps": Case(
        fastnn.Network((2, 2, 1), "tanh"),
        5,
        0.05,
        optimizer="adam",
        limits={"schedule": fastnn.schedules.Step(every=2, gamma=0.5), "clip": 0.4},
    ),
    "inverse scaling": Case(fastnn.Network((1, 2, 1)), 5, 0.1, limits={"schedule": "inverse_scaling"}),
    "classes with weights": Case(
        fastnn.Network((2, 3, 3), "tanh", "softmax"),
        5,
        loss="cross_entropy",
        limits={"class_weight": "balanced", "sample_weight": [1, 2, 3, 4, 5, 6, 7]},
    ),
    "zero below zero": Case(fastnn.Network((1, 1, 1)), 2, start=(-0.0, -0.0, -1.0, -0.0)),
    "the last update overflows": Case(fastnn.Network((1, 1)), 1, 1e200, 1, (1e150, 0.0)),
    "batches, diverging": Case(fastnn.Network((2, 2, 1)), 6, 1e200, batch_size=4),
}
# A page of the first case in which one addition comes before another: the bits must then differ.
SLIPPED = ("z1 = w1*x1 + w2*x2 + b1", "z1 = w1*x1 + (w2*x2 + b1)")


# The parameters that a section shows, with all their digits, in their order.
READ = "[...section.querySelectorAll('data[data-now]')].map((element) => element.value)"
SECTION = "document.querySelector('.fastnn-motion')"


def bits(values):
    """The numbers as hexadecimal text: equal for equal bits alone (and for NaN of any kind)."""
    return [float(value).hex() for value in values]


def numbers(texts):
    """The numbers that JavaScript has written."""
    return [float(text.replace("Infinity", "inf")) for text in texts]


def trained_in_the_browser(page, fragments, epochs):
    """The parameters of sections that stand on one page, each after a number of epochs; none is seen."""
    unseen = Fragment("<style>.fastnn-motion { display: none }</style>")
    page.open(html_page("all", "", [Section("", [unseen, *map(Fragment, fragments)])]))
    return [
        numbers(texts)
        for texts in page.evaluate(f"""{list(epochs)}.map((epochs, place) => {{
            const section = document.querySelectorAll(".fastnn-motion")[place];
            for (let n = 0; n < epochs; n++) section.querySelector("[data-part=epoch]").click();
            return {READ};
        }})""")
    ]


class Reader:
    """Uses the section of a case's own page."""

    def __init__(self, page, case=CASES["2-2-1 after one epoch"], **view):
        self.page = page
        page.open(case.motion().html(), **view)

    def part(self, name):
        return f"{SECTION}.querySelector('[data-part={name}]')"

    def press(self, name, times=1):
        self.page.evaluate(f"for (let n = 0; n < {times}; n++) {self.part(name)}.click()")

    def change(self, name, value):
        """Give a field another value."""
        self.page.evaluate(f"""{{
            const field = {self.part(name)};
            field.value = {json.dumps(value)};
            field.dispatchEvent(new Event("change"));
        }}""")

    def equations(self):
        """What the equations show as found, by name."""
        places = f"[...{SECTION}.querySelectorAll('output[data-found]')]"
        found = self.page.evaluate(f"""Object.fromEntries({places}
            .map((element) => [element.dataset.found, element.textContent.replaceAll("−", "-")]))""")
        return {name: float(text) for name, text in found.items()}

    def says(self, name):
        return self.page.evaluate(f"{self.part(name)}.textContent")

    def parameters(self):
        return numbers(self.page.evaluate(f"((section) => {READ})({SECTION})"))

    def rows_taken(self, case):
        """How many rows have been taken since the start."""
        text = self.says("status")
        if text.startswith("No row"):
            return 0
        epoch, row = map(int, re.match(r"Epoch (\d+)(?:, row (\d+)| is fin)", text).groups(case.rows))
        return (epoch - 1) * case.rows + row


def trained(case, epochs, rows, start=None):
    """The parameters by fastnn after some epochs and some rows of the next one."""
    X, y = case.data()
    shared = {"learning_rate": case.learning_rate, "engine": "loop"}  # as fast as it goes is 50 000 epochs
    found = fastnn.normal(0, 1.5) if start is None else start
    for n, times in ((case.rows, epochs), (rows, 1)):
        if n and times:
            found = fastnn.train(case.network, X[:n], y[:n], found, epochs=times, **shared).parameters
    return found


class TestTheNumbers:
    @pytest.mark.parametrize("second", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_are_those_of_fastnn_to_the_last_bit(self, page, second):
        names = [*CASES][second::2]
        cases = [CASES[name] for name in names]
        found = trained_in_the_browser(page, [c.motion().fragment for c in cases], [c.epochs for c in cases])
        for name, case, parameters in zip(names, cases, found, strict=True):
            assert bits(parameters) == bits(case.trained()), name

    def test_another_order_of_the_same_sum_is_found_out(self, page):
        case = Case(fastnn.Network((2, 2, 1)), 30)
        fragment = case.motion().fragment
        assert SLIPPED[0] in fragment
        (found,) = trained_in_the_browser(page, [fragment.replace(*SLIPPED)], [30])
        assert bits(found) != bits(case.trained())
        np.testing.assert_allclose(found, case.trained(), rtol=1e-6)

    def test_of_the_functions_are_those_of_the_engines(self, page):
        x = anything("float64", 4000)[::4]
        functions = "\n".join(javascript_functions(functions_of(FUNCTIONS, "float64")))
        page.open(html_page("functions", "", []))
        found = page.evaluate(f"""(() => {{
            {functions}
            const view = new DataView(new ArrayBuffer(8));
            const x = {[f"0x{pattern:x}" for pattern in x.view(np.uint64).tolist()]}.map((pattern) => {{
                view.setBigUint64(0, BigInt(pattern));
                return view.getFloat64(0);
            }});
            const written = (value) => Object.is(value, -0) ? "-0" : String(value);
            return [{", ".join(FUNCTIONS)}, Math.tanh].map((f) => x.map(f).map(written));
        }})()""")
        *ours, browsers_own = map(numbers, found)
        for name, values in zip(FUNCTIONS, ours, strict=True):
            assert bits(values) == bits(scalar_form(name, x)), name
        assert bits(browsers_own) != bits(scalar_form("tanh", x))

    def test_of_one_row_stand_in_the_equations(self, page):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        reader = Reader(page, case)
        reader.press("row")
        X, y = case.data()
        step = fastnn.explain(case.network).step(case.motion().starts["network 0"], X[0], y[0], 0.05)
        expected = step.frame().groupby("name")["value"].last()  # after the row, of a parameter
        found = reader.equations()
        assert found.pop("total") == float(f"{step.loss:.8g}")
        assert {"z1", "h2", "yhat", "d", "s", "s1", "w1", "b3"} <= set(found)
        assert found == {name: float(f"{expected[name]:.8g}") for name in found}


class TestWhatIsRemembered:
    """A network that is trained with momentum, and a page that says so."""

    CASE = Case(fastnn.Network((2, 2, 1)), 1, optimizer=Nesterov(momentum=0.7))

    def test_stands_in_the_equations_as_each_takes_it(self, page):
        reader = Reader(page, self.CASE)
        reader.press("row", 2)
        X, y = self.CASE.data()
        explanation = fastnn.explain(self.CASE.network, optimizer=self.CASE.optimizer)
        first = explanation.step(self.CASE.motion().starts["network 0"], X[0], y[0], 0.05)
        second = explanation.step(first.state, X[1], y[1], 0.05)
        for place, value in (
            ("mn[data-taken=vb3]", first.state[9 + 8]),
            ("mn[data-became=vb3]", second.state[9 + 8]),
            ("mn[data-taken=b3]", first.state[8]),
            ("data[data-kept=vb3]", second.state[9 + 8]),
            ("data[data-now=b3]", second.state[8]),
        ):
            text = page.evaluate(f"{SECTION}.querySelector('{place}').textContent")
            assert float(text.strip("()").replace("−", "-")) == pytest.approx(value, rel=6e-5), place
        assert first.state[9 + 8] != 0
        found = reader.equations()
        assert found["vb3"] == pytest.approx(second.state[9 + 8], rel=1e-7)
        assert found["b3"] == pytest.approx(second.state[8], rel=1e-7)

    def test_is_forgotten_at_another_start(self, page):
        reader = Reader(page, self.CASE)
        reader.press("epoch", 3)
        assert bits(reader.parameters()) != bits(self.CASE.trained())
        reader.press("again")
        assert page.evaluate(f"{SECTION}.querySelector('[data-kept=vb3]').value") == "0"
        reader.press("epoch")
        assert bits(reader.parameters()) == bits(self.CASE.trained())

    def test_the_page_says_so(self, page):
        reader = Reader(page, self.CASE)
        assert page.evaluate("document.title") == "A 2-2-1 network in motion, trained with nesterov"
        assert "Trained with nesterov, momentum 0.7." in page.evaluate(f"{SECTION}.textContent")
        heads = f"[...{SECTION}.querySelectorAll('thead th')].map((head) => head.textContent)"
        assert page.evaluate(heads) == ["parameter", "at the start", "now", "v now"]
        assert repr(self.CASE.motion()).startswith(
            f"<Motion of {self.CASE.network!r}, Nesterov(momentum=0.7): "
        )
        assert page.evaluate(OUTSIDE) == []
        Reader(page)
        assert "Trained with" not in page.evaluate(f"{SECTION}.textContent")
        assert reader.page.evaluate(heads) == ["parameter", "at the start", "now"]


class TestBatches:
    """A network that is trained in batches of three rows, of seven: the last batch of an epoch has one."""

    CASE = Case(fastnn.Network((2, 2, 1)), 2, optimizer="momentum", batch_size=3)

    def shown(self, page, place):
        return page.evaluate(f"{SECTION}.querySelector('{place}').textContent").replace("−", "-")

    def test_nothing_moves_before_the_last_row_of_a_batch(self, page):
        reader = Reader(page, self.CASE)
        start = bits(reader.parameters())
        for row in (1, 2):
            reader.press("row")
            assert bits(reader.parameters()) == start
            assert self.shown(page, "output[data-found=b3]") == "–"
            assert self.shown(page, "mn[data-taken=b3]") != "–"
            assert reader.says("status").startswith(f"Epoch 1, row {row} of 7 (batch 1 of 3): mean loss")
        reader.press("row")
        X, y = self.CASE.data()
        explanation = fastnn.explain(self.CASE.network, **self.CASE.rule)
        step = explanation.step(self.CASE.motion().starts["network 0"], X[:3], y[:3], 0.05)
        assert bits(reader.parameters()) == bits(step.parameters)
        values = step.frame().query("row == 3 or stage in ('begin', 'updates')").set_index("name")["value"]
        found = reader.equations()
        for name in ("factor", "yhat", "gb3", "vb3", "b3"):
            assert found[name] == float(f"{values[name]:.8g}"), name
        assert float(self.shown(page, "mn[data-became=gb3]").strip("()")) == float(f"{values['gb3']:.5g}")

    def test_a_batch_at_a_time_and_the_short_last_one(self, page):
        reader = Reader(page, self.CASE)
        reader.press("row")
        X, y = self.CASE.data()
        explanation = fastnn.explain(self.CASE.network, **self.CASE.rule)
        state = self.CASE.motion().starts["network 0"]
        for rows, batch in ((slice(0, 3), 1), (slice(3, 6), 2)):
            reader.press("batch")
            state = explanation.step(state, X[rows], y[rows], 0.05).state
            assert bits(reader.parameters()) == bits(state[:9])
            assert f"row {rows.stop} of 7 (batch {batch} of 3)" in reader.says("status")
        reader.press("batch")
        assert reader.says("status").startswith("Epoch 1 is finished.")
        assert reader.equations()["factor"] == -0.1
        state = explanation.step(state, X[6:], y[6:], 0.05).state
        assert bits(reader.parameters()) == bits(state[:9])
        reader.press("epoch")
        assert bits(reader.parameters()) == bits(self.CASE.trained())

    def test_what_is_prepared_is_shown_as_it_was_with_the_first_row(self, page):
        case = replace(self.CASE, optimizer="adam")
        reader = Reader(page, case)
        X, y = case.data()
        explanation = fastnn.explain(case.network, **case.rule)
        first = explanation.step(case.motion().starts["network 0"], X[:3], y[:3], 0.05)
        second = explanation.step(first.state, X[3:6], y[3:6], 0.05)
        values = second.frame().query("stage == 'begin'").set_index("name")["value"]
        reader.press("batch")
        for row in (4, 5, 6):
            reader.press("row")
            for name in ("factor", "power1", "power2", "root", "alpha", "eps_t"):
                assert float(self.shown(page, f"output[data-found={name}]")) == float(f"{values[name]:.8g}")
            assert float(self.shown(page, "mn[data-taken=power1]")) == 0.9
            assert (self.shown(page, "output[data-found=b3]") == "–") == (row < 6)
        assert bits(reader.parameters()) == bits(second.parameters)

    def test_the_page_says_so(self, page):
        Reader(page, self.CASE)
        title = "A 2-2-1 network in motion, trained with momentum in batches"
        assert page.evaluate("document.title") == title
        text = page.evaluate(f"{SECTION}.textContent")
        told = "momentum, momentum 0.9, in batches of 3 rows (the last one of an epoch has 1)."
        assert f"Trained with {told}" in text
        assert "each before the update of its batch." in " ".join(text.split())
        assert repr(self.CASE.motion()).startswith(
            f"<Motion of {self.CASE.network!r}, Momentum(momentum=0.9), batch_size=3: "
        )
        page.open(motion(self.CASE.network, *self.CASE.data(), batch_size=7).html())
        assert "Trained with sgd, in batches of 7 rows." in page.evaluate(f"{SECTION}.textContent")
        Reader(page)
        assert page.evaluate(f"{SECTION}.querySelector('[data-part=batch]')") is None

    def test_a_schedule_ends_where_its_learning_rates_are_not_known(self, page, monkeypatch):
        monkeypatch.setattr(section, "MOST_EPOCHS", 3)
        case = replace(self.CASE, limits={"schedule": fastnn.schedules.Exponential(gamma=0.5)}, epochs=3)
        reader = Reader(page, case)
        reader.press("epoch")
        assert reader.says("status").endswith(" Learning rate 0.025.")
        reader.press("epoch", 5)
        assert "Epoch 3 is finished." in reader.says("status")
        assert reader.says("status").endswith("No learning rate is worked out for the epochs after it.")
        assert page.evaluate(f"{reader.part('play')}.disabled")
        assert bits(reader.parameters()) == bits(case.trained())
        assert "Exponential(gamma=0.5, warmup=0.0)" in page.evaluate(f"{SECTION}.textContent")

    def test_the_penalties_and_the_clipping_are_told(self):
        told = "Trained with adam, beta1 0.9, beta2 0.999, eps 1e-08, eps_hat 0.0, l2 0.3, l1 0.1, clip 0.2, "
        told += "l2 on the sum of a batch&#x27;s losses, in batches of 3 rows"
        assert told in CASES["clipped, adam"].motion().fragment

    def test_what_is_replaced_later_is_shown_as_each_equation_left_it(self, page):
        case = replace(self.CASE, limits={"clip": 0.4, "l2": 0.3})
        reader = Reader(page, case)
        explanation = fastnn.explain(case.network, **case.rule)
        state, (X, y) = case.motion().starts["network 0"], case.data()
        for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
            reader.press("batch")
            step = explanation.step(state, X[rows], y[rows], 0.05)
            state, frame = step.state, step.frame()
            frame = frame[frame["row"].isin([0, len(X[rows])]) & frame["number"].str.isdecimal()]
            values = dict(zip(frame["number"].astype(int), frame["value"], strict=True))
            found = reader.equations()
            for number, name in results_of(explanation.derivation).items():
                if name != "total":
                    assert found[name] == float(f"{values[number]:.8g}"), (number, name)
            assert {"squares", "squares_2", "norm", "scale", "gw1", "gw1_13", "gw1_22"} <= set(found)
            taken = float(self.shown(page, "mn[data-became=squares_2]"))
            assert taken == 0
            before = float(self.shown(page, "mn[data-became=gw1_13]").strip("()"))
            assert before == float(f"{values[13]:.5g}") != values[22]

    def test_more_rows_than_there_are_is_refused(self):
        with pytest.raises(fastnn.InputError, match="batch_size must be a whole number from 1 to 7; got 8"):
            motion(self.CASE.network, *self.CASE.data(), batch_size=8)


class TestWithoutALearningRate:
    CASE = CASES["irprop-"]

    def test_the_page_shows_what_is_remembered_and_asks_for_no_rate(self, page):
        reader = Reader(page, self.CASE)
        assert page.evaluate(reader.part("rate")) is None
        heads = f"[...{SECTION}.querySelectorAll('thead th')].map((head) => head.textContent)"
        assert page.evaluate(heads) == ["parameter", "at the start", "now", "e now", "o now"]
        reader.press("epoch", 2)
        explanation = fastnn.explain(self.CASE.network, optimizer="irprop-")
        state = self.CASE.motion().starts["network 0"]
        for _ in range(2):
            state = explanation.step(state, *self.CASE.data()).state
        kept = page.evaluate(f"[...{SECTION}.querySelectorAll('[data-kept]')].map((e) => e.value)")
        P = self.CASE.network.n_parameters
        assert bits(numbers(kept)) == bits(state[P:].reshape(2, P).T.ravel())


class TestWhatIsShared:
    def test_stands_in_a_table(self, page):
        case = replace(CASES["adam"], optimizer=Adam(beta1=0.5, beta2=0.75))
        reader = Reader(page, case)
        table = f"[...{SECTION}.querySelectorAll('table')].at(-1)"
        cells = f"[...{table}.querySelectorAll('th, td')].map((cell) => cell.textContent)"
        heads = ["of the whole network", "at the start", "now"]
        assert page.evaluate(cells) == [*heads, "power1", "1", "1", "power2", "1", "1"]
        reader.press("row", 2)
        assert page.evaluate(cells) == [*heads, "power1", "1", "0.25", "power2", "1", "0.5625"]
        assert page.evaluate(f"{SECTION}.querySelector('[data-kept=power2]').value") == "0.5625"


class TestTheControls:
    @staticmethod
    def loss_of_rows(case, rows):
        """The mean loss that the first rows met, each before its own update."""
        X, y = case.data()
        options = {"learning_rate": case.learning_rate, "epochs": 1, "engine": "batched"}
        return fastnn.train(case.network, X[:rows], y[:rows], fastnn.normal(0, 1.5), **options).loss

    def test_row_1_is_worked_out_before_anything_moves(self, page):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        reader = Reader(page, case)
        start = case.motion().starts["network 0"]
        assert bits(reader.parameters()) == bits(start)
        shown = reader.equations()
        reader.change("rate", "0.5")
        X, y = case.data()
        step = fastnn.explain(case.network).step(start, X[0], y[0], 0.5)
        expected = step.frame().groupby("name")["value"].last()
        assert reader.equations()["w1"] == float(f"{expected['w1']:.8g}") != shown["w1"]
        reader.change("rate", "0.05")
        assert reader.equations() == shown
        reader.press("row")
        assert reader.equations() == shown
        assert bits(reader.parameters()) == bits(trained(case, 0, 1))

    def test_an_epoch_a_second_is_chosen_at_first(self, page):
        assert Reader(page).page.evaluate(f"{SECTION}.querySelector('[data-part=speed]').value") == "1 epochs"

    def test_a_row_at_a_time_then_the_rest_of_the_epoch(self, page):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        reader = Reader(page, case)
        assert reader.says("status") == "No row has been taken yet; there are 7. Row 1 is worked out below."
        reader.press("row", 3)
        so_far = self.loss_of_rows(case, 3)
        assert reader.says("status") == f"Epoch 1, row 3 of 7: mean loss of its rows so far {so_far:.6g}."
        assert reader.says("which") == "Row 3"
        assert bits(reader.parameters()) == bits(trained(case, 0, 3))
        reader.press("epoch")
        assert reader.says("status").startswith("Epoch 1 is finished. Loss of epoch 1: ")
        assert bits(reader.parameters()) == bits(trained(case, 1, 0))

    @pytest.mark.parametrize(
        ("speed", "calm"),
        [
            ("10 rows a second", False),
            ("10 epochs a second", False),
            ("as fast as it goes", False),
            ("10 epochs a second", True),
        ],
    )
    def test_plays_until_it_is_paused(self, page, speed, calm):
        case = Case(fastnn.Network((2, 2, 1)), 1, 0.001)
        reader = Reader(page, case, calm=calm)
        options = f"[...{reader.part('speed')}.options]"
        reader.change("speed", page.evaluate(f"{options}.find((option) => option.text === '{speed}').value"))
        reader.press("play")
        assert reader.says("play") == "Pause"
        assert page.evaluate(f"{reader.part('status')}.ariaLive") == "off"
        until = time.monotonic() + 30
        while reader.rows_taken(case) < 4:
            assert time.monotonic() < until
            time.sleep(0.05)
        reader.press("play")
        assert reader.says("play") == "Play"
        assert page.evaluate(f"{reader.part('status')}.ariaLive") == "polite"
        assert bits(reader.parameters()) == bits(trained(case, *divmod(reader.rows_taken(case), case.rows)))

    def test_by_the_keyboard_alone(self, page):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        reader = Reader(page, case)
        for key in ("Tab", "Enter", "Tab", "Tab", " ", "Tab", "Enter", "Tab", "Tab", "Tab", "Tab", "Tab"):
            page.press(key)
        assert reader.rows_taken(case) == case.rows
        assert page.evaluate("document.activeElement.dataset.part") == "numbers"
        page.press("Tab")
        assert page.evaluate("document.activeElement.localName") == "summary"

    def test_another_start_and_learning_rate(self, page):
        reader = Reader(page)
        reader.change("starts", "network 3")
        reader.change("rate", "0.01")
        reader.press("epoch", 2)
        case = Case(fastnn.Network((2, 2, 1)), 2, 0.01)
        start = fastnn.normal(0, 1.5).draw(case.network, [3], 0)[0]
        assert bits(reader.parameters()) == bits(trained(case, 2, 0, start))

    def test_parameters_by_hand_and_again(self, page):
        reader = Reader(page)
        reader.change("numbers", ",".join(map(str, REPORT_START)))
        assert page.evaluate(f"{reader.part('starts')}.value") == ""
        reader.press("epoch")
        assert reader.parameters() != REPORT_START
        reader.press("again")
        assert reader.parameters() == REPORT_START

    @pytest.mark.parametrize(
        ("part", "value", "message"),
        [
            ("numbers", "1,2", '9 numbers must be given, separated by commas; got "1,2". Write them in the'),
            ("numbers", "1,2,3,4,5,6,7,8,", "9 numbers must be given"),
            ("numbers", "1,2,3,4,5,6,7,8,Infinity", "9 numbers must be given"),
            ("rate", "-1", 'The learning rate must be above 0; got "-1". Give one such as 0.005.'),
            ("rate", "", "The learning rate must be above 0"),
        ],
    )
    def test_a_refusal_says_why_and_changes_nothing(self, page, part, value, message):
        reader = Reader(page)
        reader.press("epoch")
        reader.change(part, value)
        assert reader.says("status").startswith(message)
        assert page.evaluate(f"{reader.part(part)}.ariaInvalid") == "true"
        reader.press("epoch")
        assert bits(reader.parameters()) == bits(trained(CASES["2-2-1 after one epoch"], 2, 0))

    def test_divergence_is_told_and_ends_it(self, page):
        reader = Reader(page, CASES["diverging"])
        reader.press("epoch", 3)
        assert reader.says("status").startswith("Diverged in epoch 1: its loss was no longer finite.")
        assert np.isnan(reader.parameters()).all()
        assert page.evaluate(f"{reader.part('play')}.disabled")
        assert page.evaluate("document.querySelector('.curve .losses')") is None
        assert page.evaluate("document.querySelectorAll('.network .lost').length") == 6
        reader.change("rate", "0.05")
        reader.press("again")
        reader.press("epoch")
        assert bits(reader.parameters()) == bits(trained(CASES["2-2-1 after one epoch"], 1, 0))

    def test_an_update_that_overflows_is_divergence(self, page):
        reader = Reader(page, CASES["the last update overflows"])
        reader.press("epoch")
        assert reader.says("status").startswith("Diverged in epoch 1: an update made w1 overflow.")
        assert np.isnan(reader.parameters()).all()


# Where each text of a drawing stands, and whether that is inside it.
OUTSIDE = """[...document.querySelectorAll("svg text")].filter((text) => {
    const box = text.getBoundingClientRect(), around = text.closest("svg").getBoundingClientRect();
    return box.width && (box.left < around.left || box.right > around.right
        || box.top < around.top || box.bottom > around.bottom);
}).map((text) => text.textContent)"""
# Numbers of units that are wider than their circles.
WIDER = """[...document.querySelectorAll(".network g")].filter((unit) => {
    return unit.querySelector(".value").getBBox().width > 2*unit.querySelector("circle").r.baseVal.value;
}).map((unit) => unit.textContent)"""
HUGE = {
    "huge": 4.04e190,
    "tiny": 1.2345e-300,
    "largest": 1.7e308,
    "smallest": 5e-324,
    "long": 123456.789,
    "twenty digits": 1.2345e20,
    "small": 0.00012345,
}


class TestThePictures:
    @pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
    def test_no_number_is_cut(self, page, value):
        start = tuple(value if n % 2 else -value for n in range(9))
        case = Case(fastnn.Network((2, 2, 1)), 1, start=start)
        reader = Reader(page, case)
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(WIDER) == []
        shown = page.evaluate(
            "[...document.querySelectorAll('.network tspan[data-now]')].map((e) => e.textContent)"
        )
        texts = page.evaluate("[...document.querySelectorAll('td data[data-now]')].map((e) => e.textContent)")
        for text in (*shown, *texts):
            number = abs(float(text.replace("−", "-")))
            assert number == pytest.approx(value, rel=0.06, abs=0)
            assert len(text) < 16
        reader.press("row", 4)
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(WIDER) == []

    def test_one_that_diverges_later_shows_it(self, page):
        case = Case(fastnn.Network((2, 1)), 400, 2.0)
        expected = fastnn.train(
            case.network,
            *case.data(),
            fastnn.normal(0, 1.5),
            learning_rate=2.0,
            epochs=400,
            engine="batched",
        )
        assert expected.diverged > 20
        reader = Reader(page, case)
        reader.press("epoch", 400)
        last = expected.loss_curve[expected.diverged - 2]
        assert reader.says("status").startswith(f"Diverged in epoch {expected.diverged}: its loss was")
        shown = re.search(r"Loss of epoch (\d+): (\S+)\. Choose", reader.says("status"))
        assert int(shown[1]) == expected.diverged - 1
        assert float(shown[2].replace("−", "-")) == pytest.approx(last, rel=1e-5)
        told = "document.querySelector('.curve .told').textContent"
        assert page.evaluate(told) == f"diverged in epoch {expected.diverged}"
        curve = page.evaluate("document.querySelector('.curve .losses').getAttribute('d')")
        gone = page.evaluate("document.querySelector('.curve .gone').getAttribute('d')")
        assert gone.startswith(f"M{curve.removeprefix('M').split('L')[-1]}L")
        assert gone.endswith(" 22")  # the upper edge
        assert page.evaluate("document.querySelector('.curve').ariaLabel").endswith(
            f"; diverged in epoch {expected.diverged}"
        )
        assert page.evaluate(OUTSIDE) == []
        reader.press("again")
        assert page.evaluate("document.querySelector('.curve .told')") is None

    def test_the_loss_within_an_epoch_is_drawn(self, page):
        reader = Reader(page)
        running = "document.querySelector('.curve .running')?.getAttribute('d').split('L').length"
        assert page.evaluate(running) is None
        reader.press("row", 5)
        assert page.evaluate(running) == 5
        reader.press("epoch")
        assert page.evaluate(running) is None
        reader.press("row", 2)
        assert page.evaluate(running) == 2

    def test_inputs_and_target_have_the_names_of_the_data(self, page):
        data = fastnn.load_insurance(simulated=True)
        shown = motion(fastnn.Network((2, 2, 1)), data)
        page.open(shown.html())
        names = page.evaluate("[...document.querySelectorAll('.network g')].map((unit) => unit.textContent)")
        assert any(name.strip().startswith("x1") and "age" in name for name in names)
        assert any(name.strip().startswith("ŷ") and "charges" in name for name in names)
        row = page.evaluate("document.querySelector('.fastnn-motion .row').textContent")
        x1, x2, y = (f"{value:.5g}" for value in (*data.X[0], data.y[0]))
        assert row == f"Row 1 (scaled): age x1 = {x1}, bmi x2 = {x2}, charges y = {y}."

    def test_any_name_can_be_shown(self, page):
        frame = pd.DataFrame([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0]])
        frame.columns = ["</script><b>${x}", "\x00" + "x" * 9_999, "$$ & \n年"]
        data = fastnn.Dataset.from_frame(frame, list(frame.columns[:2]), frame.columns[2])
        page.open(motion(fastnn.Network((2, 2, 1)), data).html())
        row = page.evaluate("document.querySelector('.fastnn-motion .row').textContent")
        assert "</script><b>${x} x1 = 0" in row
        assert "$$ &  年 y = 1" in row
        assert len(row) < 200
        assert page.evaluate(OUTSIDE) == []

    def test_where_an_equation_scrolls_its_edge_fades(self, page):
        reader = Reader(page, width=360)
        faded = """[...document.querySelectorAll(".fastnn-motion .rows")].map((rows) =>
            [rows.scrollWidth > rows.clientWidth, getComputedStyle(rows).getPropertyValue("--fade-right")])"""
        reader.press("row")
        found = page.evaluate(faded)
        assert any(scrolls for scrolls, _ in found)
        for scrolls, width in found:
            assert (width not in ("0px", "")) == scrolls

    def test_the_curve_of_many_epochs_stays_short(self, page):
        case, most = Case(fastnn.Network((1, 1)), 200, 0.001, 2), "curve.length < 1200"
        html = case.motion().html()
        assert html.count(most) == 1
        page.open(html.replace(most, "curve.length < 80"))  # 3000 epochs take 2 s
        page.evaluate(f"for (let n = 0; n < 200; n++) {SECTION}.querySelector('[data-part=epoch]').click()")
        curve = page.evaluate("document.querySelector('.curve .losses').getAttribute('d')").split("L")
        assert 30 < len(curve) <= 81
        assert curve[-1].startswith("448.0 ")
        found = numbers(page.evaluate(f"((section) => {READ})({SECTION})"))
        assert bits(found) == bits(trained(case, 200, 0))

    def test_a_shut_gate_and_a_negative_weight_are_marked(self, page):
        case = Case(fastnn.Network((1, 2, 1)), 1, start=(1.0, -1.0, 1.0, 1.0, 5.0, -5.0, 0.0))
        reader = Reader(page, case)
        reader.press("row")
        units = page.evaluate(f"[...{SECTION}.querySelectorAll('.shut')].map((unit) => unit.dataset.unit)")
        assert units == ["h2"]
        below = page.evaluate(f"[...{SECTION}.querySelectorAll('.below')].map((line) => line.dataset.weight)")
        names = [f"w{n + 1}" for n in range(4)]
        assert below == [name for name, w in zip(names, reader.parameters(), strict=False) if w < 0]

    @pytest.mark.parametrize(
        ("case", "dark"),
        [("2-2-1 after one epoch", False), ("2-2-1 after one epoch", True), ("adam", False)],
        ids=str,
    )
    def test_it_fits_and_can_be_read(self, page, case, dark):
        reader = Reader(page, CASES[case], dark=dark)
        reader.press("epoch", 3)
        for width in (360, 1000):
            page.resize(width)
            assert page.evaluate("document.documentElement.scrollWidth") == width
        ink, paper = page.evaluate("""[getComputedStyle(document.querySelector('.network text')).fill,
            getComputedStyle(document.body).backgroundColor]""")
        assert (_lightness(ink) > _lightness(paper)) == dark
        assert abs(_lightness(ink) - _lightness(paper)) > 150


def _lightness(colour):
    """The mean of red, green and blue, from 0 to 255."""
    return np.mean([int(number) for number in re.findall(r"\d+", colour)[:3]])


class TestTheSection:
    def test_stands_alone(self):
        html = Case(fastnn.Network((2, 3, 2), "tanh"), 1).motion().html()
        assert not re.search(
            r"""(src|href)="(?!#|data:)|url\(|import |https?://(?!www\.w3\.org/2000/svg)""", html
        )

    def test_every_control_has_a_label(self):
        section = Case(fastnn.Network((2, 2, 1)), 1).motion().fragment
        for control in re.findall(r"<(?:select|input)[^>]*>", section):
            assert re.search(rf"<label[^>]*>[\w ]+ {re.escape(control)}", section)
        assert 'aria-live="polite"' in section
        assert section.count('role="img"') == section.count("<svg") == section.count("<svg ") == 2

    def test_it_holds_the_numbers_with_all_their_digits(self):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        shown = case.motion()
        data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', shown.fragment)[1])
        X, y = case.data()
        assert np.array_equal(data["rows"], np.hstack([X, y]))
        assert data["columns"] == ["x1", "x2", "y"]
        assert [*data["starts"]] == [f"network {number}" for number in range(10)]
        assert data["starts"]["network 9"] == fastnn.normal(0, 1.5).draw(case.network, [9], 0)[0].tolist()

    def test_a_name_cannot_end_the_script(self):
        case = Case(fastnn.Network((1, 1)), 1)
        name = "</script><b>"
        section = motion(case.network, *case.data(), {name: [1, 2]}).fragment
        assert section.count("</script>") == 2
        assert "<b>" not in section

    def test_runs_where_a_notebook_puts_it(self, page):
        """A notebook sets the HTML of an element, whose scripts do not run, and then makes them anew."""
        case = CASES["2-2-1 after one epoch"]
        page.open(html_page("notebook", "", [Section("", [Fragment("<div></div>")])]))
        page.evaluate(f"""(() => {{
            const cell = document.querySelector("div");
            cell.innerHTML = {json.dumps(case.motion()._repr_html_())};
            for (const old of cell.querySelectorAll("script")) {{
                const anew = document.createElement("script");
                for (const {{name, value}} of old.attributes) anew.setAttribute(name, value);
                anew.textContent = old.textContent;
                old.replaceWith(anew);
            }}
            document.querySelector("[data-part=epoch]").click();
        }})()""")
        found = numbers(page.evaluate(f"((section) => {READ})({SECTION})"))
        assert bits(found) == bits(case.trained())

    def test_says_what_it_is(self):
        shown = Case(fastnn.Network((2, 2, 1)), 1).motion()
        assert shown.fragment in shown.html()
        assert (
            repr(shown)
            == "<Motion of Network((2, 2, 1), hidden='relu', output='identity'): 7 rows, 10 starts>"
        )


REFUSED = {
    "no network": (("2-2-1", [[1, 2]], [3]), {}, "network must be a fastnn.Network; got '2-2-1'"),
    "too large": (
        (fastnn.Network((9, 9, 1)), [[1] * 9], [3]),
        {},
        "a network must have at most 64 parameters to be written out; got Network.* with 100, which would be",
    ),
    "columns": ((fastnn.Network((3, 1)), [[1, 2]], [3]), {}, "X has 2 columns but the network has 3 inputs"),
    "not finite": ((fastnn.Network((2, 1)), [[1, np.nan]], [3]), {}, "X must be finite; got 1 NaN"),
    "learning rate": (
        (fastnn.Network((2, 1)), [[1, 2]], [3]),
        {"learning_rate": 0},
        "learning_rate must be a positive finite number; got 0",
    ),
    "starts": (
        (fastnn.Network((2, 1)), [[1, 2]], [3], [1, 2, 3]),
        {},
        r"starts must be a mapping of at least one name to parameters; got \[1, 2, 3\]. Give one such as",
    ),
    "no starts": ((fastnn.Network((2, 1)), [[1, 2]], [3], {}), {}, "at least one name to parameters; got {}"),
    "length of a start": (
        (fastnn.Network((2, 1)), [[1, 2]], [3], {"ones": [1, 1]}),
        {},
        r"starts\['ones'\] must hold 3 numbers for Network.*; got 2. Give all weights first, then",
    ),
}


@pytest.mark.parametrize(("arguments", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(arguments, options, message):
    with pytest.raises(fastnn.InputError, match=message):
        motion(*arguments, **options)
