"""Pages: what is put into them stands in them, as text; folders appear whole or not at all."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.checking import InputError
from fastnn.reporting import (
    Code,
    Fragment,
    Page,
    Picture,
    Section,
    Table,
    per_cent,
    published_folder,
    written,
)
from fastnn.reporting.publishing import LIST

THIN = "\N{NARROW NO-BREAK SPACE}"
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """The elements of a page; fails where tags do not match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


KILLED_AT_THE_THIRD_MOVE = """
import os, sys
from pathlib import Path
from fastnn.reporting import published_folder

replace, moves = Path.replace, []

def killed(self, target):
    moves.append(target)
    if len(moves) == 3:  # after the list and one file
        os._exit(9)
    return replace(self, target)

Path.replace = killed
with published_folder(sys.argv[1]) as folder:
    (folder / "index").write_text("2")
    (folder / "other").write_text("2")
"""


def picture(name="one", alt="What it shows", data=None):
    return Picture(
        name, drawing, alt, "A caption", pd.DataFrame({"x": [1, 2], "y": [3, 4]}) if data is None else data
    )


def drawing(ax):
    ax.plot([1, 2], [3, 4], color="black")
    ax.set_title("A title")


def page(*blocks, title="A title", lead="A lead."):
    return Page(title, lead, [Section("One", list(blocks))])


class TestPage:
    def test_the_outline_is_sound(self):
        html = Page(
            "T", "L", [Section(f"Part {n}", ["p", Code("c"), picture(f"p{n}")]) for n in range(3)]
        ).html()
        outline = Outline(html)
        assert outline.all("html") == [{"lang": "en"}]
        assert len(outline.all("h1")) == 1
        assert len(outline.all("h2")) == len(outline.all("section")) == 3
        ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = {a["href"][1:] for a in outline.all("a") if a["href"].startswith("#")}
        enlarged = {f"{what}-p{n}" for what in ("show", "place") for n in range(3)}
        assert {"part-0", "part-1", "part-2", "content", *enlarged} == links <= set(ids)

    def test_nothing_is_fetched(self):
        html = page(picture(), Table([{"a": 1}], "t")).html()
        outline = Outline(html)
        assert not [attributes for _, attributes in outline.elements if "src" in attributes]
        addresses = [attributes["href"] for _, attributes in outline.elements if "href" in attributes]
        assert all(address.startswith(("#", "pictures/", "data:")) for address in addresses)
        assert "@import" not in html
        assert "url(http" not in html

    def test_text_is_shown_and_not_obeyed(self):
        evil = '<script>alert(1)</script> & "quotes" \''
        html = page(
            evil,
            Code(evil),
            Table([{evil: evil}], evil),
            picture(alt=evil),
            title=evil,
            lead=evil,
        ).html()
        assert "<script" not in html
        outline = Outline(html)
        assert sum(evil in text for text in outline.text) == 8  # the title twice: in the tab, too
        assert next(a["aria-label"] for a in outline.all("svg")) == evil

    def test_fragments_go_in_as_they_are(self):
        assert "<b>bold</b>" in page(Fragment("<b>bold</b>")).html()

    def test_pictures_that_follow_one_another_share_a_row(self):
        html = page(picture("a"), picture("b"), "text", picture("c")).html()
        assert html.count('<div class="pictures">') == 2

    def test_two_sections_need_no_contents(self):
        assert "<nav" not in page("text").html()

    @pytest.mark.parametrize("names", [["one", "one"], ["../one"], ["a b"], [""]])
    def test_refuses_names_of_pictures(self, names):
        with pytest.raises(
            InputError, match=r"picture's name must be its own, made of letters.*got '.*Rename"
        ):
            page(*[picture(name) for name in names]).html()

    def test_an_explanation_may_stand_in_it(self):
        explanation = fastnn.explain(fastnn.Network((1, 1)))
        html = Page("T", "L", [Section("One", ["Words."]), *explanation.sections()]).html()
        headings = ["One", "Forward pass", "Loss", "Derivatives", "Deltas", "Updates"]
        assert re.findall(r"<h2>(.*?)</h2>", html) == headings
        assert html.count('<div class="equation">') == len(explanation.lines)

    @pytest.mark.parametrize("heading", ["!", "…"])
    def test_refuses_a_heading_that_nothing_can_link_to(self, heading):
        with pytest.raises(InputError, match=r"must have a heading of its own; got .*Rename it"):
            Page("T", "L", [Section(heading, [])]).html()

    def test_refuses_equal_headings(self):
        twice = Page("T", "L", [Section("The same", []), Section("the same!", [])])
        with pytest.raises(InputError, match=r"must have a heading of its own; got 'The same'\. Rename it"):
            twice.html()

    def test_without_matplotlib_it_says_what_to_install(self, monkeypatch):
        ready = page(picture())
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert "text" in page("text").html()
        with pytest.raises(InputError, match=r'not installed. Run: pip install "fastnn-sweep\[plot\]"'):
            ready.html()


class TestTable:
    def test_caption_headings_and_rows(self):
        table = Table(pd.DataFrame({"name": ["a", "b"], "n": [1, 20000]}), "A caption", {"n": "number"})
        outline = Outline(page(table).html())
        assert {"scope": "col", "class": "number"} in outline.all("th")
        assert outline.all("th").count({"scope": "row"}) == 2
        text = " ".join(outline.text)
        assert "A caption" in text
        assert "number" in text
        assert f"20{THIN}000" in text

    def test_rows_of_mappings(self):
        assert Table([{"a": 1, "b": "x"}], "c").cells() == (
            [("a", True), ("b", False)],
            [[("1", True), ("x", False)]],
        )

    def test_formats(self):
        rows = [{"share": 0.125, "x": -0.5, "y": -1.0}]
        formats = {"share": per_cent, "x": "{:.2f}", "y": lambda value: f"<{value:g}>"}
        _, [cells] = Table(rows, "c", formats=formats).cells()
        assert [text for text, _ in cells] == [f"12.5{THIN}%", "-0.50", "<-1>"]

    def test_columns_keep_their_kinds(self):
        frame = pd.DataFrame({"n": np.array([1338]), "x": np.float32([0.5]), "c": pd.Categorical(["ok"])})
        _, [cells] = Table(frame, "c").cells()
        assert cells == [(f"1{THIN}338", True), ("0.5", True), ("ok", False)]

    @pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan")])
    def test_what_is_missing_is_a_dash(self, missing):
        assert Table([{"a": missing}], "c").cells()[1][0][0][0] == "–"

    def test_no_rows(self):
        assert Table(pd.DataFrame({"a": []}), "c").cells()[1] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10_000, f"10{THIN}000"),
        (np.int64(999), "999"),
        (0.033491, "0.03349"),
        (-1.5e-7, "−1.5e−07"),
        (float("inf"), "inf"),
        ("ok", "ok"),
        (True, "True"),
    ],
)
def test_values_are_written_as_a_person_would(value, text):
    assert written(value) == text


class TestPicture:
    def test_black_is_ink_and_white_is_paper(self):
        inline = picture().inline
        assert "stroke: currentColor" in inline
        assert "#000000" not in inline
        assert "#ffffff" not in inline
        assert "fill: var(--paper)" in inline

    def test_the_element_stands_alone(self):
        inline = picture().inline
        assert inline.startswith("<svg viewBox=")
        assert "<style" not in inline
        assert "<metadata" not in inline
        used = set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", inline))
        assert used
        assert used <= set(re.findall(r' id="([^"]+)"', inline))
        ElementTree.fromstring(inline.replace("xlink:href", "href"))  # noqa: S314 - our own

    def test_text_is_text(self):
        assert ">A title</text>" in picture().inline

    def test_the_files_are_the_same_each_time(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            picture().write(tmp_path / name)
        for file in ("one.svg", "one.png", "one.csv"):
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert (tmp_path / "a/one.csv").read_text() == "x,y\n1,3\n2,4\n"
        ElementTree.parse(tmp_path / "a/one.svg")  # noqa: S314

    def test_no_cell_of_the_data_is_a_formula(self, tmp_path):
        data = pd.DataFrame({"=1+1": ["@SUM(A1)", "fine", "-2"], "n": [-1.0, 2.0, 3.0]})
        data["kind"] = pd.Categorical(["+a", "b", "b"])
        picture(data=data).write(tmp_path)
        lines = (tmp_path / "one.csv").read_text().splitlines()
        assert lines == ["'=1+1,n,kind", "'@SUM(A1),-1.0,'+a", "fine,2.0,b", "'-2,3.0,b"]


class TestPublishedFolder:
    """`listing` tells every file with its content, so that nothing can be lost unseen."""

    @staticmethod
    def listing(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    @staticmethod
    def publish(name, **files):
        with published_folder(name) as folder:
            for file, content in files.items():
                path = folder / file.replace("__", "/")
                path.parent.mkdir(exist_ok=True)
                path.write_text(content)

    @staticmethod
    def fail(name, error):
        with published_folder(name) as folder:
            (folder / "index").write_text("half")
            raise error

    def test_appears_whole(self, tmp_path):
        new = tmp_path / "a/b"
        self.publish(new, index="page", pictures__one="1")
        found = self.listing(new)
        assert found.pop(LIST)
        assert found == {"index": b"page", "pictures/one": b"1"}

    def test_nothing_is_seen_before_the_end(self, tmp_path):
        with published_folder(tmp_path / "new") as folder:
            (folder / "index").write_text("half")
            seen = [path for path in (tmp_path / "new").iterdir() if not path.name.startswith(".")]
            assert seen == []

    def test_replaces_what_it_wrote_and_leaves_no_old_file(self, tmp_path):
        self.publish(tmp_path / "new", index="1", pictures__old="1")
        self.publish(tmp_path / "new", index="2", more__one="2")
        found = self.listing(tmp_path / "new")
        found.pop(LIST)
        assert found == {"index": b"2", "more/one": b"2"}
        assert not (tmp_path / "new/pictures").exists()

    def test_the_list_can_be_checked_with_ordinary_tools(self, tmp_path):
        self.publish(tmp_path / "new", index="page")
        assert (tmp_path / "new" / LIST).read_text() == f"{sha256(b'page').hexdigest()}  index\n"
        check = ["sha256sum", "--check", "--strict", LIST]
        subprocess.run(check, cwd=tmp_path / "new", check=True, capture_output=True)

    @pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), InputError("no")])
    def test_a_failure_leaves_no_new_folder(self, tmp_path, error):
        with pytest.raises(type(error)):
            self.fail(tmp_path / "a/b", error)
        assert list(tmp_path.iterdir()) == []

    def test_a_failure_leaves_an_old_folder_as_it_was(self, tmp_path):
        self.publish(tmp_path, index="1")
        before = self.listing(tmp_path)
        with pytest.raises(OSError, match="full"):
            self.fail(tmp_path, OSError("full"))
        assert self.listing(tmp_path) == before

    @pytest.mark.parametrize("name", ["notes.txt", "pictures/mine.png", "index"])
    def test_refuses_a_folder_with_somebody_elses_file(self, tmp_path, name):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("precious")
        with pytest.raises(
            InputError, match=rf"must be new, or hold only what fastnn wrote; got .*{name}. Name"
        ):
            self.publish(tmp_path, index="1")
        assert self.listing(tmp_path) == {name: b"precious"}

    def test_refuses_where_such_a_file_came_meanwhile(self, tmp_path):
        publishing = published_folder(tmp_path / "new")
        (publishing.__enter__() / "index").write_text("1")
        (tmp_path / "new/index").write_text("precious")
        with pytest.raises(InputError, match="holds index"):
            publishing.__exit__(None, None, None)
        assert self.listing(tmp_path / "new") == {"index": b"precious"}

    def test_refuses_a_folder_in_which_a_file_was_changed(self, tmp_path):
        self.publish(tmp_path, index="1")
        (tmp_path / "index").write_text("my notes")
        with pytest.raises(InputError, match=r"in which index was changed\. Name another folder, or move"):
            self.publish(tmp_path, index="2")
        assert (tmp_path / "index").read_text() == "my notes"

    def test_refuses_links_that_lead_out(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "new").mkdir()
        (tmp_path / "new/pictures").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InputError, match="which holds pictures"):
            self.publish(tmp_path / "new", pictures__one="1")
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_a_forged_list_removes_nothing_outside(self, tmp_path):
        (tmp_path / "precious").write_text("precious")
        self.publish(tmp_path / "new", index="1")
        line = f"{sha256(b'precious').hexdigest()}  ../precious\n"
        with (tmp_path / "new" / LIST).open("a") as file:
            file.write(line)
        self.publish(tmp_path / "new", index="2")
        assert (tmp_path / "precious").read_text() == "precious"

    def test_hidden_files_are_left_alone(self, tmp_path):
        (tmp_path / ".DS_Store").write_text("mac")
        self.publish(tmp_path, index="1")
        self.publish(tmp_path, index="2")
        assert (tmp_path / ".DS_Store").read_text() == "mac"

    def test_an_empty_folder_and_the_current_one_will_do(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        self.publish(".", index="1")
        self.publish(".", index="2")
        assert Path("index").read_text() == "2"

    def test_refuses_a_file(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(
            InputError, match=r"must not be a file; got .*file, which is one. Name another folder"
        ):
            self.publish(tmp_path / "file", index="1")

    def test_a_folder_below_a_file_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(InputError, match=r"got .*file/below: Not a directory\. Name another folder"):
            self.publish(tmp_path / "file/below", index="1")
        assert self.listing(tmp_path) == {"file": b"x"}

    def test_a_run_killed_while_files_change_places_can_be_run_again(self, tmp_path):
        self.publish(tmp_path, index="1", other="1", third="1")
        done = subprocess.run([sys.executable, "-c", KILLED_AT_THE_THIRD_MOVE, str(tmp_path)], check=False)
        assert done.returncode == 9
        mixed = {name: text for name, text in self.listing(tmp_path).items() if not name.startswith(".")}
        assert mixed == {"index": b"2", "other": b"1", "third": b"1"}
        self.publish(tmp_path, index="3")
        assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["index"]

    def test_what_a_killed_run_left_is_swept_after_a_day(self, tmp_path):
        for name, age in ((".unfinished-old", 2 * 24 * 3600), (".unfinished-young", 60)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "index").write_text("half")
            stamp = (tmp_path / name).stat().st_mtime - age
            os.utime(tmp_path / name, (stamp, stamp))
        self.publish(tmp_path, index="1")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".unfinished-young", LIST, "index"]


def test_a_page_is_written_with_its_pictures_and_their_data(tmp_path):
    page(picture("one"), picture("two")).write(tmp_path)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    pictures = [f"pictures/{name}.{ending}" for name in ("one", "two") for ending in ("csv", "png", "svg")]
    assert names == ["index.html", *pictures]
    linked = [a["href"] for a in Outline((tmp_path / "index.html").read_text()).all("a")]
    assert set(pictures) < set(linked)


def test_a_page_overwrites_nothing(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileExistsError):
        page("text").write(tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_importing_the_package_loads_no_reporting():
    assert "fastnn.reporting" not in vars(fastnn)
