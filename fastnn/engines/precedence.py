"""Which kernel comes first: a network's own, or the general one that need not be compiled for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import general, load
from fastnn.engines.compiling import is_loaded, is_ready
from fastnn.engines.tuning import best_form
from fastnn.printing.layer_names import of_kind, stand_in
from fastnn.system.forking import another_compiles

__all__ = ["compiles_fast", "general_comes_first", "of_both_kinds", "own_is_ready"]

# The engines that compile a kernel for each network, and up to how many parameters the general one may come
# first. It trains one network in one of 32 lanes and more: measured, 10-32-32-1 takes 5.6 us a row, so that
# compiling takes less time than 100 000 rows. For many networks its memory is what counts: 256 bytes each.
LARGEST = {"loop": 2000, "units": 2000, "lanes": 100_000}
IN_BATCHES = 4  # times as many for one network in batches, of which a row takes 0.25 of that time

# Of `lanes`, compiling that takes less time than compiling the general one up to as many parameters: 0.6 to
# 1.5 s against 1.5 to 3 s (0.7 s for shallow networks with one output).
COMPILED_FAST = 36

MET: set[tuple[Network, str, Rule, bool]] = set()  # kinds of networks for which a kernel was compiled


def general_comes_first(engine: str, network: Network, dtype: str, rule: Rule) -> bool:
    """Whether the kernel of `general` is to train a network before an engine's own is compiled for it.

    It is where the own kernel is neither in memory nor on disk, but the general one is. Where none is, the
    first network of a kind gets its own if that compiles fast. Where another one comes, it is worth having a
    kernel for all. Never for a network that is too large to fill the lanes of vectors with it.

    A kernel is read from disk only between two that are compiled, since Numba has one lock for both. While
    one is compiled, a general kernel that is in memory trains in place of an own one that is on disk.
    """
    form = general.form_for(engine, network, dtype, rule)
    largest = LARGEST.get(engine, 0) * (1 if form is None else IN_BATCHES)
    if network.n_parameters > largest:
        return False
    for_all = partial(general.source, network, dtype, rule.unwatched, form)  # asked for seldom: 0.15 ms
    if own_is_ready(engine, network, dtype, rule):
        own = _source(engine, network, dtype, rule)
        return another_compiles() and is_loaded(for_all(), dtype) and not is_loaded(own, dtype)
    if is_ready(for_all(), dtype):
        return True
    kind = stand_in(network), dtype, rule, form is None
    is_first = kind not in MET
    MET.add(kind)
    return not is_first or not compiles_fast(engine, network)


def compiles_fast(engine: str, network: Network) -> bool:
    """Whether compiling an engine's own kernel takes at most as long as compiling the general one.

    With `loop` and `units` it does for one hidden layer: 0.7 to 1.2 s, in batches 2 to 3 s. For more of them
    it takes up to 4 s, in batches up to 13 s (4-50-20-3 with softmax).
    """
    return network.n_parameters <= COMPILED_FAST if engine == "lanes" else len(network.layers) <= 3


def of_both_kinds(network: Network) -> Iterator[Network]:
    """Networks for which the general kernels that serve all like one are printed: any, and shallow ones."""
    yield of_kind(network, hidden_layers=2, sizes=repeat(2))
    if len(set(network.hidden)) == 1 and not activation(network.output).of_layer:
        yield of_kind(network, hidden_layers=1, sizes=(2, 2, 1))


def own_is_ready(engine: str, network: Network, dtype: str, rule: Rule) -> bool:
    """Whether an engine's own kernel need not be compiled."""
    return engine not in LARGEST or is_ready(_source(engine, network, dtype, rule), dtype)


def _source(engine: str, network: Network, dtype: str, rule: Rule) -> str:
    """The source of an engine's own kernel, in the form that was the fastest so far."""
    form = [best_form(network, dtype, rule)] if engine == "lanes" else []
    return _printed(engine, network, dtype, rule, *form)


@lru_cache(maxsize=256)
def _printed(engine: str, *which: Any) -> str:
    """The same, kept: printing it takes 1 to 4 ms, like a short training."""
    return load(engine).source(*which)
