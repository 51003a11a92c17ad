"""The axes of the penalties on weights, and of clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from fastnn.checking import InputError, all_of, one_of
from fastnn.core.choices import MOST, above_zero, from_zero, is_sequence
from fastnn.core.penalties import L2_ON
from fastnn.showing.lettering import told_apart
from fastnn.sweeping.axis import Array, Axis, each_once

__all__ = ["PENALTY_AXES"]


@dataclass(frozen=True, eq=False)
class Penalties(Axis):
    """Numbers from 0, each for all weights of a network, in the sweep's dtype in tables."""

    absent: ClassVar[list[Any] | None] = [0.0]
    dtype: str

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        plain = given.tolist() if hasattr(given, "tolist") else given
        several = list(plain) if is_sequence(plain) else [plain]
        if not 0 < len(several) <= MOST:
            raise InputError(
                f"{cls.name} must be from 1 to {MOST} numbers; got {len(several)}. Leave it out for 0."
            )
        names = [f"{cls.name}[{n}]" if is_sequence(plain) else cls.name for n in range(len(several))]
        values = tuple(map(from_zero, several, names))
        each_once([np.asarray(value, dtype).item() for value in values], cls.name, list(values))
        return cls(values, dtype)

    @classmethod
    def read(cls, plain: Any) -> float:
        return from_zero(plain, cls.name)

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {self.name: np.array(self.values, self.dtype)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return [f"{cls.name} {text}" for text in told_apart([float(value) for value in columns[cls.name]])]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        value = settings[cls.name]
        return [f"--{cls.name}", repr(value)] if value else []

    @property
    def told(self) -> str:
        return "" if self.is_absent else f"{self.name} {', '.join(map(repr, self.values))}"


class L2(Penalties):
    """The L2 penalties."""

    name = "l2"
    noun = "L2 penalty"
    alike = "with the same L2 penalty"


class L1(Penalties):
    """The L1 penalties."""

    name = "l1"
    noun = "L1 penalty"
    alike = "with the same L1 penalty"


class Decay(Penalties):
    """How fast weights decay."""

    name = "decay"
    noun = "decay"
    alike = "with the same decay"


@dataclass(frozen=True, eq=False)
class L2On(Axis):
    """What l2 is a penalty on."""

    name = "l2_on"
    noun = "what l2 is on"
    alike = "with l2 on the same"
    absent: ClassVar[list[Any] | None] = ["mean"]

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        several = all_of(given, cls.name, len(L2_ON) + 1) if is_sequence(given) else [given]
        if not several:
            raise InputError("l2_on must name at least one of mean and sum; got none. Leave it out for mean.")
        values = [one_of(each, cls.name, L2_ON) for each in several]
        each_once(values, cls.name, values)
        return cls(tuple(values))

    @classmethod
    def read(cls, plain: Any) -> str:
        return one_of(plain, cls.name, L2_ON)

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {self.name: np.array(self.values, object)}

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        return [f"l2 on the {on}" for on in columns[cls.name]]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        return [] if settings[cls.name] == "mean" else ["--l2-on", settings[cls.name]]

    @property
    def told(self) -> str:
        return "" if self.is_absent else " and ".join(self.texts)


@dataclass(frozen=True, eq=False)
class Clips(Axis):
    """The largest norms of the gradient; None without clipping, NaN in tables."""

    name = "clip"
    noun = "clipping"
    alike = "with the same clipping"
    absent: ClassVar[list[Any] | None] = [None]
    dtype: str

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        plain = given.tolist() if hasattr(given, "tolist") else given
        several = all_of(plain, cls.name, MOST) if is_sequence(plain) else [plain]
        if not several:
            raise InputError("clip must name at least one number; got none. Leave it out for no clipping.")
        names = [f"{cls.name}[{n}]" if is_sequence(plain) else cls.name for n in range(len(several))]
        pairs = zip(several, names, strict=True)
        values = tuple(None if value is None else above_zero(value, name) for value, name in pairs)
        each_once(
            [None if value is None else np.asarray(value, dtype).item() for value in values],
            cls.name,
            list(values),
        )
        return cls(values, dtype)

    @classmethod
    def read(cls, plain: Any) -> float | None:
        return None if plain is None else above_zero(plain, cls.name)

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {
            self.name: np.array([np.nan if value is None else value for value in self.values], self.dtype)
        }

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        values = [float(value) for value in columns[cls.name]]
        texts = iter(told_apart([value for value in values if value == value]))
        return [f"clip {next(texts)}" if value == value else "no clipping" for value in values]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        value = settings[cls.name]
        return [] if value is None else ["--clip", repr(value)]

    @property
    def told(self) -> str:
        return "" if self.is_absent else ", ".join(self.texts)


PENALTY_AXES: tuple[type[Axis], ...] = (L2, L1, Decay, L2On, Clips)
