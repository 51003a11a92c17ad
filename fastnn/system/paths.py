"""Checks of the paths that users give, made before any work; a leading ``~`` is the home folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastnn.checking import InputError, shown

__all__ = ["file_given", "folder_given"]

ROOM = "shards/" + "x" * 80  # longer than any name that fastnn writes into a folder


def file_given(value: Any, name: str, required: str) -> Path:
    """Return the path of a file, which need not exist; refuse an impossible one, naming the `required`."""
    path = _path(value, "file", name, required)
    if str(value).endswith(("/", os.sep)) and not path.is_dir():
        raise _refusal(str(value), name, required, "it ends as the name of a folder")
    return path


def folder_given(value: Any, name: str) -> Path:
    """Return the path of a folder, which need not exist; refuse one in which no file could be written.

    A caller that keeps the path makes it absolute: the user's program may change its folder meanwhile.
    """
    return _path(value, "folder", name, "a folder", ROOM)


def _path(value: Any, kind: str, name: str, required: str, inside: str = "") -> Path:
    try:
        text = os.fspath(value)
    except Exception:  # a user's object may raise anything
        text = None
    if not isinstance(text, str):
        raise InputError(f"{name} must be the path of a {kind}; got {shown(value)}. Give a str or a Path.")
    if "://" in text:
        remedy = "Fetch it first." if kind == "file" else "Name a folder of this machine."
        raise InputError(f"{name} must be the path of a {kind}; got {shown(text)}, an address. {remedy}")
    try:
        text.encode()
        path = Path(text).expanduser()
        reason = "" if text else "it is empty"
    except (RuntimeError, ValueError) as error:  # no such user; half a surrogate pair
        path, reason = Path(), "it is no text in UTF-8" if isinstance(error, UnicodeError) else str(error)
    reason = reason or _fault(path) or (inside and _fault(path / inside))
    if reason:
        raise _refusal(text, name, required, reason)
    return path


def _fault(path: Path) -> str:
    """The reason why no file can be at a path; empty if one could be."""
    try:
        path.absolute()
    except FileNotFoundError:
        return "the current folder is gone"
    try:
        if _is_there(path):
            return ""
        there = next((parent for parent in path.parents if _is_there(parent)), Path())
        for name in path.parts[len(there.parts) :]:  # `stat` ends at the first missing name: check each one
            _is_there(there / name)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return "it holds a NUL sign" if "null" in str(error) else str(error)
    return ""


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _refusal(text: str, name: str, required: str, reason: str) -> InputError:
    return InputError(f"{name} must be {required}; got {shown(text)}: {reason}. Check the path.")
