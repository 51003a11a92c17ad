"""A process in which no kernel is compiled yet, as a fresh one is."""

from fastnn.engines import ENGINES, compiling, load, self_check


def forget_kernels(monkeypatch):
    """For a test, forget all kernels that this process has compiled or read from disk."""
    monkeypatch.setattr(compiling, "COMPILED", {})
    monkeypatch.setattr(self_check, "CHECKED", {})
    for engine in ENGINES:
        load(engine).made.cache_clear()
