"""The columns of a table: which are meant, what each became, and under which names networks take them."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of
from fastnn.showing.lettering import counted

__all__ = [
    "LONGEST_TEXT",
    "MOST_CATEGORIES",
    "Column",
    "ColumnNames",
    "Table",
    "chosen_names",
    "input_names",
    "joined",
    "listed",
    "quoted_if_odd",
    "refuse_other_columns",
    "refuse_shared_names",
    "refuse_unwritable",
]

MOST_CATEGORIES = 50  # of one column that become inputs
LONGEST = 40  # letters of a category where it is shown
LONGEST_TEXT = 10_000  # letters of a name or a category


@dataclass(frozen=True)
class Column:
    """What one column of a table became: numbers, or categories.

    Attributes
    ----------
    name : str
    categories : tuple of str
        The different values as texts; empty for a column of numbers.
    one_hot : bool
        Whether each category is an input of its own, 0 or 1, as more than two are that have no order. Else
        there is one input: the numbers, or for categories their places 0, 1, 2, ...
    """

    name: str
    categories: tuple[str, ...] = ()
    one_hot: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that the column became: its own, or city=Graz, city=Linz, ..."""
        if self.one_hot:
            return tuple(f"{self.name}={category}" for category in self.categories)
        return (self.name,)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the column's numbers or codes (N,) as its inputs (N, 1) or (N, categories)."""
        if self.one_hot:
            return np.asarray(values[:, None] == np.arange(len(self.categories)), np.float64)
        return values[:, None]

    @property
    def coding(self) -> str:
        """How categories became numbers, in words; empty for a column of numbers."""
        texts = [_plain(category) for category in self.categories]
        if self.one_hot:
            return f"{counted(len(texts), 'input')}, 0 or 1: {joined(texts)}"
        return joined([f"{text} = {code}" for code, text in enumerate(texts)])

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """By input, what its values 0, 1, 2, ... stand for; empty for a column of numbers."""
        if self.one_hot:
            return {name: ("other", text) for name, text in zip(self.inputs, self.categories, strict=True)}
        return {self.name: self.categories} if self.categories else {}


class Table(NamedTuple):
    """Chosen columns as numbers: inputs (N, D) and targets (N, K), and what each column became."""

    input_columns: tuple[Column, ...]
    target_columns: tuple[Column, ...]
    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    dropped: int
    """How many rows were left out for their missing cells."""


class ColumnNames(NamedTuple):
    """The labels of the chosen columns."""

    inputs: tuple[Hashable, ...]
    targets: tuple[Hashable, ...]


def is_among(name: Any, names: Iterable[Hashable]) -> bool:
    """Whether a name is one of several, whatever it is: pandas.NA equals nothing and differs from nothing."""
    try:
        return name in set(names)
    except TypeError:  # it cannot be hashed, so no label is it
        return False


def chosen_names(
    inputs: Hashable | Iterable[Hashable],
    target: Hashable | Iterable[Hashable],
    known: Sequence[Hashable],
    table: str,
) -> ColumnNames:
    """Return the names of inputs and targets, each one name or several, found among the `known` ones.

    Raises InputError for names that are unknown, repeated or both input and target, for two that are one
    name as texts (1 and "1"), and for a `table` (its name, for the message) that itself has two columns of
    one name; columns named "" are let be.
    """
    repeated = [str(name) for name, times in Counter(known).items() if times > 1 and name != ""]
    if repeated:
        raise InputError(
            f"{table} must name each column once; got {listed(repeated)} more than once. Rename the columns."
        )
    if target is None:
        raise InputError("target must name the column to predict; got None. Name one, or several.")
    names = _names(inputs, "inputs", known, table)
    targets = _names(target, "target", known, table)
    shared = [name for name in targets if is_among(name, names)]
    if shared:
        raise InputError(
            f"target must not be among the inputs; got {shared[0]!r} in both. "
            "Leave it out of one: the network would only have to copy it."
        )
    return ColumnNames(names, targets)


def input_names(columns: Iterable[Column]) -> tuple[str, ...]:
    """The names of the inputs that the columns became, in their order."""
    return tuple(name for column in columns for name in column.inputs)


def refuse_shared_names(inputs: Sequence[Column], targets: Sequence[Column]) -> None:
    """Refuse inputs and targets of which two would have one name, as 1 and "1", or city=Graz twice."""
    columns = [*inputs, *targets]
    names = [{column.name, *column.inputs} for column in columns]
    twice = [name for name, times in Counter(name for some in names for name in some).items() if times > 1]
    if twice:
        owners = [column.name for column, some in zip(columns, names, strict=True) if twice[0] in some]
        raise InputError(
            f"each input and target must have a name of its own; got {twice[0]!r} from the columns "
            f"{owners[0]!r} and {owners[1]!r}. Rename one of them."
        )


def refuse_unwritable(columns: Iterable[Column], table: str) -> None:
    """Refuse names and categories, in a `table` of that name, that no file could hold after the training."""
    for text in (text for column in columns for text in (column.name, *column.categories)):
        halves = any("\ud800" <= sign <= "\udfff" for sign in text)
        if halves or len(text) > LONGEST_TEXT:
            what = "halves of surrogate pairs, which UTF-8 has not" if halves else f"{len(text)} letters"
            raise InputError(
                f"{table} must have names and categories of at most {LONGEST_TEXT} letters that can be "
                f"written; got {text[:20]!a} of {what}. Rename it."
            )


def refuse_other_columns(wanted: Iterable[str], known: Sequence[str], table: str) -> None:
    """Refuse new rows, in a `table` of that name, without each of the columns of training, once."""
    for name in wanted:
        if (times := known.count(name)) != 1:
            raise InputError(
                f"{table} must have the column {name!r} of training once; got {times} of that name among "
                f"{listed(known)}. {'' if times else _meant(name, known)}Rename or add it."
            )


def listed(names: Sequence[Any], most: int = 20) -> str:
    """Join names for a message, in quotes where they need some, cut short where there are very many."""
    return joined([*map(quoted_if_odd, names[:most]), *names[most:]], most)


def joined(texts: Sequence[Any], most: int = 20) -> str:
    """Join texts, cut short where there are very many."""
    shown = ", ".join(map(str, texts[:most]))
    return shown if len(texts) <= most else f"{shown}, ... ({len(texts)} in all)"


def quoted_if_odd(name: Any) -> str:
    """A name as it is, or in quotes where it would not be seen where it ends, or what is in it."""
    text = str(name)
    odd = not text or "," in text or text != text.strip() or not text.isprintable()
    return repr(text) if odd else text


def _plain(text: str) -> str:
    """A category as it can be shown: on one line, short, without signs that no terminal should be sent."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return quoted_if_odd(short)


def _meant(name: Any, known: Sequence[Hashable]) -> str:
    """A suggestion for a name that is unknown, if one of the known ones is like it."""
    folded = {str(each).casefold(): each for each in reversed(known) if each != ""}
    text = str(name).casefold()
    # Of a name with a comma, a list of names without quotes has the first part.
    parted = [known for known in folded if known.startswith(f"{text},")]
    close = get_close_matches(text, folded, n=1) or parted
    if not close:
        return ""
    meant = folded[close[0]]
    quoted = f" (on the command line '\"{meant}\"')" if "," in str(meant) else ""
    return f"Did you mean {meant!r}{quoted}? "


def _names(
    given: Hashable | Iterable[Hashable], role: str, known: Sequence[Hashable], table: str
) -> tuple[Hashable, ...]:
    names = _as_tuple(given, role, known)
    if not names:
        raise InputError(f"{role} must name at least one column; got none. {table} has {listed(known)}.")
    for name in names:
        if not is_among(name, known):
            raise InputError(
                f"{role} must name columns of {table}; got {name!r}. "
                f"{_meant(name, known)}It has {listed(known) or 'no columns'}."
            )
        if Counter(names)[name] > 1:
            raise InputError(f"{role} must name each column once; got {name!r} more than once. Name it once.")
    return names


def _as_tuple(
    given: Hashable | Iterable[Hashable], role: str, known: Sequence[Hashable]
) -> tuple[Hashable, ...]:
    """One name or several; a tuple that is itself a label, as where columns have two levels, is one."""
    if isinstance(given, Set):  # its order would be another in the next process
        raise InputError(f"{role} must have an order; got a {type(given).__name__}. Give a list of names.")
    if isinstance(given, tuple) and is_among(given, known):
        return (given,)
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(all_of(given, role))
