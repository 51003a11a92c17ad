"""The checks at the public door: each argument once, each refusal in three parts.

A refusal says what is required, what was given and what to do. What passes comes back as plain
Python numbers or C-ordered native arrays that share nothing with the caller's data.
"""

import os
from collections.abc import Callable, Iterable
from itertools import islice
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = [
    "LARGEST_INTEGER",
    "InputError",
    "ModelFileError",
    "OneSentenceError",
    "ScaleWarning",
    "all_of",
    "finite_number",
    "flag",
    "meant",
    "one_of",
    "seed_number",
    "shown",
    "whole_number",
    "whole_numbers",
]

MOST_VALUES = 1_000_000
"""Of what is given one by one; some iterators never end."""

LARGEST_INTEGER = 2**53
"""Up to here float64 keeps all whole numbers exactly."""


class OneSentenceError(Exception):
    """An error whose message is all that its reader needs; a notebook shows that instead of a traceback.

    With the environment variable FASTNN_DEBUG set a notebook shows the traceback, too. Nothing changes
    outside of notebooks and IPython, which ask an error how it wants to be shown.
    """

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        if os.environ.get("FASTNN_DEBUG"):
            raise AttributeError("IPython shows a traceback of its own where this is missing")
        return lambda: f"{type(self).__name__}: {self}".splitlines()


class InputError(OneSentenceError, ValueError):
    """Something handed to fastnn was refused before any work began."""


class ModelFileError(InputError):
    """A file is no model file of fastnn's, or is damaged: nothing of it was taken."""


class ScaleWarning(UserWarning):
    """Inputs or targets are far from 1, where networks die, diverge or learn nothing: scale them first.

    `fastnn.Dataset.from_frame` and `fastnn.load_csv` scale. Where the numbers are meant as they are,
    ``warnings.simplefilter("ignore", fastnn.ScaleWarning)`` silences it.
    """


def whole_number(value: Any, name: str, minimum: int = 0, maximum: int | None = None) -> int:
    """Return `value` as an int, or refuse it unless minimum <= value <= maximum."""
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        most = np.inf if maximum is None else maximum
        whole = isinstance(value, float) and value.is_integer() and minimum <= value <= most
        advice = f"Write {int(value)}" if whole else f"Give an int such as {minimum}"
        raise InputError(f"{name} must be a whole number {bounds}; got {shown(value)}. {advice}.")
    number = int(value)
    if number < minimum or (maximum is not None and number > maximum):
        raise InputError(
            f"{name} must be a whole number {bounds}; got {shown(number)}. Choose one in that range."
        )
    return number


def whole_numbers(values: Any, name: str, minimum: int = 0, maximum: int | None = None) -> list[int]:
    """Return one whole number, or some, as a list; refuse them unless each is from minimum to maximum."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    several = isinstance(plain, Iterable) and not isinstance(plain, str | bytes)
    checked = (whole_number(value, name, minimum, maximum) for value in (plain if several else [plain]))
    return all_of(checked, name)


def all_of(values: Iterable[Any], name: str, most: int = MOST_VALUES) -> list[Any]:
    """Return the values as a list, or refuse more than so many."""
    found = list(islice(values, most + 1))
    if len(found) > most:
        raise InputError(f"{name} must be at most {most} values; got more than that. Give fewer.")
    return found


def seed_number(value: Any, bits: int = 64) -> int:
    """Return a seed as an int, or refuse it unless 0 <= seed < 2**bits, with the one to take instead."""
    if isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
        seed, seeds = int(value), 2**bits
        if not 0 <= seed < seeds:
            raise InputError(
                f"seed must be a whole number from 0 to {seeds - 1}; got {shown(seed)}. "
                f"Take seed % 2**{bits}, which is {seed % seeds}."
            )
    return whole_number(value, "seed", 0, 2**bits - 1)


def finite_number(value: Any, name: str, *, positive: bool = False) -> float:
    """Return `value` as a float, or refuse it unless it is a finite real number (above 0 if `positive`)."""
    kind = "a positive finite number" if positive else "a finite number"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise InputError(f"{name} must be {kind}; got {shown(value)}. Give a number such as 0.005.")
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number) or (positive and number <= 0):
        raise InputError(f"{name} must be {kind}; got {number!r}. Give a number such as 0.005.")
    return number


def one_of(value: Any, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the names in `choices`, else refuse it and list them."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(repr(choice) for choice in known)
        hint = meant(value, known) if isinstance(value, str) else ""
        raise InputError(
            f"{name} must be one of {listed}; got {shown(value)}{hint}. Choose one of these names."
        )
    return value


def meant(text: str, known: Iterable[str]) -> str:
    """Name what was probably meant by a text that is none of the known ones, in brackets; or nothing."""
    from difflib import get_close_matches  # only where something is refused

    names = list(known)
    longer = [name for name in names if text and name.startswith(text)]
    close = longer or get_close_matches(text, names, 1) or get_close_matches(text.lower(), names, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, else refuse it."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False; got {shown(value)}. Give one of the two.")
    return bool(value)


def shown(value: Any) -> str:
    """A short description of a refused value: its repr, or its type where that is long or fails."""
    try:
        text = repr(value)
    except Exception:  # whatever it is, it was to be refused; an int of 5000 digits has no repr
        text = ""
    return text if 0 < len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
