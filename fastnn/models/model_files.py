"""Model files of trained networks: written by `Training.save`, checked and read by `Training.load`.

Reading checks four things, each before the next: the header, at most 1 MiB of JSON; the claims of the header,
entry by entry; the length of the file, which must be exactly what its arrays need; the numbers in the arrays,
which must be possible results of training. Nothing in a file is run or unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, ModelFileError, flag
from fastnn.core.endings import BY_DIVERGENCE, BY_EPOCHS, ENDINGS
from fastnn.core.recipe import CONSTANT
from fastnn.data.reading.files import existing_file
from fastnn.files import file_to_write, publish
from fastnn.models.header import STOPS, Header, header_in, json_of
from fastnn.models.npz import MOST_BYTES, arrays_of, damaged, header_of, size_of, written
from fastnn.system.regular_files import opened

__all__ = ["load_training", "save_training"]

TAKEN_OVER = (
    "network",
    "recipe",
    "epochs",
    "rows",
    "engine",
    "dtype",
    "arithmetic",
    "scaling",
    "labels",
    "order",
    "seed",
    "weights_within",
)
"""Fields of a Training that its header holds unchanged."""


def save_training(
    path: str | PathLike[str],
    fields: Mapping[str, Any],
    finite: bool,
    notes: Callable[[], tuple[str, ...]],
) -> None:
    """Write the fields of a Training, by name, as a model file; see `Training.save`.

    `notes` is called after all fields were found right.
    """
    file, finite = file_to_write(path, "path"), flag(finite, "finite")
    codes = np.vectorize(ENDINGS.index, otypes=[np.int32])(fields["ended"])
    fields = {**fields, "ended": codes}
    parameters = fields["parameters"]
    header = Header(
        networks=None if parameters.ndim == 1 else len(parameters),
        diverged=int(np.count_nonzero(fields["diverged"])),
        validation=fields["validation_curve"] is not None,
        numbered=fields["number"] is not None,
        rates=fields["given_rates"] is not None,
        remembers=_remembers(fields),
        stopped=_stopped(fields),
        **{name: fields[name] for name in TAKEN_OVER},
    )
    if header.diverged and finite:
        raise InputError(
            f"parameters must be finite to be saved; got {header.divergence} diverged. "
            "Leave out the diverged networks, or save and load with finite=False."
        )
    text = json_of(header)
    size = size_of(text, header.members)
    if size > MOST_BYTES:
        raise InputError(
            f"a model file may take at most 2 GiB; got {size / 2**30:.1f} GiB. "
            "Train fewer networks at a time, or for fewer epochs."
        )
    arrays = {member: np.asarray(fields[member.name], member.dtype, "C") for member in header.members}
    fault = _fault(header, {member.name: array for member, array in arrays.items()})
    if fault:
        raise InputError(f"a Training must be unchanged to be saved; got {fault}. Train it again.")
    text = json_of(replace(header, notes=notes()))
    publish(file, *written(text, arrays))


def _remembers(fields: Mapping[str, Any]) -> bool:
    """Whether the state and the last loss of a Training do not follow from its parameters and its curve."""
    last = _of_best(fields["loss_curve"], fields["best_epoch"])
    pairs = (fields["state"], fields["parameters"]), (fields["last_loss"], last)
    return not all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)


def _stopped(fields: Mapping[str, Any]) -> bool:
    """Whether any network of a Training ended otherwise than by its epochs or by divergence."""
    usual = _usual(fields["epochs"], np.asarray(fields["diverged"]))
    return not all(np.array_equal(fields[name], usual[name]) for name in STOPS)


def _of_best(curve: NDArray[Any], best_epoch: Any) -> NDArray[Any]:
    """What a curve (E,) or (M, E) has of the best epochs; of the last where a network diverged."""
    place = np.asarray(best_epoch)[..., None] - 1
    found: NDArray[Any] = np.take_along_axis(curve, place, axis=-1)[..., 0]
    return found


def _usual(epochs: int, diverged: NDArray[Any]) -> dict[str, NDArray[np.int32]]:
    """How networks end that do not stop for themselves, by the names of `STOPS`."""
    ok = diverged == 0
    found = np.where(ok, epochs, 0), np.where(ok, epochs, diverged), np.where(ok, BY_EPOCHS, BY_DIVERGENCE)
    return {name: each.astype(np.int32) for name, each in zip(STOPS, found, strict=True)}


def load_training(path: str | PathLike[str], finite: bool) -> dict[str, Any]:
    """Read a model file and return the fields of a Training by name; see `Training.load`."""
    place, finite = existing_file(path, "path"), flag(finite, "finite")
    try:
        with opened(place) as file:
            text = header_of(file, place.name)
            header = header_in(text, place.name)
            if header.diverged and finite:
                raise ModelFileError(
                    f"{place.name} must hold finite parameters; got {header.divergence} diverged. "
                    "Load it with finite=False to have them as NaN."
                )
            arrays: dict[str, Any] = arrays_of(file, place.name, text, header.members)
    except OSError as error:
        raise InputError(
            f"{place.name} must be readable; got {error.strerror}. Check its permissions and its disk."
        ) from None
    fault = _fault(header, arrays)
    if fault:
        raise damaged(place.name, fault)
    if not header.stopped:
        arrays |= _usual(header.epochs, np.asarray(arrays["diverged"]))
    if not header.remembers:
        last = _of_best(arrays["loss_curve"], arrays["best_epoch"])
        arrays |= {"state": arrays["parameters"], "last_loss": last}
    arrays["ended"] = np.array(ENDINGS)[arrays["ended"]]
    if header.networks is None:
        arrays |= {name: arrays[name].item() for name in STOPS}
        arrays["diverged"], arrays["learning_rate"] = int(arrays["diverged"]), float(arrays["learning_rate"])
        arrays["last_loss"] = float(arrays["last_loss"])
        if header.numbered:
            arrays["number"] = int(arrays["number"])
    taken = {name: getattr(header, name) for name in TAKEN_OVER}
    return {"validation_curve": None, "told": header.notes, **arrays, **taken}


def _fault(header: Header, arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """In words, what in the arrays no training can give; None if nothing."""
    for member in header.members:
        if arrays[member.name].shape != member.shape:
            return f"{member.name} of shape {arrays[member.name].shape}, not {member.shape}"
    diverged, rates = arrays["diverged"], arrays["learning_rate"]
    if (
        np.count_nonzero(diverged) != header.diverged
        or (diverged < 0).any()
        or (diverged > header.epochs).any()
    ):
        return "epochs of divergence that cannot be"
    if header.numbered and (arrays["number"] < 0).any():
        return "a number of a network below 0"
    if not np.isfinite(arrays["start"]).all():
        return "a start that is not finite"
    if wrong := _fault_of_rates(header, rates, arrays.get("given_rates")):
        return wrong
    ok = (diverged == 0)[..., None]
    if not (np.isfinite(arrays["parameters"]) == ok).all():
        return "parameters that are not finite where the network is ok, or are where it diverged"
    stops = {name: arrays[name] for name in STOPS} if header.stopped else _usual(header.epochs, diverged)
    if header.stopped and (wrong := _fault_of_stops(header, stops, diverged)):
        return wrong
    if not (np.isfinite(arrays["loss_curve"]) == _kept_epochs(header.epochs, stops)).all():
        return "losses that are not finite before the network ended, or are after"
    return _fault_of_state(header, arrays) if header.remembers else None


def _fault_of_state(header: Header, arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """In words, what no training can go on from; None if nothing."""
    diverged, last = arrays["diverged"], arrays["last_loss"]
    parameters = arrays["state"][..., : header.network.n_parameters]
    overflowed = np.isfinite(last) & (diverged == header.epochs)
    ended = np.isfinite(arrays["parameters"]).all(axis=-1)
    stops = {name: arrays[name] for name in STOPS} if header.stopped else _usual(header.epochs, diverged)
    same = (parameters == arrays["parameters"]).all(axis=-1)
    same &= last == _of_best(arrays["loss_curve"], stops["best_epoch"])
    beyond = overflowed & ~np.isfinite(parameters).all(axis=-1)
    if (np.where(ended, same, beyond | np.isnan(arrays["state"]).all(axis=-1))).all():
        return None
    return "a state that is not the one after the last epoch"


def _fault_of_rates(header: Header, rates: NDArray[Any], given: NDArray[Any] | None) -> str | None:
    """In words, what learning rates no training can have; None if nothing."""
    if header.recipe.optimizer.learning_rate is None:
        none = given is None and np.isnan(rates).all()
        return None if none else "a learning rate of an optimizer that has none"
    if given is None:
        usable = (np.isfinite(rates) & (rates > 0)).all()
        return None if usable else "a learning rate that is not positive and finite"
    usable = (np.isfinite(given) & (given >= 0)).all() and (rates == given[..., 0]).all()
    if usable and header.recipe.schedule == CONSTANT:
        return None
    return "learning rates of epochs that cannot be"


def _fault_of_stops(header: Header, stops: Mapping[str, NDArray[Any]], diverged: NDArray[Any]) -> str | None:
    """In words, what no stop of a network can be; None if nothing."""
    best, trained, ended = (stops[name] for name in STOPS)
    sound = (best >= 0) & (best <= trained) & (trained >= 1) & (trained <= header.epochs)
    sound &= (ended >= 0) & (ended < len(ENDINGS)) & ((best == 0) == (diverged > 0))
    sound &= (diverged == 0) | ((diverged == trained) & (ended == BY_DIVERGENCE))
    return None if sound.all() else "an end of a network that cannot be"


def _kept_epochs(epochs: int, stops: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Whether each epoch has a finite loss: (E,) or (M, E)."""
    last = stops["trained_epochs"] - (stops["ended"] == BY_DIVERGENCE)
    return np.asarray(np.arange(1, epochs + 1, dtype=np.int32) <= last[..., None])
