"""Sections as LaTeX, which needs amsmath, listings and longtable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastnn.pages.blocks import Block, Code, Figure, Fragment, Section
from fastnn.pages.equations import Equations, display_rows
from fastnn.pages.tables import Cell, Table
from fastnn.printing.latex import Latex
from fastnn.printing.notation import Text

__all__ = ["latex_document", "written_as_latex"]

ROW = 64  # characters of text that fit on a line of equations
SIGNS = {"=": "=", "←": r"\leftarrow", "+": "+"}
ESCAPES = str.maketrans(
    {sign: rf"\{sign}" for sign in "_&%$#{}"}
    | {"'": r"\textquotesingle{}", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
    | {"^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "∂": r"$\partial$", "→": r"$\rightarrow$"}
    | {"\N{MINUS SIGN}": "$-$", "\N{NARROW NO-BREAK SPACE}": r"\,"}
)
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


def written_as_latex(sections: Iterable[Section]) -> str:
    """The sections as the body of a document."""
    parts: list[str] = []
    for section in sections:
        if section.heading:
            parts.append(rf"\subsection*{{{section.heading.translate(ESCAPES)}}}")
        parts += map(_block, section.blocks)
    return "\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case str(words) | Figure(alt=words):
            return _words(words)
        case Table():
            return _table(block)
        case Equations():
            rows = " \\\\\n".join(_formulas(block))
            return f"\\begin{{align}}\n{rows}\n\\end{{align}}"
        case Code(source):
            return f"\\begin{{lstlisting}}\n{source}\\end{{lstlisting}}"
        case Fragment():
            return ""


def _words(words: str) -> str:
    return words.translate(ESCAPES) + "\n"


def _formulas(equations: Equations) -> Iterator[str]:
    latex, text = Latex(equations.derivation), Text(equations.derivation)
    for formula, rule in equations.told():
        rows = [
            " ".join(f"{SIGNS[sign]} {latex(node)}" for sign, node in run)
            for run in display_rows(formula, text, ROW)
        ]
        before = rf"\intertext{{\small {rule.translate(ESCAPES)}}}" + "\n" if rule else ""
        between = " \\notag \\\\\n  &"
        yield f"{before}{latex(formula.target)} &{between.join(rows)} \\tag{{{formula.number}}}"


def _table(table: Table) -> str:
    header, rows = table.cells()
    columns = "".join("r" if is_number else "l" for _, is_number in header)
    caption = [_words(table.caption)] if table.caption else []
    start = rf"{{\small\begin{{longtable}}{{{columns}}}"
    head, *body = map(_row, (header, *rows))
    return "\n".join([*caption, start, head, r"\hline\endhead", *body, r"\end{longtable}}"])


def _row(cells: Iterable[Cell]) -> str:
    return " & ".join(text.translate(ESCAPES) for text, _ in cells) + r" \\"
