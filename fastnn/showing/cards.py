"""Small HTML cards for notebooks: facts, tables, and line and bar pictures drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.showing.lettering import plain

__all__ = ["card", "fold", "histogram", "number", "shown_or_none", "sparkline", "table"]

WIDTH, HEIGHT = 320, 56
POINTS = 200  # the most points of a line
BARS = 32
WIDE = 100  # the ratio of largest to smallest above which a picture is logarithmic
LOGARITHMIC = ", on a logarithmic scale"
SHOWN = 0.95  # a histogram ends at this quantile; its last bar also counts the larger values
LONGEST = 120  # the most characters of a name or of a fact

TABLE = "margin:0.3em 0;border-collapse:collapse"
CELL = "padding:0.1em 1em 0.1em 0;text-align:left;vertical-align:top"
QUIET = f"{CELL};opacity:0.7;white-space:nowrap"
NO_MATHEMATICS = "tex2jax_ignore mathjax_ignore"  # MathJax then leaves a name between two dollars alone


def card(title: str, facts: Iterable[tuple[str, str]], picture: str, *parts: str) -> str:
    """A title, a picture, named facts and further parts; the picture and the parts are HTML already."""
    lines = "".join(f"<tr>{_cell(name, QUIET)}{_cell(value, CELL)}</tr>" for name, value in facts if value)
    inside = f'<strong>{_text(title)}</strong>{picture}<table style="{TABLE}"><tbody>{lines}</tbody></table>'
    return f'<div class="fastnn {NO_MATHEMATICS}">{inside}{"".join(parts)}</div>'


def fold(summary: str, inside: str) -> str:
    """HTML that stays folded away behind a summary until the reader opens it."""
    return f"<details><summary>{_text(summary)}</summary>{inside}</details>" if inside else ""


def table(headings: Sequence[str], lines: Iterable[Sequence[Any]], more: str = "") -> str:
    """A table of texts and numbers, with the text `more` below it."""
    head = "".join(_cell(heading, CELL, "th") for heading in headings)
    body = "".join(f"<tr>{''.join(_cell(number(cell), CELL) for cell in line)}</tr>" for line in lines)
    below = f"<p>{_text(more)}</p>" if more else ""
    return f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}'


def number(value: Any) -> str:
    """A number with at most six digits, a dash for NaN; anything else as text."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | np.floating):
        return str(value)
    if value != value:
        return "–"
    return f"{float(value):.6g}"


def sparkline(values: ArrayLike, what: str) -> str:
    """A line through the finite values; logarithmic if all are above 0 and span more than a factor of 100."""
    heights = np.asarray(values, np.float64)
    some = np.unique(np.linspace(0, len(heights) - 1, min(len(heights), POINTS)).astype(int))
    some = some[np.isfinite(heights[some])]
    if len(some) < 2:
        return ""
    drawn = heights[some]
    if drawn.min() > 0 and drawn.max() > WIDE * drawn.min():
        drawn, what = np.log10(drawn), f"{what}{LOGARITHMIC}"
    low, high = drawn.min(), drawn.max()
    with np.errstate(over="ignore"):
        share = (drawn / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.full(len(drawn), 0.5)
    across = some / max(1, len(heights) - 1) * (WIDTH - 4) + 2
    down = (1 - share) * (HEIGHT - 4) + 2
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    return _svg(line, what)


def histogram(values: ArrayLike, what: str) -> str:
    """Bars of the finite values up to their 95 % quantile; the last bar also counts the larger ones."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if len(finite) < 2:
        return ""
    low, high = float(finite.min()), float(np.quantile(finite, SHOWN))
    if not (high > low and np.isfinite(high - low)):
        return ""
    drawn, ends = np.minimum(finite, high), (low, high)
    scale = ""
    if low > 0 and high > WIDE * low:
        drawn, ends, scale = np.log10(drawn), (float(np.log10(low)), float(np.log10(high))), LOGARITHMIC
    counts, _ = np.histogram(drawn, BARS, ends)
    wide = WIDTH / BARS
    bars = "".join(
        f'<rect x="{place * wide:.1f}" y="{HEIGHT * (1 - count / counts.max()):.1f}" '
        f'width="{wide - 1:.1f}" height="{HEIGHT * count / counts.max():.1f}" fill="currentColor"/>'
        for place, count in enumerate(counts)
    )
    return _svg(bars, f"{what}: {number(low)} .. {number(high)}{scale}, larger ones in the last bar")


def shown_or_none(make: Callable[[], str]) -> str | None:
    """Call `make` and return its HTML; return None if that fails, so that a notebook shows the repr."""
    try:
        return plain(make())
    except Exception:  # a failing card must not keep the object from being shown
        return None


def _svg(drawn: str, what: str) -> str:
    return (
        f'<figure style="margin:0.3em 0"><svg role="img" aria-label="{_text(what)}" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="opacity:0.8;overflow:visible">{drawn}</svg>'
        f'<figcaption style="font-size:0.85em;opacity:0.8">{_text(what)}</figcaption></figure>'
    )


def _cell(text: str, style: str, tag: str = "td") -> str:
    return f'<{tag} style="{style}">{_text(text, 4 * LONGEST)}</{tag}>'


def _text(value: str, longest: int = LONGEST) -> str:
    return escape(value if len(value) <= longest else f"{value[:longest]}...")
