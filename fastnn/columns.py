"""What every reader of tables shares: which columns are meant, and how categories become numbers."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError

__all__ = ["ChosenColumns", "Column", "chosen_names", "coded", "listed"]


class Column(NamedTuple):
    """One column as float64 numbers (N,); where they are codes, with the distinct values they stand for."""

    numbers: NDArray[np.float64]
    categories: tuple[Any, ...] = ()


class ChosenColumns(NamedTuple):
    """The chosen columns of a table by name, and which of them are inputs and targets."""

    columns: dict[str, Column]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def chosen_names(
    inputs: Hashable | Iterable[Hashable],
    target: Hashable | Iterable[Hashable] | None,
    known: Sequence[Hashable],
    table: str,
) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]]:
    """Return the names of inputs and targets, each one name or several, found among the `known` ones.

    A `target` of None stands for rows to predict, which need have none.

    Raises InputError for names that are unknown, repeated or both input and target, and for a `table`
    (its name, for the message) that itself has two columns of one name; columns named "" are let be.
    """
    repeated = [str(name) for name, times in Counter(known).items() if times > 1 and name != ""]
    if repeated:
        raise InputError(
            f"{table} must name each column once; got {listed(repeated)} more than once. Rename the columns."
        )
    names = _names(inputs, "inputs", known, table)
    targets = () if target is None else _names(target, "target", known, table)
    shared = [name for name in targets if name in names]
    if shared:
        raise InputError(
            f"target must not be among the inputs; got {shared[0]!r} in both. "
            "Leave it out of one: the network would only have to copy it."
        )
    return names, targets


def coded(values: Sequence[Any], distinct: Sequence[Any]) -> Column:
    """Code each value by its place among the distinct ones: 0, 1, 2, ..."""
    place = {value: code for code, value in enumerate(distinct)}
    codes = np.fromiter((place[value] for value in values), np.float64, len(values))
    return Column(codes, tuple(distinct))


def listed(names: Sequence[Any], most: int = 20) -> str:
    """Join names for a message, cut short where there are very many."""
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def _names(
    given: Hashable | Iterable[Hashable], role: str, known: Sequence[Hashable], table: str
) -> tuple[Hashable, ...]:
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if not names:
        raise InputError(f"{role} must name at least one column; got none. {table} has {listed(known)}.")
    for name in names:
        if name not in known:
            raise InputError(f"{role} must name columns of {table}; got {name!r}. It has {listed(known)}.")
        if names.count(name) > 1:
            raise InputError(f"{role} must name each column once; got {name!r} more than once. Name it once.")
    return names
