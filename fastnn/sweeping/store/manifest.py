"""The manifest of a store: its plan as readable JSON, with a digest that shows any changed byte.

It names no file and no folder. Paths follow from what is stored, so no manifest can lead out of its store.
"""

from __future__ import annotations

import json
import math
import platform
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from fastnn.checking import InputError, whole_number
from fastnn.data.classes import Names
from fastnn.showing.lettering import counted
from fastnn.sweeping.axes import AXES
from fastnn.sweeping.columns import Schema
from fastnn.sweeping.description import axes_of, described, plain_of, schema_of
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

FORMAT = "fastnn store 5"
LARGEST = 64 << 20  # bytes; 50 000 learning rates take 1 MB

# A worker is handed one shard at a time; a crash or Ctrl-C loses one shard per thread. A shard takes at most
# some seconds of one core and some megabytes.
SHARD_SECONDS = 8.0
SECONDS_PER_PARAMETER = 1e-10  # per row and epoch, too; measured: engine `lanes`, 2-2-1 0.9 ns (9 parameters)
SHARD_BYTES = 8 << 20
MOST_NETWORKS = LARGEST_SHARD


@dataclass(frozen=True)
class Manifest:
    """The sweep that a store holds.

    Attributes
    ----------
    plan : dict
        The description of the first design (`fastnn.sweeping.description`), with `curves` (n: the loss of
        every n-th epoch is kept; 0: none) and `networks_per_shard`.
    written_by : dict of str
        Versions and machine; not part of the plan.
    names : dict, optional
        The inputs, the target and the source of the data, if the sweep was given a Dataset; not part of the
        plan.
    grown : tuple of int
        The numbers of starts to which the store has grown since, each from a file of its own.
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
        """The manifest of a new store, or of an existing one, which has a shard size already."""
        size = networks_per_shard or _shard_size(design, every)
        checked_total(design.grid.total, size)
        plan = described(design) | {"curves": every, "networks_per_shard": size}
        return cls(plan, _versions(design.plan.engine), names)

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """Read a manifest.

        Raises
        ------
        StoreError
            If a byte has changed, or the format is another.
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
        """The content of the file that records the store's growth to `starts` starts in every cell."""
        checked_total(self.shards.cells * starts, self.shard_size)
        return sealed({"format": FORMAT, "plan": self.plan_digest, "networks": starts})

    def after(self, content: bytes, name: str) -> Manifest:
        """The manifest after the growth that the file `name` records.

        Raises
        ------
        StoreError
            If a byte has changed, or the file belongs to another store.
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
                f"{name} must say to how many networks this store has grown; it belongs to another store, or "
                "says something else. Restore it from a copy."
            )
        return replace(self, grown=(*self.grown, starts))

    def text(self) -> bytes:
        """The content of the manifest's file."""
        names = {} if self.names is None else {"data": self.names}
        return sealed({"format": FORMAT, "plan": self.plan, **names, "written_by": self.written_by})

    @cached_property
    def plan_digest(self) -> str:
        """The identity of the sweep, the same on any machine."""
        return sha256(json.dumps(self.plan, sort_keys=True, allow_nan=False).encode()).hexdigest()

    @property
    def starts(self) -> int:
        """The present number of starts in every cell of the grid."""
        return self.grown[-1] if self.grown else whole_number(self.plan["networks"], "networks", 1)

    @cached_property
    def shards(self) -> Shards:
        """How the networks are cut into shards."""
        cells = math.prod(len(plain_of(self.plan, name)) for name in AXES)
        first = whole_number(self.plan["networks"], "networks", 1)
        return Shards(cells, (first, *self.grown), self.shard_size)

    @property
    def total(self) -> int:
        """The number of networks in the sweep."""
        return self.shards.total

    @property
    def shard_size(self) -> int:
        """The largest number of networks in a shard."""
        return whole_number(self.plan["networks_per_shard"], "networks_per_shard", 1)

    @property
    def shard_count(self) -> int:
        """The number of shards in the sweep."""
        return self.shards.count

    @cached_property
    def grid(self) -> Grid:
        """The grid, which numbers the networks."""
        return Grid(axes_of(self.plan, self.plan["data"]["rows"]), self.starts)

    @cached_property
    def schema(self) -> Schema:
        """The columns of the results."""
        return schema_of(self.plan, self.grid.networks.parameter_names)

    def expected(self, shard: int) -> Expected:
        """What the results of a shard must be; those of epochs are in other files."""
        return Expected(self.schema.without("epoch"), self.grid.has(self.numbers(shard).first))

    @property
    def foreign(self) -> str:
        """In words, how the results were computed otherwise than they would be here; empty if alike."""
        return difference(self.plan, "there", COMPUTING)

    def check_names(self) -> None:
        """Raise InputError if there are names, but not one for each column and one for the source.

        Those of classes may stand beside them, or alone.
        """
        if self.names is None:
            return
        names = dict(self.names) if isinstance(self.names, dict) else {}
        if "classes" in names:
            self._check_classes(names.pop("classes"))
            if not names:
                return
        inputs, target, source = (names.get(name) for name in ("inputs", "target", "source"))
        columns = [*inputs, *target] if isinstance(inputs, list) and isinstance(target, list) else []
        network = self.grid.networks.values[0]
        counts = (network.n_inputs, network.n_outputs)
        counted = bool(columns) and (len(inputs or ()), len(target or ())) == counts
        if len(names) != 3 or not counted or not all(isinstance(text, str) for text in (*columns, source)):
            raise InputError(f"data must be named by inputs, target and source; got {_short(self.names)}.")

    def _check_classes(self, classes: Any) -> None:
        """Raise InputError unless they are all texts or all whole numbers, each once, one for each class."""
        kinds = {type(name) for name in classes} if isinstance(classes, list) else set()
        most = max(2, self.grid.networks.values[0].n_outputs)
        if kinds not in ({str}, {int}) or len(classes) != most or len({*classes}) != most:
            raise InputError(f"classes must be {most} different names; got {_short(classes)}.")

    @property
    def classes(self) -> Names | None:
        """The names of the classes, if the data had them."""
        names = (self.names or {}).get("classes")
        return None if names is None else tuple(names)

    def numbers(self, shard: int) -> Numbers:
        """The numbers of a shard's networks."""
        return self.shards.numbers(shard)

    def differences(self, other: Manifest) -> list[str]:
        """In words, where another plan differs from this one; empty if both are of the same sweep.

        Asking for more networks is no difference: a store may grow. Asking for fewer is one.
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
    """Values as readable JSON; equal values give equal bytes."""
    return (json.dumps(values, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def sealed(values: dict[str, Any]) -> bytes:
    """Values as JSON with their digest; `unsealed` reads it."""
    return canonical(values | {"sha256": sha256(canonical(values)).hexdigest()})


def unsealed(content: bytes, name: str) -> dict[str, Any]:
    """Return the values that were sealed; raise StoreError if a byte has changed."""
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
    """The number of networks in a shard, a power of two: the same for any workers."""
    most_parameters = max(network.n_parameters for network in design.grid.networks.values)
    visits = max(design.grid["rows"].values) * design.plan.epochs
    seconds = SECONDS_PER_PARAMETER * most_parameters * visits
    size = design.schema(every).bytes_per_network("parameter", "epoch")
    most = min(MOST_NETWORKS, SHARD_SECONDS / seconds, SHARD_BYTES / size)
    return 1 << (max(1, int(most)).bit_length() - 1)


def _versions(engine: str) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # late: a twelfth of `import fastnn`

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
