"""Every block of the vocabulary is written as text, as LaTeX and as HTML: its words stand there, escaped."""

import re
from typing import get_args

import pytest

from fastnn import Network
from fastnn.core.derivation import derive
from fastnn.core.expressions import Symbol
from fastnn.pages.blocks import Block, Code, Figure, Fragment, Section
from fastnn.pages.equations import Equations, Formula
from fastnn.pages.html import html_fragment, html_page
from fastnn.pages.latex import latex_document, written_as_latex
from fastnn.pages.tables import Table
from fastnn.pages.text import written_as_text

DERIVATION = derive(Network((2, 2, 1)))
W1, W2, B1 = Symbol("w", 1, (0, 0)), Symbol("w", 1, (0, 1)), Symbol("b", 1, (0,))


class Drawn(Figure):
    """A picture that needs no library."""

    name, alt, caption, failure = "it", "A line that falls.", "The loss.", ""
    inline = '<svg viewBox="0 0 1 1"></svg>'


class Missing(Drawn):
    """One that could not be drawn."""

    failure = "The picture it is missing: ValueError."


EQUATIONS = Equations(
    DERIVATION,
    (
        Formula("1", W1, (W1 + W2, B1), rule="a rule that is told once"),
        Formula("1'", W2, (W1 * W2,), sign="←", rule="a rule that is told once"),
    ),
)
BLOCKS = ["Words.", Table([{"name": "a", "n": -1.5}], "Its caption"), EQUATIONS, Code("x = 1\n"), Drawn()]
WRITERS = {
    "text": written_as_text,
    "latex": written_as_latex,
    "html": html_fragment,
    "page": lambda sections: html_page("A title", "", sections),
}
every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def one(*blocks):
    return [Section("A heading", list(blocks))]


@every_writer
def test_every_kind_of_block_is_written(write):
    kinds = {type(block) for block in [*BLOCKS, Fragment("")]} - {Drawn} | {Figure}
    assert kinds == set(get_args(Block))
    whole = write(one(*BLOCKS))
    places = [whole.index(words) for words in ("Words.", "Its caption", "a rule that is", "x = 1")]
    assert places == sorted(places)
    assert "A line that falls." in whole or "The loss." in whole
    assert whole.lower().count("a heading") >= 1


@every_writer
def test_what_stands_before_the_first_heading_has_none(write):
    whole = write([Section("", ["Words."])])
    assert "Words." in whole
    assert "subsection" not in whole
    assert "<h2" not in whole
    assert not whole.startswith("\n")


class TestText:
    def test_numbers_to_the_right_and_words_to_the_left(self):
        table = Table([{"name": "a", "n": 7, "end": "ok"}, {"name": "long", "n": 1.25, "end": "diverged"}])
        assert written_as_text(one(table)) == (
            "A HEADING\n\nname     n  end\na        7  ok\nlong  1.25  diverged\n"
        )

    def test_a_rule_stands_where_it_is_used_first(self):
        assert written_as_text(one(EQUATIONS)) == (
            "A HEADING\n\n(1)    w1 = w1 + w2 = b1\n         a rule that is told once\n(1')   w2 ← w1*w2\n"
        )

    def test_markup_is_left_out(self):
        assert written_as_text(one(Fragment("<b>bold</b>"), "Words.")) == "A HEADING\n\nWords.\n"


class TestLatex:
    def test_columns_of_numbers_are_to_the_right(self):
        latex = written_as_latex(one(Table([{"name": "a_b", "n": 7}], "5 % & more")))
        assert r"\begin{longtable}{lr}" in latex
        assert r"a\_b & 7 \\" in latex
        assert r"5 \% \& more" in latex

    def test_signs_of_latex_are_shown_and_not_obeyed(self):
        evil = r"\input{x} $1 #2 ~ ^ {a} & 5 %"
        for latex in (written_as_latex(one(evil)), latex_document(evil, "")):
            assert (
                r"\textbackslash{}input\{x\} \$1 \#2 \textasciitilde{} \textasciicircum{} \{a\} \& 5 \%"
            ) in latex


class TestHtml:
    def test_a_part_has_no_ids_and_a_page_has_them(self):
        assert " id=" not in html_fragment(one("Words."))
        assert '<section id="a-heading" aria-label="A heading">' in html_page("T", "", one("Words."))

    def test_a_part_styles_nothing_but_itself(self):
        (style,) = re.findall(r"<style>(.*)</style>", html_fragment(one("Words.")), re.DOTALL)
        outermost = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
        while "{" in outermost:
            outermost = re.sub(r"\{[^{}]*\}", ";", outermost)
        rules = [rule.strip() for rule in outermost.split(";") if rule.strip()]
        assert {rule.partition(" ")[0] for rule in rules} == {
            ".fastnn-blocks",
            "@property",
            "@keyframes",
            "@media",
        }

    def test_a_number_has_a_minus_and_words_keep_their_hyphens(self):
        html = html_fragment(one(Table([{"name": "min-max", "n": -1e-7}], formats={"n": "{:g}"})))
        assert '<th scope="row">min-max</th><td class="number">−1e−07</td>' in html

    def test_a_command_is_one_line_and_a_source_has_lines(self):
        assert '<pre class="line"><code>fastnn</code></pre>' in html_fragment(one(Code("fastnn")))
        assert "<pre><code>x = 1\ny = 2</code></pre>" in html_fragment(one(Code("x = 1\ny = 2")))

    def test_a_missing_picture_is_told_and_leads_to_its_numbers(self):
        html = html_page("T", "", one(Missing()))
        assert "The picture it is missing: ValueError. Its numbers are there" in html
        assert "<figure" not in html

    @pytest.mark.parametrize("sections", [2, 3])
    def test_more_than_two_sections_have_a_list_of_contents(self, sections):
        html = html_page("T", "", [Section(f"Part {n}", []) for n in range(sections)])
        assert ("<nav" in html) == (sections > 2)

    def test_signs_that_no_page_can_hold_are_replaced(self):
        for html in (html_fragment(one("a\x00b")), html_page("T", "", one("a\x00b"))):
            assert "<p>a\N{REPLACEMENT CHARACTER}b</p>" in html


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_notebook_it_has_the_colours_around_it(page, dark):
    around = "#223344" if dark else "#eeddcc"
    page.open(f'<!doctype html><body style="color: {around}">{html_fragment(one(*BLOCKS[:4]))}', dark=dark)
    colours = """[...document.querySelectorAll("p, td, math, code")].map((e) => getComputedStyle(e).color)"""
    expected = "rgb(34, 51, 68)" if dark else "rgb(238, 221, 204)"
    assert set(page.evaluate(colours)) == {expected}
    assert page.evaluate("getComputedStyle(document.querySelector('.fastnn-blocks')).backgroundColor") == (
        "rgba(0, 0, 0, 0)"
    )


def test_the_rows_of_a_table_may_come_one_by_one():
    assert Table({"n": n} for n in (1, 2)).cells() == ([("n", True)], [[("1", True)], [("2", True)]])
