"""``fastnn explain``: what it prints and writes, and what it refuses."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from test_cli import _elsewhere, listing, run  # noqa: F401 - the fixture is for every test here, too

import fastnn
from fastnn.core.optimizers import OPTIMIZERS

MAZUR = [
    *("--layers", "2,2,2", "--hidden", "sigmoid", "--output", "sigmoid", "--learning-rate", "0.25"),
    *("--start", ".15,.20,.25,.30,.40,.45,.50,.55,.35,.35,.60,.60", "--row", ".05,.10,.01,.99"),
]


def test_tells_everything_on_80_columns(capsys):
    code, out, err = run(capsys, "explain")
    assert (code, err) == (0, "")
    explanation = fastnn.explain(fastnn.Network((2, 2, 1)))
    step = explanation.step(fastnn.normal(0, 1.5).draw(explanation.network, [0], 0)[0], [0.33, 0.67], 0.5)
    for part in (explanation, step, explanation.proof()):
        assert str(part) in out
    assert out.endswith(explanation.code())
    assert max(map(len, out.splitlines())) <= 80
    assert "UPDATING THE OUTPUT LAYER FIRST" not in out


def test_everything_follows_the_structure(capsys):
    code, out, _ = run(capsys, "explain", "--layers", "2,3,1", "--hidden", "tanh")
    assert code == 0
    for line in (
        "(7)    yhat = w7*h1 + w8*h2 + w9*h3 + b4",
        "(2)    h1 = tanh(z1)",
        "∂L/∂b4                       (26')     0",
        "    h3 = tanh(z3)",
    ):
        assert any(found.endswith(line.lstrip()) for found in out.splitlines()), line


@pytest.mark.parametrize("optimizer", [name for name, kind in OPTIMIZERS.items() if kind.learning_rate])
def test_takes_the_optimizer_and_its_learning_rate(optimizer, capsys):
    code, out, err = run(capsys, "explain", "--optimizer", optimizer, "--slip")
    assert (code, err) == (0, "")
    explanation = fastnn.explain(fastnn.Network((2, 2, 1)), optimizer=optimizer)
    given = fastnn.normal(0, 1.5).draw(explanation.network, [0], 0)[0], [0.33, 0.67], 0.5
    for part in (explanation, explanation.step(*given), explanation.proof(), explanation.slip(*given)):
        assert str(part) in out
    assert max(map(len, out.splitlines())) <= 80
    page = ("--motion", "--format", "html", "--optimizer", optimizer)
    _, usual, _ = run(capsys, "explain", *page)
    _, given, _ = run(
        capsys, "explain", *page, "--learning-rate", repr(explanation.recipe.optimizer.learning_rate)
    )
    assert usual == given


def test_clipping_row_by_row_takes_one_row(capsys):
    code, out, err = run(capsys, "explain", "--clip", "0.1", "--slip")
    assert (code, err) == (0, "")
    explanation = fastnn.explain(fastnn.Network((2, 2, 1)), clip=0.1)
    start = fastnn.normal(0, 1.5).draw(explanation.network, [0], 0)[0]
    given = (start, [0.33, 0.67], 0.5)
    for part in (explanation, explanation.step(*given), explanation.proof(), explanation.slip(*given)):
        assert str(part) in out
    assert max(map(len, out.splitlines())) <= 80
    code, _, err = run(capsys, "explain", "--clip", "0.1", "--row", "1,2,3", "--row", "3,5,4")
    assert (code, "--row must be given once" in err) == (2, True)


def test_softmax_outputs_have_rows_of_one_class_each(capsys):
    network = fastnn.Network((2, 1, 2), "tanh", "softmax")
    options = ("--layers", "2,1,2", "--hidden", "tanh", "--output", "softmax", "--batch-size", "2")
    code, out, err = run(capsys, "explain", *options)
    assert (code, err) == (0, "")
    start = fastnn.normal(0, 1.5).draw(network, [0], 0)[0]
    rows = [[0.33, 0.67], [0.17, 0.33]], [[1.0, 0.0], [0.0, 1.0]]
    assert str(fastnn.explain(network, batch_size=2).step(start, *rows)) in out


def test_in_batches(capsys):
    rows = ("--row", "1,2,3", "--row", "3,5,4")
    code, out, err = run(capsys, "explain", "--batch-size", "4", "--optimizer", "momentum:0.5", *rows)
    assert (code, err) == (0, "")
    options = {"optimizer": fastnn.optimizers.Momentum(momentum=0.5), "batch_size": 4}
    explanation = fastnn.explain(fastnn.Network((2, 2, 1)), **options)
    start = fastnn.normal(0, 1.5).draw(explanation.network, [0], 0)[0]
    for part in (explanation, explanation.step(start, [[1, 2], [3, 5]], [3, 4]), explanation.proof()):
        assert str(part) in out
    assert out.endswith(explanation.code())
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = run(capsys, "explain", "--batch-size", "4", "--slip")
    in_batches = fastnn.explain(explanation.network, batch_size=4)
    step = in_batches.step(start, [[0.33, 0.67], [0.17, 0.33]], [0.5, 0.25])
    assert code == 0
    assert str(step) in out
    assert "UPDATING AFTER EVERY ROW" in out
    page = ("--motion", "--format", "html", "--batch-size", "32")
    code, out, _ = run(capsys, "explain", *page)
    assert code == 0
    assert "Trained with sgd, in batches of 32 rows" in out


def test_the_slip_on_request(capsys):
    code, out, _ = run(capsys, "explain", *MAZUR, "--slip")
    assert code == 0
    assert "L after the step   0.5609428935828603   0.5609681532119946      5" in out


@pytest.mark.parametrize("form", ["latex", "html"])
def test_writes_a_file_and_the_numbers(capsys, form):
    code, out, err = run(capsys, "explain", *MAZUR, "--format", form, "--out", "it", "--csv", "numbers.csv")
    assert (code, out, err) == (0, "", "")
    assert listing() == ["it", "numbers.csv"]
    assert (
        Path("it")
        .read_text(encoding="utf-8")
        .startswith({"latex": r"\documentclass", "html": "<!doctype"}[form])
    )
    table = pd.read_csv("numbers.csv", dtype={"number": str}, keep_default_na=False)
    assert list(table) == ["number", "stage", "name", "equation", "numbers", "value", "before", "change"]
    after = [float(v).hex() for v in table.query("stage == 'updates'").set_index("name")["value"]]
    start, row = ([float(n) for n in MAZUR[i].split(",")] for i in (-3, -1))
    explanation = fastnn.explain(fastnn.Network((2, 2, 2), "sigmoid", "sigmoid"))
    step = explanation.step(start, row[:2], row[2:], 0.25)
    expected = dict(zip(explanation.network.parameter_names, step.parameters, strict=True))
    names = table.query("stage == 'updates'")["name"]
    assert after == [float(expected[name]).hex() for name in names]


def test_matrices_for_a_large_network(capsys):
    code, out, _ = run(capsys, "explain", "--layers", "20,30,1", "--compact")
    assert code == 0
    assert "z[1] = W[1] x + b[1]" in out
    assert out.endswith(fastnn.code(fastnn.Network((20, 30, 1))))


def test_a_page_with_the_network_in_motion(capsys, page):
    code, out, _ = run(capsys, "explain", "--format", "html", "--motion", "--start=1,1,1,1,1,1,1,1,1")
    assert code == 0
    page.open(out)
    page.evaluate("document.querySelector('[data-part=epoch]').click()")
    found = page.evaluate("[...document.querySelectorAll('data[data-now]')].map((e) => e.value)")
    frame = fastnn.generate_train_data()
    data = fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3")
    run_of_it = fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, [1.0] * 9, epochs=1, engine="batched")
    assert [float(v).hex() for v in found] == [v.hex() for v in run_of_it.parameters.tolist()]


def test_motion_on_other_data(capsys):
    options = ["--data", "simulated", "--inputs", "age,bmi,children", "--layers", "3,2,1"]
    code, out, _ = run(capsys, "explain", "--format", "html", "--motion", *options)
    assert code == 0
    assert '"columns":["x1","x2","x3","y"]' in out
    assert len(out) < 300_000


def test_without_sympy_it_says_what_to_install_and_goes_on(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    code, out, err = run(capsys, "explain")
    assert code == 0
    remedy = 'Run: pip install "fastnn-sweep[explain]"'
    assert err == f"note: the proof needs sympy; sympy is not installed. {remedy}\n"
    assert "PROOF" not in out
    assert "THE CODE THAT RUNS" in out


REFUSED = {
    "too large": (["--layers", "9,9,1"], "fastnn explain --compact"),
    "layers": (["--layers", "2,x"], "--layers must be whole numbers separated by commas; got '2,x'"),
    "row": (["--row", "1,2"], "--row must hold 2 inputs and then 1 target for Network((2, 2, 1)"),
    "row's numbers": (["--row", "1,2,three"], "--row must be numbers separated by commas; got '1,2,three'"),
    "several rows": (
        ["--row", "1,2,3", "--row", "1,2,3"],
        "--row must be given once, for one row; got it 2 times",
    ),
    "more rows than a batch has": (
        ["--batch-size", "2", *(["--row", "1,2,3"] * 3)],
        "x must hold at most 2 rows, the batch size; got 3",
    ),
    "batch size": (["--batch-size", "0"], "--batch-size must be a whole number of at least 1; got 0"),
    "not finite": (["--row", "1,nan,3"], "x must be finite; got 1 NaN"),
    "start": (["--start", "1,2"], "--start must hold 9 numbers"),
    "rate": (["--learning-rate", "-1"], "--learning-rate must be a positive finite number; got -1.0"),
    "grows": (["--row", "1,2,1e300"], "every number of a step must be finite; got inf for equation (7), L"),
    "out exists": (["--out", "taken"], "--out must name a new file; got taken, which exists. Name another"),
    "csv exists": (["--csv", "taken"], "--csv must name a new file; got taken, which exists"),
    "no folder": (["--out", "no/page"], "--out must be a file in an existing folder; got 'no/page'"),
    "one file": (["--out", "a", "--csv", "./a"], "--csv and --out must name different files; got a twice"),
    "compact step": (["--compact", "--row", "1,2,3"], "--compact gives only the equations and the code"),
    "compact motion": (["--compact", "--motion", "--format", "html"], "got --motion as well. Leave one"),
    "motion as text": (["--motion"], "--motion needs a page that runs in a browser; got --format text. Give"),
    "data alone": (
        ["--data", "simulated"],
        "--data needs --motion, which trains on these data; got it",
    ),
    "data do not fit": (
        ["--motion", "--format", "html", "--layers", "3,1"],
        "--layers must begin with the 2 inputs of the data",
    ),
}


@pytest.mark.parametrize(("arguments", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_are_one_line_and_write_nothing(capsys, arguments, reason):
    Path("taken").write_text("mine")
    code, out, err = run(capsys, "explain", *arguments)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1
    assert listing() == ["taken"]
    assert Path("taken").read_text() == "mine"


def test_if_one_file_cannot_be_written_neither_is(capsys, monkeypatch):
    def fail(self, text, **options):
        self.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    code, out, err = run(capsys, "explain", "--csv", "numbers.csv", "--out", "page.txt")
    assert (code, out) == (1, "")
    assert "No space left" in err
    assert listing() == []


@pytest.mark.parametrize(
    "options",
    [
        ["--clip", "0.5"],
        ["--layers", "2,1,3", "--output", "softmax"],
        ["--layers", "2,1,2", "--output", "softmax", "--batch-size", "3"],
    ],
)
def test_a_step_is_shown_of_rows_that_fit_what_is_asked(capsys, options):
    code, out, err = run(capsys, "explain", *options)
    assert (code, err) == (0, "")
    assert "THE NUMBERS OF ONE STEP" in out


def test_rows_with_weights(capsys):
    code, out, _ = run(capsys, "explain", "--batch-size", "2", "--coefficient", "0.5,1.5")
    assert code == 0
    explanation = fastnn.explain(fastnn.Network((2, 2, 1)), batch_size=2, weighted=True)
    start = fastnn.normal(0, 1.5).draw(explanation.network, [0], 0)[0]
    rows = [[0.33, 0.67], [0.17, 0.33]], [[0.5], [0.25]]
    assert str(explanation.step(start, *rows, coefficient=[0.5, 1.5])) in out
    for option in (["--weighted", "--compact"], ["--weights", "n1", "--inputs", "n2", "--layers", "1,2,1"]):
        more = [] if "--compact" in option else ["--motion", "--format", "html", "--target", "n3"]
        code, out, err = run(capsys, "explain", *option, *more)
        assert (code, err) == (0, "")
        assert "coefficient" in out
    code, out, _ = run(capsys, "code", "--weighted", "--engine", "loop")
    assert (code, out) == (0, fastnn.code(explanation.network, "loop", weighted=True))
    code, _, err = run(capsys, "explain", "--coefficient", "1,2")
    assert code == 2
    assert err.startswith("fastnn: --coefficient must hold a number from 0 for each of 1 row; got [1.0, 2.0]")
    code, _, err = run(capsys, "explain", "--weights", "n1")
    assert (code, "--weights needs --motion" in err) == (2, True)
