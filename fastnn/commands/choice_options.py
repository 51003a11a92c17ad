"""Options that choose of a table, such as --optimizer: one choice, or several with several settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fastnn.checking import InputError, meant
from fastnn.commands.parsing import number, numbers, numbers_or_none
from fastnn.core.choices import Choice, Table
from fastnn.core.losses import LOSSES
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.core.penalties import L2_ON, PENALTIES
from fastnn.core.schedules import SCHEDULES

__all__ = [
    "TABLES",
    "add_choice",
    "add_library",
    "add_penalties",
    "add_training",
    "choices_of",
    "penalties_of",
    "training_of",
]

# Each optional: a choice, one of its settings, a number or a range (which is no choice of that name).
PART = re.compile(r"(?:(?!(?:log|lin):)([A-Za-z]\w*-?)(:|$))?(?:([A-Za-z]\w*)=)?(.*)", re.DOTALL)
OF_A_STEP: tuple[Table[Any], ...] = (LOSSES, OPTIMIZERS)
TABLES: tuple[Table[Any], ...] = (*OF_A_STEP, SCHEDULES)
EXAMPLES = {
    "optimizer": ("momentum:0.5, adam:beta1=0.8,eps=1e-6", "sgd,momentum:0.5,0.9"),
    "loss": ("huber:0.5", "squared,huber:0.5,1"),
    "schedule": ("cosine:horizon=300,warmup=10", "constant,cosine:100,300"),
}
PENALTY_HELP = {
    "l2": "penalty on the squares of weights, P/2 of each",
    "l1": "penalty on the absolute values of weights",
    "decay": "what weights lose with each update, in learning rates",
}
L2_ON_HELP = "of a batch's losses: what l2 is on; default mean"
CLIP_HELP = "largest norm of the gradient; default none"


def add_choice(group: Any, table: Table[Any], *, several: bool = False) -> None:
    """Add the option of a table's name; `several` for ``fastnn sweep``."""
    one, many = EXAMPLES[table.noun]
    example = f"several: {many}" if several else f"settings: {one}"
    known = f"{', '.join(table)}; default {table.default}; {example}"
    metavar = "NAME,.." if several else "NAME"
    default = None if table is LOSSES else table.default  # the usual loss depends on the network
    group.add_argument(f"--{table.noun}", default=default, metavar=metavar, help=known)


def add_library(group: Any) -> None:
    """Add the choice of the library that fastnn is compared with."""
    said = "the other library, Keras on every installed backend; default keras"
    libraries = ("keras", "sklearn", "torch")
    group.add_argument("--with", dest="library", choices=libraries, default="keras", help=said)


def add_training(group: Any, tables: Iterable[Table[Any]] = OF_A_STEP) -> None:
    """Add the options of the commands that train by one choice of each table."""
    for table in tables:
        add_choice(group, table)
    for name, what in PENALTY_HELP.items():
        group.add_argument(f"--{name}", type=number, default=0.0, metavar="P", help=f"{what}; default 0")
    group.add_argument("--l2-on", default="mean", choices=L2_ON, help=L2_ON_HELP)
    group.add_argument("--clip", type=number, metavar="NORM", help=CLIP_HELP)


def add_penalties(group: Any) -> None:
    """Add the penalties of ``fastnn sweep``, each with several values."""
    for name, what in PENALTY_HELP.items():
        group.add_argument(f"--{name}", default="0", metavar="P,..", help=f"{what}; default 0")
    group.add_argument("--l2-on", default="mean", metavar="WHAT,..", help=f"mean or sum {L2_ON_HELP}")
    group.add_argument("--clip", default="none", metavar="NORM,..", help=f"{CLIP_HELP}; several: none,0.5,1")


def penalties_of(options: Any) -> dict[str, Any]:
    """The values of the penalties of a sweep, by name."""
    values = {name: numbers(getattr(options, name), f"--{name}") for name in PENALTIES}
    on = [word.strip() for word in options.l2_on.split(",")]
    return {**values, "l2_on": on, "clip": numbers_or_none(options.clip, "--clip")}


def training_of(options: Any) -> dict[str, Any]:
    """What these options, and --batch-size, ask of the training, by the names that `fastnn.train` has."""
    tables = [table for table in TABLES if getattr(options, table.noun, None) is not None]
    chosen = {table.noun: _choice(getattr(options, table.noun), table) for table in tables}
    penalties = {name: getattr(options, name) for name in PENALTIES}
    return {
        **chosen,
        "batch_size": options.batch_size,
        **penalties,
        "l2_on": options.l2_on,
        "clip": options.clip,
    }


def _choice(text: str, table: Table[Any]) -> Any:
    """The one choice that a text such as ``momentum:0.5`` names."""
    found = choices_of(text, table)
    if len(found) > 1:
        raise InputError(
            f"--{table.noun} must name one {table.noun} here; got {text!r}. Choose one; several are for "
            "fastnn sweep."
        )
    return found[0]  # which may have several values of a setting: they are refused where it is used


def choices_of(text: str, table: Table[Any]) -> list[Any]:
    """The choices that a text such as ``sgd,momentum:0.5,0.9`` names.

    What follows a name is for its first setting, or for the one that is named: ``momentum:momentum=0.5,0.9``.
    """
    found: list[tuple[type[Choice], dict[str, list[str]]]] = []
    for part in text.split(","):
        match = PART.fullmatch(part.strip())
        assert match is not None  # noqa: S101 - it matches any text
        name, colon, setting, number = match.groups()
        if name is not None:
            found.append((_kind(name, text, table), {}))
        if not found or (not number and (colon or name is None)):
            raise _refusal(text, "", table)
        if number:
            kind, values = found[-1]
            name = _setting(kind, setting or next(reversed(values), ""), text, table)
            values.setdefault(name, []).append(number)
    return [_made(kind, values, table) for kind, values in found]


def _kind(name: str, text: str, table: Table[Any]) -> type[Choice]:
    if name not in table:
        why = meant(name, table) or f", where {name} is none of {', '.join(table)}"
        raise _refusal(text, why, table)
    return table[name]


def _setting(kind: type[Choice], name: str, text: str, table: Table[Any]) -> str:
    """The setting of that name, or the first one."""
    known = kind.settings()
    if not known or (name and name not in known):
        has = f"has the settings {', '.join(known)}" if known else "has no settings"
        raise _refusal(text, f", but {kind.name} {has}", table)
    return name or known[0]


def _made(kind: type[Choice], given: dict[str, list[str]], table: Table[Any]) -> Choice:
    values = {name: numbers(",".join(some), f"--{table.noun}") for name, some in given.items()}
    return kind(**{name: some[0] if len(some) == 1 else some for name, some in values.items()})


def _refusal(text: str, why: str, table: Table[Any]) -> InputError:
    _, example = EXAMPLES[table.noun]
    return InputError(
        f"--{table.noun} must be {table.nouns} and their settings, separated by commas; got {text!r}{why}. "
        f"Write them like {example}."
    )
