"""The columns of a table: the chosen ones, their conversion, and the names of the inputs they become."""

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
    "MOST_CLASSES",
    "Column",
    "ColumnNames",
    "Table",
    "chosen_names",
    "input_names",
    "joined",
    "listed",
    "plain_category",
    "quoted_if_odd",
    "refuse_other_columns",
    "refuse_shared_names",
    "refuse_unwritable",
]

MOST_CATEGORIES = 50  # in one column whose categories become inputs
MOST_CLASSES = 1000  # in a target, each an output
LONGEST = 40  # letters of a category that are shown
LONGEST_TEXT = 10_000  # letters of a name or a category


@dataclass(frozen=True)
class Column:
    """A converted column of a table: numbers, or categories.

    Attributes
    ----------
    name : str
    categories : tuple of str
        The different values as texts; empty for a column of numbers.
    one_hot : bool
        Whether each category is an input of its own, 0 or 1: true for more than two categories without an
        order. Else there is one input: the numbers, or the places 0, 1, 2, ... of the categories. It is true
        of a target of classes, which are two at least: each is an output of its own.
    """

    name: str
    categories: tuple[str, ...] = ()
    one_hot: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, or outputs, of the column: its own name, or city=Graz, city=Linz, ..."""
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
        """In words, the numbers that stand for the categories; empty for a column of numbers."""
        texts = [plain_category(category) for category in self.categories]
        if self.one_hot:
            return f"{counted(len(texts), 'input')}, 0 or 1: {joined(texts)}"
        return joined([f"{text} = {code}" for code, text in enumerate(texts)])

    @property
    def coded(self) -> str:
        """The same of a target: its classes, or the numbers that stand for its categories."""
        if self.one_hot:
            names = [plain_category(text) for text in self.categories]
            return f"{len(names)} classes: {joined(names)}"
        return self.coding

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """For each input, the meanings of its values 0, 1, 2, ...; empty for a column of numbers."""
        if self.one_hot:
            return {name: ("other", text) for name, text in zip(self.inputs, self.categories, strict=True)}
        return {self.name: self.categories} if self.categories else {}


class Table(NamedTuple):
    """Chosen columns as numbers: inputs (N, D) and targets (N, K), with the converted columns."""

    input_columns: tuple[Column, ...]
    target_columns: tuple[Column, ...]
    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    dropped: int
    """The number of rows left out because of missing cells."""
    weights: NDArray[np.float64] | None = None
    """The weights of the rows (N,), if a column has them."""


class ColumnNames(NamedTuple):
    """The labels of the chosen columns."""

    inputs: tuple[Hashable, ...]
    targets: tuple[Hashable, ...]
    weights: tuple[Hashable, ...] = ()
    """The one of the weights of rows, if there is one."""

    @property
    def all(self) -> tuple[Hashable, ...]:
        """All of them."""
        return (*self.inputs, *self.targets, *self.weights)


def is_among(name: Any, names: Iterable[Hashable]) -> bool:
    """Whether a name of any type is among some names; pandas.NA, which equals nothing, can be."""
    try:
        return name in set(names)
    except TypeError:  # without a hash it cannot be a label
        return False


def chosen_names(
    inputs: Hashable | Iterable[Hashable],
    target: Hashable | Iterable[Hashable],
    known: Sequence[Hashable],
    table: str,
    weights: Hashable | None = None,
) -> ColumnNames:
    """Return the names of inputs and targets, each given as one name or several, and all of them `known`.

    `weights` is None, or the name of the column with the weights of rows.

    Raises InputError if a name is unknown, repeated, or both input and target, if two names are the same as
    texts (1 and "1"), or if two columns of the table have one name, except "". `table` is its name in errors.
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
    weighted = () if weights is None else _names(weights, "weights", known, table)
    if len(weighted) > 1:
        raise InputError(f"weights must name one column; got {listed(weighted)}. Name one.")
    if weighted and is_among(weighted[0], (*names, *targets)):
        raise InputError(
            f"weights must name a column that is no input and no target; got {weighted[0]!r}. "
            "Leave it out of the others."
        )
    return ColumnNames(names, targets, weighted)


def input_names(columns: Iterable[Column]) -> tuple[str, ...]:
    """The names of the inputs of some columns, in the order of the columns."""
    return tuple(name for column in columns for name in column.inputs)


def refuse_shared_names(inputs: Sequence[Column], targets: Sequence[Column]) -> None:
    """Refuse inputs and targets if two would share a name, such as 1 and "1", or city=Graz twice."""
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
    """Refuse names and categories that a model file could not hold; `table` is the table's name in errors."""
    for text in (text for column in columns for text in (column.name, *column.categories)):
        halves = any("\ud800" <= sign <= "\udfff" for sign in text)
        if halves or len(text) > LONGEST_TEXT:
            what = "halves of surrogate pairs, which UTF-8 has not" if halves else f"{len(text)} letters"
            raise InputError(
                f"{table} must have names and categories of at most {LONGEST_TEXT} letters that can be "
                f"written; got {text[:20]!a} of {what}. Rename it."
            )


def refuse_other_columns(wanted: Iterable[str], known: Sequence[str], table: str) -> None:
    """Refuse new rows unless they have each column of training once; `table` is their name in errors."""
    for name in wanted:
        if (times := known.count(name)) != 1:
            raise InputError(
                f"{table} must have the column {name!r} of training once; got {times} of that name among "
                f"{listed(known)}. {'' if times else _meant(name, known)}Rename or add it."
            )


def listed(names: Sequence[Any], most: int = 20) -> str:
    """Join names for a message, odd ones in quotes, cut short after `most` names."""
    return joined([*map(quoted_if_odd, names[:most]), *names[most:]], most)


def joined(texts: Sequence[Any], most: int = 20) -> str:
    """Join texts, cut short after `most` of them."""
    shown = ", ".join(map(str, texts[:most]))
    return shown if len(texts) <= most else f"{shown}, ... ({len(texts)} in all)"


def quoted_if_odd(name: Any) -> str:
    """Return a name as it is, or in quotes if its end or its signs could not be seen otherwise."""
    text = str(name)
    odd = not text or "," in text or text != text.strip() or not text.isprintable()
    return repr(text) if odd else text


def plain_category(text: str) -> str:
    """Return a category as it can be shown: short, on one line, without control signs."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return quoted_if_odd(short)


def _meant(name: Any, known: Sequence[Hashable]) -> str:
    """A suggestion for an unknown name, if a known one is similar; else empty."""
    folded = {str(each).casefold(): each for each in reversed(known) if each != ""}
    text = str(name).casefold()
    # An unquoted list of names splits a name at its comma; then `name` is its first part.
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
    """Return one name or several as a tuple; a tuple that is itself a label (of two levels) is one name."""
    if isinstance(given, Set):  # its order changes from process to process
        raise InputError(f"{role} must have an order; got a {type(given).__name__}. Give a list of names.")
    if isinstance(given, tuple) and is_among(given, known):
        return (given,)
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(all_of(given, role))
