"""A folder of results that appears whole or not at all, and never at the cost of somebody's files.

The folder must be new or empty, or hold nothing but what fastnn wrote there and nobody changed since:
then the new results replace the old ones. A list in the folder, `.written-by-fastnn`, tells which files
those are (``sha256sum --check`` reads it). Hidden files are left alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path

from fastnn.checking import InputError
from fastnn.files import alone, unfinished_folder
from fastnn.system.interrupting import undisturbed
from fastnn.system.paths import folder_given
from fastnn.system.regular_files import bytes_of, opened

__all__ = ["published_folder", "published_list"]

LIST = ".written-by-fastnn"
LONGEST_LIST = 1 << 26  # bytes


@contextmanager
def published_folder(name: str | os.PathLike[str], *, beside: str | None = None) -> Iterator[Path]:
    """Give a new folder to write into; when the block ends, all that is in it appears in folder `name`.

    If the block raises or writes nothing, folder `name` is as it was: not there, if it was not.

    Parameters
    ----------
    name : str or path
        Made now, with its parents: better to fail before the work than after it.
    beside : str, optional
        What `published_list` gave when earlier results were published: these stay, if they are still there.

    Yields
    ------
    Path
        The folder to write into, hidden inside the one that was named.

    Raises
    ------
    InputError
        It is a file, a folder that cannot be made or written, or one that holds what fastnn did not write or
        what was changed since.
    OSError
        The disk is full, or fails; the results that new ones were to stand beside are gone.
    """
    folder = folder_given(name, "the output folder")
    with alone(folder):
        _refuse_what_is_not_ours(folder)
    with unfinished_folder(folder, "the output folder") as unfinished:
        yield unfinished
        folder = unfinished.parent
        if any(unfinished.iterdir()):
            with undisturbed(), alone(folder):
                _refuse_what_is_not_ours(folder)
                if beside not in (None, published_list(folder)):
                    raise OSError(f"another process has written into {os.fspath(name)} meanwhile")
                _put_in_place(unfinished, folder, keep=beside is not None)


def published_list(name: str | os.PathLike[str]) -> str:
    """The list of what fastnn wrote into a folder, as text; empty where there is none, or something else."""
    with suppress(OSError, UnicodeDecodeError):
        return bytes_of(Path(name) / LIST, LONGEST_LIST).decode("utf-8")
    return ""


def _refuse_what_is_not_ours(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(
            f"the output folder must not be a file; got {folder}, which is one. Name another folder."
        )
    if (folder / LIST).is_dir():
        raise InputError(
            f"the output folder must have room for a file {LIST}; got {folder}, in which that is a folder. "
            "Name another folder."
        )
    listed = _listed(folder)
    for name in _files(folder):
        if name not in listed:
            raise InputError(
                f"the output folder must be new, or hold only what fastnn wrote; got {folder}, "
                f"which holds {name}. Name another folder, or move that file away."
            )
        if _digest(folder / name) not in listed[name]:
            raise InputError(
                f"the output folder must hold its files as fastnn wrote them; got {folder}, in which {name} "
                "was changed. Name another folder, or move that file away."
            )


def _put_in_place(unfinished: Path, folder: Path, keep: bool) -> None:
    """Move the finished files, one rename each; `keep` old ones that have no successor, or remove them."""
    new, old = _files(unfinished), _files(folder)
    lines = [f"{_digest(unfinished / name)}  {name}" for name in new]
    former = published_list(folder).splitlines() if old else []
    # While files change places the list names old and new ones: a run that is killed here leaves a folder
    # which the next run still knows as its own.
    _write_list(folder, unfinished, former + lines)
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (unfinished / name).replace(folder / name)
    left = set(old) - set(new)
    if keep:
        lines += [line for line in former if line.partition("  ")[2] in left]
        left = set()
    for name in left:
        (folder / name).unlink()
        with suppress(OSError):  # it holds more
            (folder / name).parent.rmdir()
    _write_list(folder, unfinished, lines)
    shutil.rmtree(unfinished)


def _files(folder: Path) -> list[str]:
    """The paths below a folder of all that is no folder and not hidden; links are not followed."""
    found: list[Path] = []
    # Never into hidden folders: what another process leaves unfinished there comes and goes.
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(path, name).is_symlink()]
        found += [Path(path, name) for name in (*files, *links) if not name.startswith(".")]
    return sorted(file.relative_to(folder).as_posix() for file in found)


def _listed(folder: Path) -> dict[str, set[str]]:
    """The files that fastnn says it wrote, and the digests they may have."""
    listed: dict[str, set[str]] = {}
    for line in published_list(folder).splitlines():
        digest, _, name = line.partition("  ")
        listed.setdefault(name, set()).add(digest)
    return listed


def _write_list(folder: Path, unfinished: Path, lines: list[str]) -> None:
    new = unfinished / LIST
    new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    new.replace(folder / LIST)


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return "no file of ours"
    with opened(path) as file:
        return file_digest(file, "sha256").hexdigest()
