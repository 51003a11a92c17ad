"""The guide: its code runs as it stands, its tables are those of the code, its pages work offline."""

import ast
import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alone import compare_with_itself
from documents import blocks, links, run
from uncompiled import compile_nothing_unusual

import fastnn
from fastnn import plotting
from fastnn.commands.cli import main
from fastnn.core.activations import ACTIVATIONS
from fastnn.guide import pages as pages_
from fastnn.guide.chapters import CHAPTERS, INDEX, Chapter, chapter, chapters
from fastnn.guide.pages import readable
from fastnn.guide.references import REFERENCES
from fastnn.guide.tables import TABLES, filled
from fastnn.tutorial import script

FOLDER = Path(fastnn.__file__).parent / "guide"
NAMES = [INDEX, *CHAPTERS]
# How blocks begin that are to be read, or need files that do not come with fastnn.
FOR_OTHER_MACHINES = ("dask ", "from distributed ", "z1 = ", "fastnn studies --proben1 ")
# Chapters that train for a short time, by many rules.
OF_MANY_RULES = ("arithmetic", "classes", "command_line", "from_scikit_learn", "other_libraries", "sweeps")


class TestTexts:
    def test_all_of_them_are_chapters(self):
        assert {path.stem for path in FOLDER.glob("*.md")} == set(NAMES)

    @pytest.mark.parametrize("name", NAMES)
    def test_links_lead_to_chapters(self, name):
        assert {Path(target).stem for target in links(chapter(name).text)} <= set(NAMES)
        assert all(target.endswith(".md") for target in links(chapter(name).text))

    @pytest.mark.parametrize("name", NAMES)
    def test_code_that_is_not_run_is_for_other_machines(self, name):
        for language, code in blocks(chapter(name).text):
            # The query in SQL is run by the tests of stores.
            assert language in ("python", "sh", "sql") or code.startswith(FOR_OTHER_MACHINES), code

    def test_every_one_but_the_first_has_code(self):
        assert all(blocks(chapter(name).text, "python", "sh") for name in CHAPTERS)

    def test_a_text_without_a_heading_is_refused(self):
        with pytest.raises(ValueError, match="odd must begin with a heading and a paragraph"):
            _ = Chapter("odd", "Only words.").title

    def test_the_title_and_the_summary_are_its_beginning(self):
        text = Chapter("short", "# Of it\n\nIn two\nlines.\n\nMore.\n")
        assert (text.title, text.summary) == ("Of it", "In two lines.")

    def test_the_loop_that_is_shown_is_the_one_that_runs(self):
        (shown,) = (code for _, code in blocks(chapter("first_steps").text, "text"))
        lines = {line.strip() for line in fastnn.code(fastnn.Network((2, 2, 1)), "loop").splitlines()}
        assert {line.partition("  #")[0].strip() for line in shown.splitlines()} - {"..."} <= lines

    def test_every_picture_is_told_of(self):
        told = re.findall(r"^\| `(\w+)` \|", chapter("pictures").text, re.MULTILINE)
        helpers = {"intervals", "new_figure", "save", "tables"}
        assert set(told) == set(plotting.__all__) - helpers

    def test_python_for_other_machines_can_be_read(self):
        (code,) = (code for _, code in blocks(chapter("executors").text, "text") if "distributed" in code)
        assert ast.parse(code)


@pytest.fixture
def once(monkeypatch):
    """What other tests run is not run again: Keras, whose part is fastnn's here, and the notebook."""
    compare_with_itself(monkeypatch)
    monkeypatch.setattr("fastnn.tutorial.notebook", lambda networks, told: script(networks))


def few_rows(monkeypatch):
    """A data set of scikit-learn's has 30 rows: all of them are trained on for 7 s."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    X, y = datasets.load_diabetes(return_X_y=True)
    monkeypatch.setattr(datasets, "load_diabetes", lambda return_X_y: (X[:30], y[:30]))


@pytest.mark.usefixtures("undrawn", "once")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name == "sweeps" else ()) for name in CHAPTERS],  # 6 s
)
def test_code_runs(name, tmp_path, monkeypatch):
    if name == "from_scikit_learn":
        few_rows(monkeypatch)
    if name in OF_MANY_RULES:
        compile_nothing_unusual(monkeypatch.setattr)
    assert run(chapter(name).text, tmp_path, monkeypatch)


class TestTables:
    def test_every_activation_has_its_line(self):
        _, _, *rows = TABLES["activations"]().splitlines()
        assert [row.split("`")[1] for row in rows] == list(ACTIVATIONS)
        cells = {row.split("`")[1]: [cell.strip() for cell in row.split(" | ")] for row in rows}
        assert cells["relu"][1:4] == ["`0 if z <= 0 else z`", "`g if z > 0 else 0`", "yes"]
        assert cells["tanh"][1:4] == ["`tanh(z)`", "`g*(1 - h*h)`", "no"]
        assert "takes 0.01 there" in cells["leaky_relu"][4]

    def test_they_take_their_places(self):
        assert filled("a\n\n<!-- table: activations -->\n\nb") == f"a\n\n{TABLES['activations']()}\n\nb"

    def test_all_places_are_known_and_all_tables_used(self):
        places = {place for name in NAMES for place in re.findall(r"<!-- table: (\w+)", chapter(name).text)}
        assert places == set(TABLES)

    def test_the_first_page_names_every_chapter_and_module(self):
        text = filled(chapter(INDEX).text)
        assert all(f"[{one.title}]({one.name}.md) | {one.summary} |" in text for one in chapters())
        assert all(f"`{name}`" in text for name in REFERENCES)


SEARCH = """new Promise((done) => {
    const box = document.querySelector("input[type=search]")
    box.focus()
    box.value = "replay"
    box.dispatchEvent(new Event("input"))
    const look = () => {
        const text = document.querySelector("main").textContent
        text.includes("search result") ? done(text) : setTimeout(look, 50)
    }
    look()
})"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The guide, made by the command, in a folder."""
    folder = tmp_path_factory.mktemp("guide") / "out"
    assert main(["guide", "--no-open", "--out", str(folder)]) == 0
    return folder


def words(path):
    """What a page says."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", path.read_text(encoding="utf-8"))).split())


class TestDocstrings:
    def test_tables_and_literal_blocks_are_such_in_markdown(self):
        rule = "===== ==="
        table = f"{rule}\nname  f\n{rule}\nrelu  a\ntanh  b\n{rule}"
        assert readable(f"Words.\n\n{table}\n\nMore.") == f"Words.\n\n```text\n{table}\n```\n\nMore."
        assert readable("A folder::\n\n    one\n") == "A folder:\n\n    one\n"
        assert readable("Words.\n\n::\n\n    one\n") == "Words.\n\n\n\n    one\n"

    def test_others_stay_as_they_are(self):
        text = "A slice a[::2] of ``x``.\n\nParameters\n----------\nx : int\n"
        assert readable(text) == text


class TestPages:
    def test_every_text_and_every_module_has_one(self, built):
        made = {path.relative_to(built).as_posix() for path in built.rglob("*.html")}
        assert made == {f"{name}.html" for name in NAMES} | {
            f"{name.replace('.', '/')}.html" for name in REFERENCES
        }

    def test_they_show_the_tables_and_the_docstrings(self, built):
        assert "0.01*z if z <= 0 else z" in words(built / "arithmetic.html")
        door = words(built / "fastnn.html")
        assert all(name in door for name in fastnn.__all__)
        assert "Train one network" in door

    def test_their_links_lead_to_files(self, built):
        for page in built.rglob("*.html"):
            text = page.read_text(encoding="utf-8").partition("<script>")[0]
            targets = re.findall(r'href="([^"#]+)(?:#[^"]*)?"', text)
            inner = [target for target in targets if not target.startswith("http")]
            assert inner
            for target in inner:
                assert (page.parent / target).is_file(), f"{page.name}: {target}"

    def test_they_link_to_what_they_name(self, built):
        assert 'href="fastnn.html#Network"' in (built / "first_steps.html").read_text(encoding="utf-8")

    def test_they_are_written_again_over_old_ones_and_not_over_others(self, built, monkeypatch, capsys):
        made = {path.relative_to(built).as_posix(): "again" for path in built.rglob("*") if path.is_file()}
        before = {name: (built / name).read_text(encoding="utf-8") for name in made}
        monkeypatch.setattr("fastnn.guide.pages", lambda: made)
        assert main(["guide", "--no-open", "--out", str(built)]) == 0
        assert capsys.readouterr().out == f"guide    {built / 'index.html'}\n"
        assert (built / "index.html").read_text(encoding="utf-8") == "again"
        (built / "mine.txt").write_text("mine")
        assert main(["guide", "--no-open", "--out", str(built)]) == 2
        assert "mine.txt" in capsys.readouterr().err
        (built / "mine.txt").unlink()
        for name, text in before.items():
            (built / name).write_text(text, encoding="utf-8")

    def test_they_fit_and_fetch_nothing_from_elsewhere(self, built, page):
        for name in (*NAMES, "fastnn", "fastnn/plotting"):
            page.visit(built / f"{name}.html", width=1200)
            for width in (1200, 400):
                page.resize(width)
                across = page.evaluate("document.documentElement.scrollWidth")
                assert across <= width, f"{name} is {across} wide"
            assert all(address.startswith("file:") for address in page.fetched())

    def test_words_are_found_in_them(self, built, page):
        page.visit(built / "index.html", width=1200)
        page.evaluate("console.info = () => {}")  # the index tells there whether it was compiled
        found = page.evaluate(SEARCH)
        assert "fastnn.Sweep.replay" in found
        assert all(address.startswith("file:") for address in page.fetched())


class TestCommand:
    @pytest.fixture(autouse=True)
    def few_pages(self, monkeypatch, tmp_path):
        """A guide of one page, in a cache folder of its own."""
        made = {"index.html": "<p>The guide</p>", "search.js": "", "fastnn/plotting.html": ""}
        monkeypatch.setattr("fastnn.guide.pages", lambda: made)
        monkeypatch.setattr("fastnn.guide.need_libraries", lambda: None)
        monkeypatch.setattr("fastnn.commands.guiding.cache_folder", lambda: tmp_path / "cache")

    @pytest.mark.parametrize("found", [True, False])
    def test_it_opens_the_first_page(self, found, monkeypatch, tmp_path, capsys):
        opened = []
        monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or found)
        assert main(["guide"]) == 0
        index = tmp_path / "cache" / "guide" / "index.html"
        assert opened == [index.as_uri()]
        said = capsys.readouterr()
        assert said.out == f"guide    {index}\n"
        assert ("no browser was found" in said.err) is not found

    def test_without_a_home_it_asks_for_a_folder(self, monkeypatch, capsys):
        def homeless():
            raise RuntimeError("no home")

        monkeypatch.setattr("fastnn.commands.guiding.cache_folder", homeless)
        assert main(["guide", "--no-open"]) == 2
        assert "Give --out FOLDER." in capsys.readouterr().err

    def test_it_opens_nothing_where_that_is_asked_for(self, monkeypatch, tmp_path):
        monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("opened"))
        monkeypatch.chdir(tmp_path)
        assert main(["guide", "--no-open", "--out", "here"]) == 0
        assert (tmp_path / "here/fastnn/plotting.html").is_file()


@pytest.mark.slow
def test_docstrings_that_name_a_missing_library_are_shown(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; from fastnn.guide import references;"
        "references.REFERENCES = ('fastnn', 'fastnn.plotting'); from fastnn.commands.cli import main;"
        "sys.exit(main(['guide', '--no-open', '--out', 'out']))"
    )
    where = {**os.environ, "PYTHONPATH": str(Path(fastnn.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=where, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "sweep_histogram" in words(tmp_path / "out/fastnn/plotting.html")


def test_without_pdoc_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "pdoc", None)
    assert main(["guide", "--no-open", "--out", str(tmp_path / "out")]) == 2
    assert 'pip install "fastnn-sweep[guide]"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(fastnn.InputError, match="the guide needs pdoc"):
        pages_()
