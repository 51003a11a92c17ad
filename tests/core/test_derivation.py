"""The equations are right: by sympy, by central differences, by published examples; and well ordered."""

from dataclasses import replace
from functools import cache
from itertools import groupby, product
from typing import get_args

import numpy as np
import pytest
import reference
import sympy
from comparing import agrees, all_agree, case_of, compiled, interpreted, label, random_case, run
from each_of import each_of
from pairing import with_the_next

from fastnn.checking import InputError
from fastnn.core.activations import ACTIVATIONS
from fastnn.core.derivation import derive
from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, GRADIENTS, UPDATES, Kind
from fastnn.core.expressions import (
    Binary,
    Call,
    Expression,
    Index,
    Number,
    Select,
    Sum,
    Symbol,
    bind,
    expression,
    nodes,
    substitute,
)
from fastnn.core.network import Network
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.core.values import gradient_of, input_value, state_of, target_value
from fastnn.engines import ENGINES

# Central differences of width 1e-5 on losses near 1 are good to about 1e-10 of the largest gradient.
CENTRAL_DIFFERENCE = 1e-6
# A unit this far from its kink stays on one side of it when a parameter moves by 1e-5.
FAR_FROM_KINKS = 0.01

CLASSROOM = Network((2, 2, 1))
# Those whose equations sympy multiplies out in no time.
SHORT = ("relu", "leaky_relu", "tanh", "sigmoid", "identity")
EVERY_ACTIVATION = [
    *(Network((1, 1, 1), hidden, output) for hidden, output in with_the_next(SHORT)),
    *(Network((1, 1, 1), hidden) for hidden in ACTIVATIONS if hidden not in SHORT),
    *(Network((2, 1), output=output) for output in (*ACTIVATIONS, "leaky_relu(0.3)")),
]
SHAPES = [
    CLASSROOM,
    Network((1, 1)),
    Network((1, 3), output="sigmoid"),
    Network((3, 2, 1), "tanh", "relu"),
    Network((1, 2, 2, 1), ("relu", "tanh")),
    Network((1, 2, 2, 2), ("sigmoid", "relu"), "sigmoid"),
    Network((2, 1, 2, 1, 1), ("tanh", "sigmoid", "identity"), "tanh"),
]

KINDS = get_args(Kind)

every_engine = pytest.mark.parametrize("engine", ENGINES)


class Sigmoid(sympy.Function):
    """1/(1 + exp(-z)), kept closed so that differences expand to 0; its slope is proved in a test."""

    def fdiff(self, argindex=1):
        return self * (1 - self)


FUNCTIONS = {
    "exp": sympy.exp,
    "expm1": lambda z: sympy.exp(z) - 1,
    "log1p": lambda z: sympy.log(1 + z),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
    "sigmoid": Sigmoid,
}


def test_slopes_of_the_functions():
    z = sympy.Symbol("z")
    logistic = 1 / (1 + sympy.exp(-z))
    assert sympy.simplify(sympy.diff(logistic, z) - logistic * (1 - logistic)) == 0
    assert sympy.simplify(sympy.diff(sympy.tanh(z), z) - (1 - sympy.tanh(z) ** 2)) == 0


@cache
def exactly(value):
    """A constant as people write it, as a fraction."""
    return sympy.nsimplify(value, rational=True)


def has_gate(activation):
    """Whether its definition asks for the sign of a sum."""
    return reference.leak_of(activation) is not None or activation in ("elu", "selu", "softplus", "softsign")


def defined(activation, z, is_open):
    """An activation by its definition, for z > 0 or not."""
    leak = reference.leak_of(activation)
    if leak is not None:
        return z if is_open else exactly(leak) * z
    match activation:
        case "identity":
            return z
        case "elu":
            return z if is_open else sympy.exp(z) - 1
        case "selu":
            return exactly(reference.SCALE) * z if is_open else exactly(reference.LIMIT) * (sympy.exp(z) - 1)
        case "softplus":
            return z + sympy.log(1 + sympy.exp(-z)) if is_open else sympy.log(1 + sympy.exp(z))
        case "sine":
            return sympy.sin(z)
        case "silu":
            return z * Sigmoid(z)
        case "gelu_tanh":
            return z * Sigmoid(exactly(1.5957691216057308) * (z + exactly(0.044715) * z**3))
        case "softsign":
            return z / (1 + z if is_open else 1 - z)
        case "exponential":
            return sympy.exp(z)
        case "gaussian":
            return sympy.exp(-(z**2))
        case "square":
            return z**2
    return FUNCTIONS[activation](z)


def gates_of(network):
    """Every way in which the gates of units can be open or shut: {(layer, unit): whether it is open}."""
    units = [
        (layer, unit)
        for layer, activation in enumerate(network.activations, start=1)
        if has_gate(activation)
        for unit in range(network.layers[layer])
    ]
    return [dict(zip(units, choice, strict=True)) for choice in product((True, False), repeat=len(units))]


def loss_by_hand(network, gates):
    """The squared error of one row as a sympy expression of w1, x1, y1, ...: not from our equations."""
    flat = sympy.symbols(network.parameter_names)
    weights, biases = reference.split(network.layers, flat)
    values = sympy.symbols(f"x1:{network.n_inputs + 1}")
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        activation = network.activations[layer - 1]
        sums = [sum(w * a for w, a in zip(u, values, strict=True)) + c for u, c in zip(W, b, strict=True)]
        values = [defined(activation, z, gates.get((layer, unit))) for unit, z in enumerate(sums)]
    targets = sympy.symbols(f"y1:{network.n_outputs + 1}")
    return sum((value - y) ** 2 for value, y in zip(values, targets, strict=True))


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def evaluate(node, values, gates):
    """An expression of one training step as a sympy expression; ReLU's choices follow the gates."""
    match node:
        case Symbol():
            return values[node]
        case Number(value):
            return exactly(value)
        case Binary(operator, left, right):
            return OPERATIONS[operator](evaluate(left, values, gates), evaluate(right, values, gates))
        case Call(function, argument):
            return FUNCTIONS[function](evaluate(argument, values, gates))
        case Select(Symbol("z", layer, (unit,)), comparison, Number(0.0), yes, no):
            holds = gates[layer, unit] == (comparison == ">")
            return evaluate(yes if holds else no, values, gates)
    raise TypeError(node)


def trained_symbolically(network, equations, gates):
    """What the equations make of the symbols of one row: the value of every symbol after them."""
    learning_rate = sympy.Symbol("learning_rate")
    values = {Symbol("step"): -2 * learning_rate, Symbol("total"): sympy.Symbol("total")}
    values |= {input_value(i): sympy.Symbol(f"x{i + 1}") for i in range(network.n_inputs)}
    values |= {target_value(k): sympy.Symbol(f"y{k + 1}") for k in range(network.n_outputs)}
    values |= {parameter: sympy.Symbol(name) for name, parameter in parameters_of(network).items()}
    for equation in equations:
        values[equation.target] = evaluate(equation.expression, values, gates)
    return values


def parameters_of(network):
    """The symbol of every parameter by its name, by the layout of the reference."""
    found = {}
    weights, biases = reference.split(network.layers, network.parameter_names)
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        for unit, (names, bias) in enumerate(zip(W, b, strict=True)):
            found |= {name: Symbol("w", layer, (unit, source)) for source, name in enumerate(names)}
            found[bias] = Symbol("b", layer, (unit,))
    return found


def descends_the_gradient(network, equations):
    """Whether each parameter changes by -learning_rate times sympy's derivative, the total by the loss."""
    learning_rate = sympy.Symbol("learning_rate")
    for gates in gates_of(network):
        after, loss = trained_symbolically(network, equations, gates), loss_by_hand(network, gates)
        changes = [(after[Symbol("total")] - sympy.Symbol("total"), loss)]
        for name, parameter in parameters_of(network).items():
            gradient = sympy.diff(loss, sympy.Symbol(name))
            changes.append((after[parameter] - sympy.Symbol(name), -learning_rate * gradient))
        if not all(is_zero(found - expected) for found, expected in changes):
            return False
    return True


def is_zero(difference):
    """Whether a sum of products and quotients is 0."""
    return sympy.expand(difference) == 0 or sympy.cancel(sympy.together(difference)) == 0


class TestBySympy:
    @pytest.mark.slow
    @pytest.mark.parametrize(("hidden", "output"), [*product(SHORT, repeat=2)])
    def test_equations_of_any_two_activations_descend_the_gradient(self, hidden, output):
        network = Network((1, 2, 1), hidden, output)
        assert descends_the_gradient(network, derive(network).scalar)

    @pytest.mark.parametrize("network", [*SHAPES, *EVERY_ACTIVATION], ids=label)
    def test_equations_descend_the_gradient(self, network):
        assert descends_the_gradient(network, derive(network).scalar)

    @pytest.mark.parametrize("network", [CLASSROOM, Network((2, 2, 1), "tanh", "sigmoid")], ids=label)
    def test_rejects_the_wrong_order(self, network):
        """Each layer updated before the deltas of the layer below are worked out from its weights."""
        equations = derive(network).scalar
        order = [e for e in equations if e.stage in (FORWARD, ERROR)]
        for layer in (2, 1):
            for stage in (DELTAS, UPDATES):
                order += [e for e in equations if (e.stage, e.layer) == (stage, layer)]
        assert len(order) == len(equations)
        assert not descends_the_gradient(network, order)

    @pytest.mark.parametrize("network", [CLASSROOM, Network((2, 1), output="tanh")], ids=label)
    def test_rejects_each_equation_that_is_off(self, network):
        equations = derive(network).scalar
        for n, equation in enumerate(equations):
            doubled = replace(equation, expression=2.0 * equation.expression)
            assert not descends_the_gradient(network, [*equations[:n], doubled, *equations[n + 1 :]])


@cache
def far_from_kinks(network):
    """The first random case of one row whose ReLU units are far from 0, at least half of them open."""
    for seed in range(1000):
        case = random_case(network, networks=1, rows=1, epochs=1, seed=seed)
        weights, biases = reference.split(network.layers, case.parameters[0].tolist())
        x, functions = case.X[0].tolist(), reference.FUNCTIONS
        _, sums = reference.forward(weights, biases, network.activations, x, functions)
        z = [v for f, unit in zip(network.activations, sums, strict=True) if has_gate(f) for v in unit]
        if all(abs(v) > FAR_FROM_KINKS for v in z) and 2 * sum(v > 0 for v in z) >= len(z):
            return case
    raise AssertionError(f"no case for {network}")


def central_differences(kernel, case, width=1e-5):
    """The gradient of a row's squared error, from the totals that a kernel reports."""
    shifts = width * np.eye(case.network.n_parameters)
    shifted = case.parameters + np.concatenate([shifts, -shifts])
    totals = np.zeros((len(shifted), 1))
    kernel(shifted, case.X, case.Y, np.zeros((len(shifted), 1)), totals)
    above, below = totals.reshape(2, -1)
    return (above - below) / (2 * width)


def agree(found, expected):
    """Whether two gradients agree to `CENTRAL_DIFFERENCE` of the largest number; NaN never does."""
    return bool(np.all(np.abs(found - expected) <= CENTRAL_DIFFERENCE * np.abs(expected).max()))


NUMERIC = [
    CLASSROOM,
    Network((2, 3, 2), hidden="tanh", output="sigmoid"),
    Network((3, 2), output="relu"),
    Network((1, 4, 3, 2), hidden=("relu", "sigmoid"), output="tanh"),
    Network((4, 9, 5, 2), hidden=("relu", "tanh")),
]


@every_engine
@pytest.mark.parametrize("network", NUMERIC, ids=label)
class TestByCentralDifferences:
    """One step of what each engine prints, run as plain Python in float64, of one network on one row."""

    def gradient(self, kernel, case):
        after = case.parameters.copy()
        kernel(after, case.X, case.Y, np.full((1, 1), -2.0), np.zeros((1, 1)))  # a learning rate of 1
        return (case.parameters - after)[0]

    def test_gradient(self, engine, network):
        kernel, case = interpreted(engine, network, "float64"), far_from_kinks(network)
        found = self.gradient(kernel, case)
        assert np.count_nonzero(found) * 2 >= len(found)
        assert agree(found, central_differences(kernel, case))

    def test_rejects(self, engine, network):
        kernel, case = interpreted(engine, network, "float64"), far_from_kinks(network)
        found, expected = self.gradient(kernel, case), central_differences(kernel, case)
        assert not agree(np.zeros_like(found), expected)
        assert not agree(found * 1.00001, expected)
        assert not agree(np.where(found == found.max(), np.nan, found), expected)


class TestPublished:
    """M. Mazur, "A step by step backpropagation example" (2015): 2-2-2, sigmoid everywhere.

    Its step is 0.5 on half the squared error, which is a learning rate of 0.25 here.
    """

    network = Network((2, 2, 2), hidden="sigmoid", output="sigmoid")
    start = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.35, 0.35, 0.60, 0.60)
    after_one = (
        *("0.149780716", "0.19956143", "0.24975114", "0.29950229"),
        *("0.35891648", "0.408666186", "0.511301270", "0.561370121"),
        *("0.345614323", "0.345022873", "0.530750719", "0.619049118"),
    )

    def train(self, engine, epochs, kernel=interpreted):
        case = case_of(self.network, self.start, [(0.05, 0.10)], [(0.01, 0.99)], 0.25, epochs)
        return run(kernel(engine, self.network, "float64"), case)

    @every_engine
    def test_one_step(self, engine):
        found = self.train(engine, 1)
        assert all_agree(found.parameters[0], self.after_one)
        # Published: 0.2983711087600027. Its last digit is that of another exp.
        assert agrees(found.losses[0, 0] / 2, "0.298371108760003")

    @every_engine
    def test_error_after_one_step(self, engine):
        error = self.train(engine, 2).losses[0, 1] / 2
        assert agrees(error, "0.280471447")
        assert not agrees(error, "0.280484077")  # output layer updated first

    @pytest.mark.slow
    @pytest.mark.parametrize("engine", ["loop", "batched"])
    def test_outputs_after_ten_thousand_steps(self, engine):
        parameters = self.train(engine, 10_000, compiled).parameters[0].tolist()
        layers, activations = self.network.layers, self.network.activations
        (outputs,) = reference.predict(layers, activations, parameters, [(0.05, 0.10)])
        assert all_agree(outputs, ("0.011587527", "0.988458935"))
        assert not any(map(agrees, outputs, ("0.011583827", "0.988461768")))  # output layer updated first


def test_another_digit_does_not_agree():
    assert agrees(0.2804714471, "0.280471447")
    assert not agrees(0.280471448, "0.280471447")
    assert not all_agree([0.2, 0.1], ["0.1", "0.2"])


@every_engine
def test_xor_by_hand_and_training_changes_nothing(engine):
    """Goodfellow, Bengio, Courville, "Deep Learning", section 6.1."""
    start = [1.0, 1.0, 1.0, 1.0, 1.0, -2.0, 0.0, -1.0, 0.0]
    X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    found = run(interpreted(engine, CLASSROOM, "float64"), case_of(CLASSROOM, start, X, Y, 0.1, 9))
    assert found.parameters.tolist() == [start]
    assert not found.losses.any()


def symbols(node):
    """The symbols that an expression reads."""
    return [part for part in nodes(node) if isinstance(part, Symbol)]


@each_of("network", [(network,) for network in [*SHAPES, *EVERY_ACTIVATION]])
class TestStructure:
    def test_stages_in_order(self, network):
        for equations in (derive(network), derive(network).scalar):
            assert [stage for stage, _ in groupby(e.stage for e in equations)] == [*derive(network).stages]
        assert [*derive(network).stages] == [FORWARD, ERROR, DELTAS, UPDATES]
        assert [stage.when for stage in derive(network).stages] == ["row", "row", "row", "end"]

    def test_numbered_from_1(self, network):
        for equations in (derive(network).equations, derive(network).scalar):
            assert [e.number for e in equations] == list(range(1, len(equations) + 1))

    def test_every_value_is_computed_before_it_is_read(self, network):
        known = {Symbol("step"), Symbol("total"), *parameters_of(network).values()}
        known |= {input_value(i) for i in range(network.n_inputs)}
        known |= {target_value(k) for k in range(network.n_outputs)}
        for equation in derive(network).scalar:
            assert known.issuperset(symbols(equation.expression))
            known.add(equation.target)

    def test_each_parameter_is_updated_once_and_nothing_else_twice(self, network):
        derivation = derive(network)
        targets = [e.target for e in derivation.scalar]
        assert len(set(targets)) == len(targets)
        updated = [e.target for e in derivation.scalar if e.kind == "update"]
        assert sorted(map(derivation.name, updated)) == sorted(network.parameter_names)

    def test_names_tell_symbols_apart_and_follow_the_layout(self, network):
        derivation = derive(network)
        used = {s for e in derivation.scalar for s in (e.target, *symbols(e.expression))}
        assert len({derivation.name(s) for s in used}) == len(used)
        for name, parameter in parameters_of(network).items():
            assert derivation.name(parameter) == name

    def test_no_index_and_no_sum_is_left_in_scalar_equations(self, network):
        for equation in derive(network).scalar:
            assert not equation.over
            assert not any(isinstance(part, Sum) for part in nodes(equation.expression))
            assert all(isinstance(i, int) for s in symbols(equation.expression) for i in s.indices)

    def test_groups_are_all_equations_in_order(self, network):
        derivation = derive(network)
        assert [e for group in derivation.groups for e in group] == list(derivation)
        assert len(derivation) == len(derivation.equations)
        kinds = {"sum", "activation", "error", "loss", "delta", "update"}
        assert sorted(derivation.of(*kinds), key=lambda e: e.number) == list(derivation)
        by_layer = [e for layer in range(1, len(network.layers)) for e in derivation.of(*kinds, layer=layer)]
        assert sorted(by_layer, key=lambda e: e.number) == list(derivation)

    def test_every_equation_says_by_which_rule(self, network):
        assert all(e.rule for e in derive(network))


@each_of("network, optimizer, batch_size", product(SHAPES, OPTIMIZERS, [1, 32]))
class TestStructureOfRules:
    """Of every optimizer, one row at a time and in batches."""

    def test_stages_in_order_and_when_they_run(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        for equations in (derivation, derivation.scalar):
            assert [stage for stage, _ in groupby(e.stage for e in equations)] == [*derivation.stages]
        if batch_size == 1:
            begin = (BEGIN,) if derivation.rule.optimizer.prepared else ()
            assert derivation.stages == (*begin, FORWARD, ERROR, DELTAS, UPDATES)
            assert derivation.part("row") == derivation.stages
            assert derivation.part("begin") == derivation.part("end") == ()
        else:
            assert derivation.stages == (BEGIN, FORWARD, ERROR, DELTAS, GRADIENTS, UPDATES)
            assert derivation.part("begin") == (BEGIN,)
            assert derivation.part("row") == (FORWARD, ERROR, DELTAS, GRADIENTS)
            assert derivation.part("end") == (UPDATES,)

    def test_every_value_is_computed_before_it_is_read(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        known = {*derivation.rule.given, Symbol("total"), *derivation.state}
        known |= {input_value(i) for i in range(network.n_inputs)}
        known |= {target_value(k) for k in range(network.n_outputs)}
        if batch_size > 1:  # how many rows a batch has, and sums that begin at 0
            known |= {Symbol("n"), *map(gradient_of, parameters_of(network).values())}
        for equation in derivation.scalar:
            assert known.issuperset(symbols(equation.expression))
            known.add(equation.target)

    def test_the_end_of_a_batch_reads_nothing_of_a_row(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        of_rows = {e.target for e in derivation.scalar if e.stage.when == "row" and e.kind != "gradient"}
        read = {s for e in derivation.scalar if e.stage == UPDATES for s in symbols(e.expression)}
        assert bool(read & of_rows) == (batch_size == 1)
        moved = {e.target for e in derivation.scalar if e.stage == UPDATES and e.kind != "gradient"}
        assert moved == {*derivation.state} - {*derivation.rule.shared}

    def test_kinds_follow_what_is_computed(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        parameters, states = parameters_of(network), derivation.rule.states
        targets = {kind: [e.target for e in derivation.scalar if e.kind == kind] for kind in KINDS}
        assert sum(map(len, targets.values())) == len(derivation.scalar)
        assert len({s for some in targets.values() for s in some}) == len(derivation.scalar)
        assert {*targets["update"]} == {*parameters.values()}
        assert {*targets["state"]} == {state_of(letter, p) for letter in states for p in parameters.values()}
        kind = derivation.rule.optimizer
        asked = batch_size > 1 or kind.needs_gradient
        assert {*targets["gradient"]} == {gradient_of(p) for p in parameters.values() if asked}
        factors = {*kind.shared, *kind.prepared} | ({"factor"} if batch_size > 1 else set())
        assert {*targets["factor"]} == {*map(Symbol, factors)}

    def test_states_follow_the_parameters_in_their_order(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        names = [derivation.name(symbol) for symbol in derivation.state]
        letters = ("", *derivation.rule.states)
        of_parameters = [letter + name for letter in letters for name in network.parameter_names]
        assert names == [*of_parameters, *derivation.rule.optimizer.shared]
        assert len(names) == derivation.rule.state_size(network)

    def test_numbers_groups_and_words(self, network, optimizer, batch_size):
        derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
        for equations in (derivation.equations, derivation.scalar):
            assert [e.number for e in equations] == list(range(1, len(equations) + 1))
        assert [e for group in derivation.groups for e in group] == list(derivation)
        assert all(e.rule for e in derivation)


def test_batches_of_every_size_have_the_same_equations():
    few, many = (derive(CLASSROOM, optimizer="momentum", batch_size=size) for size in (2, 1000))
    assert few.equations == many.equations
    assert few.equations != derive(CLASSROOM, optimizer="momentum", batch_size=1).equations


def in_words(derivation, node):
    """An expression in infix notation, with every operation in parentheses."""
    match node:
        case Symbol():
            return derivation.name(node)
        case Number(value):
            return f"{value:g}"
        case Binary(operator, left, right):
            return f"({in_words(derivation, left)} {operator} {in_words(derivation, right)})"
        case Call(function, argument):
            return f"{function}({in_words(derivation, argument)})"
        case Select(left, comparison, right, yes, no):
            left, right, yes, no = (in_words(derivation, part) for part in (left, right, yes, no))
            return f"{yes} if {left} {comparison} {right} else {no}"
    raise TypeError(node)


def lines(network, optimizer="sgd", batch_size=1):
    """The scalar equations as text."""
    derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
    return [f"{derivation.name(e.target)} = {in_words(derivation, e.expression)}" for e in derivation.scalar]


def test_the_equations_of_the_classroom():
    assert lines(CLASSROOM) == [
        "z1 = (((w1 * x1) + (w2 * x2)) + b1)",
        "h1 = 0 if z1 <= 0 else z1",
        "z2 = (((w3 * x1) + (w4 * x2)) + b2)",
        "h2 = 0 if z2 <= 0 else z2",
        "yhat = (((w5 * h1) + (w6 * h2)) + b3)",
        "d = (yhat - y)",
        "total = (total + (d * d))",
        "s = (step * d)",
        "s1 = (s * w5) if z1 > 0 else 0",
        "s2 = (s * w6) if z2 > 0 else 0",
        *("w1 = (w1 + (s1 * x1))", "w2 = (w2 + (s1 * x2))", "b1 = (b1 + s1)"),
        *("w3 = (w3 + (s2 * x1))", "w4 = (w4 + (s2 * x2))", "b2 = (b2 + s2)"),
        *("w5 = (w5 + (s * h1))", "w6 = (w6 + (s * h2))", "b3 = (b3 + s)"),
    ]


def test_the_equations_of_two_outputs():
    assert lines(Network((1, 1, 2), "tanh", "sigmoid")) == [
        *("z1 = ((w1 * x1) + b1)", "h1 = tanh(z1)"),
        *("z2 = ((w2 * h1) + b2)", "yhat1 = sigmoid(z2)", "z3 = ((w3 * h1) + b3)", "yhat2 = sigmoid(z3)"),
        *("d1 = (yhat1 - y1)", "d2 = (yhat2 - y2)", "total = (total + ((d1 * d1) + (d2 * d2)))"),
        "s2 = ((step * d1) * (yhat1 * (1 - yhat1)))",
        "s3 = ((step * d2) * (yhat2 * (1 - yhat2)))",
        "s1 = (((s2 * w2) + (s3 * w3)) * (1 - (h1 * h1)))",
        *("w1 = (w1 + (s1 * x1))", "b1 = (b1 + s1)"),
        *("w2 = (w2 + (s2 * h1))", "b2 = (b2 + s2)", "w3 = (w3 + (s3 * h1))", "b3 = (b3 + s3)"),
    ]


def test_the_equations_of_a_batch_with_momentum():
    assert lines(Network((1, 1, 1)), "momentum", 32) == [
        "factor = (step / n)",
        *("z1 = ((w1 * x1) + b1)", "h1 = 0 if z1 <= 0 else z1", "yhat = ((w2 * h1) + b2)"),
        *("d = (yhat - y)", "total = (total + (d * d))"),
        *("s = (factor * d)", "s1 = (s * w2) if z1 > 0 else 0"),
        *("gw1 = (gw1 + (s1 * x1))", "gb1 = (gb1 + s1)", "gw2 = (gw2 + (s * h1))", "gb2 = (gb2 + s)"),
        *("vw1 = ((momentum * vw1) + gw1)", "w1 = (w1 + vw1)"),
        *("vb1 = ((momentum * vb1) + gb1)", "b1 = (b1 + vb1)"),
        *("vw2 = ((momentum * vw2) + gw2)", "w2 = (w2 + vw2)"),
        *("vb2 = ((momentum * vb2) + gb2)", "b2 = (b2 + vb2)"),
    ]


class TestExpressions:
    """The language of the equations."""

    a, b = Symbol("a"), Symbol("b")
    j = Index("j", 3)

    def test_operators_keep_their_order(self):
        assert self.a + self.b == Binary("+", self.a, self.b)
        assert self.b - 1.0 == Binary("-", self.b, Number(1.0))
        assert 1 + self.a == Binary("+", Number(1.0), self.a)
        assert 1 - self.a == Binary("-", Number(1.0), self.a)
        assert 2 * self.a / self.b == Binary("/", Binary("*", Number(2.0), self.a), self.b)

    def test_numbers_are_wrapped_once(self):
        assert expression(2) == Number(2.0)
        assert expression(self.a) is self.a

    def test_nodes(self):
        node = Select(self.a, ">", Number(0.0), self.b, Call("exp", self.a))
        assert list(nodes(node)) == [node, self.a, Number(0.0), self.b, Call("exp", self.a), self.a]

    def test_bind_writes_sums_out_from_the_left(self):
        w = [Symbol("w", 1, (n,)) for n in range(3)]
        total = bind(Sum(self.j, Symbol("w", 1, (self.j,)) * self.a), {})
        assert total == (w[0] * self.a + w[1] * self.a) + w[2] * self.a

    def test_bind_keeps_other_indices(self):
        i = Index("i", 2)
        assert bind(Symbol("w", 1, (self.j, i)), {self.j: 2}) == Symbol("w", 1, (2, i))

    def test_substitute(self):
        node = Call("tanh", self.a + self.b) * self.b
        assert substitute(node, self.a + self.b, self.a) == Call("tanh", self.a) * self.b

    @pytest.mark.parametrize("node", [Number(1.0), Symbol("a"), Symbol("a") + 1, Sum(j, Symbol("a"))])
    def test_values_are_frozen_and_hashable(self, node):
        assert isinstance(node, Expression)
        assert hash(node) == hash(replace(node))
        with pytest.raises((AttributeError, TypeError)):
            node.other = 1


@pytest.mark.parametrize("network", [(2, 2, 1), None, "2-2-1", Network])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(InputError, match=r"network must be a fastnn\.Network; got .* Make one"):
        derive(network)


def test_a_derivation_is_shown_in_one_line():
    shown = repr(derive(Network((2, 2, 1))))
    assert shown == (
        "<Derivation of Network((2, 2, 1), hidden='relu', output='identity'): 11 equations, 19 written out>"
    )
