"""A process in which no kernel is compiled yet, as a fresh one is; and one that runs them as plain Python."""

from functools import cache

from comparing import quiet

from fastnn.core.network import Network
from fastnn.core.rule import PLAIN
from fastnn.engines import ENGINES, choose, compiling, load, self_check
from fastnn.training import kernels, measuring, passes, plan

USUAL = (Network((2, 2, 1)), "float64", PLAIN)  # what most tests train, by kernels that they share


def forget_kernels(monkeypatch):
    """For a test, forget all kernels that this process has compiled or read from disk."""
    monkeypatch.setattr(compiling, "COMPILED", {})
    monkeypatch.setattr(self_check, "CHECKED", {})
    monkeypatch.setattr(passes, "KNOWN", {})
    for engine in ENGINES:
        load(engine).made.cache_clear()


def compile_nothing_unusual(replace):
    """Train by `batched` where no engine is asked for by name and few tests train so: for few rows."""

    def chosen(name, network, dtype, networks, rule=PLAIN):
        unusual = (network, dtype, rule) != USUAL
        return "batched" if name == "auto" and unusual else choose(name, network, dtype, networks, rule)

    for module in (kernels, measuring, passes, plan):
        replace(module, "choose", chosen)


def run_as_plain_python(monkeypatch):
    """For a test, run what the engines print without compiling it, as with NUMBA_DISABLE_JIT=1."""

    def plain(source, dtype):
        return quiet(compiling.run_source(source)["advance"])

    monkeypatch.setattr(compiling, "_compiled", plain)
    monkeypatch.setattr(compiling, "COMPILED", {})
    monkeypatch.setattr(passes, "KNOWN", {})
    for engine in ENGINES:
        monkeypatch.setattr(load(engine), "made", cache(load(engine).made.__wrapped__))
