"""The manifest of a store: its plan as readable JSON, of which no byte can change unnoticed.

It names no file and no folder: where things lie follows from what they are, so nothing in it can lead out
of the store.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from fastnn.checking import InputError, whole_number
from fastnn.core.network import Network
from fastnn.showing.lettering import counted
from fastnn.sweeping.description import described
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Grid, Numbers
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.entries import (
    LARGEST_SHARD,
    MOST_STARTS,
    checked_names,
    checked_plan,
    checked_texts,
    checked_total,
)
from fastnn.sweeping.store.shards import Shards
from fastnn.sweeping.work.expecting import Expected
from fastnn.training.identity import COMPUTING, difference

__all__ = ["LARGEST", "Manifest", "canonical", "sealed", "unsealed"]

FORMAT = "fastnn store 2"
LARGEST = 64 << 20  # bytes; 50 000 learning rates take 1 MB

# A shard is what a crash or Ctrl-C loses of each thread's work, and what a worker is handed at a time: some
# seconds of one core, if it is not already some megabytes.
SHARD_SECONDS = 8.0
SECONDS_PER_PARAMETER = 1e-10  # and row and epoch; engine `lanes`, 2-2-1: 0.9 ns for 9 parameters
SHARD_BYTES = 8 << 20
MOST_NETWORKS = LARGEST_SHARD


@dataclass(frozen=True)
class Manifest:
    """What a store is of.

    `plan` is the description of the design (`fastnn.sweeping.description`) as it was at first, with `curves`,
    every how many epochs the loss is kept (0: none), and `networks_per_shard`. `written_by` is not part of
    the plan, nor is `names`: the inputs, the target and the source of the data, where the sweep was given a
    Dataset. `grown` has the numbers of starts that the store has grown to since, each from a file of its own.
    """

    plan: dict[str, Any]
    written_by: dict[str, str]
    names: dict[str, Any] | None = None
    grown: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        design: Design,
        every: int,
        networks_per_shard: int | None = None,
        names: dict[str, Any] | None = None,
    ) -> Manifest:
        """The manifest of a new store, or of one whose shards have a size already."""
        size = networks_per_shard or _shard_size(design, every)
        checked_total(design.grid.total, size)
        plan = described(design) | {"curves": every, "networks_per_shard": size}
        return cls(plan, _versions(design.plan.engine), names)

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """The manifest that was written.

        Raises
        ------
        StoreError
            If a byte is not as it was written, or another format is named.
        """
        values = unsealed(content, "manifest.json")
        if values.get("format") != FORMAT:
            raise StoreError(
                f"manifest.json must be of format {FORMAT!r}; got {values.get('format')!r}. "
                "Open the store with the version of fastnn that wrote it."
            )
        try:
            checked_names(values, "it", {"format", "plan", "written_by"}, {"data"})
            checked_plan(values["plan"])
            checked_texts(values["written_by"], "written_by")
            found = cls(values["plan"], values["written_by"], values.get("data"))
            found.check_names()
        except InputError as error:
            raise StoreError(
                f"manifest.json must describe a sweep; it does not: {error} Restore it from a copy."
            ) from None
        return found

    def growing(self, starts: int) -> bytes:
        """What is written where the store grows to so many starts in every cell."""
        checked_total(self.shards.cells * starts, self.shard_size)
        return sealed({"format": FORMAT, "plan": self.plan_digest, "networks": starts})

    def after(self, content: bytes, name: str) -> Manifest:
        """The manifest after the growth that a file of this name tells of.

        Raises
        ------
        StoreError
            If a byte is not as it was written, or it is not of this store.
        """
        values = unsealed(content, name)
        try:
            starts = whole_number(values.get("networks"), "networks", self.starts + 1, MOST_STARTS)
            checked_total(self.shards.cells * starts, self.shard_size)
            checked_names(values, name, {"format", "plan", "networks"})
        except InputError:
            starts = 0
        if not starts or (values.get("format"), values.get("plan")) != (FORMAT, self.plan_digest):
            raise StoreError(
                f"{name} must say to how many networks this store has grown; it is of another store, or says "
                "something else. Restore it from a copy."
            )
        return replace(self, grown=(*self.grown, starts))

    def text(self) -> bytes:
        """What is written."""
        names = {} if self.names is None else {"data": self.names}
        return sealed({"format": FORMAT, "plan": self.plan, **names, "written_by": self.written_by})

    @cached_property
    def plan_digest(self) -> str:
        """The identity of the sweep, the same on any machine."""
        return sha256(json.dumps(self.plan, sort_keys=True, allow_nan=False).encode()).hexdigest()

    @cached_property
    def network(self) -> Network:
        """The network that was swept."""
        network = self.plan["network"]
        return Network(network["layers"], network["hidden"], network["output"])

    @property
    def starts(self) -> int:
        """How many starts every cell of the grid has now."""
        return self.grown[-1] if self.grown else whole_number(self.plan["networks"], "networks", 1)

    @cached_property
    def shards(self) -> Shards:
        """How the networks are cut into shards."""
        cells = len(self.plan["learning_rate"]) * len(self.plan["rows"])
        first = whole_number(self.plan["networks"], "networks", 1)
        return Shards(cells, (first, *self.grown), self.shard_size)

    @property
    def total(self) -> int:
        """How many networks the sweep has."""
        return self.shards.total

    @property
    def shard_size(self) -> int:
        """How many networks a shard has at most."""
        return whole_number(self.plan["networks_per_shard"], "networks_per_shard", 1)

    @property
    def shard_count(self) -> int:
        """How many shards the sweep has."""
        return self.shards.count

    @cached_property
    def grid(self) -> Grid:
        """How the networks are numbered."""
        rates = np.array(self.plan["learning_rate"]).astype(self.plan["dtype"])
        return Grid(rates, tuple(self.plan["rows"]), self.starts)

    @property
    def expected(self) -> Expected:
        """What the results of networks are like, without their curves."""
        kinds = (self.network.n_parameters, self.plan["dtype"], tuple(self.losses), self.plan["epochs"])
        return Expected(*kinds, 0, "float32")

    @property
    def foreign(self) -> str:
        """How the results were computed otherwise than they would be here, in words; nothing if alike."""
        return difference(self.plan, "there", COMPUTING)

    @property
    def curve_length(self) -> int:
        """How many losses of each network are kept."""
        return int(self.plan["epochs"]) // int(self.plan["curves"]) if self.plan["curves"] else 0

    @property
    def losses(self) -> list[str]:
        """The losses of every network."""
        return list(self.plan.get("losses", ["loss"]))

    def check_names(self) -> None:
        """Raise InputError unless there are no names, or a name for each column of the data and a source."""
        if self.names is None:
            return
        names = self.names if isinstance(self.names, dict) else {}
        inputs, target, source = (names.get(name) for name in ("inputs", "target", "source"))
        columns = [*inputs, *target] if isinstance(inputs, list) and isinstance(target, list) else []
        counts = (self.network.n_inputs, self.network.n_outputs)
        counted = bool(columns) and (len(inputs or ()), len(target or ())) == counts
        if len(names) != 3 or not counted or not all(isinstance(text, str) for text in (*columns, source)):
            raise InputError(f"data must be named by inputs, target and source; got {_short(self.names)}.")

    @property
    def bytes_per_network(self) -> int:
        """About how much a network takes on the disk, without its curve."""
        return (self.network.n_parameters + len(self.losses)) * int(np.dtype(self.plan["dtype"]).itemsize) + 4

    def numbers(self, shard: int) -> Numbers:
        """The numbers of a shard's networks."""
        return self.shards.numbers(shard)

    def differences(self, other: Manifest) -> list[str]:
        """Where another plan differs, in words: nothing, if both are of the same sweep.

        The other one may ask for more networks: a store grows, and does not shrink.
        """
        mine_, theirs_ = self.plan | {"networks": self.starts}, other.plan | {"networks": other.starts}
        if other.starts > self.starts:
            mine_["networks"] = other.starts
        names = dict.fromkeys([*mine_, *theirs_])
        pairs = [(name, mine_.get(name), theirs_.get(name)) for name in names]
        return [
            f"{name} is {_short(mine)} there and {_short(theirs)} here"
            for name, mine, theirs in pairs
            if mine != theirs
        ]


def canonical(values: dict[str, Any]) -> bytes:
    """Values as readable JSON, the same bytes whenever they are written."""
    return (json.dumps(values, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def sealed(values: dict[str, Any]) -> bytes:
    """Values as JSON with a digest over them, to be read by `unsealed`."""
    return canonical(values | {"sha256": sha256(canonical(values)).hexdigest()})


def unsealed(content: bytes, name: str) -> dict[str, Any]:
    """The values that were sealed, or a StoreError where a byte has changed."""
    try:
        values = json.loads(content[:LARGEST])
        seal = values.pop("sha256")
        intact = sealed(values) == content and len(seal) == 64
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise StoreError(
            f"{name} must be as fastnn wrote it; its digest does not fit. Restore it from a copy, or move it "
            "away and run the same sweep again: finished shards are kept."
        )
    return dict(values)


def _shard_size(design: Design, every: int) -> int:
    """A power of two; whoever works on it, and however many, it is the same."""
    plan = design.plan
    seconds = SECONDS_PER_PARAMETER * plan.network.n_parameters * max(design.grid.rows) * plan.epochs
    size = plan.network.n_parameters * np.dtype(plan.dtype).itemsize
    size += 4 * (plan.epochs // every) if every else 0
    most = min(MOST_NETWORKS, SHARD_SECONDS / seconds, SHARD_BYTES / size)
    return 1 << (max(1, int(most)).bit_length() - 1)


def _versions(engine: str) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # a twelfth of `import fastnn`

    found = {"engine": engine, "python": platform.python_version(), "machine": platform.machine()}
    for package in ("fastnn-sweep", "numpy", "numba", "pyarrow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found | {"started": datetime.now(UTC).isoformat(timespec="seconds")}


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:60]}... ({counted(len(text), 'character')})"
