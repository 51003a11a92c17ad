"""The header of a model file: a Training described in JSON, and the checks of a header from a stranger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from platform import python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, ModelFileError, flag, one_of, seed_number, shown, whole_number
from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.core.rule import DTYPES, MOST_EPOCHS, ORDERS, SHUFFLED, WITHIN
from fastnn.data.classes import Names
from fastnn.data.columns import (
    LONGEST_TEXT,
    MOST_CATEGORIES,
    MOST_CLASSES,
    Column,
    refuse_shared_names,
)
from fastnn.data.scaling import Scaling, TableScaling, frozen
from fastnn.models.npz import LONGEST_HEADER, Member, damaged
from fastnn.showing.lettering import counted
from fastnn.version import __version__

__all__ = ["STOPS", "Header", "header_in", "json_of"]

FORMAT = 5
STOPS = ("best_epoch", "trained_epochs", "ended")  # of each network, where some stopped
MOST = 2**31 - 1  # units of a layer, networks, rows: more than any file holds
WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""The errors that Python raises for JSON that is broken, too deep, or of the wrong content."""


@dataclass(frozen=True)
class Header:
    """The description of a Training in its model file.

    `networks` is None for a single network; `diverged` is the number of diverged networks; `validation` says
    whether there is a validation curve; `arithmetic` names how every bit was computed; `numbered` says
    whether the networks have numbers in a sweep; `remembers` says whether there is more to go on from than
    the parameters and the curve; `stopped` whether networks ended before the last epoch for themselves;
    `weights_within` is one of `WITHIN`, or None if rows had no weights; `notes`
    and `labels` are the Training's.
    """

    network: Network
    recipe: Recipe
    networks: int | None
    diverged: int
    epochs: int
    rows: int
    engine: str
    dtype: str
    validation: bool
    scaling: TableScaling | None
    arithmetic: str
    order: str
    seed: int | None
    remembers: bool = False
    stopped: bool = False
    numbered: bool = False
    rates: bool = False
    weights_within: str | None = None
    notes: tuple[str, ...] = ()
    labels: Names | None = None

    @property
    def members(self) -> list[Member]:
        """The arrays of the file, in the order in which they are stored."""
        number = {"float64": "<f8", "float32": "<f4"}[self.dtype]
        lead = () if self.networks is None else (self.networks,)
        parameters, curve = (*lead, self.network.n_parameters), (*lead, self.epochs)
        return [
            Member("parameters", number, parameters),
            Member("start", number, parameters),
            Member("learning_rate", number, lead),
            Member("diverged", "<i4", lead),
            Member("loss_curve", number, curve),
            *([Member("validation_curve", number, curve)] if self.validation else []),
            *([Member("number", "<i8", lead)] if self.numbered else []),
            *([Member("given_rates", number, curve)] if self.rates else []),
            *([Member("state", number, (*lead, self._state_size))] if self.remembers else []),
            *([Member("last_loss", number, lead)] if self.remembers else []),
            *(Member(name, "<i4", lead) for name in STOPS if self.stopped),
        ]

    @property
    def _state_size(self) -> int:
        return self.recipe.rule.state_size(self.network)

    @property
    def divergence(self) -> str:
        """The number of diverged networks, in words."""
        return "a network that" if self.networks is None else f"{self.diverged} of {self.networks} that"


def json_of(header: Header, versions: Mapping[str, str] | None = None) -> bytes:
    """Return a header as JSON. The same header always gives the same bytes.

    `versions` are the installed ones unless given. Raises InputError if `header_in` would refuse the header.
    """
    _refuse_unfit(header.scaling, header.network)
    if header.labels is not None and len(header.labels) != max(2, header.network.n_outputs):
        raise InputError(
            f"labels must be one for each class of {header.network!r}; got {len(header.labels)}. "
            "Train it again."
        )
    network = header.network
    plain = {
        "fastnn_model": FORMAT,
        "versions": _versions() if versions is None else versions,
        "network": {"layers": network.layers, "hidden": network.hidden, "output": network.output},
        "rule": header.recipe.plain,
        "networks": header.networks,
        "diverged": header.diverged,
        "epochs": header.epochs,
        "rows": header.rows,
        "engine": header.engine,
        "dtype": header.dtype,
        "arithmetic": header.arithmetic,
        "validation": header.validation,
        "order": header.order,
        "seed": header.seed,
        "scaling": None if header.scaling is None else _plain(header.scaling),
        **({"remembers": True} if header.remembers else {}),
        **({"stopped": True} if header.stopped else {}),
        **({"numbered": True} if header.numbered else {}),
        **({"rates": True} if header.rates else {}),
        **({"weights_within": header.weights_within} if header.weights_within else {}),
        **({"notes": header.notes} if header.notes else {}),
        **({} if header.labels is None else {"labels": header.labels}),
    }
    text = json.dumps(plain, allow_nan=False).encode("ascii")
    if len(text) > LONGEST_HEADER:
        raise InputError(
            f"names and categories may take at most 1 MiB in a model file; got {len(text) / 2**20:.1f} MiB. "
            "Drop the columns of many categories."
        )
    return text


def header_in(text: bytes, name: str) -> Header:
    """Return the header in a file's JSON, each entry checked; raise ModelFileError, with `name`, if wrong."""
    try:
        plain = json.loads(text.decode("ascii"))
        _refuse_other_format(plain["fastnn_model"], name)
        networks, scaling = plain["networks"], plain["scaling"]
        rows = whole_number(plain["rows"], "rows", 1, MOST)
        recipe = Recipe.read(plain["rule"])
        whole_number(recipe.batch_size, "batch_size", 1, rows)
        header = Header(
            network=_network(plain["network"]),
            recipe=recipe,
            networks=None if networks is None else whole_number(networks, "networks", 1, MOST),
            diverged=whole_number(plain["diverged"], "diverged", 0, MOST),
            epochs=whole_number(plain["epochs"], "epochs", 1, MOST_EPOCHS),
            rows=rows,
            engine=_text(plain["engine"]),
            dtype=one_of(plain["dtype"], "dtype", DTYPES),
            validation=flag(plain["validation"], "validation"),
            scaling=None if scaling is None else _scaling(scaling),
            arithmetic=_line(plain["arithmetic"]),
            order=one_of(plain["order"], "order", ORDERS),
            seed=None if plain["seed"] is None else seed_number(plain["seed"]),
            remembers=flag(plain.get("remembers", False), "remembers"),
            stopped=flag(plain.get("stopped", False), "stopped"),
            numbered=flag(plain.get("numbered", False), "numbered"),
            rates=flag(plain.get("rates", False), "rates"),
            weights_within=_within(plain.get("weights_within")),
            notes=tuple(map(_line, plain.get("notes", ()))),
            labels=_labels(plain["labels"]) if "labels" in plain else None,
        )
        if header.seed is None and header.order == SHUFFLED:
            raise ValueError
        versions = {key: _text(plain["versions"][key]) for key in _versions()}
        if json_of(header, versions) != text:  # an entry is superfluous, repeated, or spelled otherwise
            raise ValueError
    except ModelFileError:
        raise
    except WRONG as error:
        raise damaged(name, f"a header that makes no sense ({type(error).__name__})") from None
    return header


def _within(plain: Any) -> str | None:
    return None if plain is None else one_of(plain, "weights_within", WITHIN)


def _versions() -> dict[str, str]:
    return {"fastnn": __version__, "numpy": np.__version__, "python": python_version()}


def _refuse_other_format(found: Any, name: str) -> None:
    if found != FORMAT:
        raise ModelFileError(
            f"{name} must be a model file of format {FORMAT}; got format {shown(found)}. "
            "Read it with the version of fastnn that wrote it."
        )


def _network(plain: Any) -> Network:
    layers = [whole_number(units, "each of layers", 1, MOST) for units in plain["layers"]]
    return Network(layers, plain["hidden"], plain["output"])


def _plain(scaling: TableScaling) -> dict[str, Any]:
    return {
        "inputs": [_plain_column(column) for column in scaling.input_columns],
        "targets": [_plain_column(column) for column in scaling.target_columns],
        "minimum": {"inputs": scaling.X.minimum.tolist(), "targets": scaling.y.minimum.tolist()},
        "range": {"inputs": scaling.X.range.tolist(), "targets": scaling.y.range.tolist()},
    }


def _plain_column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "categories": column.categories, "one_hot": column.one_hot}


def _scaling(plain: Any) -> TableScaling:
    minimum, span = plain["minimum"], plain["range"]
    return TableScaling(
        input_columns=tuple(_column(column) for column in plain["inputs"]),
        target_columns=tuple(_column(column) for column in plain["targets"]),
        X=Scaling(_numbers(minimum["inputs"]), _numbers(span["inputs"])),
        y=Scaling(_numbers(minimum["targets"]), _numbers(span["targets"])),
    )


def _column(plain: Any) -> Column:
    return Column(
        _text(plain["name"]), tuple(map(_text, plain["categories"])), flag(plain["one_hot"], "one_hot")
    )


def _numbers(plain: Any) -> NDArray[np.float64]:
    return frozen(np.array(plain, np.float64))


def _text(value: Any) -> str:
    """Return `value` if it is a text that can be shown and written; else raise."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InputError(
            f"a name must be a text of at most {LONGEST_TEXT} letters; got {shown(value)}. Shorten it."
        )
    value.encode()  # half of a surrogate pair has no encoding: a ValueError
    return value


def _labels(plain: Any) -> Names:
    """The labels of classes, all texts or all whole numbers, each of them once."""
    known = [_text(label) if isinstance(label, str) else label for label in plain]
    kinds = {type(label) for label in known}
    if kinds not in ({str}, {int}) or not len(set(known)) == len(known) >= 2 or "" in known:
        raise ValueError
    return tuple(known)


def _line(value: Any) -> str:
    """Return `value` if it is a text of one line; else raise."""
    text = _text(value)
    if not text or not text.isprintable():
        raise ValueError
    return text


def _refuse_unfit(scaling: TableScaling | None, network: Network) -> None:
    """Refuse a scaling that does not fit the network, or cannot be written as JSON."""
    if scaling is None:
        return
    for column in scaling.input_columns:
        _refuse_odd(column, is_target=False)
    for column in scaling.target_columns:
        _refuse_odd(column, is_target=True)
    inputs, targets = len(scaling.inputs), len(scaling.outputs_of(network))
    if (inputs, targets) != (network.n_inputs, network.n_outputs):
        raise InputError(
            f"data must have {counted(network.n_inputs, 'input')} and "
            f"{counted(network.n_outputs, 'target')} for {network!r}; "
            f"got {inputs} and {targets}{scaling.spread_in_words}. Give the Dataset that it was trained on."
        )
    width = len(scaling.targets)
    whole = _is_whole(scaling.X, (inputs,)) and _is_whole(scaling.y, () if width == 1 else (width,))
    if not whole or not _may_be_targets(scaling):
        raise InputError("data must name and scale each column once; got other. Make a Dataset of it again.")
    refuse_shared_names(scaling.input_columns, scaling.target_columns)


def _may_be_targets(scaling: TableScaling) -> bool:
    """Whether the targets are classes that are not scaled, or have one column each."""
    if scaling.classes is None:
        return True
    alone = len(scaling.target_columns) == 1
    return alone and bool((scaling.y.minimum == 0).all() and (scaling.y.range == 1).all())


def _refuse_odd(column: Column, is_target: bool) -> None:
    """Refuse a column that cannot come from a table."""
    texts = [_text(text) for text in (column.name, *column.categories)][1:]
    fewest, most = (3, MOST_CATEGORIES) if column.one_hot else (2, MOST)
    fewest, most = (2, MOST_CLASSES) if column.one_hot and is_target else (fewest, most)
    if (texts or column.one_hot) and not fewest <= len(set(texts)) == len(texts) <= most:
        raise InputError(
            f"the categories of {column.name!r} must be distinct, and from {fewest} to {most} in number; "
            f"got {len(texts)}. Make a Dataset of it again."
        )


def _is_whole(scaling: Scaling, shape: tuple[int, ...]) -> bool:
    """Whether a scaling has finite numbers of the given shape and no negative range."""
    alike = scaling.minimum.shape == scaling.range.shape == shape
    finite = np.isfinite(scaling.minimum).all() and np.isfinite(scaling.range).all()
    return bool(alike and finite and (scaling.range >= 0).all())
