"""The folder of a store: what is there, what is missing, what is damaged."""

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
    inputs_of,
    most_bytes,
)
from fastnn.sweeping.store.manifest import LARGEST, Manifest, sealed, unsealed
from fastnn.sweeping.store.parquet import columns_of, curves_bytes, matrix_bytes, need_pyarrow, results_bytes
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

    Nothing is read from a file before its bytes have been found to be those of its name; of a file that
    was, later reads take what they need alone. `made` has the names of the shards whose bytes were made here,
    of results that had been checked: a file of these bytes holds what it should.
    """

    folder: Path
    manifest: Manifest
    checked: dict[Path, tuple[int, int]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, folder: Path, design: Design, every: int, names: dict[str, Any] | None = None) -> Store:
        """Make a store, of data with these names, or open the one that is there if it is of the same sweep.

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
        """The store in a folder.

        Raises
        ------
        InputError
            If there is none.
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
        """The store when it has grown to so many starts in every cell, or more.

        It grows by one file that appears whole, once: a second process that would write it finds it there.
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

    # -- what is there ---------------------------------------------------------------------------------

    def files(self, kind: str) -> dict[int, list[Path]]:
        """The files of a kind by their numbers, as the folder lists them; none is opened."""
        found: dict[int, list[Path]] = {}
        folder = self.folder / FOLDERS[kind]
        for name in sorted(os.listdir(folder)) if folder.is_dir() else []:  # noqa: PTH208 - faster, for many
            match = NAME.fullmatch(name)
            if match and match[1] == kind:
                found.setdefault(int(match[2]), []).append(folder / name)
        return {number: found[number] for number in sorted(found)}

    def done(self) -> list[int]:
        """The numbers of the shards that the folder lists, with their curves if the plan has them."""
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
        """The number of the shard of some networks."""
        shards, _ = self.manifest.shards.places(np.array([numbers.first]))
        return int(shards[0])

    def faults(self) -> Iterator[tuple[Path, str]]:
        """Every file that should not be as it is, and why; reads every byte of the store."""
        for folder in dict.fromkeys(FOLDERS.values()):
            for path in sorted((self.folder / folder).iterdir()) if (self.folder / folder).is_dir() else []:
                match = NAME.fullmatch(path.name)
                if match is None:
                    if not is_temporary(path.name):
                        yield path, "is no file of this store"
                elif FOLDERS[match[1]] != folder:
                    yield path, "lies in the wrong folder"
                else:
                    with contextlib.suppress(FileNotFoundError):  # another process has set it aside
                        reason = self._fault(path, match[1], int(match[2]), match[3])
                        if reason:
                            yield path, reason

    def _fault(self, path: Path, kind: str, number: int, name: str) -> str:
        """Why a file is not the one of its name, or holds something else; nothing if it is right.

        Bounded in memory and time by what it may be large. Raises FileNotFoundError if it is gone.
        """
        before = path.lstat()  # looked at once: another process may set it aside at any moment
        if not stat.S_ISREG(before.st_mode):
            return "is not a file"
        if kind in INPUTS and (number or kind not in inputs_of(self.manifest)):
            return "is of something that the sweep was not given"
        if kind not in INPUTS and number >= self.manifest.shard_count:
            return "has a number beyond the sweep's shards"
        if before.st_size > most_bytes(self.manifest, kind, number):
            return f"is too large: {counted(before.st_size, 'byte', str)}"
        made = path.name in self.made
        content = b"" if made else self._bytes(path, kind, number)
        pieces = pieces_of(path, most_bytes(self.manifest, kind, number)) if made else [content]
        if self._digest(pieces, kind, number) != name:
            return "is damaged: its bytes are not those of its name"
        shard = self._shard_of_curves(number) if kind == "curves" else None
        reason = "" if made else fault_of_content(self.manifest, kind, number, content, shard)
        if not reason:
            self.checked[path] = (before.st_size, before.st_mtime_ns)
        return reason

    def _bytes(self, path: Path, kind: str, number: int) -> bytes:
        return bytes_of(path, most_bytes(self.manifest, kind, number))

    def _shard_of_curves(self, number: int) -> bytes | None:
        """The bytes of the shard whose curves are in another file, if it is there and sound."""
        for path in self.files("shard").get(number, []):
            with contextlib.suppress(OSError):
                if self.is_sound(path, "shard", number):
                    return self._bytes(path, "shard", number)
        return None

    def is_sound(self, path: Path, kind: str, number: int) -> bool:
        """Whether a file is that of its name, as it was when it was last looked at, or else now."""
        state = path.lstat()
        if self.checked.get(path) == (state.st_size, state.st_mtime_ns):
            return True
        return not self._fault(path, kind, number, path.stem[-32:])

    def _digest(self, pieces: Iterable[bytes], kind: str, number: int) -> str:
        """The digest in the name of a file that consists of these pieces."""
        of = ""
        if FOLDERS[kind] != "inputs":
            came = self.manifest.shards.came_with(number)
            if came.start:  # had the store grown otherwise, the number would be that of other starts
                of = f" of starts {came.start} to {came.stop}"
        digest = sha256(f"{self.manifest.plan_digest} {kind} {number}{of}\n".encode())
        for piece in pieces:
            digest.update(piece)
        return digest.hexdigest()[:32]

    # -- changing it -----------------------------------------------------------------------------------

    def sweep_up(self) -> None:
        """Remove what processes that are gone have left half-written."""
        for name in ("", *dict.fromkeys(FOLDERS.values())):
            make_room(self.folder / name)
            remove_stale(self.folder / name)

    def set_aside_damaged(self) -> list[str]:
        """Check every file, move the damaged ones into the folder `damaged` and say what was wrong."""
        found = []
        for path, reason in self.faults():  # each at once: another process may have mended it a while later
            if not self.is_as_it_was():  # then files may be of what came since
                break
            if set_aside(path, self.folder / "damaged"):
                found.append(f"{path.relative_to(self.folder)} {reason}")
        return found

    def keep(self, design: Design, results: Results) -> None:
        """Publish the results of a shard, or raise a StoreError if they are none; then it is done."""
        number = self.shard_of(results.numbers)
        check_results(self.manifest, number, results)
        if results.curves is not None:
            self._publish("curves", number, curves_bytes(design, results, self._metadata("curves", number)))
        content = results_bytes(design, results, self._metadata("shard", number))
        self.made.add(self._publish("shard", number, content))

    def keep_inputs(self, design: Design) -> None:
        """Publish the rows, and the other arrays that the sweep was given, unless they are there."""
        arrays = arrays_of(design)
        for kind in inputs_of(self.manifest):
            if not self._intact(kind):
                matrices = {letter: np.atleast_2d(arrays[name]) for letter, name in INPUTS[kind].items()}
                self._publish(kind, 0, matrix_bytes(matrices, self._metadata(kind, 0)))

    def _intact(self, kind: str) -> bool:
        for path in self.files(kind).get(0, []):
            with contextlib.suppress(FileNotFoundError):  # another process has set it aside
                if self.is_sound(path, kind, 0):
                    return True
        return False

    def _metadata(self, kind: str, number: int) -> dict[str, str]:
        return {"fastnn": f"{kind} {number} of sweep {self.manifest.plan_digest}"}

    def _publish(self, kind: str, number: int, content: bytes) -> str:
        """Publish a file; return its name. Two processes may write the same rows as other bytes (of another
        version of pyarrow): both then keep the file whose name comes first, of those that are right."""
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
        """Columns of a shard, or of its curves, as arrays; `listed` is what `files` has said before.

        Raises
        ------
        StoreError
            If the file is missing or damaged.
        """
        path = self._checked_path(kind, number, listed)
        rows = self.manifest.shards.rows(number)
        pyarrow = need_pyarrow()
        with pyarrow.memory_map(str(path)) as content:
            return columns_of(content, names, self.manifest.network, self.manifest.plan["dtype"], rows)

    def _checked_path(self, kind: str, number: int, listed: dict[int, list[Path]] | None = None) -> Path:
        """The file of a kind and number, after its bytes were found to be those of its name."""
        paths = (self.files(kind) if listed is None else listed).get(number)
        if not paths:
            raise StoreError(
                f"{kind} {number} must be in the store; {self.folder} has none. Run the same sweep again "
                "with this store: it computes what is missing."
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
        try:
            return design_of(self.manifest.plan | {"networks": self.manifest.starts}, arrays, engine)
        except ValueError as error:
            raise StoreError(
                f"manifest.json must describe a sweep; it does not: {error} Restore it from a copy."
            ) from None

    # -- its digest ------------------------------------------------------------------------------------

    def kept_digest(self) -> str | None:
        """The digest over the finished table, if it was kept and is of this plan and so many networks."""
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
    """The file that says to what the store has grown, the first time, the second, ..."""
    return f"grown-{number:08d}.json"
