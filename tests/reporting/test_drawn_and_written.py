"""Whatever a Dataset takes can be trained on, drawn, shown, written and read again; or is refused before."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import fastnn
from fastnn import studies
from fastnn.comparing.comparison import Comparison, Result
from fastnn.explaining.motion import motion
from fastnn.plotting.settings import MissingGlyphs

plotting = pytest.importorskip("fastnn.plotting", reason='needs pip install "fastnn-sweep[plot]"')
from fastnn.reporting.studies_page import studies_page  # noqa: E402 - after the import that may skip

BUDGET = 10  # processor seconds of each long form

TEXTS = [
    "",
    " ",
    "=1+1",
    "$x$",
    "</script><b>",
    "a,b",
    'q"',
    "'",
    "\ud800",
    "\x00",
    "年",
    "e\u0301",
    "é",
    "kind",
    "w1",
]
TEXTS += ["x" * 300, "\u202eleft", "a\nb", "NA", "loss", "network", "1", "1.0", "True", "#", "%s {0}", "\\"]
NUMBERS = {
    "any": st.floats(allow_nan=False, allow_infinity=False),
    "tiny": st.floats(5e-324, 1e-300),
    "subnormal": st.floats(0, 2e-308),
    "huge": st.floats(1e300, 1.7e308),
    "both": st.sampled_from([-1.7e308, 1.7e308, 0.0]),
    "far": st.integers(0, 1).map(lambda step: 1e15 + step),
    "whole": st.integers(-(2**53), 2**53),
    "one": st.just(3.5),
    "few": st.sampled_from([0.0, 1.0, 2.5]),
}


@st.composite
def tables(draw):
    """A frame with its inputs and its target: numbers of any size, words, bools; one row or more."""
    rows = draw(st.integers(1, 6))
    count = draw(st.integers(2, 4))
    names = draw(
        st.lists(st.sampled_from(TEXTS) | st.text(max_size=8), min_size=count, max_size=count, unique=True)
    )
    columns = []
    for _ in names:
        cells = draw(st.sampled_from([*NUMBERS.values(), st.booleans(), st.sampled_from(TEXTS)]))
        columns.append(draw(st.lists(cells, min_size=rows, max_size=rows)))
    return framed(names, columns), names[:-1], names[-1]


def framed(names, columns):
    """A frame of any names and cells: pandas' own texts hold no half of a surrogate pair."""
    cells = [pd.Series(column, dtype=object if isinstance(column[0], str) else None) for column in columns]
    frame = pd.DataFrame(dict(enumerate(cells)))
    frame.columns = pd.Index(names, dtype=object)
    return frame


def everything(frame, inputs, target, folder):
    """All that can be made of a table: True; or a refusal before anything is trained: False."""
    told = [name for name in inputs if any(isinstance(cell, str) for cell in frame[name])]
    try:
        data = fastnn.Dataset.from_frame(frame, inputs, target, categories=told)
    except fastnn.InputError:
        return False
    net = fastnn.Network((data.X.shape[1], 2, 1))
    grid = {"learning_rate": [0.01, 1e9], "rows": sorted({1, data.rows})}
    options = {**grid, "curves": True, "engine": "batched"}  # which compiles nothing
    found = fastnn.sweep(net, data.X, data.y, networks=3, epochs=2, progress=False, **options)
    _shown(data, found)
    _written(data, found, folder)
    run = found.replay(0)
    for draw in (
        lambda ax: plotting.surface(run, data, ax=ax),
        lambda ax: plotting.network(run, ax, X=data),
        lambda ax: plotting.loss_curves(found, ax),
        lambda ax: plotting.fan(found, ax),
        lambda ax: plotting.dead_units(found, ax),
        lambda ax: plotting.sweep_histogram(found, ax),
        lambda ax: plotting.scores_against_rows(
            found.quiet_score(data).merge(found.frame()[["network", "rows"]]), "mse", ax
        ),
        lambda ax: plotting.intervals(
            found.quantiles(plotting.tables.QUANTILES).assign(label=str(data.target), claim=data.y.flat[0]),
            str(data.inputs[0]),
            ax,
        ),
    ):
        figure, ax = plotting.new_figure()
        draw(ax)
        plotting.save(figure, folder / "picture.png")
    return True


def _shown(data, found):
    for thing in (data, data.scaling, found, found.replay(0), found.replay([0, 1])):
        assert repr(thing)
        assert str(thing).encode("utf-8", "backslashreplace")
        show = getattr(thing, "_repr_html_", None)
        if show is not None:
            assert show().encode()


def _written(data, found, folder):
    index = fastnn.report(found, data, folder / "page")
    text = index.read_text(encoding="utf-8")
    assert "is missing" not in text
    for name in folder.glob("page/pictures/*.csv"):
        assert pd.read_csv(name).columns.is_unique
    found.frame().to_csv(folder / "sweep.csv", index=False)
    found.frame().to_parquet(folder / "sweep.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "sweep.parquet"), found.frame())
    run = found.replay(0)
    run.save(folder / "m.npz", data, finite=False)
    again = fastnn.Training.load(folder / "m.npz", finite=False)
    np.testing.assert_array_equal(again.parameters, run.parameters)
    assert again.scaling.inputs == data.inputs
    assert again.scaling.categories == data.categories
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(again.predict(data.X), run.predict(data.X))
    explanation = fastnn.explain(found.network) if found.network.n_parameters <= 64 else None
    if explanation is not None:
        assert explanation.html(motion(found.network, data, learning_rate=0.01)).encode()


def retold(frame, inputs, target, folder):
    """The page of the studies over a table of two numbers and a target: True; or a refusal before: False."""
    try:
        data = fastnn.Dataset.from_frame(frame, inputs, target)
        experiment = studies.Experiment(data, networks=3, epochs=2, engine="batched", workers=1)
    except fastnn.InputError:
        return False
    found, start = studies.run(experiment, progress=False), studies.report.LARGE
    of_fastnn = Result("fastnn", 3, 0.1, 0.1, float("nan"), start)
    beside = Comparison(studies.report.NETWORK, data, start, 0.005, 1, [of_fastnn], ["none"], 20)
    for number in found.claims(), found.outcomes(), found.by_rows(), beside.frame():
        number.to_csv(folder / "table.csv", index=False)
    (folder / "studies").mkdir()
    missing = studies_page(found, beside).write(folder / "studies")
    assert not [told for told in missing if "no font" not in told]
    return True


def attempt(table, folder, make=None):
    with warnings.catch_warnings():
        for known in (MissingGlyphs, fastnn.ScaleWarning, fastnn.MetricNote):
            warnings.simplefilter("ignore", known)
        warnings.filterwarnings("ignore", "no font of this machine", RuntimeWarning)
        return (make or everything)(*table, folder)


AT_ONCE = {
    "one row": {"a": [1.0], "b": [2.0], "y": [3.0]},
    "one number": {"a": [1.0, 1.0], "b": [2.0, 2.0], "y": [3.0, 3.0]},
    "the whole range": {"a": [-8e307, 8e307], "b": [5e-324, 1e-323], "y": [1e15, 1e15 + 1]},
    "odd names": {"</script>": [1.0, 2.0], "=1+1": [2.0, 3.0], "kind": [3.0, 3.5]},
    "names of ours": {"network": [1.0, 2.0], "loss": ["a", "b"], "w1": [3.0, 3.5]},
    "odd words": {
        "loss": ["\ufffe", "=1", "$x$"],
        "\x00": [2.0, 3.0, 5.0],
        "w1": [3.0, 3.5, 4.0],
        "$y": [1e300, 1e-300, 0.0],
    },
}


# The other tables have a row less, or names of which "odd words" has some.
@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize(
    "columns",
    [pytest.param(name, marks=() if name == "the whole range" else pytest.mark.slow) for name in AT_ONCE],
)
def test_a_table_becomes_everything(columns, tmp_path):
    *inputs, target = AT_ONCE[columns]
    frame = framed([*inputs, target], AT_ONCE[columns].values())
    assert attempt((frame, inputs, target), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["the whole range", "odd names"])
def test_a_table_has_its_page_of_the_studies(columns, tmp_path):
    *inputs, target = AT_ONCE[columns]
    frame = framed([*inputs, target], AT_ONCE[columns].values())
    assert attempt((frame, inputs, target), tmp_path, retold)


@pytest.mark.parametrize("text", ["a\ud800", "x" * 10_001])
def test_a_text_that_no_file_could_hold_is_refused_before_the_training(text):
    for names, cells in ((["a", text], [1.0, 2.0]), (["a", "y"], [text, "b"])):
        frame = framed(names, [cells, [1.0, 2.0]])
        with pytest.raises(fastnn.InputError, match="of at most 10000 letters that can be written"):
            fastnn.Dataset.from_frame(frame, names[0], names[1], categories=names[:1])


@pytest.mark.slow
def test_any_table_becomes_everything_or_is_refused(tmp_path_factory):
    began, made, failed = time.process_time(), [], []

    @settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(tables())
    def any_table(table):
        if time.process_time() - began < BUDGET or failed:
            failed.append(table)
            made.append(attempt(table, tmp_path_factory.mktemp("made")))
            failed.pop()

    any_table()
    assert sum(made) > 2


@pytest.mark.slow
def test_any_table_has_its_page_of_the_studies_or_is_refused(tmp_path_factory):
    began, made, failed = time.process_time(), [], []

    @settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(tables())
    def any_table(table):
        frame, inputs, target = table
        if time.process_time() - began < BUDGET or failed:
            failed.append(table)
            made.append(attempt((frame, inputs[:2], target), tmp_path_factory.mktemp("made"), retold))
            failed.pop()

    any_table()
    assert any(made)
