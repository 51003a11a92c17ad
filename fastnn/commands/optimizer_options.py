"""The option --optimizer: one optimizer, or several with several values of their settings."""

from __future__ import annotations

import re
from typing import Any

from fastnn.checking import InputError, meant
from fastnn.commands.parsing import numbers
from fastnn.core.optimizers import OPTIMIZERS, Optimizer

__all__ = ["add_optimizer", "add_optimizers", "optimizer_of", "optimizers_of"]

OPTION, DEFAULT = "--optimizer", "sgd"
# Each optional: an optimizer, one of its settings, a number or a range (which is no optimizer of that name).
PART = re.compile(r"(?:(?!(?:log|lin):)([A-Za-z]\w*-?)(:|$))?(?:([A-Za-z]\w*)=)?(.*)", re.DOTALL)


def add_optimizer(group: Any) -> None:
    """Add the option of the commands that take one optimizer."""
    known = f"{', '.join(OPTIMIZERS)}; default {DEFAULT}; settings: momentum:0.5, adam:beta1=0.8,eps=1e-6"
    group.add_argument(OPTION, default=DEFAULT, metavar="NAME", help=known)


def add_optimizers(group: Any) -> None:
    """Add the option of ``fastnn sweep``."""
    known = f"{', '.join(OPTIMIZERS)}; default {DEFAULT}; several: sgd,momentum:0.5,0.9"
    group.add_argument(OPTION, default=DEFAULT, metavar="NAME,..", help=known)


def optimizer_of(text: str) -> Optimizer:
    """The one optimizer that a text such as ``momentum:0.5`` names."""
    found = optimizers_of(text)
    if len(found) > 1:
        raise InputError(
            f"{OPTION} must name one optimizer here; got {text!r}. Choose one; several are for fastnn sweep."
        )
    return found[0]  # which may have several values of a setting: they are refused where it is used


def optimizers_of(text: str) -> list[Optimizer]:
    """The optimizers that a text such as ``sgd,momentum:0.5,0.9`` names.

    What follows a name is for its first setting, or for the one that is named: ``momentum:momentum=0.5,0.9``.
    """
    found: list[tuple[type[Optimizer], dict[str, list[str]]]] = []
    for part in text.split(","):
        match = PART.fullmatch(part.strip())
        assert match is not None  # noqa: S101 - it matches any text
        name, colon, setting, number = match.groups()
        if name is not None:
            found.append((_kind(name, text), {}))
        if not found or (not number and (colon or name is None)):
            raise _refusal(text, "")
        if number:
            kind, values = found[-1]
            values.setdefault(_setting(kind, setting or next(reversed(values), ""), text), []).append(number)
    return [_made(kind, values) for kind, values in found]


def _kind(name: str, text: str) -> type[Optimizer]:
    if name not in OPTIMIZERS:
        raise _refusal(text, meant(name, OPTIMIZERS) or f", where {name} is none of {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]


def _setting(kind: type[Optimizer], name: str, text: str) -> str:
    """The setting of that name, or the first one."""
    known = kind.settings()
    if not known or (name and name not in known):
        has = f"has the settings {', '.join(known)}" if known else "has no settings"
        raise _refusal(text, f", but {kind.name} {has}")
    return name or known[0]


def _made(kind: type[Optimizer], given: dict[str, list[str]]) -> Optimizer:
    values = {name: numbers(",".join(some), OPTION) for name, some in given.items()}
    return kind(**{name: some[0] if len(some) == 1 else some for name, some in values.items()})


def _refusal(text: str, why: str) -> InputError:
    return InputError(
        f"{OPTION} must be optimizers and their settings, separated by commas; got {text!r}{why}. "
        "Write them like sgd,momentum:0.5,0.9."
    )
