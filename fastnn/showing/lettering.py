"""The spelling of the user's names and numbers: as written, short enough to fit, no two alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import count

__all__ = ["LONGEST", "distinct", "plain", "rate_texts", "shape", "shortened", "told_apart", "with_form"]

LONGEST = 32  # the most letters of a name in a picture
MARKS = 4  # the most accents on one letter
LOOKED_AT = 40  # characters of a name that are read for each letter drawn
# Characters that no SVG and no font can hold: control characters, halves of surrogate pairs, non-characters.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
BLANKS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
STAND_IN = "\N{REPLACEMENT CHARACTER}"


def shortened(name: object, longest: int = LONGEST) -> str:
    """A name on one line, at most `longest` letters of ordinary width; an ellipsis replaces the rest."""
    text = str(name)
    kept = _without_towers(text[: LOOKED_AT * longest])
    whole = len(text) <= LOOKED_AT * longest and _fitting(kept, longest) == len(kept)
    return plain(BLANKS.sub(" ", kept if whole else f"{kept[: _fitting(kept, longest - 1)]}…"))


def grouped(number: int) -> str:
    """A whole number in groups of three digits: 1 000 000."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, noun: str, write: Callable[[int], str] = grouped) -> str:
    """A number with its noun: 1 row, 10 000 rows."""
    return f"{write(number)} {noun}{'s' * (number != 1)}"


def shape(layers: Iterable[int]) -> str:
    """The layers of a network: 2-2-1."""
    return "-".join(map(str, layers))


def with_form(engine: str, form: str) -> str:
    """An engine, and in which form it printed its kernels if it has several: lanes (loops, 4 x 64 bytes)."""
    return f"{engine} ({form})" if form not in ("", engine) else engine


def plain(text: str) -> str:
    """The text with U+FFFD in place of each character that SVG, HTML or UTF-8 cannot hold."""
    return FORBIDDEN.sub(STAND_IN, text)


def told_apart(numbers: Sequence[float], digits: int = 6) -> list[str]:
    """Numbers as texts: equal numbers have equal texts, others differ, with more than `digits` if needed."""
    values = [float(number) + 0.0 for number in numbers]  # -0.0 is 0.0
    while digits < 17:
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
        digits += 3
    return list(map(repr, values))


def rate_texts(rates: Iterable[float], digits: int = 6) -> list[str]:
    """Learning rates in words, as `told_apart` writes them; NaN is that of an optimizer without one."""
    known = list(rates)
    texts = iter(told_apart([rate for rate in known if rate == rate], digits))
    return [f"learning rate {next(texts)}" if rate == rate else "no learning rate" for rate in known]


def distinct(names: Iterable[object]) -> list[str]:
    """Names as texts, no two alike: the second "name" becomes "name (2)"."""
    texts = list(map(str, names))
    taken, met = set(texts), set[str]()
    for place, text in enumerate(texts):
        if text in met:
            others = (f"{text} ({number})" for number in count(2))
            texts[place] = next(name for name in others if name not in taken)
            taken.add(texts[place])
        met.add(text)
    return texts


def _without_towers(text: str) -> str:
    """The text with at most `MARKS` accents on a letter: hundreds would fill the height of a picture."""
    kept, marks = [], 0
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MARKS:
            kept.append(sign)
    return "".join(kept)


def _fitting(text: str, room: int) -> int:
    """The number of leading characters that fit into the width of `room` letters."""
    width = 0
    for place, sign in enumerate(text):
        width += _width(sign)
        if width > room:
            return place
    return len(text)


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
