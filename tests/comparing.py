"""What the tests of the engines share: cases, ways to run a kernel, and comparison to the bit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import reference

from fastnn.core.elementary import FUNCTIONS, functions_of
from fastnn.core.network import Network
from fastnn.engines import load
from fastnn.engines.compiling import run_source
from fastnn.engines.told import Told
from fastnn.printing.infix import import_line, python_function, scalar_helpers
from fastnn.printing.scalars import NUMPY_NAMES

DTYPES = ("float64", "float32")


def label(network):
    """A short name for a test: 2-3-2-tanh-sigmoid."""
    return "-".join(map(str, (*network.layers, *network.activations)))


@dataclass(frozen=True)
class Case:
    """What a kernel is called with, and for how many epochs."""

    network: Network
    parameters: np.ndarray  # (M, P)
    X: np.ndarray  # (N, D)
    Y: np.ndarray  # (N, K)
    settings: np.ndarray  # (M, 1), -2*learning_rate
    epochs: int

    @property
    def dtype(self):
        return str(self.parameters.dtype)

    def only(self, networks):
        """The same case for some of its networks: a slice or a list of numbers."""
        return replace(
            self,
            parameters=np.ascontiguousarray(self.parameters[networks]),
            settings=np.ascontiguousarray(self.settings[networks]),
        )


@dataclass(frozen=True)
class Outcome:
    """What training gives, with divergence made visible as in `reference.train`."""

    parameters: np.ndarray  # (M, P)
    losses: np.ndarray  # (M, E)
    diverged: np.ndarray  # (M,), the epoch from 1, or 0

    def only(self, networks):
        """The same outcome for some of its networks."""
        return Outcome(self.parameters[networks], self.losses[networks], self.diverged[networks])


def case_of(network, parameters, X, Y, learning_rate, epochs=1, dtype="float64"):
    """A case from plain numbers: one network or several, one learning rate or one for each."""
    parameters = np.array(parameters, dtype, ndmin=2)
    settings = np.empty((len(parameters), 1), dtype)
    settings[:, 0] = -2 * np.asarray(learning_rate, dtype)
    return Case(network, parameters, np.array(X, dtype), np.array(Y, dtype), settings, epochs)


def random_case(network, dtype="float64", *, networks=3, rows=5, epochs=3, seed=0):
    """A case of moderate numbers with all their digits; learning rates differ from network to network."""
    draw = np.random.default_rng(seed)
    return case_of(
        network,
        draw.normal(0.0, 1.0, (networks, network.n_parameters)),
        draw.normal(0.0, 1.0, (rows, network.n_inputs)),
        draw.normal(0.0, 1.0, (rows, network.n_outputs)),
        draw.uniform(0.005, 0.05, networks),
        epochs,
        dtype,
    )


def compiled(engine, network, dtype):
    """The engine's kernel as users run it; those of `general` that few tests need, as plain Python."""
    if engine == "general" and (network, dtype) != (Network((2, 2, 1)), "float64"):
        return interpreted(engine, network, dtype)
    return load(engine).kernel(network, dtype)


def of_contract(engine, network, advance):
    """The function that an engine prints as a kernel of the contract."""
    return Told(advance, network) if engine == "general" else advance


@cache
def interpreted(engine, network, dtype):
    """The engine's source run as plain Python: what Numba compiles, with the JIT off."""
    advance = run_source(load(engine).source(network, dtype))["advance"]
    return of_contract(engine, network, quiet(advance))


def poisoned(source):
    """What a printed source runs, as plain Python, on buffers that come filled with NaN."""
    advance = run_source(source)["advance"]
    advance.__globals__["empty"] = _filled_with_nan
    return quiet(advance)


def _filled_with_nan(shape, dtype):
    array = np.empty(shape, dtype)
    array.fill(np.nan if array.dtype.kind == "f" else -1)
    return array


def quiet(advance):
    """A kernel run as plain Python, where overflow would warn."""

    def kernel(*arrays):
        with np.errstate(all="ignore"):
            advance(*arrays)

    return kernel


def run(kernel: Callable[..., None], case: Case) -> Outcome:
    """Train all networks of a case by one call of the kernel."""
    parameters = case.parameters.copy()
    totals = np.zeros((len(parameters), case.epochs), case.dtype)
    kernel(parameters, case.X, case.Y, case.settings, totals)
    return outcome(parameters, totals, len(case.X))


def outcome(parameters, totals, rows):
    """The outcome, from the parameters and totals that a kernel left."""
    losses = totals / totals.dtype.type(rows)
    bad = np.logical_or.accumulate(~np.isfinite(totals), axis=1)
    epochs = totals.shape[1]
    if epochs:
        bad[:, -1] |= ~np.isfinite(parameters).all(axis=1)
    diverged = np.where(bad.any(axis=1), epochs + 1 - bad.sum(axis=1), 0)
    return Outcome(
        np.where(diverged[:, None] > 0, totals.dtype.type(np.nan), parameters),
        np.where(bad, totals.dtype.type(np.nan), losses),
        diverged,
    )


def by_reference(case: Case) -> Outcome:
    """The outcome by the plain-Python reference, with fastnn's own tanh and sigmoid."""
    found = [
        trained_plainly(case.network, case.X, case.Y, start, float(step) / -2, case.epochs, case.dtype)
        for start, step in zip(case.parameters, case.settings[:, 0], strict=True)
    ]
    parameters, losses, diverged = zip(*found, strict=True)
    return Outcome(np.array(parameters, case.dtype), np.array(losses, case.dtype), np.array(diverged))


def trained_plainly(network, X, Y, start, rate, epochs, dtype, **options):
    """Parameters, losses and the epoch of divergence by `reference.train`, with fastnn's own functions.

    X, Y and start are arrays; `options` are those of `reference.train`.
    """
    given = (start.tolist(), X.tolist(), Y.tolist(), rate, epochs, reference_functions(dtype))
    rounded = float if dtype == "float64" else reference.to_float32
    return reference.train(network.layers, network.activations, *given, rounded=rounded, **options)


def scalar_functions(dtype):
    """fastnn's own functions of one number, as the engine `loop` prints them, as plain Python."""
    body = "\n\n".join(python_function(function, dtype) for function in functions_of(FUNCTIONS, dtype))
    text = "\n\n".join([*scalar_helpers(dtype, body), body])
    names = run_source(f"{import_line('numpy', NUMPY_NAMES, text)}\n\n\n{text}")
    return {name: names[name] for name in FUNCTIONS}


@cache
def reference_functions(dtype):
    """fastnn's tanh and sigmoid as the reference takes them: from a float to a float."""
    number = np.dtype(dtype).type

    def plain(function):
        def of_float(z):
            with np.errstate(all="ignore"):
                return float(function(number(z)))

        return of_float

    return {name: plain(function) for name, function in scalar_functions(dtype).items()}


def bits(numbers):
    """The bits of floating-point numbers as integers."""
    array = np.ascontiguousarray(numbers)
    return array.view(f"i{array.dtype.itemsize}")


def different(found, expected):
    """Where two arrays of the same shape and dtype differ in a bit; every NaN is like every other."""
    if found.dtype.kind != "f":
        return found != expected
    return (bits(found) != bits(expected)) & ~(np.isnan(found) & np.isnan(expected))


def array_differences(name, found, expected):
    """What is different between two arrays, in words: nothing, if they are the same to the bit."""
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        return [f"{name}: {found.dtype}{found.shape} is not {expected.dtype}{expected.shape}"]
    places = np.argwhere(different(found, expected)).tolist()
    return [f"{name}{at}: {found[*at]!r} is not {expected[*at]!r}" for at in places[:5]]


def differences(found: Outcome, expected: Outcome) -> list[str]:
    """What is different between two outcomes, in words: nothing, if they are the same to the bit."""
    return [
        difference
        for name in ("parameters", "losses", "diverged")
        for difference in array_differences(name, getattr(found, name), getattr(expected, name))
    ]


def agrees(value, published):
    """Whether a number, printed with as many digits as were published, is what was published."""
    return f"{value:.{len(published.partition('.')[2])}f}" == published


def all_agree(values, published):
    """Whether each number agrees with its published one."""
    return all(agrees(v, p) for v, p in zip(values, published, strict=True))
