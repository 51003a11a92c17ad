"""What an optimizer and a loss have in common: a name, settings, and a place in a table of their kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any, ClassVar, Self, TypeVar, cast

from fastnn.checking import InputError, all_of, finite_number, meant, shown

__all__ = [
    "MOST",
    "Choice",
    "Table",
    "above_one",
    "above_zero",
    "below_one",
    "from_zero",
    "is_sequence",
    "setting",
    "settings_of",
    "within_one",
    "yes_or_no",
]

MOST = 10_000  # choices of a sweep, values of a setting


def setting(default: float, check: Callable[[Any, str], float]) -> Any:
    """A setting: its default, and the check of each number that is given for it."""
    return field(default=default, metadata={"check": check})


def below_one(value: Any, name: str) -> float:
    """Return a number from 0 up to but not including 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 <= number < 1:
        raise InputError(f"{name} must be from 0 up to but not including 1; got {number!r}. Give 0.9, say.")
    return number


def above_zero(value: Any, name: str) -> float:
    """Return a number above 0, or refuse it."""
    return finite_number(value, name, positive=True)


def above_one(value: Any, name: str) -> float:
    """Return a number above 1, or refuse it."""
    number = finite_number(value, name)
    if number <= 1:
        raise InputError(f"{name} must be above 1; got {number!r}. Give 1.2, say.")
    return number


def within_one(value: Any, name: str) -> float:
    """Return a number above 0 and below 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 < number < 1:
        raise InputError(f"{name} must be above 0 and below 1; got {number!r}. Give 0.5, say.")
    return number


def from_zero(value: Any, name: str) -> float:
    """Return a number from 0 on, or refuse it."""
    number = finite_number(value, name)
    if number < 0:
        raise InputError(f"{name} must be 0 or above it; got {number!r}. Leave it out for 0.")
    return number


def yes_or_no(value: Any, name: str) -> float:
    """Return 1.0 for true and 0.0 for false, in any of these forms, or refuse it."""
    if isinstance(value, bool | int | float) and value in (0, 1):
        return float(value)
    raise InputError(f"{name} must be true or false; got {shown(value)}. Choose one of them.")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a table's kinds, with its settings, which are its fields.

    A setting may be a sequence of numbers, which becomes a tuple: that stands for one choice with each of
    them, in `fastnn.sweep`.
    """

    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(getattr(self, each.name), each))

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """The names of its settings."""
        return tuple(field.name for field in fields(cls))

    def each(self) -> list[Self]:
        """One choice for each combination of the values of its settings, those of the last one fastest."""
        values = {name: _several(getattr(self, name)) for name in self.settings()}
        if math.prod(map(len, values.values())) > MOST:
            raise InputError(
                f"the settings of {self.name} must have at most {MOST} combinations; got more. "
                "Give fewer values."
            )
        return [replace(self, **dict(zip(values, some, strict=True))) for some in product(*values.values())]


KindOf = TypeVar("KindOf", bound=Choice)


class Table(dict[str, type[KindOf]]):
    """The kinds there are, by their names; `noun` is what the argument is called that chooses one.

    `example` is an object of a kind with a setting, as one writes it, and `default` the name of the kind that
    is taken where none is given.
    """

    def __init__(self, noun: str, kinds: Iterable[type[KindOf]], example: str, default: str) -> None:
        super().__init__((kind.name, kind) for kind in kinds)
        self.noun, self.example, self.default = noun, example, default

    @property
    def nouns(self) -> str:
        """The noun of several."""
        return f"{self.noun}{'es' if self.noun.endswith('s') else 's'}"

    def one(self, given: Any) -> KindOf:
        """The one choice that a name or an object means; InputError for anything else."""
        found = self._known(given, self.noun)
        for each, value in settings_of(found).items():
            if isinstance(value, tuple):
                raise InputError(
                    f"{self.noun} must have one {each} here; got {shown(found)}. "
                    "Give one number; several are for fastnn.sweep."
                )
        return found

    def several(self, given: Any) -> list[KindOf]:
        """The choices that a name, an object or a sequence of them means, each with one value of a setting.

        InputError for anything else; of a sequence it names the place.
        """
        noun = self.noun
        if not is_sequence(given):
            return self._known(given, noun).each()
        several = all_of(given, noun, MOST)
        if not several:
            raise InputError(
                f"{noun} must name at least one {noun}; got none. Leave it out for {self.default}."
            )
        found = [one for n, each in enumerate(several) for one in self._known(each, f"{noun}[{n}]").each()]
        return all_of(found, noun, MOST)

    def described(self, choice: KindOf) -> dict[str, Any]:
        """A choice as plain values that files hold."""
        return {self.noun: choice.name, **settings_of(choice)}

    def read(self, plain: Any) -> KindOf:
        """The choice that plain values describe, as `described` gives them; InputError for any other."""
        name = plain.get(self.noun) if isinstance(plain, dict) else None
        kind = self.get(name) if isinstance(name, str) else None
        if kind is not None:
            settings = {setting: value for setting, value in plain.items() if setting != self.noun}
            if {*settings} == {*kind.settings()} and all(type(value) is float for value in settings.values()):
                return kind(**settings)
        raise InputError(
            f"{self.noun} must be one that this version of fastnn has, such as "
            f"{self.described(self[self.default]())}; got {shown(plain)}. Use the version that wrote it."
        )

    def _known(self, given: Any, name: str) -> KindOf:
        # Files and workers could not name one of another class.
        if isinstance(given, Choice) and type(given) in self.values():
            return cast(KindOf, given)
        if isinstance(given, str) and given in self:
            return self[given]()
        names = ", ".join(map(repr, self))
        near = meant(given, self) if isinstance(given, str) else ""
        advice = "; several are for fastnn.sweep" if name == self.noun and is_sequence(given) else near
        raise InputError(
            f"{name} must be one of {names}, or an object such as {self.example}; got {shown(given)}. "
            f"Choose one of these{advice}."
        )


def settings_of(choice: Choice) -> dict[str, Any]:
    """The values of a choice's settings, by their names."""
    return {name: getattr(choice, name) for name in choice.settings()}


def is_sequence(given: Any) -> bool:
    """Whether something holds values in an order."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | Set)


def _checked(value: Any, setting: Any) -> Any:
    """The checked number of a setting, or a tuple of them; of a sequence a refusal names the place."""
    name, check = setting.name, setting.metadata["check"]
    plain = value.tolist() if hasattr(value, "tolist") else value  # an array without dimensions is a number
    if not is_sequence(plain):
        return check(plain, name)
    values = tuple(check(each, f"{name}[{n}]") for n, each in enumerate(all_of(plain, name, MOST)))
    if not values:
        raise InputError(
            f"{name} must name at least one number; got none. Leave it out for {setting.default}."
        )
    return values


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
