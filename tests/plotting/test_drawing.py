"""Pictures wherever they are drawn: under any settings of the user's, with any names, from any numbers."""

import io
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import cycle, zip_longest
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

import fastnn
from fastnn import plotting
from fastnn.plotting.canvas import in_lines, lettered
from fastnn.plotting.settings import MissingGlyphs
from fastnn.reporting import Page, Picture, Section, sweep_page
from fastnn.reporting.pictures import drawn, row_by_row
from fastnn.showing.lettering import LONGEST, shortened

NET = fastnn.Network((2, 2, 1))

# What a user may have set, each of which would change or end a picture that obeyed it.
USERS = {
    "LaTeX": {"text.usetex": True},
    "fonts": {"font.family": "no such font", "font.size": 40},
    "colours": {"axes.facecolor": "black", "text.color": "red", "figure.facecolor": "yellow"},
    "lines": {"lines.linewidth": 9, "path.sketch": (9.0, 9.0, 9.0), "axes.grid": True},
    "files": {"savefig.dpi": 7, "savefig.bbox": "tight", "savefig.transparent": True, "svg.fonttype": "path"},
    "numbers": {
        "axes.formatter.use_mathtext": True,
        "axes.unicode_minus": False,
        "axes.formatter.limits": (0, 0),
    },
    "layout": {"figure.autolayout": True, "figure.dpi": 12, "figure.hooks": ["no.such:hook"]},
}

NAMES = [
    *("$$", "$x$", r"$\frac{1}{0}$", r"\$", "a_b^c", r"\alpha", "100 % & <b>", '"', "'", "#{}"),
    *("", " ", "_", "_age", "two\nlines", "tab\tbed", "bell\x07", "nul\x00", "\x1b[31m", "\x85"),
    *(
        "x" * 10_000,
        "$" * 10_000,
        "年齢",
        "العمر",
        "नमस्ते",
        "🚀",
        "e" + "\u0301" * 500,
        "\u202eleft",
        "\ufffe",
    ),
    *("-", "=1+1", "kind", "</script>", "]]>", "&#0;", "{page}", "{{ 1 }}"),
]


def every_fourth(cases):
    """Cases of a test that draws: it takes 0.2 s for each, so that only every fourth one is a quick test."""
    return [pytest.param(*case, marks=pytest.mark.slow if n % 4 else ()) for n, case in enumerate(cases)]


def figure_of(draw):
    """What an own picture draws."""
    figure, ax = plotting.new_figure()
    draw(ax)
    return figure


def files_of(draw, size=(3, 2)):
    """A picture as bytes, in two formats."""
    found = drawn("some", draw, size)
    assert not found.failure
    return found.svg, found.png


def text_of(svg):
    """All that is written in a picture."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def dataset(first, second, target):
    """Rows under such names."""
    values = {"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 2.0], "c": [1.0, 2.0, 4.0, 3.0]}
    frame = pd.DataFrame(values).set_axis(pd.Index([first, second, target], dtype=object), axis=1)
    return fastnn.Dataset.from_frame(frame, [first, second], target)


def shown(name):
    """A name in a picture."""
    return shortened(name)


def trained(data):
    return fastnn.train(NET, data.X, data.y, epochs=2, engine="batched")  # which compiles nothing


def curves(ax):
    plotting.fan({"one": [[3.0, 2.0, 1.0], [2.0, 1.0, 0.5]], "two": [[0.3, 0.2, 0.1]]}, ax)


class TestTheUsersSettings:
    @pytest.mark.parametrize(
        "names", [[*USERS], *(pytest.param([name], id=name, marks=pytest.mark.slow) for name in USERS)]
    )
    def test_change_no_picture(self, names):
        expected = files_of(curves)
        with mpl.rc_context({key: value for name in names for key, value in USERS[name].items()}):
            assert files_of(curves) == expected

    def test_change_no_picture_that_is_saved_later(self, tmp_path):
        files = [tmp_path / "plain.png", tmp_path / "theirs.png"]
        plotting.save(figure_of(curves), files[0])
        figure = figure_of(curves)
        with mpl.rc_context(USERS["colours"] | USERS["LaTeX"] | USERS["files"]):
            plotting.save(figure, files[1])
        assert files[0].read_bytes() == files[1].read_bytes()

    def test_change_no_picture_of_a_window(self):
        def in_a_window(theirs):
            with mpl.rc_context(theirs):
                ax = plotting.fan([[3.0, 2.0]])
            with mpl.rc_context(theirs):
                file = io.BytesIO()
                ax.figure.canvas.print_png(file)
            pyplot.close(ax.figure)
            return file.getvalue()

        assert in_a_window(USERS["colours"] | USERS["fonts"] | USERS["LaTeX"]) == in_a_window({})

    def test_stay_as_they_were(self):
        figure, ax = pyplot.subplots()
        theirs = {**USERS["colours"], "interactive": True}
        with mpl.rc_context(theirs), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            before = dict(mpl.rcParams), list(warnings.filters), pyplot.get_fignums(), pyplot.gca()
            files_of(curves)
            plotting.fan([[3.0, 2.0]], ax)
            assert (dict(mpl.rcParams), list(warnings.filters), pyplot.get_fignums(), pyplot.gca()) == before
        pyplot.close(figure)

    @pytest.mark.parametrize(
        "backend",
        [
            *(pytest.param(name, marks=pytest.mark.slow) for name in ("no such backend", "TkAgg")),
            "module://not.there",
        ],
    )
    def test_a_backend_that_cannot_be_used_is_not_used(self, backend, tmp_path):
        code = (
            "from pathlib import Path; from fastnn import plotting; "
            "from fastnn.reporting.pictures import drawn; "
            "assert not drawn('some', lambda ax: None, (3, 2)).failure; figure, ax = plotting.new_figure(); "
            "plotting.fan([[3.0, 2.0]], ax); plotting.fan([[3.0, 2.0]]); "
            f"plotting.save(figure, Path({str(tmp_path / 'picture.png')!r}))"
        )
        environment = {**os.environ, "MPLBACKEND": backend}
        environment.pop("DISPLAY", None)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        assert (tmp_path / "picture.png").stat().st_size > 1000


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"), every_fourth(zip_longest(NAMES[::2], NAMES[1::2], fillvalue="other"))
    )
    def test_are_written_as_they_are(self, one, other):
        data = dataset(one, other, "target")
        run = trained(data)
        svg, _ = files_of(lambda ax: plotting.surface(run, data, ax=ax))
        expected = (*(shown(name) for name in (one, other) if name), "network's target")
        assert tuple(text for text in text_of(svg) if text in expected) == expected

    @pytest.mark.parametrize("name", every_fourth((name,) for name in NAMES[:16]))
    def test_of_a_target(self, name):
        data = dataset("one", "two", name)
        run = trained(data)
        svg, _ = files_of(lambda ax: plotting.network(run, ax, X=data))
        assert shown(name) in {*text_of(svg), ""}

    def test_of_curves(self):
        names = NAMES[:16]
        svg, _ = files_of(lambda ax: plotting.fan({name: [[3.0, 2.0]] for name in names}, ax), (6, 6))
        written = {text.removeprefix("\u200b") for text in text_of(svg)}
        assert {shown(name) for name in names} - {*written, ""} == set()

    def test_a_dollar_is_a_dollar_on_ticks(self):
        table = pd.DataFrame({"label": [r"$\frac$", "_b$"]}).assign(
            **dict.fromkeys(plotting.tables.QUANTILE_NAMES, 1.0)
        )
        svg, _ = files_of(lambda ax: plotting.intervals(table, "a $unit$", ax))
        assert {r"$\frac$", "_b$", "a $unit$"} <= set(text_of(svg))

    def test_long_ones_are_cut(self):
        assert shortened("x" * LONGEST) == "x" * LONGEST
        assert shortened("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
        assert shortened("年" * 30, 9) == "年" * 4 + "…"
        assert len(shortened("e" + "\u0301" * 10_000, 9)) < 40
        assert lettered("$" * 10_000, 3) == r"\$\$…"

    def test_names_of_many_settings_take_lines(self):
        told = "momentum 0.5, batches of 30, l2 0.1, l2 on the mean"
        assert in_lines(told) == "momentum 0.5, batches of 30,\nl2 0.1, l2 on the mean"
        assert in_lines("rate 0.005, 30 rows") == "rate 0.005, 30 rows"
        assert in_lines("a" * 40) == lettered("a" * 40)
        many = in_lines(", ".join([told] * 9)).split("\n")
        assert (len(many), many[-1][-1]) == (3, "…")
        frame = pd.DataFrame({"n": range(4)})
        assert row_by_row(frame, [told] * 4)[1] > row_by_row(frame)[1] == row_by_row(frame, ["short"])[1]

    def test_nothing_stands_for_what_no_file_can_hold(self):
        assert shortened("a\tb\nc\x00d\ud800e") == "a b c\ufffdd\ufffde"

    def test_signs_without_a_glyph_are_told_once(self, tmp_path):
        data = dataset("\U000f0001\U000f0002", "\U000f0003" * 9, "\U000f0004")
        run = trained(data)
        figure = figure_of(lambda ax: plotting.surface(run, data, ax=ax))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for file in ("a.png", "b.png", "a.svg"):
                figure.savefig(tmp_path / file)
        (only,) = told
        assert only.category is MissingGlyphs
        assert "has the signs U+F0001, U+F0002, U+F0003, U+F0004: images show" in str(only.message)

    @pytest.mark.usefixtures("sketched")
    def test_a_page_of_them_is_whole(self, tmp_path):
        data = dataset("$$\x00", "\ufffe<b>", "\U000f0001 年" * 3000)
        found = fastnn.sweep(NET, data.X, data.y, networks=3, epochs=2, engine="batched")
        page = sweep_page(found, data)
        (told,) = page.write(tmp_path)
        assert told.startswith("no font of this machine has the signs")
        text = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert text.count("<figure") == len(page.pictures)
        assert "\x00" not in text
        assert len(text) < 1_000_000
        for picture in page.pictures:
            ElementTree.parse(tmp_path / "pictures" / f"{picture.name}.svg")  # noqa: S314
            assert len(pd.read_csv(tmp_path / "pictures" / f"{picture.name}.csv")) == len(picture.data)


def failing(ax):
    raise ValueError("no\nsuch <thing>")


def unsaveable(ax):
    ax.set_title("$\\frac$")


def warning(ax):
    warnings.warn("of no concern", DeprecationWarning, stacklevel=1)


def good(ax):
    ax.plot([1, 2])


class TestLayout:
    """Finding the places of all that is in a picture takes as long as drawing it."""

    def test_is_found_once_for_both_files(self, monkeypatch):
        calls = []

        def counted(call):
            return lambda *given: calls.append(call.__name__) or call(*given)

        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", counted(ConstrainedLayoutEngine.execute))
        monkeypatch.setattr(Figure, "draw", counted(Figure.draw))
        files_of(curves)
        assert calls == ["execute", "draw", "draw"]

    def test_nothing_is_cut_off(self):
        figure = figure_of(curves)
        figure.axes[0].set_ylabel("a line\nand another\nand a third")
        figure.lay_out()
        for dpi in (72, 144):
            figure.dpi = dpi
            held = figure.get_tightbbox()
            assert 0 <= held.x0 < held.x1 <= figure.get_figwidth()
            assert 0 <= held.y0 < held.y1 <= figure.get_figheight()

    @pytest.mark.parametrize("engine", ["none", "tight", None])
    def test_of_a_picture_that_brings_its_own(self, engine):
        files_of(lambda ax: ax.figure.set_layout_engine(engine))


class TestAPictureThatFails:
    def page(self, *draws):
        data = pd.DataFrame({"x": [1, 2]})
        pictures = [Picture(f"p{n}", draw, "alt", "A caption", data) for n, draw in enumerate(draws)]
        return Page("T", "L", [Section("S", [*pictures, "Words."])])

    @pytest.mark.parametrize("fault", [failing, unsaveable, warning])
    def test_leaves_the_page_and_the_other_pictures(self, tmp_path, fault):
        page = self.page(good, fault, good)
        (told,) = page.write(tmp_path)
        assert told.startswith("not drawn: p1 (")
        text = (tmp_path / "index.html").read_text()
        assert text.count("<figure") == 2
        assert text.count('<p class="missing">The picture p1 is missing: ') == 1
        assert "Words." in text
        names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
        files = [f"p{n}.{ending}" for n in (0, 2) for ending in ("csv", "png", "svg")]
        assert names == sorted([*files, "p1.csv"])

    def test_says_why_on_one_line(self, tmp_path):
        page = self.page(failing, good, failing)
        assert page.write(tmp_path) == ["not drawn: p0, p2 (ValueError: no such <thing>)"]
        assert "ValueError: no such &lt;thing&gt;." in page.html()

    def test_that_all_were_drawn_is_nothing_to_tell(self, tmp_path):
        assert self.page(good).write(tmp_path) == []

    def test_a_matplotlib_that_cannot_be_imported_leaves_the_page(self, tmp_path, monkeypatch):
        def broken():
            raise OSError("no folder for its settings can be made")

        monkeypatch.setattr("fastnn.plotting.library._import_matplotlib", broken)
        (told,) = self.page(good, good).write(tmp_path)
        assert told.startswith(
            "not drawn: p0, p1 (InputError: pictures need matplotlib; it is installed, but "
        )
        assert "OSError: no folder for its settings can be made" in told
        assert "Words." in (tmp_path / "index.html").read_text()

    def test_ctrl_c_is_no_failure(self):
        def stopped(ax):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            drawn("some", stopped, (3, 2))


COLUMNS = {
    "one number": [3.0] * 5,
    "huge": [1e300, -1e300, 0, 1, 2],
    "the largest": [1.7e308, 1e308, 0, 1e307, 5],
    "tiny": [1e-300, 2e-300, 0, 3e-300, 5e-300],
    "the smallest": [5e-324, 0, 1e-323, 0, 5e-324],
    "far from 0": [1e16, 1e16 + 2, 1e16 + 4, 1e16, 1e16 + 8],
    "one huge number": [1e300] * 5,
    "of all sizes": [1e-300, 1e300, 1, -1, 0],
}
LOSSES = {
    "huge": [1e300, 1e300, 1e300],
    "falling from the largest": [1.7e308, 1, 1e-300],
    "to 0": [1e300, 1, 0],
    "subnormal": [5e-324, 1e-323, 5e-324],
    "not finite": [np.inf, 1e300, 1],
    "none": [np.nan] * 3,
    "all 0": [0.0] * 3,
    "alike": [1.0, 1.0, 1.0],
}


class TestAnyNumbers:
    @pytest.mark.parametrize(
        ("column", "target"),
        every_fourth([("of all sizes", "huge"), *zip(cycle(["one number", "of all sizes"]), COLUMNS)]),
    )
    def test_a_surface(self, column, target):
        column, target = COLUMNS[column], COLUMNS[target]
        data = fastnn.Dataset.from_frame(
            pd.DataFrame({"a": column, "b": [0.0, 1, 2, 3, 4], "t": target}), ["a", "b"], "t"
        )
        run = trained(data)
        files_of(lambda ax: plotting.surface(run, data, ax=ax))

    def test_of_one_row(self):
        data = fastnn.Dataset.from_frame(pd.DataFrame({"a": [1.0], "b": [2.0], "t": [3.0]}), ["a", "b"], "t")
        run = trained(data)
        files_of(lambda ax: plotting.surface(run, data, ax=ax))
        files_of(lambda ax: plotting.network(run, ax, X=data))

    @pytest.mark.parametrize("value", every_fourth(zip([1.7e308, 1e-300, 5e-324, np.inf, np.nan])))
    def test_parameters(self, value):
        data = dataset("a", "b", "c")
        parameters = np.array([value, -value] * 4 + [value])
        run = replace(trained(data), parameters=parameters, start=-parameters)
        files_of(lambda ax: plotting.network(run, ax, X=data))
        files_of(lambda ax: plotting.surface(run, data, ax=ax))

    @pytest.mark.parametrize("losses", every_fourth(zip(LOSSES.values())), ids=LOSSES)
    def test_losses(self, losses):
        run = replace(trained(dataset("a", "b", "c")), loss_curve=np.array(losses), epochs=3)
        files_of(lambda ax: plotting.loss_curves([run, replace(run, diverged=3)], ax))
        files_of(lambda ax: plotting.fan([losses, [1.0, 2.0, 3.0]], ax))
        scores = pd.DataFrame(
            {"rows": [1, 10, 100, 100], "r2": [*(-x for x in losses), 0.5], "mse": [*losses, 1.0]}
        )
        for metric in ("r2", "mse"):
            files_of(lambda ax, metric=metric: plotting.scores_against_rows(scores, metric, ax))
        table = pd.DataFrame({"label": list("abc"), **dict.fromkeys(plotting.tables.QUANTILE_NAMES, losses)})
        files_of(lambda ax: plotting.intervals(table.assign(claim=losses), "loss", ax))

    @pytest.mark.slow
    @pytest.mark.parametrize("target", ["the largest", "tiny"])
    def test_a_page(self, target, tmp_path):
        self.write_a_page(target, tmp_path)

    @pytest.mark.usefixtures("sketched")
    def test_a_sketched_page(self, tmp_path):
        self.write_a_page("the largest", tmp_path)

    def write_a_page(self, target, folder):
        columns = {"a": COLUMNS["of all sizes"], "b": COLUMNS["one number"], "t": COLUMNS[target]}
        data = fastnn.Dataset.from_frame(pd.DataFrame(columns), ["a", "b"], "t")
        options = {
            "networks": 5,
            "epochs": 2,
            "learning_rate": [0.01, 1e9],
            "rows": [2, 5],
            "engine": "batched",
        }
        found = fastnn.sweep(NET, data.X, data.y, **options)
        assert sweep_page(found, data, claim=1e300).write(folder) == []

    def test_a_line_without_room_for_its_label(self):
        rows = [
            [6.419263446805103e296, 0.0, 1.7976931348623157e308],
            [0.0, -6.773404820156566e16, 0.0],
            [0.0, -3.727855806770049e16, 0.0],
        ]
        data = fastnn.Dataset.from_frame(pd.DataFrame(rows, columns=["", "îB]", "y"]), ["", "îB]"], "y")
        files_of(lambda ax: plotting.surface(trained(data), data, ax=ax))

    @pytest.mark.slow
    @settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.text(max_size=60), min_size=3, max_size=3, unique=True),
        st.lists(
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
            min_size=1,
            max_size=5,
        ),
    )
    def test_any_table(self, names, rows):
        frame = pd.DataFrame(rows)
        frame.columns = pd.Index(names, dtype=object)
        try:
            data = fastnn.Dataset.from_frame(frame, names[:2], names[2])
        except fastnn.InputError:
            return
        run = trained(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingGlyphs)
            svg, _ = files_of(lambda ax: plotting.surface(run, data, ax=ax))
            text_of(svg)
            files_of(lambda ax: plotting.network(run, ax, X=data))
            files_of(lambda ax: plotting.loss_curves(dict.fromkeys(names, run), ax))
