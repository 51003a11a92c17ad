"""The modules whose docstrings become pages."""

from __future__ import annotations

from importlib import import_module
from inspect import getdoc
from types import ModuleType

__all__ = ["REFERENCES", "reference", "summary"]

REFERENCES = (
    "fastnn",
    "fastnn.plotting",
    "fastnn.plotting.tables",
    "fastnn.studies",
    "fastnn.core.network",
    "fastnn.core.derivation",
    "fastnn.core.activations",
    "fastnn.core.expressions",
    "fastnn.engines",
)


def reference(name: str) -> ModuleType:
    """A module with its public names in it; `fastnn` imports its names only when they are asked for."""
    module = import_module(name)
    for public in getattr(module, "__all__", ()):
        getattr(module, public)
    return module


def summary(name: str) -> str:
    """The first paragraph of a module's docstring, as one line."""
    return " ".join((getdoc(reference(name)) or "").partition("\n\n")[0].split())
