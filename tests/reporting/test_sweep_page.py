"""The page of a sweep: its numbers are the sweep's, and a browser shows it, in any theme and width."""

import io
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

import fastnn
from fastnn.reporting import Code, Fragment, Page, Picture, Section, published_folder, sweep_page, written
from fastnn.showing.lettering import counted

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))
LARGEST = 3_000_000  # bytes of a page
PHONE, DESKTOP = 360, 1200


@pytest.fixture(scope="module")
def data():
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def grid(data):
    return fastnn.sweep(
        NET, data.X, data.y, networks=40, epochs=6, learning_rate=[0.005, 40.0], rows=[30, 200], curves=True
    )


@pytest.fixture(scope="module")
def report(grid, data):
    return sweep_page(grid, data, claim=0.0335, train_command="fastnn train --data=simulated")


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "sweep"
    with published_folder(folder) as unfinished:
        report.write(unfinished)
    return folder


def names(report):
    return [picture.name for picture in report.pictures]


def table(report, caption):
    """The rows of the page's table whose caption begins so, as {heading: text}."""
    blocks = [block for section in report.sections for block in section.blocks]
    found = next(block for block in blocks if getattr(block, "caption", "").startswith(caption))
    headings, rows = found.cells()
    return [dict(zip([name for name, _ in headings], [text for text, _ in row], strict=True)) for row in rows]


class TestContent:
    def test_every_question_has_its_pictures(self, report):
        assert set(names(report)) == {
            *("modes", "losses-1", "losses-2", "losses-3", "losses-4", "cells"),
            *("fan-0_005", "fan-40", "r2-rows", "mape-rows", "surface-best", "surface-typical"),
            *(f"network-{what}-{when}" for what in ("best", "typical") for when in ("before", "after")),
        }

    def test_ends_are_counted(self, report, grid):
        rows = {row["mode"]: row for row in table(report, "Medians of each end")}
        assert int(rows["diverged"]["networks"]) == (grid.status == "diverged").sum() > 0
        assert int(rows["both units dead"]["networks"]) == (grid.dead_units() == 2).sum()
        assert rows["diverged"]["loss over all rows"] == "–"
        assert sum(int(row["networks"]) for row in rows.values()) == 160

    def test_the_claim_has_a_place_in_each_cell(self, report, grid):
        first, *_, last = table(report, "How many networks end with the claimed loss, 0.0335")
        share = (grid.loss[:40] <= 0.0335).mean()
        assert first["that or less"] == f"{100 * share:.1f}\N{NARROW NO-BREAK SPACE}%"
        assert last["rows"] == "200"
        intervals = next(picture for picture in report.pictures if picture.name == "cells")
        assert intervals.data["claim"].tolist() == [0.0335] * 4

    @pytest.mark.usefixtures("undrawn")
    def test_without_a_claim_nothing_is_said_of_one(self, grid, data):
        assert "claim" not in sweep_page(grid.part(range(9)), data).html()

    def test_the_best_and_the_typical_are_those_of_the_sweep(self, report, grid):
        best, typical = table(report, "The best and the typical network")
        first = grid.best(1).iloc[0]
        assert best["network"] == f"best, {first['network']}"
        assert best["loss over all rows"] == written(first["loss_all_rows"])
        frame = grid.frame()
        alike = (frame["rows"] == first["rows"]) & (frame["learning_rate"] == first["learning_rate"])
        same = frame[alike & (frame["status"] == "ok")].sort_values("loss_all_rows", kind="stable")
        assert typical["network"] == f"typical, {same['network'].iloc[(len(same) - 1) // 2]}"

    def test_cells_of_different_rows_are_compared_over_all_rows(self, report, grid):
        cells = table(report, "Loss over all rows: quantiles")
        expected = grid.quantiles(by="loss_all_rows")["50 %"].dropna()
        assert [row["50 %"] for row in cells if row["50 %"] != "–"] == [written(value) for value in expected]
        assert min(float(row["best"]) for row in cells if row["best"] != "–") == pytest.approx(
            grid.best(1)["loss_all_rows"].iloc[0], rel=1e-3
        )

    def test_the_code_trains_the_best_network_again(self, report, grid, data):
        section = report.sections[-1]
        code = next(block.text for block in section.blocks if isinstance(block, Code))
        names = {"fastnn": fastnn, "data": data}
        exec(code, names)  # noqa: S102 - what the page tells a reader to run
        frame = grid.frame()
        assert names["run"].loss == frame["loss"][frame["loss_all_rows"].idxmin()]

    def test_fans_of_kept_curves_and_of_networks_trained_again_agree(self, grid, data):
        few = fastnn.sweep(
            NET, data.X, data.y, networks=40, epochs=6, learning_rate=[0.005, 40.0], rows=[30, 200]
        )
        again = {picture.name: picture.data for picture in sweep_page(few, data).pictures}
        kept = {picture.name: picture.data for picture in sweep_page(grid, data).pictures}
        for name in ("fan-0_005", "fan-40"):
            pd.testing.assert_frame_equal(again[name], kept[name])

    @pytest.mark.usefixtures("undrawn")
    def test_of_many_starts_some_evenly_spaced_are_trained_again(self, data):
        many = fastnn.sweep(
            NET, data.X[:9], data.y[:9], networks=1000, epochs=2, shuffle=True, dtype="float32"
        )
        report = sweep_page(many, data)
        assert "of 300 starts, evenly spaced" in report.html()
        fan = next(picture.data for picture in report.pictures if picture.name == "fan-0_005")
        chosen = np.linspace(0, 999, 300).round().astype(int)
        curves = np.array([many.replay(int(number)).loss_curve for number in chosen])
        assert fan["50 %"].tolist() == np.sort(curves, axis=0)[149].tolist()

    def test_the_data_of_a_picture_lie_beside_it(self, folder, report):
        for picture in report.pictures:
            beside = pd.read_csv(folder / "pictures" / f"{picture.name}.csv")
            assert list(beside.columns) == list(picture.data.columns)
            assert len(beside) == len(picture.data)
            assert len(beside) or "0 losses" in picture.alt  # all of that cell diverged

    def test_it_is_small(self, folder):
        assert (folder / "index.html").stat().st_size < LARGEST


CASES = {
    "all diverged": (NET, {"learning_rate": 1e9}),
    "no hidden layer": (fastnn.Network((2, 1)), {}),
    "tanh": (fastnn.Network((2, 3, 1), "tanh"), {}),
    "two hidden layers": (fastnn.Network((2, 3, 3, 1)), {}),
    "too large to draw": (fastnn.Network((2, 400, 1)), {}),
    "one network": (NET, {"networks": 1}),
    "one epoch": (NET, {"epochs": 1}),
    "float32, shuffled": (NET, {"dtype": "float32", "shuffle": True}),
    "many cells": (NET, {"learning_rate": np.linspace(0.001, 0.02, 4), "rows": [3, 12]}),
    "equal losses": (NET, {"start": fastnn.constant(1)}),
}


LATER = ("no hidden layer", "tanh", "two hidden layers", "one epoch", "float32, shuffled", "equal losses")


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LATER else ()) for name in CASES]
)
def test_other_sweeps_have_their_page(data, name):
    network, options = CASES[name]
    options = {"networks": 4, "epochs": 3, "engine": "batched", **options}  # which compiles nothing
    found = fastnn.sweep(network, data.X[:20], data.y[:20], **options)
    report = sweep_page(found, data)
    html = report.html()
    assert report.missing == []
    assert len(html) < LARGEST
    assert ("Nothing can be shown" in html) == (name == "all diverged")
    assert ("are not drawn" in html) == (name == "too large to draw")
    for picture in report.pictures:
        assert len(picture.data.columns) > 1


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("inputs", [["age"], ["age", "bmi", "children"]])
def test_other_numbers_of_inputs_and_outputs(inputs):
    frame = pd.DataFrame(
        np.random.default_rng(0).random((30, 4)), columns=["age", "bmi", "children", "charges"]
    )
    frame["=evil()"] = frame["charges"] ** 2
    data = fastnn.Dataset.from_frame(frame, inputs, ["charges", "=evil()"])
    options = {"networks": 3, "epochs": 2, "engine": "batched"}  # which compiles nothing
    found = fastnn.sweep(fastnn.Network((len(inputs), 3, 2)), data.X, data.y, **options)
    report = sweep_page(found, data)
    assert f"{', '.join(inputs)} → charges, =evil()" in report.html()
    assert names(report).count("surface-best") == 1


def swept_until_stopped(data, **kept):
    stop = {"patience": 2, "min_delta": 0.001, "validation": (data.X[20:30], data.y[20:30])}
    options = {"networks": 9, "epochs": 20, "learning_rate": [0.005, 0.2, 1e9], "engine": "batched"}
    return fastnn.sweep(NET, data.X[:20], data.y[:20], **options, **stop, **kept)


@pytest.fixture(scope="module")
def stopped(data):
    return swept_until_stopped(data, curves=True)


@pytest.mark.usefixtures("sketched")
@pytest.mark.usefixtures("undrawn")  # the command line's tests draw such a page
class TestOfNetworksThatStop:
    @pytest.fixture
    def stops(self, data, stopped):
        return sweep_page(stopped, data.first(20))

    def test_what_ended_them_is_counted(self, stops, stopped):
        rows = {row["ended"]: row for row in table(stops, "What ended their training")}
        assert {word: int(row["networks"]) for word, row in rows.items()} == {
            word: (stopped.ended == word).sum() for word in {*stopped.ended}
        }
        assert {"diverged", "validation"} <= {*rows}
        best = np.sort(stopped.best_epoch[(stopped.ended == "validation") & (stopped.status == "ok")])
        assert rows["validation"]["50 %"] == str(best[(len(best) - 1) // 2])
        assert rows["diverged"]["50 %"] == "–"
        rule = "after 2 epochs in a row in which its validation loss has not become lower by more than 0.001"
        assert rule in stops.html()

    def test_their_best_epochs_are_drawn_for_each_cell(self, stops, stopped):
        (picture,) = (picture for picture in stops.pictures if picture.name == "best-epochs")
        assert picture.data["learning_rate"].tolist() == [0.005, 0.2]
        assert picture.data["95 %"].tolist() == [
            stopped.best_epoch[first : first + 9][stopped.status[first : first + 9] == "ok"].max()
            for first in (0, 9)
        ]

    def test_fans_go_to_the_end_with_the_last_losses(self, stops, stopped, data):
        again = sweep_page(swept_until_stopped(data), data.first(20))
        ends = zip(stopped.curves[9:18], stopped.trained_epochs[9:18], strict=True)
        last = [curve[epochs - 1] for curve, epochs in ends]
        assert max(stopped.trained_epochs[9:18]) < 20
        for page in (stops, again):
            fan = next(picture.data for picture in page.pictures if picture.name == "fan-0_2")
            assert fan["50 %"].iloc[-1] == np.sort(last)[4]
            assert "A network that has stopped counts as its last loss" in page.html()

    def test_the_code_trains_the_best_network_again(self, stops, stopped, data):
        code = next(block.text for block in stops.sections[-1].blocks if isinstance(block, Code))
        code = re.sub(r"validation = \.\.\.", "validation = (data.X[20:30], data.y[20:30])", code)
        names = {"fastnn": fastnn, "data": data}
        exec(code[code.index("network =") :], names)  # noqa: S102 - what the page tells a reader to run
        best = stopped.best(1)
        assert names["run"].loss == best["loss"][0]
        assert names["run"].best_epoch == best["best_epoch"][0]

    def test_losses_are_those_of_best_epochs(self, stops, report):
        assert "best epoch" not in report.html()
        assert "last epoch" not in stops.html()
        assert "Losses of the best epoch" in [section.heading for section in stops.sections]
        assert len(table(stops, "Loss of the best epoch")) == 3


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("finished", [0, pytest.param(1, marks=pytest.mark.slow), 50])
def test_an_interrupted_sweep(data, grid, finished):
    part = replace(grid.part(range(finished)), interrupted=True)
    html = sweep_page(part, data, claim=0.03).html()
    assert f"It was interrupted: {written(160)} were asked for." in html
    assert f"{counted(finished, 'network')} of 2-2-1" in html
    assert ("No network was finished" in html) == (finished == 0)
    assert "nan" not in re.sub(r"data:image[^\"]*", "", html)  # letters of an image may be any


def test_a_very_large_sweep_is_shown_in_part(data, grid, monkeypatch):
    monkeypatch.setattr(sys.modules["fastnn.reporting.sweep_page"], "SHOWN", 20)
    report = sweep_page(grid, data)
    assert "All but the table of losses shows" in report.lead
    ends = [int(row["networks"]) for row in table(report, "Medians of each end")]
    assert 20 <= sum(ends) <= 25
    cells = table(report, "Loss of the last epoch")
    assert [row["networks"] for row in cells] == ["40"] * 4
    best = table(report, "The networks with the smallest loss over all rows")
    assert [int(row["network"]) for row in best] == grid.best(5)["network"].tolist()


@pytest.mark.parametrize("claim", [np.nan, "0.03"])
def test_refuses_a_claim_that_is_no_number(grid, data, claim):
    with pytest.raises(fastnn.InputError, match=r"claim must be a finite number; got .*\. Give a number"):
        sweep_page(grid, data, claim=claim)


FIGURES = """[...document.querySelectorAll("figure svg[role=img]")].map(svg => {
    const box = svg.getBoundingClientRect();
    return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height};
})"""


def blank(seen, box):
    """Whether a part of a page shows nothing: fewer than a hundredth of its dots differ from its corner."""
    left, top, width, height = (round(box[key]) for key in ("x", "y", "width", "height"))
    dots = seen[top : top + height, left : left + width]
    assert dots.shape[:2] == (height, width)
    return (np.abs(dots - dots[0, 0]).max(axis=-1) > 0.05).mean() < 0.01


def all_seen(page):
    """The dots of a whole page, (height, width, 3)."""
    return imread(io.BytesIO(page.picture()))[..., :3]


def brightness(colour):
    """The relative luminance of a colour as the browser tells it: rgb(0, 0, 0)."""
    channels = np.array([int(number) for number in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def colour(page, element, what):
    return page.evaluate(f"getComputedStyle(document.querySelector({element!r})).{what}")


@pytest.mark.long
class TestInTheBrowser:
    @pytest.mark.parametrize(
        ("width", "dark"), [pytest.param(DESKTOP, False, marks=pytest.mark.slow), (PHONE, True)]
    )
    def test_every_picture_is_there(self, page, folder, report, width, dark):
        page.visit(folder / "index.html", width=width, dark=dark)
        boxes = page.evaluate(FIGURES)
        assert len(boxes) == len(report.pictures)
        seen = all_seen(page)
        for box in boxes:
            assert 250 < box["width"] <= width
            assert not blank(seen, box)
        page.complain()

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_colours_follow_the_reader(self, page, folder, dark):
        page.visit(folder / "index.html", dark=dark)
        paper = brightness(colour(page, "body", "backgroundColor"))
        assert (paper < 0.02) if dark else (paper > 0.95)
        for element, what in (
            *(("body", "color"), (".lead", "color"), ("figcaption", "color"), ("thead th", "color")),
            *(("a", "color"), ("figure svg text", "fill")),
        ):
            ink = brightness(colour(page, element, what))
            assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, element

    def test_nothing_is_fetched(self, page, folder):
        page.visit(folder / "index.html")
        assert page.fetched() == [(folder / "index.html").as_uri()]

    @pytest.mark.parametrize("width", [1400, 800])
    def test_pictures_are_as_wide_as_the_text(self, page, folder, width):
        page.visit(folder / "index.html", width=width)
        widths = """[...document.querySelectorAll(".pictures")].map(row =>
            [row.clientWidth, ...[...row.querySelectorAll("figure svg")].map(svg => svg.clientWidth)])"""
        text = page.evaluate("document.querySelector('main p').clientWidth")
        rows = page.evaluate(widths)
        assert {len(row) - 1 for row in rows} >= {1, 2}
        for full, *drawn in rows:
            if width == 800 or len(drawn) % 2:
                assert drawn[-1] == pytest.approx(min(text, full), abs=2)
            if width == 1400 and len(drawn) > 1:
                assert drawn[0] + drawn[1] == pytest.approx(full, abs=40)

    @pytest.mark.parametrize("width", [1400, PHONE])
    def test_a_click_opens_a_picture_large_and_another_closes_it(self, page, tmp_path, folder, width):
        alone = tmp_path / "index.html"  # the page as it is sent, without the files beside it
        alone.write_bytes((folder / "index.html").read_bytes())
        page.visit(alone, width=width)
        before = page.evaluate("document.querySelector('#show-losses-1 svg').clientWidth")
        page.evaluate("document.querySelector('#show-losses-1 .enlarge').click()")
        box = "document.querySelector('#show-losses-1').getBoundingClientRect()"
        assert page.evaluate(f"[{box}.x, {box}.y, {box}.width, {box}.height]") == [0, 0, width, 800]
        assert page.evaluate("document.querySelector('#show-losses-1 svg').clientWidth") > 1.2 * before
        on_top = "document.elementFromPoint(innerWidth/2, innerHeight/2).className"
        assert page.evaluate(on_top) == "close"
        page.evaluate("document.elementFromPoint(innerWidth/2, innerHeight/2).click()")
        assert (
            page.evaluate("getComputedStyle(document.querySelector('#show-losses-1')).position") == "static"
        )
        seen = page.evaluate("document.querySelector('#show-losses-1').getBoundingClientRect().y")
        assert 0 <= seen < 800
        page.complain()

    def test_where_a_table_scrolls_its_edge_fades(self, page, folder):
        page.visit(folder / "index.html", width=800)
        fades = """[...document.querySelectorAll(".scrolls")].map(region => [
            region.scrollWidth > region.clientWidth,
            getComputedStyle(region).getPropertyValue("--fade-left"),
            getComputedStyle(region).getPropertyValue("--fade-right")])"""
        found = page.evaluate(fades)
        assert {scrolls for scrolls, *_ in found} == {True, False}
        assert all(left == "0px" and (right != "0px") == scrolls for scrolls, left, right in found)
        page.evaluate("for (const region of document.querySelectorAll('.scrolls')) region.scrollLeft = 1e6")
        page.settle()
        assert all(
            (left != "0px") == scrolls and right == "0px" for scrolls, left, right in page.evaluate(fades)
        )

    def test_a_phone_scrolls_down_only(self, page, folder):
        page.visit(folder / "index.html", width=PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        sizes = page.evaluate(
            """[...document.querySelectorAll("figure svg")].map(svg =>
                parseFloat(getComputedStyle(svg.querySelector("text")).fontSize)
                * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
        )
        assert min(sizes) >= 8

    def test_the_keyboard_reaches_content_and_tables(self, page, folder):
        page.visit(folder / "index.html")
        page.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("document.activeElement.getBoundingClientRect().x") >= 0
        page.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.press("Tab")
        assert page.evaluate("document.activeElement.className") == "scrolls"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    def test_a_screen_reader_hears_every_picture_and_table(self, page, folder, report):
        page.visit(folder / "index.html")
        heard = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in page.ask("Accessibility.getFullAXTree")["nodes"]
            if not node["ignored"]
        ]
        for picture in report.pictures:
            assert any(role in ("image", "img") and name == picture.alt for role, name in heard)
        named = {role: [name for kind, name in heard if kind == role] for role, _ in heard}
        assert len(named["table"]) == 8
        assert all(named["table"])
        assert all(named["region"])
        assert named["main"]
        assert named["navigation"] == ["Contents"]
        assert named["rowheader"]
        assert named["columnheader"]
        assert len(named["heading"]) == 1 + len(report.sections)

    def test_what_it_links_to_is_there(self, page, folder):
        page.visit(folder / "index.html")
        links = page.evaluate('[...document.links].map(link => link.getAttribute("href"))')
        files = [link for link in links if not link.startswith("#")]
        assert len(files) == 3 * page.evaluate('document.querySelectorAll("figure").length')
        assert all((folder / file).stat().st_size > 0 for file in files)

    def test_it_is_printed_dark_on_white(self, page, folder):
        page.visit(folder / "index.html", dark=True)
        pdf = page.pdf()
        assert pdf.startswith(b"%PDF")
        assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        page.ask("Emulation.setEmulatedMedia", media="print", features=dark)
        try:
            assert colour(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
            assert colour(page, "body", "color") == "rgb(0, 0, 0)"
            assert colour(page, "nav", "display") == "none"
        finally:
            page.ask("Emulation.setEmulatedMedia", media="", features=[])


class TestChecksCanFail:
    """Each check of a page with what it must find."""

    def test_an_error_of_a_script(self, page):
        page.open(Page("T", "L", [Section("S", [Fragment("<script>nothing()</script>")])]).html())
        with pytest.raises(AssertionError, match="nothing is not defined"):
            page.evaluate("1")

    def test_something_that_is_fetched(self, page, tmp_path):
        (tmp_path / "a.js").write_text("")
        fetching = Fragment(f'<script src="{(tmp_path / "a.js").as_uri()}"></script>')
        html = Page("T", "L", [Section("S", [fetching])]).html()
        page.open(html)
        with pytest.raises(AssertionError, match="violates the following Content Security Policy"):
            page.evaluate("1")
        page.open(html.replace("Content-Security-Policy", "without"))
        assert page.fetched()[1:] == [(tmp_path / "a.js").as_uri()]

    def test_a_picture_that_shows_nothing(self, page):
        nothing = Picture(
            "nothing", lambda ax: ax.set_axis_off(), "nothing", "nothing", pd.DataFrame({"x": []})
        )
        page.open(Page("T", "L", [Section("S", [nothing])]).html())
        (box,) = page.evaluate(FIGURES)
        assert blank(all_seen(page), box)

    def test_a_page_that_is_wider_than_a_phone(self, page):
        wide = Fragment('<div style="width: 500px">wide</div>')
        page.open(Page("T", "L", [Section("S", [wide])]).html(), width=PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") > PHONE


def test_what_moves_moves_under_the_policy(page):
    from fastnn.explaining.motion import motion

    moving = motion(NET, [[0.0, 1.0], [1.0, 0.5]], [0.0, 1.0])
    page.open(Page("T", "L", [Section("S", [Fragment(moving.fragment)])]).html())
    page.evaluate('document.querySelector("[data-part=epoch]").click()')
    assert page.evaluate('document.querySelector("[data-part=status]").textContent').startswith(
        "Epoch 1 is finished"
    )
