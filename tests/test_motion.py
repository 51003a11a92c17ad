"""The network in motion: what a browser computes is what `fastnn.train` does, to the last bit."""

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import browser
import numpy as np
import pytest
from test_elementary import NAMES, anything, scalar_form

import fastnn
from fastnn.explaining.motion import motion
from fastnn.explaining.motion.javascript import javascript
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


def after(folder, script, case=CASES["2-2-1 after one epoch"], milliseconds=0):
    """The document and the parameters of a case's own page after a script has used it."""
    document = browser.document_of(case.motion().html(), folder, script, milliseconds=milliseconds)
    return document, list(Numbers(document).sections[0].values())


def text_of(document, part):
    """What a part of the page says."""
    return re.search(rf'data-part="{part}"[^>]*>([^<]*)<', document)[1]


def change(part, value):
    """The script that gives a field another value, as a reader would."""
    return f"""{{
        const field = document.querySelector("[data-part={part}]");
        field.value = "{value}";
        field.dispatchEvent(new Event("change"));
    }};"""


PRESS = "document.querySelector('[data-part={}]').click();"


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

    def test_a_row_at_a_time(self, tmp_path):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        document, found = after(tmp_path, 3 * PRESS.format("row"), case)
        X, y = case.data()
        run = fastnn.train(case.network, X[:3], y[:3], learning_rate=0.05, epochs=1, engine="batched")
        assert bits(found) == bits(run.parameters)
        assert text_of(document, "status") == "Epoch 1, row 3 of 7."

    def test_the_equations_show_the_numbers_of_the_row(self, tmp_path):
        case = Case(fastnn.Network((2, 2, 1)), 1)
        document, _ = after(tmp_path, PRESS.format("row"), case)
        X, y = case.data()
        step = fastnn.explain(case.network).step(case.motion().starts["network 0"], X[0], y[0], 0.05)
        values = step.frame().set_index("name")["value"]
        found = dict(re.findall(r'<output data-found="(\w+)">([^<]+)<', document))
        assert {name for name in found if name != "total"} <= set(values.index)
        assert float(found["total"].replace("−", "-")) == float(f"{step.loss:.8g}")
        for name in ("z1", "h2", "yhat", "d", "s", "s1", "w1"):
            shown = float(found[name].replace("−", "-"))
            assert shown == float(f"{values[name].iloc[-1] if name == 'w1' else values[name]:.8g}")

    def test_an_epoch_that_was_begun_is_finished(self, tmp_path):
        document, found = after(tmp_path, 3 * PRESS.format("row") + PRESS.format("epoch"))
        assert bits(found) == bits(CASES["2-2-1 after one epoch"].trained())
        assert text_of(document, "status").startswith("Epoch 1 is finished. Loss of epoch 1: ")

    def test_plays_until_it_is_paused(self, tmp_path):
        play = f"setTimeout(() => {{ {PRESS.format('play')} }}, 2000);"
        script = change("speed", "10 epochs") + PRESS.format("play") + play
        document, found = after(tmp_path, script, milliseconds=5000)
        epochs, rows = map(int, re.match(r"Epoch (\d+), row (\d+)", text_of(document, "status")).groups())
        assert 5 < epochs <= 21
        assert text_of(document, "play") == "Play"
        case = Case(fastnn.Network((2, 2, 1)), epochs - 1)
        X, y = case.data()
        rest = {"learning_rate": 0.05, "epochs": 1, "engine": "batched"}
        run = fastnn.train(case.network, X[:rows], y[:rows], case.trained(), **rest)
        assert bits(found) == bits(run.parameters)

    def test_another_start_and_learning_rate(self, tmp_path):
        script = change("starts", "network 3") + change("rate", "0.01") + 2 * PRESS.format("epoch")
        _, found = after(tmp_path, script)
        case = Case(fastnn.Network((2, 2, 1)), 2, 0.01)
        start = fastnn.normal(0, 1.5).draw(case.network, [3], 0)[0]
        run = fastnn.train(case.network, *case.data(), start, learning_rate=0.01, epochs=2, engine="batched")
        assert bits(found) == bits(run.parameters)

    def test_parameters_by_hand_and_again(self, tmp_path):
        script = change("numbers", ",".join(map(str, REPORT_START))) + PRESS.format("epoch")
        _, found = after(tmp_path, script + PRESS.format("again"))
        assert found == REPORT_START

    @pytest.mark.parametrize(
        ("part", "value", "message"),
        [
            (
                "numbers",
                "1,2",
                "9 numbers must be given, separated by commas; got '1,2'. Write them",
            ),
            ("numbers", "1,2,3,4,5,6,7,8,", "9 numbers must be given"),
            ("rate", "-1", "The learning rate must be above 0; got '-1'. Give one such as 0.005."),
            ("rate", "", "The learning rate must be above 0"),
        ],
    )
    def test_a_refusal_says_why_and_changes_nothing(self, tmp_path, part, value, message):
        document, found = after(tmp_path, PRESS.format("epoch") + change(part, value))
        assert message in text_of(document, "status").replace('"', "'")
        assert bits(found) == bits(CASES["2-2-1 after one epoch"].trained())
        assert 'aria-invalid="true"' in document

    def test_divergence_is_told_and_ends_it(self, tmp_path):
        document, found = after(tmp_path, 9 * PRESS.format("epoch"), CASES["diverging"])
        assert text_of(document, "status").startswith("Diverged in epoch 1: its loss was no longer finite.")
        assert np.isnan(found).all()
        assert re.search(r'data-part="play"[^>]* disabled', document)

    def test_the_curve_of_many_epochs_stays_short(self, tmp_path):
        case = Case(fastnn.Network((1, 1)), 5000, 0.001, 2)
        document, found = after(tmp_path, 5000 * PRESS.format("epoch"), case)
        assert bits(found) == bits(case.trained())
        assert len(re.search(r'class="losses" d="([^"]*)"', document)[1].split("L")) <= 1201

    def test_the_functions_have_the_bits_of_the_engines(self, tmp_path):
        x = anything("float64", 4000)
        everything = fastnn.derive(fastnn.Network((1, 1, 1), "tanh", "sigmoid"))
        script = f"""{javascript(everything)}
            const view = new DataView(new ArrayBuffer(8));
            const x = {[f"{pattern:x}" for pattern in x.view(np.uint64).tolist()]}.map((pattern) => {{
                view.setBigUint64(0, BigInt("0x" + pattern));
                return view.getFloat64(0);
            }});
            const written = (value) => Object.is(value, -0) ? "-0" : String(value);
            const all = [exp, tanh, sigmoid].map((f) => [f.name, x.map(f).map(written)]);
            document.body.textContent = JSON.stringify(Object.fromEntries(all));"""
        document = browser.document_of(html_page("functions", ""), tmp_path, script)
        found = json.loads(re.search(r"<body>(.*?)</body>", document, re.DOTALL)[1])
        for name in NAMES:
            expected = scalar_form(name, x)
            assert bits(map(js_number, found[name])) == bits(expected), name
        assert bits(map(js_number, found["tanh"])) != bits(np.tanh(x))


def js_number(text):
    """The number that JavaScript has written."""
    return float(text.replace("Infinity", "inf"))


class TestTheSection:
    def test_stands_alone(self):
        html = Case(fastnn.Network((2, 3, 2), "tanh"), 1).motion().html()
        assert not re.search(r"""(src|href)=|url\(|import |https?://(?!www\.w3\.org/2000/svg)""", html)

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

    def test_shows_itself_in_a_notebook(self):
        shown = Case(fastnn.Network((2, 2, 1)), 1).motion()
        assert shown._repr_html_() == shown.fragment
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
