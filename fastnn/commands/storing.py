"""``fastnn store``: look at, check and export a sweep on the disk."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import Any

import fastnn
from fastnn.checking import InputError
from fastnn.commands.output import as_json, output_files
from fastnn.files import publish_together
from fastnn.showing.lettering import counted, grouped
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.opening import stored_sweep
from fastnn.sweeping.store.parquet import write_frames
from fastnn.system.paths import folder_given
from fastnn.system.progress import size
from fastnn.system.telling import give

__all__ = ["store"]

TEST = re.compile(r"\s*(\w+)\s*(==|!=|<=|>=|<|>)\s*(\S+)\s*")
WIDTH = 80
ENDINGS = (".parquet", ".csv")


def store(options: Namespace) -> int:
    """``fastnn store info|verify|export``."""
    actions = {"info": _info, "verify": _verify, "export": _export}
    return actions[options.action](options)


def _info(options: Namespace) -> int:
    """Print what the manifest and the listing of files tell; read no shard."""
    found = Store.at(folder_given(options.store, "STORE"))
    manifest, done = found.manifest, found.done()
    networks = sum(map(manifest.shards.rows, done))
    plan = {name: value for name, value in manifest.plan.items() if value not in (None, False)}
    plan["networks"] = manifest.starts
    values: dict[str, Any] = {
        "store": str(found.folder),
        "networks": {"done": networks, "total": manifest.total},
        "shards": {"done": len(done), "total": manifest.shard_count},
        "bytes": _bytes_in(found.folder),
        "digest": found.kept_digest(),
        "foreign": manifest.foreign,
        "names": manifest.names,
        "plan": plan,
        "written_by": manifest.written_by,
    }
    if options.json:
        give(as_json(values))
        return 0
    share = f"{100 * networks / manifest.total:.0f} %"
    lines = {
        "networks": f"{grouped(networks)} of {grouped(manifest.total)}, {share}",
        "shards": f"{len(done)} of {manifest.shard_count}, {size(values['bytes'])}; "
        f"up to {counted(plan.pop('networks_per_shard'), 'network')} each",
        "digest": values["digest"] or "not finished",
        "starts": grouped(plan.pop("networks")),
        **({"note": f"can be read alone: {manifest.foreign}"} if manifest.foreign else {}),
        **(manifest.names or {}),
        **plan,
        **{axis.name: list(axis.values) for axis in manifest.grid.axes},
        **manifest.written_by,
    }
    indent = 2 + max(map(len, lines))
    for name, value in lines.items():
        text = f"{name:<{indent}}{_line(value)}"
        give("\n".join(wrap(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False)))
    return 0


def _bytes_in(folder: Path) -> int:
    """The size of all files in a folder; a running sweep may remove some of them meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size * path.is_file()
    return total


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_line(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_line, value))
    text = "-" if value is None else str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text)  # the store may be anyone's


def _verify(options: Namespace) -> int:
    """Read every byte; return 1 if anything is damaged or missing."""
    found = Store.at(folder_given(options.store, "STORE"))
    faults = [f"{path.relative_to(found.folder)} {reason}" for path, reason in found.faults()]
    done = found.done()
    missing = found.manifest.shard_count - len(done)
    kept, digest = found.kept_digest(), None
    if found.manifest.foreign:
        faults.append(f"manifest.json: {found.manifest.foreign}; the rows can be read, not computed again")
    if not missing and len(faults) == bool(found.manifest.foreign):
        digest = stored_sweep(found, found.design()).table_digest()
        if kept != digest:
            faults.append(f"digest.json says {kept or 'nothing'}; the table has {digest}")
    if options.json:
        values = {"shards": len(done), "missing": missing, "faults": faults, "digest": digest}
        give(as_json(values))
    else:
        give("\n".join([f"shards {len(done)}, missing {missing}, faults {len(faults)}", *faults]))
        give(f"digest {digest}" if digest else "run the same sweep with this store again to mend it")
    return int(bool(faults or missing))


def _export(options: Namespace) -> int:
    """Write rows into one file, piece by piece."""
    path = output_files({"FILE": options.file}, new=True)["FILE"]
    if path.suffix not in ENDINGS:
        raise InputError(
            f"FILE must end in {' or '.join(ENDINGS)}; got {path.name!r}. Name it like losses.parquet."
        )
    found = fastnn.open(options.store)
    columns = options.columns.split(",") if options.columns else None
    words = {"status", *found.grid.words}
    pieces = found.pieces(columns, [_filter(text, words) for text in options.where])
    write = write_frames if path.suffix == ".parquet" else _write_csv
    publish_together({path: lambda beside: write(pieces, beside)})
    return 0


def _write_csv(pieces: Iterator[Any], path: Path) -> None:
    # Column names, numbers, "ok" and "diverged": a spreadsheet takes none of these for a formula.
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, piece in enumerate(pieces):
            piece.to_csv(file, index=False, header=number == 0)


def _filter(text: str, words: Collection[str]) -> tuple[str, str, Any]:
    """The filter that ``loss<0.01`` names; `words` are the columns that hold words."""
    match = TEST.fullmatch(text)
    if not match:
        raise InputError(f"--where must be a test like loss<0.01; got {text!r}. Write COLUMN, ==, value.")
    name, comparison, value = match.groups()
    if name in words:
        return name, comparison, value
    try:
        return name, comparison, float(value)
    except ValueError:
        raise InputError(
            f"--where must compare {name} with a number; got {value!r}. Write it like loss<0.01."
        ) from None
