"""The folder of a store: which files exist, are missing, or are damaged."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.files import is_temporary, publish, remove_stale
from fastnn.showing.lettering import counted
from fastnn.sweeping.description import arrays_of, design_of
from fastnn.sweeping.design import Design, Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.asides import make_room, set_aside, told
from fastnn.sweeping.store.contents import (
    INPUTS,
    check_results,
    fault_of_content,
    input_arrays,
    input_matrices,
    inputs_of,
    most_bytes,
)
from fastnn.sweeping.store.layout import results_bytes
from fastnn.sweeping.store.manifest import LARGEST, Manifest, sealed, unsealed
from fastnn.sweeping.store.parquet import columns_of, matrix_bytes, need_pyarrow
from fastnn.system.regular_files import bytes_of, pieces_of

__all__ = ["Store"]

Array = NDArray[Any]

FOLDERS = dict.fromkeys(INPUTS, "inputs") | {"shard": "shards", "curves": "curves"}
NAME = re.compile(rf"({'|'.join(FOLDERS)})-(\d{{8,}})-([0-9a-f]{{32}})\.parquet")
GROWN = re.compile(r"grown-(\d{8})\.json")
MOST_DIGEST_BYTES = 1 << 16


@dataclass(frozen=True, eq=False)
class Store:
    """A store that has a manifest.

    Before anything is taken from a file, all its bytes are compared with the digest in its name. Later reads
    of the same file read only what they need. `made` has the names of the shards written by this process,
    whose results were checked before; a file with these bytes needs no check of its content.
    """

    folder: Path
    manifest: Manifest
    checked: dict[Path, tuple[int, int]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, folder: Path, design: Design, every: int, names: dict[str, Any] | None = None) -> Store:
        """Make a store, with the names of its data, or open an existing store of the same sweep.

        Raises
        ------
        InputError
            If the folder holds another sweep, or something else.
        StoreError
            If its manifest is damaged.
        """
        need_pyarrow()
        if folder.exists() and not folder.is_dir():
            raise InputError(f"store must name a folder; got {folder}, which is a file. Name another one.")
        if not (folder / "manifest.json").exists():
            known = {"manifest.json", "digest.json", "damaged", *FOLDERS.values()}
            others = [path.name for path in folder.iterdir()] if folder.exists() else []
            known.update(name for name in others if is_temporary(name) or GROWN.fullmatch(name))
            strange = sorted(name for name in others if name not in known)
            if strange:
                raise InputError(
                    f"store must name a new folder, an empty one or a store; got {folder}, which holds "
                    f"{strange[0]!r}. Name another one."
                )
            manifest = Manifest.of(design, every, names=names)
            for name in ("", *FOLDERS.values()):
                (folder / name).mkdir(parents=True, exist_ok=True)
            publish(folder / "manifest.json", manifest.text(), replace=False)
        store = cls.at(folder)
        asked = Manifest.of(design, every, store.manifest.shard_size)
        differences = store.manifest.differences(asked)
        if not differences:
            store = store.grown_to(asked.starts)
            differences = store.manifest.differences(asked)  # another process may have let it grow further
        if differences:
            raise InputError(
                f"store must be of the same sweep; in {folder} {'; '.join(differences)}. "
                "Ask for that sweep, or for more networks of it, or name another folder."
            )
        store.sweep_up()
        return store

    @classmethod
    def at(cls, folder: Path) -> Store:
        """Open the store in a folder.

        Raises
        ------
        InputError
            If the folder is not a store.
        StoreError
            If its manifest is damaged.
        """
        path = folder / "manifest.json"
        if not path.is_file():
            raise InputError(
                f"a store must be a folder with a manifest.json; got {folder}, which has none. "
                "Name the folder that was given to sweep(store=...)."
            )
        manifest = Manifest.read(told(path, LARGEST))
        grown = sorted(path.name for path in folder.iterdir() if GROWN.fullmatch(path.name))
        for number, name in enumerate(grown, 1):
            if name != _growth(number):
                raise StoreError(
                    f"{_growth(number)} must be in the store; {folder} has {name} without it. "
                    "Restore it from a copy."
                )
            manifest = manifest.after(told(folder / name, LARGEST), name)
        return cls(folder, manifest)

    def grown_to(self, starts: int) -> Store:
        """Let the store grow to at least `starts` starts in every cell, and return it.

        It grows by one new file, which appears whole. A second process that would write it finds it there.
        """
        store = self
        while store.manifest.starts < starts:
            name = _growth(len(store.manifest.grown) + 1)
            publish(store.folder / name, store.manifest.growing(starts), replace=False)
            store = Store.at(store.folder)
        return store

    def is_as_it_was(self) -> bool:
        """Whether the store has not grown since it was opened."""
        return not (self.folder / _growth(len(self.manifest.grown) + 1)).exists()

    # -- the files -------------------------------------------------------------------------------------

    def files(self, kind: str) -> dict[int, list[Path]]:
        """The files of a kind by their numbers, from the listing of the folder; none is opened."""
        found: dict[int, list[Path]] = {}
        folder = self.folder / FOLDERS[kind]
        for name in sorted(os.listdir(folder)) if folder.is_dir() else []:  # noqa: PTH208 - faster, for many
            match = NAME.fullmatch(name)
            if match and match[1] == kind:
                found.setdefault(int(match[2]), []).append(folder / name)
        return {number: found[number] for number in sorted(found)}

    def done(self) -> list[int]:
        """The numbers of the shards that exist, together with their curves if the plan has curves."""
        numbers = set(self.files("shard"))
        if self.manifest.plan["curves"]:
            numbers &= set(self.files("curves"))
        return sorted(number for number in numbers if number < self.manifest.shard_count)

    def missing(self, done: Sequence[int]) -> NDArray[np.int64]:
        """The numbers of the shards that are not done."""
        there = np.zeros(self.manifest.shard_count, bool)
        there[list(done)] = True
        return np.flatnonzero(~there)

    def shard_of(self, numbers: Numbers) -> int:
        """The number of the shard that holds some networks."""
        shards, _ = self.manifest.shards.places(np.array([numbers.first]))
        return int(shards[0])

    def faults(self) -> Iterator[tuple[Path, str]]:
        """Yield every wrong file and why it is wrong; reads every byte of the store."""
        for folder in dict.fromkeys(FOLDERS.values()):
            for path in sorted((self.folder / folder).iterdir()) if (self.folder / folder).is_dir() else []:
                match = NAME.fullmatch(path.name)
                if match is None:
                    if not is_temporary(path.name):
                        yield path, "does not belong to this store"
                elif FOLDERS[match[1]] != folder:
                    yield path, "lies in the wrong folder"
                else:
                    with contextlib.suppress(FileNotFoundError):  # another process has set it aside
                        reason = self._fault(path, match[1], int(match[2]), match[3])
                        if reason:
                            yield path, reason

    def _fault(self, path: Path, kind: str, number: int, name: str) -> str:
        """In words, why a file is damaged or holds something else; empty if it is right.

        Memory and time are bounded by its largest allowed size. Raises FileNotFoundError if it is gone.
        """
        before = path.lstat()  # read only once: another process may set it aside at any moment
        if not stat.S_ISREG(before.st_mode):
            return "is not a file"
        if kind in INPUTS and (number or kind not in inputs_of(self.manifest)):
            return "is an input that the sweep was not given"
        if kind not in INPUTS and number >= self.manifest.shard_count:
            return "has a number beyond the sweep's shards"
        if before.st_size > most_bytes(self.manifest, kind, number):
            return f"is too large: {counted(before.st_size, 'byte', str)}"
        made = path.name in self.made
        content = b"" if made else self._bytes(path, kind, number)
        pieces = pieces_of(path, most_bytes(self.manifest, kind, number)) if made else [content]
        if self._digest(pieces, kind, number) != name:
            return "is damaged: its bytes do not have the digest in its name"
        shard = self._shard_of_curves(number) if kind == "curves" else None
        reason = "" if made else fault_of_content(self.manifest, kind, number, content, shard)
        if not reason:
            self.checked[path] = (before.st_size, before.st_mtime_ns)
        return reason

    def _bytes(self, path: Path, kind: str, number: int) -> bytes:
        return bytes_of(path, most_bytes(self.manifest, kind, number))

    def _shard_of_curves(self, number: int) -> bytes | None:
        """The bytes of the shard that belongs to a file of curves; None if it is missing or damaged."""
        for path in self.files("shard").get(number, []):
            with contextlib.suppress(OSError):
                if self.is_sound(path, "shard", number):
                    return self._bytes(path, "shard", number)
        return None

    def is_sound(self, path: Path, kind: str, number: int) -> bool:
        """Whether a file is right. An unchanged file is checked only once."""
        state = path.lstat()
        if self.checked.get(path) == (state.st_size, state.st_mtime_ns):
            return True
        return not self._fault(path, kind, number, path.stem[-32:])

    def _digest(self, pieces: Iterable[bytes], kind: str, number: int) -> str:
        """The digest for the name of a file with these pieces."""
        of = ""
        if FOLDERS[kind] != "inputs":
            came = self.manifest.shards.came_with(number)
            if came.start:  # after another growth the same number would mean other starts
                of = f" of starts {came.start} to {came.stop}"
        digest = sha256(f"{self.manifest.plan_digest} {kind} {number}{of}\n".encode())
        for piece in pieces:
            digest.update(piece)
        return digest.hexdigest()[:32]

    # -- changing it -----------------------------------------------------------------------------------

    def sweep_up(self) -> None:
        """Remove half-written files of processes that have ended."""
        for name in ("", *dict.fromkeys(FOLDERS.values())):
            make_room(self.folder / name)
            remove_stale(self.folder / name)

    def set_aside_damaged(self) -> list[str]:
        """Check every file, move the wrong ones into the folder `damaged`, and return what was wrong."""
        found = []
        for path, reason in self.faults():  # moved at once, before another process can replace it
            if not self.is_as_it_was():  # files may belong to a growth since then
                break
            if set_aside(path, self.folder / "damaged"):
                found.append(f"{path.relative_to(self.folder)} {reason}")
        return found

    def keep(self, results: Results) -> None:
        """Publish the results of a shard, which is done then; raise StoreError if they cannot be right."""
        number = self.shard_of(results.numbers)
        check_results(self.manifest, number, results)
        grid, schema = self.manifest.grid, self.manifest.schema
        for kind in ("curves", "shard") if self.manifest.plan["curves"] else ("shard",):
            content = results_bytes(kind, grid, schema, results, self._metadata(kind, number))
            name = self._publish(kind, number, content)
        self.made.add(name)

    def keep_inputs(self, design: Design) -> None:
        """Publish the training rows and the other given arrays, unless they are there already."""
        arrays = arrays_of(design)
        for kind in inputs_of(self.manifest):
            if not self._intact(kind):
                content = matrix_bytes(input_matrices(kind, arrays), self._metadata(kind, 0))
                self._publish(kind, 0, content)

    def _intact(self, kind: str) -> bool:
        for path in self.files(kind).get(0, []):
            with contextlib.suppress(FileNotFoundError):  # another process has set it aside
                if self.is_sound(path, kind, 0):
                    return True
        return False

    def _metadata(self, kind: str, number: int) -> dict[str, str]:
        return {"fastnn": f"{kind} {number} of sweep {self.manifest.plan_digest}"}

    def _publish(self, kind: str, number: int, content: bytes) -> str:
        """Publish a file and return its name. Two processes with different versions of pyarrow may write the
        same rows as different bytes: both then keep only the first, by name, of the right files."""
        digest = self._digest([content], kind, number)
        path = self.folder / FOLDERS[kind] / f"{kind}-{number:08d}-{digest}.parquet"
        publish(path, content)
        there = self.files(kind).get(number, [])
        if len(there) > 1:
            sound = [one for one in there if one == path or self._is_there_and_sound(one, kind, number)]
            for other in sound[1:]:
                other.unlink(missing_ok=True)
        return path.name

    def _is_there_and_sound(self, path: Path, kind: str, number: int) -> bool:
        with contextlib.suppress(OSError):
            return self.is_sound(path, kind, number)
        return False

    # -- reading it ------------------------------------------------------------------------------------

    def read(
        self, kind: str, number: int, names: Sequence[str], listed: dict[int, list[Path]] | None = None
    ) -> dict[str, Array]:
        """Columns of a shard, or of its curves, as arrays; `listed` is an earlier result of `files`.

        Raises
        ------
        StoreError
            If the file is missing or damaged.
        """
        path = self._checked_path(kind, number, listed)
        rows = self.manifest.shards.rows(number)
        return columns_of(path, {name: self.manifest.schema.kind(name) for name in names}, rows)

    def _checked_path(self, kind: str, number: int, listed: dict[int, list[Path]] | None = None) -> Path:
        """The file of a kind and number, after it was checked."""
        paths = (self.files(kind) if listed is None else listed).get(number)
        if not paths:
            raise StoreError(
                f"{kind} {number} must be in the store; {self.folder} has none. Run the same sweep again "
                "with this store: it computes the missing shards."
            )
        reason = ""
        for path in paths:
            try:
                state = path.lstat()
                known = self.checked.get(path) == (state.st_size, state.st_mtime_ns)
                fault = "" if known else self._fault(path, kind, number, path.stem[-32:])
            except FileNotFoundError:  # another process has set it aside, or kept another copy of it
                return self._checked_path(kind, number)
            if not fault:
                return path
            reason = reason or f"{path.name} {fault}"
        raise StoreError(
            f"{reason}. Run the same sweep again with this store: it sets the file aside and computes it "
            "again."
        )

    def design(self, engine: str = "auto") -> Design:
        """The design of the sweep, from the manifest and the inputs kept beside it.

        Raises
        ------
        StoreError
            If they are missing or damaged.
        """
        arrays: dict[str, Array] = {}
        for kind in inputs_of(self.manifest):
            content = self._bytes(self._checked_path(kind, 0), kind, 0)
            arrays |= input_arrays(self.manifest, kind, content)
        plan = self.manifest.plan | {"networks": self.manifest.starts}
        try:
            return design_of(plan, arrays, engine, self.manifest.classes)
        except ValueError as error:
            raise StoreError(
                f"manifest.json must describe a sweep; it does not: {error} Restore it from a copy."
            ) from None

    # -- its digest ------------------------------------------------------------------------------------

    def kept_digest(self) -> str | None:
        """The kept digest over the finished table; None if there is none for this plan and this size."""
        try:
            values = unsealed(bytes_of(self.folder / "digest.json", MOST_DIGEST_BYTES), "digest.json")
        except (OSError, StoreError):
            return None
        of = (self.manifest.plan_digest, self.manifest.total)
        table = values.get("table")
        known = isinstance(table, str) and (values.get("plan"), values.get("networks")) == of
        return str(table) if known else None

    def keep_digest(self, table: str) -> None:
        """Keep the digest over the finished table beside the manifest."""
        of = {"plan": self.manifest.plan_digest, "networks": self.manifest.total}
        if self.is_as_it_was():
            path = self.folder / "digest.json"
            if path.is_dir():
                set_aside(path, self.folder / "damaged")
            publish(path, sealed({"table": table, **of}))


def _growth(number: int) -> str:
    """The name of the file that records the store's growth, `number` counting from 1."""
    return f"grown-{number:08d}.json"
