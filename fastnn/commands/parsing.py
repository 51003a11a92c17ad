"""The parser of the command line, and its readers of numbers, lists of numbers and ranges."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from fastnn.checking import InputError, meant
from fastnn.commands import REFUSED
from fastnn.system.telling import give, tell

__all__ = ["Parser", "number", "numbers", "numbers_or_none", "whole", "whole_numbers"]

MOST_DIGITS = 100  # more than a seed from the system has, which is 39
MOST_IN_A_RANGE = 10_000

RANGE = re.compile(r"(log|lin):(.+)\.\.(.+):(.+)")
DECIMAL_COMMA = re.compile(r"(?<![\d.])(-?\d+),(\d+)")

Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """A parser that reports an error on one line, with a suggestion; it takes no abbreviated options.

    `fill` gives it its options when they are first needed: of the 15 commands one is asked for at a time.
    """

    def __init__(
        self, *arguments: Any, fill: Callable[[Parser], None] | None = None, **settings: Any
    ) -> None:
        super().__init__(*arguments, **{**settings, "allow_abbrev": False})
        self._fill = fill
        # An argument that begins with a minus and a digit is a value: --start -1,2.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def filled(self) -> Parser:
        """The parser, with its options."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return self

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; refuse an unknown option and suggest a similar one of this command."""
        found, unknown = super(Parser, self.filled()).parse_known_args(args, namespace)
        if unknown:
            names = [name.partition("=")[0] for name in unknown if name.startswith("-")]
            options = [name for name in self._option_string_actions if name.startswith("--")]
            hint = meant(names[0], options) if names else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            hint = meant(str(value), known)
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{hint} (choose from {', '.join(known)})"
            )

    def error(self, message: str) -> NoReturn:
        """Report an error on one line, and exit."""
        tell(f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)")
        raise SystemExit(REFUSED)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or a version, with `give`: standard output may lack some characters, or fail."""
        give(message, end="")


def whole(text: str) -> int:
    """Read a whole number, in any form that people use: 10000, 10_000, 10 000, 1e4."""
    try:
        return _whole(text)
    except ValueError:
        plain = re.fullmatch(r"\d{1,3}(,\d{3})+", text)
        advice = f"write {text.replace(',', '')}" if plain else "write it like 10000 or 1e4"
        raise argparse.ArgumentTypeError(f"it must be a whole number; got {text!r}: {advice}") from None


def number(text: str) -> float:
    """Read one number."""
    try:
        return float(text)
    except ValueError:
        advice = "write it like 0.005"
        if re.fullmatch(r"-?\d+,\d+(e-?\d+)?", text.strip()):
            advice = f"write {text.replace(',', '.')}"
        raise argparse.ArgumentTypeError(f"it must be one number; got {text!r}: {advice}") from None


def numbers(text: str, option: str) -> list[float]:
    """Read numbers separated by commas; some may be ranges: log:1e-4..1:5, lin:0..1:3."""
    return _separated(text, option, float, "numbers", "0.005,0.01")


def numbers_or_none(text: str, option: str) -> list[float | None]:
    """Read numbers as `numbers` does, of which one may be the word none."""
    parts = [part.strip() for part in text.split(",")]
    given = [part for part in parts if part != "none"]
    if given:
        numbers(",".join(given), option)  # refuses them together: 0,05 are no two numbers
    found: list[float | None] = []
    for part in parts:
        found += [None] if part == "none" else numbers(part, option)
    return found


def whole_numbers(text: str, option: str) -> list[int]:
    """Read whole numbers separated by commas; some may be ranges."""
    return _separated(text, option, _whole, "whole numbers", "2,2,1")


def _whole(text: str) -> int:
    try:
        value = Decimal(text.strip().replace(" ", "_"))
        if not value.is_finite() or value.adjusted() > MOST_DIGITS or value != value.to_integral_value():
            raise ValueError
    except InvalidOperation:
        raise ValueError from None
    return int(value)


def _separated(
    text: str, option: str, read: Callable[[str], Number], what: str, example: str
) -> list[Number]:
    found: list[Number] = []
    try:
        if read is float:
            _refuse_decimal_commas(text, option)
        for part in text.split(","):
            spread = RANGE.fullmatch(part.strip())
            found += _spread(spread, option, read) if spread else [read(part)]
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"{option} must be {what} separated by commas; got {text!r}. "
            f"Write them like {'log:1e-4..1:5 or lin:0.01..0.05:5' if '..' in text else example}."
        ) from None
    return found


def _refuse_decimal_commas(text: str, option: str) -> None:
    """Refuse 0,005, which would be two numbers, 0 and 005: nobody writes a number of a list as 005."""
    parts = [part.strip() for part in text.split(",")]
    padded = any(re.fullmatch(r"-?0\d+", part) for part in parts)
    rate_of_zero = option == "--learning-rate" and len(parts) > 1 and "0" in parts
    if padded or rate_of_zero:
        pointed = DECIMAL_COMMA.sub(r"\1.\2", text)
        raise InputError(f"{option} must be written with decimal points; got {text!r}. Write {pointed}.")


def _spread(spread: re.Match[str], option: str, read: Callable[[str], Number]) -> list[Number]:
    """The numbers of a range: at equal distances for ``lin``, at equal ratios for ``log``."""
    kind, low, high, count = spread.groups()
    first, last, many = read(low), read(high), _whole(count)
    if not 2 <= many <= MOST_IN_A_RANGE or (kind == "log" and min(first, last) <= 0):
        raise InputError(
            f"{option} must have ranges of 2 to {MOST_IN_A_RANGE} numbers, positive for log; "
            f"got {spread[0]}. Write them like log:1e-4..1:5."
        )
    import numpy as np

    spreading: Any = np.geomspace if kind == "log" else np.linspace
    values: list[float] = spreading(first, last, many).tolist()
    if isinstance(first, int):
        return list(dict.fromkeys(read(str(round(value))) for value in values))
    # Round to twelve digits: to 0.001, not to a neighbour of it, so that the printed number is the one used.
    return [first, *(read(f"{value:.12g}") for value in values[1:-1]), last]
