"""The self-check of compiled kernels: each computes a small fixed case before it is used for anything else.

Machine code may be wrong where its source is right: a compiler may go wrong for one processor, and a file
may have passed every test of `kernel_files`. So what a compiled kernel computes is compared, bit for bit,
with what the engine `batched` does, which is NumPy, printed in another way, and needs no compiler. A kernel
that fails is compiled anew; if it fails again, `batched` takes its place. Either way the logger `fastnn` is
told, at level WARNING: the results are right, but somebody should know.

It takes 3 to 6 ms for 2-2-1 and 8 to 13 ms for 10-32-32-1, once for each kernel in a process; most of that
goes into printing `batched`.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, PLAIN, STATES, STEP, Rule
from fastnn.engines import Kernel, batched, load
from fastnn.engines.compiling import is_compiled, reject
from fastnn.engines.told import Told, function_of
from fastnn.system.floating_point import ieee
from fastnn.system.forking import ONE_AT_A_TIME
from fastnn.system.telling import log

__all__ = ["checked_kernel"]

ROWS, EPOCHS = 2, 2
ROWS_IN_BATCHES, BATCH = 13, 11  # more rows than any kernel works on at once, some left over, a short batch
LEFT_OVER = 8  # networks, besides those that fill all lanes: enough for every gate to be open in one

CHECKED: dict[Kernel, bool] = {}  # whether what was compiled is right


@ieee
def checked_kernel(engine: str, network: Network, dtype: str, rule: Rule = PLAIN) -> Kernel:
    """An engine's kernel once it has passed the self-check, or else one that gives the right numbers.

    Parameters
    ----------
    engine : str
        A name in `fastnn.ENGINES`.
    network : Network
    dtype : str
    rule : Rule
    """
    kernel = load(engine).kernel(network, dtype, rule)
    if function_of(kernel) not in CHECKED:
        with ONE_AT_A_TIME:
            if function_of(kernel) not in CHECKED:
                kernel = _checked(kernel, engine, network, dtype, rule)
    return kernel if CHECKED[function_of(kernel)] else batched.kernel(network, dtype, rule)


def _checked(kernel: Kernel, engine: str, network: Network, dtype: str, rule: Rule) -> Kernel:
    """A kernel once it is known whether it is right; compiled anew where it is not."""
    right = _is_right(kernel, engine, network, dtype, rule)
    if not right:
        kernel = _anew(kernel, engine, network, dtype, rule)
        right = _is_right(kernel, engine, network, dtype, rule)
    if not right:
        reject(function_of(kernel))
        log(
            logging.WARNING,
            "fastnn: %s failed again; the engine batched takes its place, slower but right",
            _which(engine, network, dtype),
        )
    CHECKED[function_of(kernel)] = right
    return kernel


def _anew(failed: Kernel, engine: str, network: Network, dtype: str, rule: Rule) -> Kernel:
    """What failed, compiled anew."""
    log(
        logging.WARNING,
        "fastnn: %s failed its self-check; it is compiled anew",
        _which(engine, network, dtype),
    )
    module: Any = load(engine)
    reject(function_of(failed))
    module.made.cache_clear()
    kernel: Kernel = module.kernel(network, dtype, rule)
    return kernel


def _which(engine: str, network: Network, dtype: str) -> str:
    return f"the kernel of the engine {engine} for {network!r} in {dtype}"


def _is_right(kernel: Kernel, engine: str, network: Network, dtype: str, rule: Rule) -> bool:
    """Whether a kernel gives the bits of `batched`; taken for granted where nothing was compiled."""
    if not is_compiled(function_of(kernel)):
        return True
    networks = load(engine).call_sizes(network, dtype, rule).width + LEFT_OVER
    if isinstance(kernel, Told):
        kernel = kernel.example
        network = kernel.network
    try:
        found = _computed(kernel, network, networks, dtype, rule)
    except Exception:  # machine code raises nothing, but what unpacks its arguments may
        return False
    expected = _computed(batched.kernel(network, dtype, rule), network, networks, dtype, rule)
    return all(one.tobytes() == other.tobytes() for one, other in zip(found, expected, strict=True))


def _computed(kernel: Kernel, network: Network, networks: int, dtype: str, rule: Rule) -> list[NDArray[Any]]:
    """The state and the totals that a kernel ends with, from numbers that stay small in any network."""
    random, widest = np.random.default_rng(0), max(network.layers)
    rows, batch = (ROWS_IN_BATCHES, (BATCH,)) if rule.batched else (ROWS, ())
    numbers = (
        random.uniform(-2 / widest, 2 / widest, (networks, network.n_parameters)),
        random.random((rows, network.n_inputs)),
        random.random((rows, network.n_outputs)),
        random.random((networks, len(rule.given))) / widest,
        random.random((networks, EPOCHS)),
    )
    if activation(network.output).of_layer:  # kernels take it that each row has one class
        numbers[2][:] = np.eye(network.n_outputs)[np.arange(rows) % network.n_outputs]
    parameters, X, Y, settings, totals = (array.astype(dtype) for array in numbers)
    kept = random.random((networks, rule.state_size(network) - network.n_parameters)) / 2  # below 1: powers
    state = np.concatenate([parameters, kept.astype(dtype)], axis=1)
    coefficients = (2 * random.random(rows)).astype(dtype)
    if STEP in rule.given:
        settings[:, rule.given.index(STEP)] *= -1
    if rule.validated or rule.watched:
        totals[:] = 0
    given, found = [state, X, Y, *[coefficients] * rule.weighted, settings, totals, *batch], [state, totals]
    if rule.validated:
        found.append(totals.copy())
        of_loss = np.full((networks, len(rule.measurer.given)), 0.5, dtype)
        given += [X, Y, of_loss, found[-1]]
    if rule.watched == STATES:
        found.append(np.zeros((EPOCHS, *state.shape), dtype))
        given.append(found[-1])
    elif rule.watched:
        bars, until = random.choice([np.nan, 0.0, 0.2, np.inf], networks), random.integers(1, 4, networks)
        watch = [bars, until, np.zeros(networks, np.int64), np.zeros_like(state)]
        found += watch
        given += [*watch, 0, 1, 0.01, *[0.5, 0.25] * (rule.watched == PENALIZED_LOSS)]
    kernel(*given)
    return found
