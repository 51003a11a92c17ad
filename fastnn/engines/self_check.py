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
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, PLAIN, STATES, STEP, Rule
from fastnn.engines import CallSizes, Kernel, batched, load
from fastnn.engines.compiling import is_compiled, reject
from fastnn.engines.told import Told, function_of
from fastnn.system.floating_point import ieee
from fastnn.system.forking import ONE_AT_A_TIME
from fastnn.system.telling import log

__all__ = ["checked_kernel", "example"]

ROWS, EPOCHS = 2, 2
ROWS_IN_BATCHES, BATCH = 13, 11  # more rows than any kernel works on at once, some left over, a short batch
WITHOUT_REST = 16  # a batch of as many leaves no row over where a kernel works on 2, 4 or 8 at once
LEFT_OVER = 8  # networks, besides those that fill all lanes: enough for every gate to be open in one

CHECKED: dict[Kernel, bool] = {}  # whether what was compiled is right


@ieee
def checked_kernel(
    engine: str, network: Network, dtype: str, rule: Rule = PLAIN, form: object = None
) -> Kernel:
    """An engine's kernel once it has passed the self-check, or else one that gives the right numbers.

    Parameters
    ----------
    engine : str
        A name in `fastnn.ENGINES`.
    network : Network
    dtype : str
    rule : Rule
    form : Form, optional
        How the kernel is printed, of `lanes` or of `general`; by default as is known to suit the network.
    """
    what = _Checked(engine, network, dtype, rule, form)
    kernel = what.kernel
    if function_of(kernel) not in CHECKED:
        with ONE_AT_A_TIME:
            if function_of(kernel) not in CHECKED:
                kernel = _checked(kernel, what)
    return kernel if CHECKED[function_of(kernel)] else batched.kernel(network, dtype, rule)


class _Checked(NamedTuple):
    """Whose kernel is checked."""

    engine: str
    network: Network
    dtype: str
    rule: Rule
    form: object = None

    @property
    def kernel(self) -> Kernel:
        """The engine's kernel."""
        found: Kernel = self._of_form(load(self.engine).kernel)
        return found

    @property
    def width(self) -> int:
        """How many networks fill a tile."""
        sizes: CallSizes = self._of_form(load(self.engine).call_sizes)
        return sizes.width

    def _of_form(self, asked: Callable[..., Any]) -> Any:
        return asked(self.network, self.dtype, self.rule, *([] if self.form is None else [self.form]))

    def __str__(self) -> str:
        return f"the kernel of the engine {self.engine} for {self.network!r} in {self.dtype}"


def _checked(kernel: Kernel, what: _Checked) -> Kernel:
    """A kernel once it is known whether it is right; compiled anew where it is not."""
    right = _is_right(kernel, *what)
    if not right:
        kernel = _anew(kernel, what)
        right = _is_right(kernel, *what)
    if not right:
        reject(function_of(kernel))
        log(
            logging.WARNING,
            "fastnn: %s failed again; the engine batched takes its place, slower but right",
            what,
        )
    CHECKED[function_of(kernel)] = right
    return kernel


def _anew(failed: Kernel, what: _Checked) -> Kernel:
    """What failed, compiled anew."""
    log(logging.WARNING, "fastnn: %s failed its self-check; it is compiled anew", what)
    module: Any = load(what.engine)
    reject(function_of(failed))
    module.made.cache_clear()
    return what.kernel


def _is_right(
    kernel: Kernel, engine: str, network: Network, dtype: str, rule: Rule, form: object = None
) -> bool:
    """Whether a kernel gives the bits of `batched`; taken for granted where nothing was compiled."""
    if not is_compiled(function_of(kernel)):
        return True
    networks = _Checked(engine, network, dtype, rule, form).width + LEFT_OVER
    if isinstance(kernel, Told):
        kernel = kernel.example
        network = kernel.network
    right = batched.kernel(network, dtype, rule)
    for sizes in ((0, 0), (WITHOUT_REST, WITHOUT_REST)) if rule.batched else ((0, 0),):
        try:
            found = _computed(kernel, network, networks, dtype, rule, *sizes)
        except Exception:  # machine code raises nothing, but what unpacks its arguments may
            return False
        expected = _computed(right, network, networks, dtype, rule, *sizes)
        if any(one.tobytes() != other.tobytes() for one, other in zip(found, expected, strict=True)):
            return False
    return True


def _computed(
    kernel: Kernel, network: Network, networks: int, dtype: str, rule: Rule, rows: int = 0, batch: int = 0
) -> list[NDArray[Any]]:
    """The state and the totals that a kernel ends with, from numbers that stay small in any network."""
    given, found = example(network, networks, dtype, rule, rows, batch=batch)
    kernel(*given)
    return found


def example(
    network: Network,
    networks: int,
    dtype: str,
    rule: Rule,
    rows: int = 0,
    epochs: int = EPOCHS,
    batch: int = 0,
) -> tuple[list[Any], list[NDArray[Any]]]:
    """What a kernel is given for some random numbers, and of that what it changes; always the same."""
    random, widest = np.random.default_rng(0), max(network.layers)
    rows, told = rows or (ROWS_IN_BATCHES if rule.batched else ROWS), (batch or BATCH,) * rule.batched
    numbers = (
        random.uniform(-2 / widest, 2 / widest, (networks, network.n_parameters)),
        random.random((rows, network.n_inputs)),
        random.random((rows, network.n_outputs)),
        random.random((networks, len(rule.given))) / widest,
        random.random((networks, epochs)),
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
    given, found = [state, X, Y, *[coefficients] * rule.weighted, settings, totals, *told], [state, totals]
    if rule.validated:
        found.append(totals.copy())
        of_loss = np.full((networks, len(rule.measurer.given)), 0.5, dtype)
        given += [X, Y, of_loss, found[-1]]
    if rule.watched == STATES:
        found.append(np.zeros((epochs, *state.shape), dtype))
        given.append(found[-1])
    elif rule.watched:
        bars, until = random.choice([np.nan, 0.0, 0.2, np.inf], networks), random.integers(1, 4, networks)
        watch = [bars, until, np.zeros(networks, np.int64), np.zeros_like(state)]
        found += watch
        given += [*watch, 0, 1, 0.01, *[0.5, 0.25] * (rule.watched == PENALIZED_LOSS)]
    return given, found
