"""The axes of a sweep's grid: the settings of which a sweep may have several values.

Each axis is one class in `AXES`: how its values are checked and stored, what people call them, and which
columns of tables hold them. Only `fastnn.sweeping.design`, which trains by the values, knows an axis by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from fastnn.checking import InputError, all_of, finite_number, flag, whole_number, whole_numbers
from fastnn.core.choices import Choice, Table, is_sequence, settings_of
from fastnn.core.losses import LOSSES
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.core.schedules import SCHEDULES
from fastnn.showing.lettering import counted, rate_texts, told_apart
from fastnn.sweeping.axis import Array, Axis, each_once
from fastnn.sweeping.network_axis import Networks
from fastnn.sweeping.penalty_axes import PENALTY_AXES
from fastnn.training.plan import learning_rates

__all__ = [
    "AXES",
    "Axis",
    "BatchSizes",
    "LearningRates",
    "Losses",
    "Optimizers",
    "Rows",
    "Schedules",
    "Shuffles",
]

MOST_RATES = 1_000_000  # a store's manifest, of at most 64 MiB, names each
NAMED = 6  # values in a sentence


@dataclass(frozen=True, eq=False)
class Choices(Axis):
    """Choices of a table; tables have a column for each of their settings, NaN where a choice lacks it."""

    table: ClassVar[Table[Any]]
    column: ClassVar[str]
    dtype: str

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        found = cls.table.several(given)
        each_once([(one.name, *_in_dtype(one, dtype).values()) for one in found], cls.name, found)
        return cls(found, dtype)

    @classmethod
    def read(cls, plain: Any) -> Any:
        return cls.table.read(plain)

    @property
    def plain(self) -> list[Any]:
        return [self.table.described(one) for one in self.values]

    @cached_property
    def columns(self) -> dict[str, Array]:
        settings = [_in_dtype(one, self.dtype) for one in self.values]
        names = dict.fromkeys(name for one in settings for name in one)
        columns = {name: np.array([one.get(name, np.nan) for one in settings], self.dtype) for name in names}
        return {self.column: np.array([one.name for one in self.values], object), **columns}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        settings = [name for kind in cls.table.values() for name in kind.settings()]
        return tuple(dict.fromkeys([cls.column, *settings]))

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        kinds = list(columns[cls.column])
        texts = list(map(str, kinds))
        for kind in dict.fromkeys(kinds):
            places = [place for place, one in enumerate(kinds) if one == kind]
            settings = cls.table[kind].settings() if kind in cls.table else ()
            for name in settings:
                values = [float(columns[name][place]) for place in places] if name in columns else []
                if values and (len(settings) == 1 or len(set(values)) > 1):
                    for place, text in zip(places, told_apart(values), strict=True):
                        texts[place] += f" {text}" if len(settings) == 1 else f" {name} {text}"
        return texts

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        value = settings[cls.name]
        return [] if value == cls.plain_choice() else [f"--{cls.name}", cls.spelled(value)]

    @classmethod
    def plain_choice(cls) -> Choice:
        """The choice that is taken where none is given."""
        choice: Choice = cls.table[cls.table.default]()
        return choice

    @staticmethod
    def spelled(choice: Choice) -> str:
        """A choice as the command line takes it: momentum:0.5; of several settings each has its name."""
        names = choice.settings()
        texts = [repr(getattr(choice, name)) for name in names]
        if len(names) > 1:
            texts = [f"{name}={text}" for name, text in zip(names, texts, strict=True)]
        return ":".join([choice.name, *([",".join(texts)] if texts else [])])

    @property
    def told(self) -> str:
        if len(self) == 1:
            return "" if self.values[0] == self.plain_choice() else repr(self.values[0])
        more = f" and {len(self) - NAMED} more" if len(self) > NAMED else ""
        return f"{self.table.nouns} {', '.join(map(repr, self.values[:NAMED]))}{more}"


@dataclass(frozen=True, eq=False)
class Losses(Choices):
    """The losses; what the networks lost has the column "loss"."""

    name = "loss"
    column = "loss_function"
    noun = "loss"
    alike = "by the same loss"
    table = LOSSES


@dataclass(frozen=True, eq=False)
class Optimizers(Choices):
    """The optimizers."""

    name = column = "optimizer"
    noun = "optimizer"
    alike = "by the same optimizer"
    table = OPTIMIZERS


@dataclass(frozen=True, eq=False)
class Schedules(Choices):
    """The schedules of the learning rate."""

    name = column = "schedule"
    noun = "schedule"
    alike = "by the same schedule"
    table = SCHEDULES


@dataclass(frozen=True, eq=False)
class BatchSizes(Axis):
    """The rows of a batch; all rows, where a cell is trained on fewer."""

    name = "batch_size"
    noun = "batch size"
    alike = "in batches of the same size"

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        return cls(_counts(given, cls.name, rows, "one row at a time"))

    @staticmethod
    def read(plain: Any) -> int:
        return whole_number(plain, "batch_size", 1)

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {"batch_size": np.array(self.values, np.int64)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return [f"batches of {size}" for size in columns["batch_size"]]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        size, by_default = settings[cls.name], not settings[Optimizers.name].all_rows
        return [] if size == 1 and by_default else ["--batch-size", str(size)]

    @property
    def told(self) -> str:
        if len(self) == 1:
            return "" if self.values[0] == 1 else self.texts[0]
        more = f" and {len(self) - NAMED} more" if len(self) > NAMED else ""
        return f"batches of {', '.join(map(str, self.values[:NAMED]))}{more}"


@dataclass(frozen=True, eq=False)
class Shuffles(Axis):
    """Whether the rows are visited in a new order in every epoch."""

    name = "shuffle"
    noun = "order of the rows"
    alike = "in the same order of the rows"

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        several = all_of(given, cls.name, 3) if is_sequence(given) else [given]
        if not several:
            raise InputError(
                "shuffle must name at least one of False and True; got none. Leave it out for False."
            )
        values = [flag(value, cls.name) for value in several]
        each_once(values, cls.name, values)
        return cls(tuple(values))

    @staticmethod
    def read(plain: Any) -> bool:
        return flag(plain, "shuffle")

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {"shuffle": np.array(self.values, bool)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return ["shuffled" if shuffled else "in file order" for shuffled in columns["shuffle"]]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        return ["--shuffle"] if settings[cls.name] else []

    @property
    def told(self) -> str:
        return " and ".join(self.texts) if any(self.values) else ""


@dataclass(frozen=True, eq=False)
class LearningRates(Axis):
    """The learning rates, in the sweep's dtype; None alone where the optimizer has none, NaN in tables."""

    name = "learning_rate"
    noun = "learning rate"
    named = True
    always = True
    dtype: str

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        if given is None:
            return cls((None,), dtype)
        rates = np.atleast_1d(learning_rates(given, dtype))
        if len(rates) > MOST_RATES:
            raise InputError(
                f"learning_rate must name at most {MOST_RATES} values; got {len(rates)}. Name fewer."
            )
        each_once(rates.tolist(), cls.name, rates.tolist())
        return cls(rates, dtype)

    @classmethod
    def described(cls, plain: Sequence[Any], dtype: str, rows: int) -> Self:
        return cls.of(None, dtype, rows) if plain == [None] else super().described(plain, dtype, rows)

    @staticmethod
    def read(plain: Any) -> float:
        return finite_number(plain, "learning_rate", positive=True)

    @property
    def asked(self) -> Any:
        return None if self.values[0] is None else self.values

    @property
    def plain(self) -> list[Any]:
        return [None if rate is None else float(rate) for rate in self.values]

    @property
    def columns(self) -> dict[str, Array]:
        return {"learning_rate": np.array(self.plain, self.dtype)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return rate_texts(columns["learning_rate"])

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        rate = settings[cls.name]
        return [] if rate is None else ["--learning-rate", repr(float(rate))]


@dataclass(frozen=True, eq=False)
class Rows(Axis):
    """The numbers of rows trained on, from the first row."""

    name = "rows"
    noun = "number of rows"
    alike = "on the same rows"
    always = True

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        return cls((rows,) if given is None else _counts(given, cls.name, rows, "all rows"))

    @staticmethod
    def read(plain: Any) -> int:
        return whole_number(plain, "rows", 1)

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {"rows": np.array(self.values, np.int64)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return [counted(rows, "row") for rows in columns["rows"]]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        return ["--rows", str(settings[cls.name])]


# The first one varies slowest; the starts vary faster than any.
IN_ORDER: tuple[type[Axis], ...] = (
    *(Networks, Losses, Optimizers, BatchSizes, Shuffles, *PENALTY_AXES, Schedules, LearningRates, Rows),
)
AXES = {axis.name: axis for axis in IN_ORDER}


def _in_dtype(choice: Choice, dtype: str) -> dict[str, float]:
    """The settings of a choice, as kernels are given them."""
    return {name: np.asarray(value, dtype).item() for name, value in settings_of(choice).items()}


def _counts(given: Any, name: str, rows: int, otherwise: str) -> tuple[int, ...]:
    """Numbers of rows, each from 1 to `rows`."""
    counts = whole_numbers(given, name, 1, rows)
    if not counts:
        raise InputError(
            f"{name} must name at least one number of rows; got none. Leave it out for {otherwise}."
        )
    if len(counts) > rows:
        raise InputError(f"{name} must name at most {counted(rows, 'value')}; got {len(counts)}. Name fewer.")
    each_once(counts, name, counts)
    return tuple(counts)
