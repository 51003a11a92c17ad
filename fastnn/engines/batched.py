"""The engine `batched`: many networks at once, NumPy ufuncs over whole layers, no Numba needed.

Each value of the equations is an array with the networks along its last, contiguous axis: W1 has the
shape (units, inputs, networks). Each call allocates the arrays once, and takes as many networks as
keep them in the processor's cache.

The same printing gives `forward`, which evaluates many networks on many rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.derivation import derived
from fastnn.core.elementary import functions_of
from fastnn.core.equations import FORWARD, Derivation, Equation, Part
from fastnn.core.expressions import (
    Expression,
    Folded,
    Index,
    Largest,
    Number,
    Select,
    Sum,
    Symbol,
    bind,
    nodes,
    operands,
)
from fastnn.core.losses import usual_loss
from fastnn.core.network import Network
from fastnn.core.rule import COEFFICIENT, PLAIN, Rule
from fastnn.core.values import INVERSE, LOG_WHOLE, TOP, WHOLE
from fastnn.engines import CallSizes, Kernel, arguments
from fastnn.engines.compiling import run_source
from fastnn.engines.watching import looks, watching_in_arrays
from fastnn.printing.arrays import COMPARISONS, UFUNCS, ArrayWriter, array_function, computed, slots
from fastnn.printing.infix import Lines, import_line, layer_array
from fastnn.printing.scalars import state_parts

__all__ = ["call_sizes", "forward", "kernel", "source"]

# Bytes of all arrays of a call. Measured: 16 000 networks of 2-2-1 in calls of 0.3, 0.6, 1.2, 2.5 and
# 3.7 MB x1.24, x0.87, x0.66, x0.58, x0.58 (against plain NumPy).
CALL_BYTES = 3 << 20

# Sums of more terms are added up in a loop, so that the source stays short.
WRITTEN_OUT = 4

SPARE = "QRPVMNJKL"  # the letters of buffers for intermediate results, one number for each unit
WIDE = "TUOC"  # those with one for each weight

NUMPY_NAMES = ("copyto", "empty", "maximum", "minimum", "sqrt", *UFUNCS.values(), *COMPARISONS.values())
HELPER_NAMES = ("columns", "exponent_of", "gate", "power_of_two")


def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN) -> CallSizes:
    """How many networks a call should take: as many as keep its arrays in the cache."""
    widest = max(inputs * units for inputs, units in pairwise(network.layers))
    kept = rule.state_size(network) + rule.batched * network.n_parameters
    numbers = kept + widest + 4 * sum(network.layers[1:])
    most = max(1, CALL_BYTES // (numbers * np.dtype(dtype).itemsize))
    return CallSizes(fewest=most, most=most, width=1, vector=1, seconds=1e-9)


def kernel(network: Network, dtype: str, rule: Rule = PLAIN) -> Kernel:
    """The kernel, ready to call."""
    return made(network, dtype, rule)


@cache
def made(network: Network, dtype: str, rule: Rule) -> Kernel:
    """The same, kept; the self-check clears it when it rejects a kernel."""
    advance = run_source(source(network, dtype, rule))["advance"]

    def quiet(*arguments: Any) -> None:
        with np.errstate(all="ignore"):
            advance(*arguments)

    return quiet


@cache
def forward(network: Network, dtype: str) -> Callable[[NDArray[Any], NDArray[Any]], list[NDArray[Any]]]:
    """A function of parameters (M, P) and inputs (N, D) of `dtype`: each layer's values (units, M, N)."""
    evaluate = run_source(_forward_source(network, dtype))["forward"]

    def quiet(parameters: NDArray[Any], X: NDArray[Any]) -> list[NDArray[Any]]:
        with np.errstate(all="ignore"):
            values: list[NDArray[Any]] = evaluate(parameters, X)
            return values

    return quiet


def source(network: Network, dtype: str, rule: Rule = PLAIN) -> str:
    """The source of the kernel."""
    if looks(rule):
        return watching_in_arrays(source, network, dtype, rule)
    derivation, lines, epoch = derived(network, rule), Lines(), Lines()
    _write_rows(derivation, epoch)
    with lines.block(f"def advance({arguments(rule)}):"):
        lines("networks = len(state)")
        _load(derivation, lines)
        for column, symbol in enumerate(derivation.rule.given):
            lines(f"{_plural(symbol)} = settings[:, {column}].copy()")
        lines(*(f"{name} = {place}.copy()" for name, place in _shared(derivation).items()))
        _allocate(derivation, dtype, lines, "networks", str(epoch))
        with lines.block("for e in range(totals.shape[1]):"):
            lines("copyto(total, totals[:, e])", *str(epoch).splitlines(), "copyto(totals[:, e], total)")
        if not rule.measuring:
            _store(derivation, lines)
        lines(*(f"{place} = {name}" for name, place in _shared(derivation).items()))
    return _module(derivation, dtype, str(lines))


def _write_rows(derivation: Derivation, lines: Lines) -> None:
    """Write the loop over the rows of an epoch, batch by batch if a batch may have several."""
    if not derivation.rule.batched:
        with lines.block(_every_row(derivation.rule, ":")):
            _write_part("row", derivation, lines)
        return
    with lines.block("for start in range(0, len(X), batch):"):
        lines("some = slice(start, start + batch)", "n = len(X[some])")
        _write_part("begin", derivation, lines)
        lines(*(f"copyto({layer_array(e.target)}, 0.0)" for e in derivation.of("gradient")))
        with lines.block(_every_row(derivation.rule, "some")):
            _write_part("row", derivation, lines)
        _write_part("end", derivation, lines)


def _every_row(rule: Rule, some: str) -> str:
    """The loop over some rows, as columns; of one with weights, over their coefficients as well."""
    columns = f"X[{some}, :, None], Y[{some}, :, None]"
    if not rule.weighted:
        return f"for x, y in zip({columns}):"
    return f"for x, y, {COEFFICIENT.family} in zip({columns}, coefficients[{some}]):"


def _write_part(when: Part, derivation: Derivation, lines: Lines) -> None:
    """Write the equations of a part of a batch, stage by stage."""
    for stage in derivation.part(when):
        lines(f"# {stage}")
        for equation in derivation:
            if equation.stage == stage:
                _write(equation, derivation, lines)


def _forward_source(network: Network, dtype: str) -> str:
    rule = Rule(loss=usual_loss(network.output))
    derivation, lines, body = derived(network, rule), Lines(), Lines()
    for equation in derivation:
        if equation.stage == FORWARD:
            _write(equation, derivation, body)
    with lines.block("def forward(state, X):"):
        lines("x = X.T[:, None, :]")
        _load(derivation, lines, "[..., None]")
        _allocate(derivation, dtype, lines, "len(state), len(X)", str(body))
        lines(*str(body).splitlines())
        hidden = [layer_array(Symbol("h", layer)) for layer in range(1, len(network.layers) - 1)]
        lines(f"return [{', '.join([*hidden, 'Yhat'])}]")
    return _module(derivation, dtype, str(lines))


def _module(derivation: Derivation, dtype: str, body: str) -> str:
    functions = [array_function(function) for function in functions_of(derivation.functions, dtype)]
    text = "\n\n".join([*functions, body])
    numpy = import_line("numpy", NUMPY_NAMES, text)
    helpers = import_line("fastnn.engines.array_helpers", HELPER_NAMES, text)
    return f"{numpy}\n\n{helpers}\n\n\n{text}"


def _load(derivation: Derivation, lines: Lines, further_axes: str = "") -> None:
    """Copy the state into one array for each layer's weights and biases, and for each state of them."""
    layers, flat = derivation.network.layers, "state[:, {0.start}:{0.stop}]".format
    for layer, w, b, weights, biases in state_parts(derivation):
        lines(f"{w} = columns({flat(weights)}, {layers[layer]}, {layers[layer - 1]}){further_axes}")
        lines(f"{b} = columns({flat(biases)}, {layers[layer]}){further_axes}")


def _store(derivation: Derivation, lines: Lines) -> None:
    for _, w, b, weights, biases in state_parts(derivation):
        size = weights.stop - weights.start
        lines(f"state[:, {weights.start}:{weights.stop}] = {w}.reshape({size}, networks).T")
        lines(f"state[:, {biases.start}:{biases.stop}] = {b}.T")


def _shared(derivation: Derivation) -> dict[str, str]:
    """What is kept once for a network, by name, with its place in the state."""
    rule = derivation.rule
    first = rule.state_size(derivation.network) - len(rule.shared)
    return {symbol.family: f"state[:, {first + n}]" for n, symbol in enumerate(rule.shared)}


def _allocate(derivation: Derivation, dtype: str, lines: Lines, lanes: str, body: str) -> None:
    """Allocate those buffers that `body` uses."""
    layers = derivation.network.layers
    shared = {symbol.family for symbol in derivation.rule.shared}
    factors = (e.target.family for e in derivation.of("factor", "share", "norm"))
    sizes = {"total": lanes} | {name: lanes for name in factors if name not in shared}
    sizes |= dict.fromkeys(("Yhat", "D", "E"), f"{layers[-1]}, {lanes}")
    sizes |= {symbol.family: lanes for symbol in (TOP, WHOLE, INVERSE, LOG_WHOLE)}
    kinds: dict[str, str] = {}
    scratch = max((slots(f, dtype) for f in functions_of(derivation.functions, dtype)), default=0)
    for layer, units in enumerate(layers[1:], start=1):
        sizes |= {
            f"{name}{layer}": f"{units}, {lanes}" for name in ("Z", "H", "S", *SPARE, "mask", "condition")
        }
        sizes[f"scratch{layer}"] = f"{scratch}, {units}, {lanes}"
        sizes |= {
            f"{name}{layer}": f"{units}, {layers[layer - 1]}, {lanes}" for name in (*WIDE, "conditions", "Gw")
        }
        sizes[f"Gb{layer}"] = f"{units}, {lanes}"
        kinds |= {f"mask{layer}": dtype.replace("float", "int")}
        kinds |= {f"condition{layer}": "bool", f"conditions{layer}": "bool"}
    words = {*re.findall(r"\w+", body)}
    for name, size in sizes.items():
        if name in words:
            lines(f'{name} = empty(({size}), "{kinds.get(name, dtype)}")')


def _write(equation: Equation, derivation: Derivation, lines: Lines) -> None:
    """Write the ufunc calls of one equation, over all its units at once."""
    if equation.kind == "norm" and equation.over:
        _write_squares(equation, lines)
        return
    writer = _LayerWriter(lines, derivation, equation)
    writer.assign(equation.expression, writer.spell(equation.target))


def _write_squares(equation: Equation, lines: Lines) -> None:
    """Add the squares of a layer's gradients to a number of each network, one after the other."""
    gradient = next(n for n in nodes(equation.expression) if isinstance(n, Symbol) and n.indices)
    squares, (home, *_) = layer_array(gradient), _spare(equation.layer, equation.over)
    lines(f"multiply({squares}, {squares}, out={home})")
    with ExitStack() as loops:
        for index in equation.over:
            loops.enter_context(lines.block(f"for {index.name} in range({index.size}):"))
        place = ", ".join(index.name for index in equation.over)
        lines(f"add({equation.target.family}, {home}[{place}], out={equation.target.family})")


class _LayerWriter(ArrayWriter):
    """Writes one equation; `axes` are the running indices that stand for the leading axes of its arrays."""

    def __init__(self, lines: Lines, derivation: Derivation, equation: Equation) -> None:
        super().__init__(lines, _spare(equation.layer, equation.over), "")
        self.derivation = derivation
        self.equation = equation
        self.axes: tuple[Index | int, ...] = equation.over
        self.condition = self._condition()

    def _condition(self) -> str:
        many, first = "s" * (len(self.axes) == 2), "" if self.axes else "[0]"
        return f"condition{many}{self.equation.layer}{first}"

    def spell(self, symbol: Symbol) -> str:
        if symbol.family in ("x", "y"):
            name = symbol.family
        elif symbol in self.derivation.rule.given:
            name = _plural(symbol)
        elif not symbol.indices:
            name = symbol.family
        else:
            name = layer_array(self._home(symbol))
        return name + self._subscript(symbol)

    def _home(self, symbol: Symbol) -> Symbol:
        """A choice between z and a constant works in place: h, which says as much as z, shares its buffer."""
        if symbol.family != "z" or self.derivation.keeps_sums(symbol.layer):
            return symbol
        (activation,) = self.derivation.of("activation", layer=symbol.layer)
        in_place = isinstance(activation.expression, Select) and not any(
            map(computed, operands(activation.expression))
        )
        return replace(symbol, family=activation.target.family) if in_place else symbol

    def _subscript(self, symbol: Symbol) -> str:
        """Pick elements by number, and stretch an array that lacks the inner one of two axes."""
        if len(self.axes) == 2 and symbol.indices == self.axes[:1]:
            return "[:, None]"
        places = [":" if isinstance(i, Index) else str(i) for i in symbol.indices]
        while places and places[-1] == ":":
            places.pop()
        return f"[{', '.join(places)}]" if places else ""

    def scratch(self) -> str:
        """The scratch buffers of the equation's layer: of all its units, or of one."""
        first = "" if self.axes else "[:, 0]"
        return f"scratch{self.equation.layer}{first}, {self.condition}"

    def visit_select(self, node: Select, out: str) -> str:
        """A choice; one between a value and 0 closes a gate."""
        if (node.comparison, node.right, node.no) != (">", Number(0.0), Number(0.0)):
            return super().visit_select(node, out)
        self.assign(node.yes, out)
        self.lines(f"gate({out}, {self.visit(node.left, out)}, mask{self.equation.layer})")
        return out

    def visit_sum(self, node: Sum, out: str) -> str:
        """A sum: its terms side by side, then added in their order."""
        return self._folded(node, "add", out)

    def visit_largest(self, node: Largest, out: str) -> str:
        """The largest: its terms side by side, then compared in their order."""
        return self._folded(node, "maximum", out)

    def _folded(self, node: Folded, ufunc: str, out: str) -> str:
        if node.index.size == 1:
            only: str = self.visit(bind(node.term, {node.index: 0}), out)
            return only
        term = self._side_by_side(node)
        self.lines(f"{ufunc}({term(0)}, {term(1)}, out={out})")
        if node.index.size > WRITTEN_OUT:
            with self.lines.block(f"for n in range(2, {node.index.size}):"):
                self.lines(f"{ufunc}({out}, {term('n')}, out={out})")
            return out
        for n in range(2, node.index.size):
            self.lines(f"{ufunc}({out}, {term(n)}, out={out})")
        return out

    def _side_by_side(self, node: Folded) -> Callable[..., str]:
        """Where each term is, once all are worked out: among buffers with an axis for the index."""
        outer, spare, condition = self.axes, self.spare, self.condition
        weight, layer = _weight_of(node.term), self.equation.layer
        self.axes = weight.indices if weight else (node.index,)
        home, *self.spare = _spare(weight.layer if weight else layer, self.axes)
        self.condition = self._condition()
        self.assign(node.term, home)
        inner = self.axes.index(node.index)
        self.axes, self.spare, self.condition = outer, spare, condition
        return (f"{home}[:, {{}}]" if inner else f"{home}[{{}}]").format


def _plural(setting: Symbol) -> str:
    """The name of the array that holds a setting of every network."""
    return f"{setting.family}s"


def _weight_of(node: Expression) -> Symbol | None:
    weights = (part for part in nodes(node) if isinstance(part, Symbol) and part.family == "w")
    return next(weights, None)


def _spare(layer: int, axes: tuple[Index | int, ...]) -> list[str]:
    """Buffers with these axes."""
    if not axes:
        return [f"{name}{layer}[0]" for name in SPARE]
    return [f"{name}{layer}" for name in (SPARE if len(axes) == 1 else WIDE)]
