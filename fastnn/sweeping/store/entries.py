"""The entries of a manifest, each checked as strictly as an argument at the public door.

The seal of a manifest shows that nothing changed by chance. It does not show that the content makes sense.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from fastnn.checking import InputError, all_of, one_of, seed_number, shown, whole_number
from fastnn.core.choices import from_zero
from fastnn.core.recipe import CONSTANT
from fastnn.core.rule import DTYPES, MOST_EPOCHS, WITHIN
from fastnn.core.schedules import SCHEDULES
from fastnn.sweeping.axes import AXES
from fastnn.sweeping.description import STARTS, plain_of, schema_of
from fastnn.training.stopping import stopping_of
from fastnn.training.weights import BALANCED

__all__ = [
    "LARGEST_SHARD",
    "MOST_SHARDS",
    "MOST_STARTS",
    "checked_names",
    "checked_plan",
    "checked_texts",
    "checked_total",
]

MOST_STARTS = 2**53
MOST_SHARDS = 10_000_000  # files in a folder
LARGEST_SHARD = 1 << 16
DIGEST = re.compile("[0-9a-f]{64}")


def checked_plan(plan: Any) -> None:
    """Refuse a plan unless it has exactly the entries of a sweep, all with possible values.

    Raises
    ------
    InputError
        If an entry is missing, unknown or impossible; it is named.
    """
    others = LEFT_OUT | {"losses", "row_order", "epoch_rates", "sample_weight", "class_weight"}
    others |= {"validation", "stopping"}
    entries = checked_names(plan, "plan", {*CHECKS} - LEFT_OUT, others)
    for name, check in CHECKS.items():
        if name in entries:
            check(_Entry(entries, name))
    if "validation" in entries:
        _told_rows(_Entry(entries, "validation"))
    if "stopping" in entries:
        told = _Entry(entries, "stopping").entries({"patience", "min_delta", "watch"})
        found = stopping_of(**told, validated="validation" in entries)
        if found is None or sorted(map(repr, told.items())) != sorted(map(repr, asdict(found).items())):
            raise InputError(f"stopping must be that of a sweep; got {shown(told)}.")
    if "sample_weight" in entries:
        told = _Entry(entries, "sample_weight").entries({"within", "sha256"})
        one_of(told["within"], "within of sample_weight", WITHIN)
        _digest(told["sha256"], "sample_weight")
    if "class_weight" in entries:
        _class_weight(_Entry(entries, "class_weight"))
    if "row_order" in entries:
        _digest(_Entry(entries, "row_order").entries({"sha256"})["sha256"], "row_order")
        if len(entries["rows"]) > 1 or any(entries["shuffle"]):
            raise InputError(
                "row_order must go with one number of rows and without shuffle; got a plan of another kind."
            )
    if "epoch_rates" in entries:
        _digest(_Entry(entries, "epoch_rates").entries({"sha256"})["sha256"], "epoch_rates")
        constant = [SCHEDULES.described(CONSTANT)]
        if len(entries["learning_rate"]) > 1 or plain_of(entries, "schedule") != constant:
            raise InputError(
                "epoch_rates must go with one learning rate and no schedule; got a plan of another kind."
            )
    losses = list(schema_of(entries, ()).losses)
    if entries.get("losses", losses[:1]) != losses:
        raise InputError(f"losses must be {losses} in such a sweep; got {shown(entries.get('losses'))}.")
    cells = math.prod(len(plain_of(entries, name)) for name in AXES)
    checked_total(cells * entries["networks"], entries["networks_per_shard"])


def checked_total(networks: int, size: int) -> None:
    """Refuse a store of too many networks, or of too many shards of `size` networks."""
    shards = -(-networks // size)
    if networks > MOST_STARTS or shards > MOST_SHARDS:
        raise InputError(
            f"a store must have at most {MOST_SHARDS} shards; got {shown(networks)} networks, which make "
            f"{shown(shards)} shards of {size}. Sweep fewer networks, or use several stores."
        )


def checked_texts(values: Any, name: str) -> None:
    """Refuse anything but a dict of texts."""
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise InputError(f"{name} must be texts; got {shown(values)}.")


def checked_names(
    values: Any, name: str, names: Collection[str], others: Collection[str] = ()
) -> dict[str, Any]:
    """Return the values by name; refuse them if one of `names` is missing, or one is of neither set."""
    found = values if isinstance(values, dict) else {}
    wrong = sorted({*names} - found.keys() | found.keys() - {*names, *others})
    if not isinstance(values, dict) or wrong:
        raise InputError(f"{name} must have {', '.join(sorted(names))}; got {shown(values)} ({wrong[:3]}).")
    return found


@dataclass(frozen=True)
class _Entry:
    """One entry of a plan, with access to the others."""

    plan: dict[str, Any]
    name: str

    @property
    def value(self) -> Any:
        return self.plan[self.name]

    def whole(self, minimum: int, maximum: int) -> int:
        return whole_number(self.value, self.name, minimum, maximum)

    def entries(self, names: set[str], others: set[str] | None = None) -> dict[str, Any]:
        return checked_names(self.value, self.name, names, others or set())

    def several(self) -> list[Any]:
        if not isinstance(self.value, list) or not self.value:
            raise InputError(f"{self.name} must be a list of values; got {shown(self.value)}.")
        return all_of(self.value, self.name)


def _told_rows(entry: _Entry) -> None:
    told = entry.entries({"rows", "sha256"})
    whole_number(told["rows"], f"rows of {entry.name}", 1, MOST_STARTS)
    _digest(told["sha256"], entry.name)


def _digest(value: Any, name: str) -> None:
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise InputError(f"sha256 of {name} must be a digest; got {shown(value)}.")


def _class_weight(entry: _Entry) -> None:
    """Those of classes go with those of rows, which are 1 if none were given."""
    if "sample_weight" not in entry.plan:
        raise InputError("class_weight must go with sample_weight; got it alone.")
    if entry.value == BALANCED:
        return
    factors, classes = entry.several(), max(2, entry.plan["network"][0]["layers"][-1])
    if len(factors) != classes:
        raise InputError(f"class_weight must be one for each of {classes} classes; got {len(factors)}.")
    for value in factors:
        from_zero(value, entry.name)


def _start(entry: _Entry) -> None:
    kind = entry.value.get("rule") if isinstance(entry.value, dict) else None
    kind = one_of(kind, "start", (*STARTS, "given"))
    if kind != "given":
        settings = {name: value for name, value in entry.value.items() if name != "rule"}
        try:
            STARTS[kind](**settings)
        except TypeError:
            raise InputError(f"start must have the settings of {kind}; got {shown(entry.value)}.") from None
        return
    told = entry.entries({"rule", "shape", "sha256"})
    _digest(told["sha256"], "start")
    shape = _Entry(told, "shape").several()
    if len(shape) > 2 or not all(type(length) is int and 0 < length <= MOST_STARTS for length in shape):
        raise InputError(f"shape of start must be (P,) or (M, P); got {shown(shape)}.")


def _axis(entry: _Entry) -> None:
    AXES[entry.name].described(entry.several(), entry.plan["dtype"], entry.plan["data"]["rows"])


def _text(entry: _Entry) -> None:
    if not isinstance(entry.value, str) or not entry.value:
        raise InputError(f"{entry.name} must be a text; got {shown(entry.value)}.")


# The order matters: some checks use entries that were checked before.
CHECKS: dict[str, Callable[[_Entry], Any]] = {
    "data": _told_rows,
    "networks": lambda entry: entry.whole(1, MOST_STARTS),
    "start": _start,
    "seed": lambda entry: seed_number(entry.value),
    "dtype": lambda entry: one_of(entry.value, "dtype", DTYPES),
    **dict.fromkeys(AXES, _axis),
    "epochs": lambda entry: entry.whole(1, MOST_EPOCHS),
    "arithmetic": _text,
    "random_numbers": _text,
    "curves": lambda entry: entry.whole(0, entry.plan["epochs"]),
    "networks_per_shard": lambda entry: entry.whole(1, LARGEST_SHARD),
}
LEFT_OUT = {name for name, axis in AXES.items() if axis.absent is not None}
