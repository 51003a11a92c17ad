"""Blocks as LaTeX, which needs amsmath, listings and longtable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastnn.core.derivation import Derivation
from fastnn.explaining.blocks import Block, Code, Equations, Formula, Heading, Paragraph, Table, display_rows
from fastnn.printing.notation import Latex, Text

__all__ = ["latex_document", "written_as_latex"]

ROW = 64  # characters of text that fit on a line of equations
SIGNS = {"=": "=", "←": r"\leftarrow", "+": "+"}
# What the words and tables of explanations have in them.
ESCAPES = str.maketrans({"_": r"\_", "'": r"\textquotesingle{}", "∂": r"$\partial$", ">": "$>$"})
DOCUMENT = r"""\documentclass{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,listings,longtable,textcomp}
\lstset{basicstyle=\ttfamily\small,breaklines=true,columns=fullflexible}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\begin{document}
\section*{%s}
%s\end{document}
"""


def latex_document(title: str, body: str) -> str:
    """A document that compiles as it stands."""
    return DOCUMENT % (title.translate(ESCAPES), body)


def written_as_latex(derivation: Derivation, blocks: Iterable[Block]) -> str:
    """The blocks as the body of a document."""
    latex, text = Latex(derivation), Text(derivation)
    return "\n".join(_block(block, latex, text) for block in blocks) + "\n"


def _block(block: Block, latex: Latex, text: Text) -> str:
    match block:
        case Heading(words):
            return rf"\subsection*{{{words.translate(ESCAPES)}}}"
        case Paragraph(words):
            return words.translate(ESCAPES) + "\n"
        case Equations(formulas):
            rows = " \\\\\n".join(_formulas(formulas, latex, text))
            return f"\\begin{{align}}\n{rows}\n\\end{{align}}"
        case Table():
            return _table(block)
        case Code(source):
            return f"\\begin{{lstlisting}}\n{source}\\end{{lstlisting}}"


def _formulas(formulas: tuple[Formula, ...], latex: Latex, text: Text) -> Iterator[str]:
    told = {""}
    for formula in formulas:
        rule = ""
        if formula.rule not in told:
            told.add(formula.rule)
            rule = rf"\intertext{{\small {formula.rule.translate(ESCAPES)}}}" + "\n"
        yield rule + _formula(formula, latex, text)


def _formula(formula: Formula, latex: Latex, text: Text) -> str:
    rows = [
        " ".join(f"{SIGNS[sign]} {latex(node)}" for sign, node in run)
        for run in display_rows(formula, text, ROW)
    ]
    between = " \\notag \\\\\n  &"
    return f"{latex(formula.target)} &{between.join(rows)} \\tag{{{formula.number}}}"


def _table(table: Table) -> str:
    rows = (" & ".join(row).translate(ESCAPES) + r" \\" for row in (table.header, *table.rows))
    head, *body = rows
    columns = "l" + "r" * (len(table.header) - 1)
    start = rf"{{\small\begin{{longtable}}{{{columns}}}"
    return "\n".join([start, head, r"\hline\endhead", *body, r"\end{longtable}}"])
