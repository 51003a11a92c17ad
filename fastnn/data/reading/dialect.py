"""The dialect of a text file: separator, signs in numbers, encoding, and the line of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastnn.checking import InputError, shown
from fastnn.data.reading.decoding import checked_encoding

__all__ = ["NAMED_SEPARATORS", "WHITESPACE", "Dialect"]

WHITESPACE = r"\s+"
NAMED_SEPARATORS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "pipe": "|",
    "space": " ",
    "whitespace": WHITESPACE,
}
DECIMALS = {"comma": ",", "point": "."}
GROUPING = {"space": " ", "comma": ",", "point": ".", "apostrophe": "'"}


@dataclass(frozen=True)
class Dialect:
    """The user's options for a text file; options that are None are found out from the file.

    Attributes
    ----------
    sep : str, optional
        One character, or comma, semicolon, tab, pipe, space, whitespace (one blank or more).
    decimal : str, optional
        The decimal sign, a comma or a point.
    thousands : str, optional
        The sign between groups of three digits: one character, or comma, point, space, apostrophe.
    encoding : str, optional
    header : "infer", 0 or None
        0: the first line holds the names; None: no line does, and the columns are x1, x2, ...;
        "infer": the first line does, and is refused if it looks like a row.

    Raises InputError for anything else.
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: Any = "infer"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sep", _separator(self.sep))
        object.__setattr__(self, "decimal", _sign(self.decimal, "decimal", DECIMALS, ",."))
        object.__setattr__(self, "thousands", _sign(self.thousands, "thousands", GROUPING))
        object.__setattr__(self, "encoding", checked_encoding(self.encoding))
        if repr(self.header) not in ("None", "0", "'infer'"):
            raise InputError(
                f"header must be 'infer', 0 (the first line holds the names) or None (no line does); "
                f"got {shown(self.header)}. Remove any lines above the names."
            )
        if self.decimal is not None and self.decimal == self.thousands:
            raise InputError(
                f"decimal and thousands must differ; got {self.decimal!r} for both. Leave one of them out."
            )


def _separator(sep: Any) -> str | None:
    if sep is None:
        return None
    named = NAMED_SEPARATORS.get(sep, sep) if isinstance(sep, str) else ""
    if named == WHITESPACE or (len(named) == 1 and named not in '"\r\n' and not named.isalnum()):
        return named
    raise InputError(
        f"sep must be one character between cells; got {shown(sep)}. "
        f"Give ';', say, or a name: {', '.join(name for name in NAMED_SEPARATORS if name.isalpha())}."
    )


def _sign(sign: Any, name: str, names: dict[str, str], allowed: str | None = None) -> str | None:
    if sign is None:
        return None
    named = names.get(sign, sign) if isinstance(sign, str) else ""
    if len(named) == 1 and (named in allowed if allowed else not named.isalnum() and named not in "+-"):
        return named
    raise InputError(
        f"{name} must be one sign in numbers; got {shown(sign)}. Give {' or '.join(map(repr, names))}, say."
    )
