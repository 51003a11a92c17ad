"""The description of a sweep's design in plain values, for a store's manifest and a worker's task.

It names everything that the bits of the results depend on; the data are named by a digest of their content.
The engine is not named: all engines give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from numpy.typing import NDArray

from fastnn.data.classes import Names
from fastnn.sweeping.axes import AXES, Axis
from fastnn.sweeping.columns import Schema
from fastnn.sweeping.design import Design
from fastnn.training.identity import ARITHMETIC, RANDOM_NUMBERS, content_hash
from fastnn.training.orders import Explicit, Order
from fastnn.training.starts import Start, constant, given, glorot, he, normal, uniform
from fastnn.training.weights import BALANCED, Weights

__all__ = ["STARTS", "arrays_of", "axes_of", "described", "design_of", "plain_of", "schema_of"]

Array = NDArray[Any]

STARTS = {maker.__name__: maker for maker in (constant, glorot, he, normal, uniform)}


def described(design: Design) -> dict[str, Any]:
    """The design as values that JSON can hold."""
    plan, grid = design.plan, design.grid
    return {
        **{axis.name: axis.plain for axis in grid.axes if not axis.is_absent},
        "data": {"rows": len(plan.X), "sha256": content_hash(plan.X, plan.Y)},
        "networks": grid.starts,
        "start": _described_start(design.start),
        "seed": design.seed,
        "epochs": plan.epochs,
        "dtype": plan.dtype,
        **_described_order(plan.order),
        **_described_rates(plan.epoch_rates),
        **_described_weights(plan.weights),
        **({} if plan.stopping is None else {"stopping": asdict(plan.stopping)}),
        "arithmetic": ARITHMETIC,
        "random_numbers": RANDOM_NUMBERS,
        **_described_losses(design),
    }


def design_of(
    description: dict[str, Any],
    arrays: Mapping[str, Array],
    engine: str = "auto",
    classes: Names | None = None,
) -> Design:
    """Rebuild a design from its description and its arrays, as `described` and `arrays_of` return them.

    `classes` are the names of classes, on which no bit depends.

    Raises
    ------
    InputError, KeyError, TypeError
        If the description is damaged.
    """
    axes = {axis.name: axis.asked for axis in axes_of(description, len(arrays["X"]))}
    found = Design.of(
        X=arrays["X"],
        y=arrays["Y"],
        networks=description["networks"],
        start=_start_of(description["start"], arrays.get("starts")),
        seed=description["seed"],
        epochs=description["epochs"],
        engine=engine,
        dtype=description["dtype"],
        row_order=arrays["row_order"] if "row_order" in description else None,
        **_weights_in(description, arrays),
        validation=(arrays["validation_X"], arrays["validation_Y"]) if "validation" in description else None,
        **description.get("stopping", {}),
        **axes | _rates_in(description, arrays),
    )
    return replace(found, plan=replace(found.plan, labels=classes))


def axes_of(description: dict[str, Any], rows: int) -> tuple[Axis, ...]:
    """The axes of the grid that a description has, of a sweep over this number of rows.

    Raises
    ------
    InputError, KeyError, TypeError
        If the description is damaged.
    """
    dtype = description["dtype"]
    return tuple(axis.described(plain_of(description, name), dtype, rows) for name, axis in AXES.items())


def plain_of(description: Mapping[str, Any], name: str) -> Any:
    """The values of an axis in a description; the one that is left out, if it is.

    Raises
    ------
    KeyError
        If the axis is missing, and is never left out.
    """
    absent = AXES[name].absent
    return description[name] if absent is None else description.get(name, absent)


def schema_of(plan: dict[str, Any], names: tuple[str, ...]) -> Schema:
    """The columns of the results of a store's plan, a description with `curves`, and parameters `names`."""
    return Schema.of(
        names,
        plan["dtype"],
        plan["epochs"],
        rows=plan["rows"],
        validation=plan.get("validation"),
        stopping=plan.get("stopping"),
        every=plan["curves"],
    )


def arrays_of(design: Design) -> dict[str, Array]:
    """The arrays of a design by name: X, Y.

    If given, starts, row_order, epoch_rates, sample_weight, validation_X and validation_Y as well.
    """
    arrays = {"X": design.plan.X, "Y": design.plan.Y}
    starts = getattr(design.start, "parameters", None)  # only a `fastnn.given` has them
    if starts is not None:
        arrays["starts"] = starts
    if isinstance(design.plan.order, Explicit):
        arrays["row_order"] = design.plan.order.rows
    if design.plan.epoch_rates is not None:
        arrays["epoch_rates"] = design.plan.epoch_rates
    if design.plan.weights is not None:
        arrays["sample_weight"] = design.plan.weights.of_rows
    if design.validation is not None:
        arrays["validation_X"], arrays["validation_Y"] = design.validation
    return arrays


def _described_order(order: Order) -> dict[str, Any]:
    """The digest of an order that was given; its shape follows from the epochs and rows."""
    return {"row_order": {"sha256": content_hash(order.rows)}} if isinstance(order, Explicit) else {}


def _described_rates(rates: Array | None) -> dict[str, Any]:
    """The digest of the learning rates of every epoch; their number is that of the epochs."""
    return {} if rates is None else {"epoch_rates": {"sha256": content_hash(rates)}}


def _rates_in(description: dict[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """What was asked of learning rates, where they were given for every epoch."""
    if "epoch_rates" not in description:
        return {}
    return {"schedule": arrays["epoch_rates"], "learning_rate": None}


def _described_weights(weights: Weights | None) -> dict[str, Any]:
    """Within what the weights of the rows count, and their digest."""
    if weights is None:
        return {}
    told: dict[str, Any] = {"within": weights.within, "sha256": content_hash(weights.of_rows)}
    if weights.of_classes is None:
        return {"sample_weight": told}
    factors = weights.of_classes.factors
    return {"sample_weight": told, "class_weight": BALANCED if factors is None else list(factors)}


def _weights_in(description: dict[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """What was asked of weights, of a description and its arrays."""
    if "sample_weight" not in description:
        return {}
    within = description["sample_weight"]["within"]
    of_classes = description.get("class_weight")
    return {
        "sample_weight": arrays["sample_weight"],
        "weights_within": within,
        "class_weight": dict(enumerate(of_classes)) if isinstance(of_classes, list) else of_classes,
    }


def _described_losses(design: Design) -> dict[str, Any]:
    """The names of the losses, if there is more than one, and the validation rows, if any."""
    described: dict[str, Any] = {} if len(design.losses) == 1 else {"losses": list(design.losses)}
    if design.validation is not None:
        X, Y = design.validation
        described["validation"] = {"rows": len(X), "sha256": content_hash(X, Y)}
    return described


def _described_start(start: Start) -> dict[str, Any]:
    kind = type(start).__name__.removeprefix("_").lower()
    settings = {field.name: getattr(start, field.name) for field in fields(start)}
    if kind == "given":
        parameters = settings["parameters"]
        settings = {"shape": list(parameters.shape), "sha256": content_hash(parameters)}
    return {"rule": kind, **settings}


def _start_of(description: dict[str, Any], starts: Array | None) -> Start:
    settings = dict(description)
    kind = settings.pop("rule")
    return given(starts) if kind == "given" else STARTS[kind](**settings)
