"""An explanation on paper and on a screen: LaTeX that compiles, a page that a browser shows."""

import re
import shutil
import subprocess

import pytest
from comparing import label

import fastnn
from fastnn import Network
from fastnn.explaining.document import together
from fastnn.explaining.explanation import RunningCode
from fastnn.pages.equations import Equations

NETWORKS = [
    Network((2, 2, 1)),
    Network((2, 3, 2), "tanh", "sigmoid"),
    Network((1, 2, 2, 3), ("sigmoid", "relu"), "tanh"),
    Network((1, 8, 5)),
]
LARGE = Network((20, 30, 5, 2), ("relu", "tanh"), "sigmoid")


def whole(network, optimizer="sgd", batch_size=1):
    """Everything there is to explain about a network."""
    explanation = fastnn.explain(network, optimizer=optimizer, batch_size=batch_size)
    x = [0.123456789 * (n + 1) for n in range(network.n_inputs)]
    y = [-1e-7 * n for n in range(network.n_outputs)]
    rows = (x, y) if batch_size == 1 else ([x, x[::-1]], [y, y])
    given = ([(-1.2345678901) ** n / 7 for n in range(network.n_parameters)], *rows, 0.0123456789)
    parts = [explanation, explanation.step(*given), explanation.slip(*given), explanation.proof()]
    return together([*parts, RunningCode(explanation)])


def with_nesterov(network):
    return whole(network, fastnn.optimizers.Nesterov(momentum=0.123456789))


def in_batches(network):
    return whole(network, "momentum", 2)


def compact(network, optimizer="sgd", batch_size=1):
    explanation = fastnn.explain(network, compact=True, optimizer=optimizer, batch_size=batch_size)
    return together([explanation, RunningCode(explanation)])


def compact_with_nesterov(network):
    return compact(network, "nesterov")


def compact_in_batches(network):
    return compact(network, batch_size=2)


DOCUMENTS = {label(network): (whole, network) for network in NETWORKS} | {
    "large": (compact, LARGE),
    "nesterov": (with_nesterov, NETWORKS[1]),
    "large, nesterov": (compact_with_nesterov, LARGE),
    "batches": (in_batches, NETWORKS[1]),
    "large, batches": (compact_in_batches, LARGE),
}
every_document = pytest.mark.parametrize(("make", "network"), DOCUMENTS.values(), ids=DOCUMENTS)
AT_FIRST = ("2-2-1-relu-identity", "batches", "large, nesterov")  # Chromium takes 0.5 s for each
some_documents = pytest.mark.parametrize(
    ("make", "network"),
    [
        pytest.param(*document, id=name, marks=() if name in AT_FIRST else pytest.mark.slow)
        for name, document in DOCUMENTS.items()
    ],
)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex on the PATH")
@every_document
def test_the_latex_compiles_and_nothing_sticks_out(make, network, tmp_path):
    (tmp_path / "it.tex").write_text(make(network).latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "it.pdf").stat().st_size > 10_000
    wider = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
    assert max(wider, default=0.0) < 1.0


class TestLatex:
    def test_of_the_classroom_network(self):
        text = fastnn.explain(Network((2, 2, 1))).latex()
        for line in (
            r"z_{1} &= w_{1} \, x_{1} + w_{2} \, x_{2} + b_{1} \tag{1}",
            r"L &= d^{2} \tag{7}",
            r"\frac{\partial L}{\partial w_{5}} &= \frac{\partial L}{\partial \hat{y}} \, "
            r"\frac{\partial \hat{y}}{\partial w_{5}} = 2 \, d \, h_{1} \tag{17'}",
            r"s_{1} &= \begin{cases} s \, w_{5} & \text{if } {z_{1}} > 0 \\ 0 & \text{otherwise} \end{cases}"
            r" \tag{9}",
            r"b_{3} &\leftarrow b_{3} + s \tag{19}",
        ):
            assert line in text

    def test_of_what_is_remembered_and_of_settings(self):
        explained = fastnn.explain(Network((2, 2, 1)), optimizer="momentum")
        assert (
            r"v_{w_{1}} &\leftarrow \mathrm{momentum} \, v_{w_{1}} + s_{1} \, x_{1} \tag{11}"
            in explained.latex()
        )
        assert r"w_{1} &\leftarrow w_{1} + v_{w_{1}} \tag{12}" in explained.latex()
        html = explained.html()
        assert "<msub><mi>v</mi><msub><mi>w</mi><mn>1</mn></msub></msub>" in html
        assert "<mi>momentum</mi>" in html
        text = fastnn.explain(LARGE, compact=True, optimizer="momentum").latex()
        update = (
            r"\mathbf{V}_{\mathbf{W}^{(2)}} &\leftarrow \mathrm{momentum} \, \mathbf{V}_{\mathbf{W}^{(2)}} + "
        )
        assert update in text
        assert r"\mathbf{b}^{(2)} &\leftarrow \mathbf{b}^{(2)} + \mathbf{v}_{\mathbf{b}^{(2)}}" in text

    def test_of_the_sum_over_the_rows_of_a_batch(self):
        explained = fastnn.explain(Network((2, 2, 1)), batch_size=2)
        latex = explained.latex()
        assert r"\mathrm{factor} &= \mathrm{step} / n \tag{1}" in latex
        assert r"g_{w_{1}} &= \sum_{\text{rows}} s_{1} \, x_{1} \tag{12}" in latex
        assert r"w_{1} &\leftarrow w_{1} + g_{w_{1}} \tag{21}" in latex
        assert "<munder><mo>∑</mo><mtext>rows</mtext></munder>" in explained.html()
        text = fastnn.explain(LARGE, compact=True, batch_size=2).latex()
        term = r"\mathbf{s}^{(1)} \, {\mathbf{x}}^{\mathsf{T}}"
        assert r"\mathbf{G}_{\mathbf{W}^{(1)}} &= \sum_{\text{rows}} " in text
        assert term in text
        assert r"= \mathbf{S}^{(1)} \, {\mathbf{X}}^{\mathsf{T}}" in text

    def test_in_matrices(self):
        text = fastnn.explain(LARGE, compact=True).latex()
        assert r"\mathbf{z}^{(1)} &= \mathbf{W}^{(1)} \, \mathbf{x} + \mathbf{b}^{(1)} \tag{1}" in text
        assert r"{\mathbf{W}^{(3)}}^{\mathsf{T}}" in text
        assert r"\odot" in text

    def test_tiny_numbers_are_powers_of_ten(self):
        step = fastnn.explain(Network((1, 1))).step([1e-7, -2.5e-12], 3, 1)
        assert r"-2.5 \cdot 10^{-12}" in step.latex()
        assert "<msup><mn>10</mn><mrow><mo>−</mo><mn>12</mn></mrow></msup>" in step.html()


class TestNotebook:
    @pytest.mark.parametrize("make", [whole, fastnn.explain])
    def test_shows_a_part_of_the_page(self, make):
        shown = make(NETWORKS[0])
        html = shown.html()
        part = shown._repr_html_()
        inside = [line for line in part[part.index("</style>") :].splitlines() if "section>" not in line]
        assert len(inside) > 20
        assert all(line in html for line in inside[1:-1])
        assert shown._repr_latex_() in shown.latex()
        assert "<html" not in shown._repr_html_()
        assert r"\documentclass" not in shown._repr_latex_()

    def test_each_says_what_it_is(self):
        explanation = fastnn.explain(Network((1, 1)))
        name = repr(explanation.network)
        step, slip = (ask([1, 2], 3, 4) for ask in (explanation.step, explanation.slip))
        assert repr(explanation) == f"<Explanation of {name}>"
        assert repr(step) == f"<Step of {name}: loss 1.0>"
        assert repr(slip) == f"<Slip of {name}: first different digit of the loss 0>"
        assert repr(explanation.proof()) == f"<Proof for {name}: holds>"


class TestPage:
    @some_documents
    def test_fits_and_every_equation_is_there(self, page, make, network):
        document = make(network)
        html = document.html()
        blocks = [block for section in document.sections() for block in section.blocks]
        told = [block for block in blocks if isinstance(block, Equations)]
        page.open(html)
        for width in (360, 1000):
            page.resize(width)
            assert page.evaluate("document.documentElement.scrollWidth") == width
        heights = page.evaluate(
            "[...document.querySelectorAll('.equation math')].map((m) => m.getBoundingClientRect().height)"
        )
        assert len(heights) >= sum(len(block.formulas) for block in told) > 0
        assert min(heights) > 10
        numbers = page.evaluate(
            "[...document.querySelectorAll('.equation > .number')].map((n) => n.textContent)"
        )
        assert numbers == [f"({formula.number})" for block in told for formula in block.formulas]

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_follows_the_reader_in_light_and_dark(self, page, dark):
        page.open(whole(NETWORKS[0]).html(), dark=dark)
        ink, paper = page.evaluate("""(({color, backgroundColor}) => [color, backgroundColor])(
            getComputedStyle(document.body))""")
        lightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
        assert (lightness[0] > lightness[1]) == dark
        assert abs(lightness[0] - lightness[1]) > 450

    @pytest.mark.parametrize("network", NETWORKS[:2], ids=label)
    def test_needs_nothing_else(self, network):
        assert not re.search(r'(src|href)="(?!#|data:)|url\(|@import|https?://', whole(network).html())

    def test_may_begin_with_a_network_in_motion(self, page):
        explanation = fastnn.explain(Network((2, 2, 1)))
        motion = explanation.motion([[0.5, 0.25], [1.0, 0.5]], [1.0, 0.0], {"ones": [1.0] * 9})
        page.open(explanation.html(motion))
        page.evaluate("document.querySelector('[data-part=epoch]').click()")
        assert page.evaluate("document.querySelector('[data-part=status]').textContent").startswith(
            "Epoch 1 is"
        )
        headings = page.evaluate("[...document.querySelectorAll('h1, h2')].map((h) => h.textContent)")
        assert headings[0] == "Backpropagation in a 2-2-1 network"
        assert headings[1] == "The network in motion"
        assert len(headings) > 3
