"""The network in sympy: its loss by definition, and what the equations of a training step come to.

Where the sign of a unit's sum chooses, as in ReLU, a gate does, 1 where the sum is above 0 and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from fastnn.core.activations import activation
from fastnn.core.arithmetic import OPERATIONS
from fastnn.core.equations import ERROR, FORWARD, Derivation
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Larger,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Symbol,
    Visitor,
    sign,
)
from fastnn.core.loss import Output
from fastnn.core.rule import COEFFICIENT, ROWS, Rule
from fastnn.core.values import NORM, SCALE, TOP, TOTAL, error, input_value, target_value
from fastnn.explaining.chain_rule import LOSS, Line
from fastnn.explaining.fused_definitions import FusedDefinition
from fastnn.printing.signs import Derivative

__all__ = ["Algebra"]


@cache
def _functions() -> tuple[Any, Any]:
    """sympy functions: sigmoid, kept closed with its own derivative, and one that keeps a value in one piece.

    Of the first sympy proves here that the derivative is right. The second is the identity, and so its
    derivative is 1; sympy would otherwise multiply sums out, and 3-3-3-3-1 take 15 s instead of 1.
    """
    import sympy

    class Sigmoid(sympy.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return self * (1 - self)

    class Kept(sympy.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.Integer(1)

    z = sympy.Symbol("z")
    logistic = 1 / (1 + sympy.exp(-z))
    if sympy.simplify(sympy.diff(logistic, z) - logistic * (1 - logistic)) != 0:
        raise AssertionError("sympy does not find sigmoid's derivative")
    return Sigmoid, Kept


@cache
def _fraction(number: float) -> Any:
    """A constant as people write it, as a fraction: 0.3 is 3/10. sympy takes 4 ms for one."""
    import sympy

    return sympy.nsimplify(number, rational=True)


class Algebra(Visitor):
    """The network in sympy: its loss by definition, and by fastnn's equations.

    Where a value is chosen by the sign of a weighted sum, a gate chooses, 1 where the sum is above 0, else 0.
    Another condition has a gate as well, 1 where it holds.
    """

    def __init__(self, derivation: Derivation) -> None:
        import sympy

        self.derivation = derivation
        self.network = derivation.network
        self.sympy = sympy
        sigmoid, self.keep = _functions()
        self.functions = {
            "exp": sympy.exp,
            "expm1": lambda x: sympy.exp(x) - 1,
            "log": sympy.log,
            "log1p": lambda x: sympy.log(1 + x),
            "sin": sympy.sin,
            "cos": sympy.cos,
            "tanh": sympy.tanh,
            "sigmoid": sigmoid,
        }
        self.fused: FusedDefinition | None = None
        self.kept: dict[Any, Any] = {}
        self.gates: set[Any] = set()
        self.conditions: dict[tuple[Any, str, Any], Any] = {}

    def kept_as(self, value: Any, name: str) -> Any:
        """`value` in one piece, to be shown under a name."""
        kept = self.keep(value)
        if kept not in self.kept:
            # Another value of the same name must not pass for the first one.
            symbol = self.sympy.Symbol(name)
            self.kept[kept] = self.sympy.Dummy(name) if symbol in self.kept.values() else symbol
        return kept

    def defined_loss(self) -> Any:
        """The loss of one row, by the definition of the network, times its coefficient if it has one."""
        loss = self._defined_loss()
        return self.named(COEFFICIENT) * loss if self.derivation.rule.weighted else loss

    def _defined_loss(self) -> Any:
        names = np.array(self.network.parameter_names, dtype=object)
        symbols = np.array([self.sympy.Symbol(name) for name in names], dtype=object)
        values = [self.named(input_value(i)) for i in range(self.network.n_inputs)]
        for layer, (W, b) in enumerate(self.network.split(symbols), start=1):
            inputs = values
            sums = (sum(w * a for w, a in zip(row, inputs, strict=True)) for row in W)
            values = [self.unit(layer, j, z + bias) for j, (z, bias) in enumerate(zip(sums, b, strict=True))]
        if self.derivation.rule.loss.outputs:
            return self._fused_loss()
        terms = []
        for k, value in enumerate(values):
            d = self.kept_as(value - self.named(target_value(k)), self.derivation.name(error(k)))
            rule = self.derivation.rule
            output = Output(Symbol("z"), Symbol("yhat"), target_value(k), error(k), self.network.output)
            terms.append(self.evaluated(rule.loss.term(output, rule.common), {error(k): d}))
        return sum(terms)

    def _fused_loss(self) -> Any:
        """The loss as one function of the outputs' sums, with the derivatives that sympy has proved."""
        sympy, last = self.sympy, len(self.network.activations)
        units = range(self.network.n_outputs)
        names = [self.derivation.name(Symbol("z", last, (k,))) for k in units]
        sums = [sympy.Symbol(name) for name in names]
        targets = [self.named(target_value(k)) for k in units]
        self.fused = fused = FusedDefinition(self.network.output, sums, targets)
        whole = {short: kept for kept, short in self.kept.items() if short in sums}
        slopes = [sympy.diff(fused.loss, z).xreplace(whole) for z in sums]
        for k in units if fused.proved else ():
            error_of = (fused.predictions[k] - targets[k]).xreplace(whole)
            slopes[k] = self.kept_as(error_of, self.derivation.name(error(k)))
        self.errors = slopes

        class Loss(sympy.Function):  # type: ignore[misc, name-defined]
            def fdiff(self, argindex: int = 1) -> Any:
                return slopes[argindex - 1]

        self.loss = Loss(*(whole[z] for z in sums))
        self.kept[self.loss] = fused.loss
        return self.loss

    def _as_defined(self, line: Line, value: Any) -> Any:
        """What a line of a fused loss gives; in the words of the definition, where it is the same."""
        fused = self.fused
        if fused is None or line.section != ERROR:
            return value
        short = self.short(value).replace(self.functions["sigmoid"], lambda z: 1 / (1 + self.sympy.exp(-z)))
        match line.target:
            case Symbol("d", _, (int(k),)):
                y = self.named(target_value(k))
                return self.errors[k] if fused.proved and fused.is_prediction(short + y, k) else value
            case target if target == LOSS:
                c = self.named(COEFFICIENT) if self.derivation.rule.weighted else self.sympy.Integer(1)
                if fused.is_loss(self.sympy.expand(short / c), self.gates, self.named(TOP)):
                    return c * self.loss
        return value

    def unit(self, layer: int, unit: int, z: Any) -> Any:
        """What a unit of a layer makes of its sum."""
        entry = activation(self.network.activations[layer - 1])
        if entry.of_layer:  # what it makes of all sums belongs to the loss's definition
            return self.kept_as(z, self.derivation.name(Symbol("z", layer, (unit,))))
        last = layer == len(self.network.activations)
        family = "z" if not entry.is_identity else "yhat" if last else "h"
        symbol = Symbol(family, layer, (unit,))
        kept = self.kept_as(z, self.derivation.name(symbol))
        return self.evaluated(entry.value(symbol), {symbol: kept})

    def penalty(self, weight: Symbol, rule: Rule) -> Any:
        """The derivative of the penalties on a weight, which sympy finds but for that of abs(w), the sign."""
        w, found = self.named(weight), self.sympy.Integer(0)
        if "l2" in rule.penalties:
            rows = self.named(ROWS) if rule.l2_on_sum else 1
            found += self.sympy.diff(self.sympy.Symbol("l2") / rows * w**2 / 2, w)
        if "l1" in rule.penalties:
            found += self.sympy.Symbol("l1") * self.evaluated(sign(weight), {})
        return found

    def named(self, symbol: Symbol) -> Any:
        return self.sympy.Symbol(self.derivation.name(symbol))

    def of(self, lines: Sequence[Line], given: Mapping[Expression, Any]) -> list[Any]:
        """What the lines make of the symbols of one row, line by line."""
        values: dict[Expression, Any] = {**given, TOTAL: self.sympy.Integer(0)}
        found = []
        for line in lines:
            # Softmax is the same whatever is taken from all sums.
            value = self.named(TOP) if line.target == TOP else self.evaluated(line.expression, values)
            value = self._as_defined(line, value)
            if line.section in (FORWARD, ERROR) and self._is_sum(line):
                assert isinstance(line.target, Symbol)  # noqa: S101 - no derivative among these
                value = (
                    value if value in self.kept else self.kept_as(value, self.derivation.name(line.target))
                )
            found.append(value)
            values[line.target] = value
            match line.target:
                # Proved by itself: what comes after takes it by name.
                case Symbol("gw" | "gb" | NORM.family | SCALE.family) as proved:
                    values[proved] = self.named(proved)
        return found

    def evaluated(self, node: Expression, values: dict[Expression, Any]) -> Any:
        """An expression in sympy; symbols that have no value yet stand for themselves."""
        return self.visit(node, values)

    def visit_symbol(self, node: Symbol, values: dict[Expression, Any]) -> Any:
        """A value of the row, or a name."""
        return values[node] if node in values else values.setdefault(node, self.named(node))

    def visit_derivative(self, node: Derivative, values: dict[Expression, Any]) -> Any:
        """A derivative that a line before has given."""
        return values[node]

    def visit_number(self, node: Number, values: dict[Expression, Any]) -> Any:
        """A constant, as a fraction."""
        return _fraction(node.value)

    def visit_binary(self, node: Binary, values: dict[Expression, Any]) -> Any:
        """One operation, exact."""
        a, b = self.evaluated(node.left, values), self.evaluated(node.right, values)
        return OPERATIONS[node.operator](a, b)

    def visit_select(self, node: Select, values: dict[Expression, Any]) -> Any:
        """A choice: a gate chooses, which belongs to the sign of a weighted sum, or else to its condition."""
        match node.left, node.right:
            case Symbol("y"), Number(0.0):  # a target is 0 or above, and 0 makes the same of its term
                return self.evaluated(node.yes, values)
            case Symbol("z") as z, Number(0.0):
                gate = self.named(replace(z, family="g"))
                opened, shut = (node.yes, node.no) if node.comparison == ">" else (node.no, node.yes)
            case Symbol("d") as d, Number(0.0):  # one gate for both signs
                gate = self._bracket(self.evaluated(d, values), "<", self.sympy.Integer(0))
                opened, shut = (node.yes, node.no) if node.comparison == "<" else (node.no, node.yes)
            case left, right:
                gate = self._bracket(
                    self.evaluated(left, values), node.comparison, self.evaluated(right, values)
                )
                opened, shut = node.yes, node.no
        self.gates.add(gate)
        return gate * self.evaluated(opened, values) + (1 - gate) * self.evaluated(shut, values)

    def _bracket(self, left: Any, comparison: str, right: Any) -> Any:
        """The gate of a condition, the same one for the same condition alone: [x > 1]."""
        told = f"[{self.short(left)} {comparison} {self.short(right)}]"
        taken = self.sympy.Symbol(told) in self.conditions.values()
        gate = self.sympy.Dummy(told) if taken else self.sympy.Symbol(told)
        return self.conditions.setdefault((left, comparison, right), gate)

    def visit_call(self, node: Call, values: dict[Expression, Any]) -> Any:
        """A function that sympy knows, or is told."""
        return self.functions[node.function](self.evaluated(node.argument, values))

    def visit_power_of_two(self, node: PowerOfTwo, values: dict[Expression, Any]) -> Any:
        """Exact."""
        return 2 ** self.evaluated(node.exponent, values)

    def visit_exponent(self, node: Exponent, values: dict[Expression, Any]) -> Any:
        """A whole number."""
        return self.sympy.floor(self.sympy.log(self.evaluated(node.number, values), 2))

    def visit_larger(self, node: Larger, values: dict[Expression, Any]) -> Any:
        """The larger of two, chosen by a gate."""
        left, right = self.evaluated(node.left, values), self.evaluated(node.right, values)
        gate = self._bracket(left, "<", right)
        self.gates.add(gate)
        return gate * right + (1 - gate) * left

    def visit_square_root(self, node: SquareRoot, values: dict[Expression, Any]) -> Any:
        """Exact."""
        return self.sympy.sqrt(self.evaluated(node.square, values))

    def short(self, expression: Any) -> Any:
        """An expression with every value that was kept in one piece under its name."""
        return expression.xreplace(self.kept)

    def simplified(self, difference: Any) -> Any:
        """A difference multiplied out; 0 if it is 0 for each way in which the gates can stand."""
        short = self.short(difference)
        gates = sorted(self.gates & short.free_symbols, key=str)
        powers = (part for part in self.sympy.preorder_traversal(short) if part.is_Pow)
        divides = any(power.exp.is_negative and self.gates & power.free_symbols for power in powers)
        expanded = short if divides else self.sympy.expand(short)  # quotients would take minutes
        if expanded == 0 or not gates:
            return expanded
        shut_or_open = (self.sympy.Integer(0), self.sympy.Integer(1))
        ways = (dict(zip(gates, way, strict=True)) for way in product(shut_or_open, repeat=len(gates)))
        return self.sympy.Integer(0) if all(self._is_zero(short.xreplace(way)) for way in ways) else expanded

    def _is_zero(self, difference: Any) -> bool:
        """Whether a sum of quotients is 0."""
        numerator, _ = self.sympy.fraction(self.sympy.together(difference))
        if self.sympy.expand(numerator) == 0:
            return True
        if not (difference.has(self.sympy.tanh) and difference.has(self.sympy.exp)):
            return False
        return self._is_zero(difference.rewrite(self.sympy.exp))

    def _is_sum(self, line: Line) -> bool:
        """Whether a line gives a weighted sum or an error, which are kept in one piece."""
        target = line.target
        if not isinstance(target, Symbol) or target == LOSS:
            return False
        if self.fused is not None and target.family not in ("z", "h", "d"):
            return False
        passed_on = target.family in ("h", "yhat")
        return not passed_on or activation(self.network.activations[target.layer - 1]).is_identity
