"""The engine `lanes`: many networks side by side, one in each lane of the processor's vectors (Numba).

A tile of networks lies transposed in the cache, in the first level if the networks are small: row p of a
group holds parameter p of its networks, one in each lane. The equations are the same as for one network,
with a vector in place of every number. They are printed in many forms, which differ in time alone.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from fastnn.core.derivation import derived
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import CallSizes, Kernel, straight_lines, unit_loops
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.fewest import fewest
from fastnn.engines.form import Form
from fastnn.engines.forms import known_form
from fastnn.engines.tiles import tile_of
from fastnn.engines.traits import calls_functions
from fastnn.engines.watching import looks, watching
from fastnn.printing.softmax import narrowed
from fastnn.printing.vectors import vector_module

__all__ = ["call_sizes", "kernel", "source"]


@cache
def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN, form: Form | None = None) -> CallSizes:
    """How many networks a call should take: full lanes."""
    tile = tile_of(form or known_form(network, dtype, rule), network, dtype, rule)
    return CallSizes(
        fewest(network, dtype, rule, tile.vector),
        max(8, min(64, 4096 // tile.networks)) * tile.networks,
        tile.networks,
        tile.vector,
        seconds=1e-11 * np.dtype(dtype).itemsize,
    )


def kernel(network: Network, dtype: str, rule: Rule = PLAIN, form: Form | None = None) -> Kernel:
    """The compiled kernel; compiled once for each network, dtype, rule and form in a process."""
    return made(network, dtype, rule, form)


@cache
def made(network: Network, dtype: str, rule: Rule, form: Form | None = None) -> Kernel:
    """The same, kept; the self-check clears it when it rejects a kernel."""
    return compile_kernel(source(network, dtype, rule, form), dtype)


def source(network: Network, dtype: str, rule: Rule = PLAIN, form: Form | None = None) -> str:
    """The source of the kernel in a form; by default in that which is known to suit it."""
    form = form or known_form(network, dtype, rule)
    if looks(rule):
        tile = tile_of(form, network, dtype, rule.unwatched)
        measured = rule.measurer
        further = tile_of(known_form(network, dtype, measured), network, dtype, measured)
        return watching(partial(_part, form), network, dtype, rule, tile=tile, further=further)
    derivation = narrowed(derived(network, rule))
    language = straight_lines if form.straight else unit_loops
    in_batches = rule.batched or rule.measuring
    written = language.rows_of_batches if in_batches else language.row_by_row
    called = calls_functions(network, rule)
    return vector_module(derivation, dtype, written(derivation, dtype, form), called=called)


def _part(form: Form, network: Network, dtype: str, rule: Rule) -> str:
    """The source of what a kernel that looks is made of; measuring has a form of its own."""
    return source(network, dtype, rule, None if rule.measuring else form)
