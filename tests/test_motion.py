"""The network in motion: what a browser computes is what `fastnn.train` does, to the last bit."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import browser
import numpy as np
import pytest

import fastnn
from fastnn.explaining.motion import motion
from fastnn.explaining.writing_html import html_page

REPORT_START = [2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]  # I1 of the classroom report


@dataclass(frozen=True)
class Case:
    """A network that is trained in the browser and by fastnn."""

    network: fastnn.Network
    epochs: int
    learning_rate: float = 0.05
    rows: int = 7
    start: tuple[float, ...] | None = None

    def data(self):
        """Rows with all their digits."""
        draw = np.random.default_rng(sum(self.network.layers))
        return draw.normal(size=(self.rows, self.network.n_inputs)), draw.normal(
            size=(self.rows, self.network.n_outputs)
        )

    def motion(self):
        starts = None if self.start is None else {"given": self.start}
        return motion(self.network, *self.data(), starts, learning_rate=self.learning_rate)

    def trained(self):
        """The parameters by fastnn."""
        start = fastnn.normal(0, 1.5) if self.start is None else self.start
        # All engines give the same bits; this one compiles nothing.
        options = {"learning_rate": self.learning_rate, "epochs": self.epochs, "engine": "batched"}
        return fastnn.train(self.network, *self.data(), start, **options).parameters


CASES = {
    "2-2-1 after one epoch": Case(fastnn.Network((2, 2, 1)), 1),
    "2-2-1 of the report": Case(fastnn.Network((2, 2, 1)), 25, 0.005, 100, tuple(REPORT_START)),
    "tanh": Case(fastnn.Network((2, 3, 1), "tanh"), 20),
    "sigmoid everywhere, two outputs": Case(fastnn.Network((2, 2, 2), "sigmoid", "sigmoid"), 20, 0.25),
    "three hidden layers": Case(fastnn.Network((3, 4, 2, 3, 1), ("relu", "tanh", "identity"), "tanh"), 15),
    "no hidden layer": Case(fastnn.Network((4, 3)), 15, 0.01),
    "one unit each": Case(fastnn.Network((1, 1, 1), "sigmoid"), 3, 1.5),
    "diverging": Case(fastnn.Network((2, 2, 1)), 6, 1e200),
}
# A page of the first case in which one addition comes before another: the bits must then differ.
SLIPPED = ("z1 = w1*x1 + w2*x2 + b1", "z1 = w1*x1 + (w2*x2 + b1)")


class Numbers(HTMLParser):
    """Reads the parameters that each section shows, with all their digits: [{"w1": ..., ...}, ...]."""

    def __init__(self, document):
        super().__init__()
        self.sections = []
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if found.get("class") == "fastnn-motion":
            self.sections.append({})
        elif tag == "data" and "data-now" in found:
            self.sections[-1][found["data-now"]] = float(found["value"])


def bits(values):
    """The numbers as hexadecimal text: equal for equal bits alone (and for NaN of any kind)."""
    return [float(value).hex() for value in values]


def pressed(buttons):
    """The script that presses each section's buttons: [(button, times), ...], one for each section."""
    presses = ", ".join(f"['{button}', {times}]" for button, times in buttons)
    return f"""[{presses}].forEach(([button, times], place) => {{
        const section = document.querySelectorAll(".fastnn-motion")[place];
        for (let n = 0; n < times; n++) section.querySelector(`[data-part=${{button}}]`).click();
    }});"""


def status(document):
    """What the first section says of itself."""
    return re.search(r'data-part="status"[^>]*>([^<]*)<', document)[1]


@pytest.fixture(scope="module")
def in_the_browser(tmp_path_factory):
    """The parameters of every case after its epochs, all on one page, and after them the slipped page's."""
    fragments = [case.motion().fragment for case in CASES.values()]
    first = fragments[0]
    assert SLIPPED[0] in first
    page = html_page("all", "\n".join([*fragments, first.replace(*SLIPPED)]))
    epochs = [case.epochs for case in CASES.values()] + [30]
    script = pressed([("epoch", times) for times in epochs])
    document = browser.document_of(page, tmp_path_factory.mktemp("motion"), script)
    return [list(numbers.values()) for numbers in Numbers(document).sections]


@browser.needs_chromium
class TestInTheBrowser:
    @pytest.mark.parametrize("place", range(len(CASES)), ids=CASES)
    def test_trains_as_fastnn_does_to_the_last_bit(self, in_the_browser, place):
        case = list(CASES.values())[place]
        assert bits(in_the_browser[place]) == bits(case.trained())

    def test_another_order_of_the_same_sum_is_found_out(self, in_the_browser):
        case = Case(fastnn.Network((2, 2, 1)), 30)
        assert bits(in_the_browser[-1]) != bits(case.trained())
        np.testing.assert_allclose(in_the_browser[-1], case.trained(), rtol=1e-6)
