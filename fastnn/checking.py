"""The checks at the public door: each argument once, each refusal in three parts.

A refusal says what is required, what was given and what to do. A check returns accepted values as plain
Python numbers, lists or texts that share no memory with the caller's data.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
    "needing",
    "one_of",
    "seed_number",
    "shown",
    "whole_number",
    "whole_numbers",
]

MOST_VALUES = 1_000_000
"""The most values that an iterable may give: some iterators never end."""

LARGEST_INTEGER = 2**53
"""float64 holds every whole number up to this one exactly."""


class OneSentenceError(Exception):
    """An error whose message tells the reader enough: a notebook shows the message and no traceback.

    If the environment variable FASTNN_DEBUG is set, a notebook shows the traceback, too. Only notebooks and
    IPython ask an error how to show it; everywhere else it looks like any other error.
    """

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        if os.environ.get("FASTNN_DEBUG"):
            raise AttributeError("IPython shows its own traceback when this is missing")
        return lambda: f"{type(self).__name__}: {self}".splitlines()


class InputError(OneSentenceError, ValueError):
    """Refuses an argument before any work begins."""


class ModelFileError(InputError):
    """Refuses a file that is damaged or is not a fastnn model file: nothing was loaded from it."""


class ScaleWarning(UserWarning):
    """Inputs or targets are far from 1, so networks die, diverge or learn nothing: scale them first.

    `fastnn.Dataset.from_frame` and `fastnn.load_csv` scale. If the numbers are right as they are, silence the
    warning: ``warnings.simplefilter("ignore", fastnn.ScaleWarning)``.
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
    """Return one whole number, or several, as a list; refuse any that is not from minimum to maximum."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    several = isinstance(plain, Iterable) and not isinstance(plain, str | bytes)
    checked = (whole_number(value, name, minimum, maximum) for value in (plain if several else [plain]))
    return all_of(checked, name)


def all_of(values: Iterable[Any], name: str, most: int = MOST_VALUES) -> list[Any]:
    """Return the values as a list, or refuse more than `most` of them."""
    found = list(islice(values, most + 1))
    if len(found) > most:
        raise InputError(f"{name} must be at most {most} values; got more than that. Give fewer.")
    return found


def seed_number(value: Any, bits: int = 64) -> int:
    """Return a seed as an int; unless 0 <= seed < 2**bits refuse it and name the seed to take instead."""
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
    """Suggest the known name that an unknown one resembles: " (did you mean relu?)"; "" if none is close."""
    from difflib import get_close_matches  # imported only when something is refused

    names = list(known)
    longer = [name for name in names if text and name.startswith(text)]
    close = longer or get_close_matches(text, names, 1) or get_close_matches(text.lower(), names, 1)
    return f" (did you mean {close[0]}?)" if close else ""


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Refuse to go on where an import in the block fails; `what` says what it is needed for.

    The message says to install `extra`, one of the distribution's.
    """
    try:
        yield
    except ImportError as error:
        found = "is not installed" if isinstance(error, ModuleNotFoundError) else f"fails: {error}"
        raise InputError(f'{what}; {error.name} {found}. Run: pip install "fastnn-sweep[{extra}]"') from None


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, else refuse it."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False; got {shown(value)}. Give one of the two.")
    return bool(value)


def shown(value: Any) -> str:
    """Describe a refused value: its repr, or its type if the repr fails or is longer than 60 characters."""
    try:
        text = repr(value)
    except Exception:  # an int of 5000 digits has no repr, and a user's object may raise anything
        text = ""
    return text if 0 < len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
