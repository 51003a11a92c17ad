"""The base of the axes of a sweep's grid: what each of them tells of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from fastnn.checking import InputError, shown

__all__ = ["Array", "Axis", "each_once"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Axis:
    """The values of one setting in a sweep, each once.

    Attributes
    ----------
    name : str
        The argument of `fastnn.sweep`; also the entry of a description, and the first column of a table.
    noun : str
        The setting in words.
    alike : str
        What networks of one value have in common, in words. It is empty if one call trains networks of any
        values.
    named : bool
        Whether the name of a cell tells it even if there is only one value.
    always : bool
        Whether tables have its columns even if there is only one value.
    absent : list, or None
        What `plain` gives where descriptions leave it out; None if they never do.
    values : sequence
        What `fastnn.train` is given, at least one.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    alike: ClassVar[str] = ""
    named: ClassVar[bool] = False
    always: ClassVar[bool] = False
    absent: ClassVar[list[Any] | None] = None
    values: Any

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        """Check what a sweep in `dtype` over `rows` rows was given; InputError if it does not fit."""
        raise NotImplementedError

    @classmethod
    def described(cls, plain: Sequence[Any], dtype: str, rows: int) -> Self:
        """The axis that `plain` describes; InputError unless each value is as `plain` gives it."""
        return cls.of([cls.read(value) for value in plain], dtype, rows)

    @staticmethod
    def read(plain: Any) -> Any:
        """One value from what a description holds; InputError for anything else."""
        raise NotImplementedError

    @property
    def plain(self) -> list[Any]:
        """The values as JSON can hold them."""
        return list(self.values)

    @property
    def asked(self) -> Any:
        """What `of` makes it from."""
        return self.values

    @property
    def columns(self) -> dict[str, Array]:
        """The columns of tables, by name: a number or a word for each value."""
        raise NotImplementedError

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All columns that it may have."""
        return (cls.name,)

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        """The values in words, from columns of a table; different values have different words."""
        raise NotImplementedError

    @cached_property
    def texts(self) -> list[str]:
        """The values in words."""
        return self.texts_of({name: column.tolist() for name, column in self.columns.items()})

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        """The words of a command line of ``fastnn train`` that give its value of a cell."""
        raise NotImplementedError

    @property
    def told(self) -> str:
        """The values in a sentence on the whole sweep; empty where there is nothing to say."""
        return ""

    @property
    def is_absent(self) -> bool:
        """Whether it has the one value that descriptions leave out."""
        return self.plain == self.absent

    @property
    def shown(self) -> bool:
        """Whether tables have its columns."""
        return self.always or len(self) > 1

    def __len__(self) -> int:
        return len(self.values)


def each_once(keys: list[Any], name: str, given: list[Any]) -> None:
    """Refuse values, by their keys, of which one comes twice."""
    if len(set(keys)) < len(keys):
        raise InputError(f"{name} must name each value once; got {shown(given)}. Drop the repeated ones.")
