"""The equations of one row as JavaScript: the same operations in the same order, so the same bits.

JavaScript's numbers are IEEE doubles. Its ``+ - * /`` and comparisons round and decide as the engines'
operations do, and so does ``Math.sqrt``. Its own ``Math.exp`` and ``Math.tanh`` are left alone: they differ
from browser to browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import groupby

from fastnn.core.elementary import Function, functions_of
from fastnn.core.equations import BEGIN, FORWARD, GRADIENTS, Derivation, Part
from fastnn.core.expressions import Expression, SquareRoot, Symbol
from fastnn.core.precisions import PRECISIONS
from fastnn.core.rule import COEFFICIENT, ROWS
from fastnn.core.values import TOTAL, activation_of, input_value, target_value
from fastnn.printing.infix import Infix, Lines, assignment

__all__ = ["JavaScript", "javascript", "javascript_answers", "javascript_functions", "results_of"]

ONCE: dict[Part, str] = {"begin": "first", "end": "last"}  # with which row what comes once a batch comes


def javascript(derivation: Derivation) -> str:
    """The function ``takeRow(given)``, behind the functions that it needs.

    `given` is an object of numbers by name: the state, the row's inputs and targets (where rows have weights,
    its coefficient c), the settings and the total. The function returns an object of all numbers that it
    computes: the state and the total after the row, and the values on the way. It changes nothing.
    ``settingsOf({learning_rate, ...})`` gives the settings, from the learning rate and the optimizer's own.

    In batches `given` also holds what the rows before have added up to (0 before the first one), what was
    prepared at the begin of the batch, n, the rows of the batch, and whether this one is its `first`, before
    which that is prepared, and its `last`, after which the updates come. What one equation computes and a
    later one replaces is returned as well, under the name that `results_of` has.
    """
    functions = functions_of(derivation.functions, "float64")
    row = _take_row(derivation)
    helpers = [_larger()] if "larger(" in row else []
    return "\n".join([*javascript_functions(functions), *helpers, _settings_of(derivation), row])


def javascript_answers(derivation: Derivation) -> str:
    """The function ``answersOf(given)`` of parameters and inputs by name: an array of the outputs.

    It needs the functions that stand before ``takeRow``, and computes the same bits.
    """
    network, language, lines = derivation.network, JavaScript(derivation.name), Lines()
    inputs = [input_value(i) for i in range(network.n_inputs)]
    given = map(derivation.name, [*derivation.state[: network.n_parameters], *inputs])
    outputs = [activation_of(network, len(network.layers) - 1, k) for k in range(network.n_outputs)]
    with _braces(lines, "function answersOf(given)"):
        lines(f"const {{{', '.join(given)}}} = given;")
        for e in derivation.scalar:
            if e.stage == FORWARD:
                lines(_statement(e.target, e.expression, language, new=True))
        lines(f"return [{', '.join(map(derivation.name, outputs))}];")
    return str(lines)


def results_of(derivation: Derivation) -> dict[int, str]:
    """What each equation of the row computes, by the equation's number: a name among all that is returned.

    It is the target's, with the equation's number where a later equation replaces it: gw1_18.
    """
    last = {derivation.name(e.target): e.number for e in derivation.scalar}
    names = ((e.number, derivation.name(e.target)) for e in derivation.scalar)
    return {number: name if last[name] == number else f"{name}_{number}" for number, name in names}


class JavaScript(Infix):
    """JavaScript, whose numbers are float64."""

    def choice(self, condition: str, yes: str, no: str) -> str:
        """The conditional operator."""
        return f"{condition} ? {yes} : {no}"

    def visit_square_root(self, node: SquareRoot, outer: int) -> str:
        """The language's own, the one function of Math that is rounded alike everywhere."""
        return f"Math.sqrt({self(node.square)})"


def _settings_of(derivation: Derivation) -> str:
    """The function that gives the settings of a kernel, from those of the training."""
    language, lines = JavaScript(lambda symbol: symbol.family), Lines()
    rule = derivation.rule
    symbols = {name: Symbol(name) for name in ("learning_rate", *rule.settings)}
    values = rule.values(**symbols)
    with _braces(lines, f"function settingsOf({{{', '.join(symbols)}}})"):
        lines(f"return {{{', '.join(f'{language(s)}: {language(value)}' for s, value in values.items())}}};")
    return str(lines)


def _take_row(derivation: Derivation) -> str:
    language, results = JavaScript(derivation.name), results_of(derivation)
    given, moved, found = _names(derivation)
    replaced = any(results[e.number] != derivation.name(e.target) for e in derivation.scalar)
    lines = Lines()
    with _braces(lines, "function takeRow(given)"):
        lines(f"const {{{', '.join(given)}}} = given;", f"let {{{', '.join(moved)}}} = given;")
        if replaced:
            lines("const replaced = {};")
        for stage, equations in groupby(derivation.scalar, key=lambda e: e.stage):
            lines(f"// {stage}")
            condition = ONCE.get(stage.when) if derivation.rule.batched else None
            with _braces(lines, f"if ({condition})") if condition else nullcontext():
                for e in equations:
                    lines(_statement(e.target, e.expression, language, new=e.target in found))
                    name = derivation.name(e.target)
                    if results[e.number] != name:
                        lines(f"replaced.{results[e.number]} = {name};")
        named = [*moved, *map(derivation.name, found), *(["...replaced"] if replaced else [])]
        lines(f"return {{{', '.join(named)}}};")
    return str(lines)


def _names(derivation: Derivation) -> tuple[list[str], list[str], list[Symbol]]:
    """What a row is given and keeps, what it is given and moves, and what it works out on the way."""
    network = derivation.network
    rows = [input_value(i) for i in range(network.n_inputs)]
    rows += [target_value(k) for k in range(network.n_outputs)]
    kept = [e.target for e in derivation.scalar if e.stage == GRADIENTS]
    if derivation.rule.batched:
        kept += [e.target for e in derivation.scalar if e.stage == BEGIN or e.kind == "norm"]
    moved = [*dict.fromkeys(map(derivation.name, [*derivation.state, *kept, TOTAL]))]
    targets = [e.target for e in derivation.scalar]
    found = [target for target in targets if derivation.name(target) not in moved]
    if derivation.rule.weighted:
        rows.append(COEFFICIENT)
    given = [*map(derivation.name, [*rows, *derivation.rule.given])]
    if derivation.rule.batched:
        given += [derivation.name(ROWS), *ONCE.values()]
    return given, moved, found


def javascript_functions(functions: Iterable[Function]) -> list[str]:
    """The functions, behind the helpers that they call."""
    written = [_function(function) for function in functions]
    helpers = {"power_of_two": _power_of_two, "exponent_of": _exponent_of}
    return [write() for name, write in helpers.items() if f"{name}(" in "".join(written)] + written


def _function(function: Function) -> str:
    """A function of `fastnn.core.elementary`."""
    language = JavaScript(lambda symbol: symbol.family)
    lines = Lines()
    with _braces(lines, f"function {function.name}({function.argument.family})"):
        for step in function.steps[:-1]:
            lines(_statement(step.target, step.expression, language, new=True))
        lines(f"return {language(function.steps[-1].expression)};")
    return str(lines)


def _power_of_two() -> str:
    """The function that puts a whole exponent into the exponent bits of a number, whose other bits stay 0."""
    precision = PRECISIONS["float64"]
    lines = Lines()
    lines("const bits = new DataView(new ArrayBuffer(8));")
    with _braces(lines, "function power_of_two(exponent)"):
        lines(f"bits.setInt32(0, (exponent + {precision.bias}) << {precision.digits - 1 - 32});")
        lines("return bits.getFloat64(0);")
    return str(lines)


def _exponent_of() -> str:
    """The function that takes the exponent bits of a number above 0."""
    precision = PRECISIONS["float64"]
    lines = Lines()
    lines("const pattern = new DataView(new ArrayBuffer(8));")
    with _braces(lines, "function exponent_of(number)"):
        lines("pattern.setFloat64(0, number);")
        lines(f"return (pattern.getInt32(0) >> {precision.digits - 1 - 32}) - {precision.bias};")
    return str(lines)


def _larger() -> str:
    """The function that gives the larger of two numbers."""
    lines = Lines()
    with _braces(lines, "function larger(left, right)"):
        lines(f"return {JavaScript(str).choice('left < right', 'right', 'left')};")
    return str(lines)


def _statement(target: Symbol, expression: Expression, language: Infix, *, new: bool) -> str:
    return f"{'const ' if new else ''}{assignment(target, expression, language)};"


@contextmanager
def _braces(lines: Lines, header: str) -> Iterator[None]:
    with lines.block(f"{header} {{"):
        yield
    lines("}")
