"""The explanation says what runs: its equations, the numbers of a step, the proof, the slip, the matrices."""

import ast
import csv
import math
import sys
from dataclasses import dataclass, replace
from itertools import cycle, product
from typing import ClassVar

import numpy as np
import pytest
import reference
from comparing import label, scalar_functions
from each_of import each_of
from pairing import in_turns, pairwise, with_the_next
from sympy import Symbol as SympySymbol

import fastnn
from fastnn import Network
from fastnn.core.activations import ACTIVATIONS
from fastnn.core.choices import settings_of
from fastnn.core.derivation import derived
from fastnn.core.expressions import Binary, Call, Larger, Number, Select, SquareRoot, Symbol
from fastnn.core.optimizers import (
    OPTIMIZERS,
    Adagrad,
    Adam,
    IRpropMinus,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    below_one,
    setting,
)
from fastnn.core.recipe import Recipe
from fastnn.core.rule import Rule
from fastnn.explaining.chain_rule import LOSS, in_turn
from fastnn.explaining.explanation import RunningCode
from fastnn.explaining.motion import motion
from fastnn.explaining.proving import Proof
from fastnn.explaining.slips import Slip, first_different_digit
from fastnn.explaining.steps import ALL_DIGITS, Given, Step, digits_of_agreement
from fastnn.printing.latex import Latex
from fastnn.printing.signs import ELEMENTWISE, MATRIX_PRODUCT, Derivative, Gate, Transposed

CLASSROOM = Network((2, 2, 1))
NETWORKS = [
    CLASSROOM,
    Network((1, 1)),
    Network((3, 2), output="sigmoid"),
    Network((2, 3, 1), "tanh"),
    Network((2, 3, 2), "sigmoid", "relu"),
    Network((1, 2, 3, 2), ("relu", "tanh"), "tanh"),
    Network((2, 2, 1, 2, 1), ("identity", "sigmoid", "relu")),
]
every_network = pytest.mark.parametrize("network", NETWORKS, ids=label)
EVERY_ACTIVATION = [*ACTIVATIONS, "leaky_relu(0.3)", "elu(0.3)"]


def named(value):
    """A short name for what a test is given."""
    return label(value) if isinstance(value, Network) else str(value)


WITH_GRADIENTS = [
    Adam(beta1=0.8, beta2=0.97),
    Adam(eps=0.01, eps_hat=True),
    RMSProp(rho=0.7, eps=1e-3),
    Adagrad(initial_sum=0.25),
]
IRPROP = IRpropMinus(delta0=0.01, up=1.5, down=0.3, least=0.004, most=0.012)
BATCHES = [("sgd", 1), ("momentum", 1), ("sgd", 4), (Momentum(momentum=0.7), 4), (Nesterov(momentum=0.3), 3)]
BATCHES += [("adam", 1), *((optimizer, 4) for optimizer in WITH_GRADIENTS)]
every_rule = pytest.mark.parametrize(("optimizer", "batch_size"), BATCHES, ids=str)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
EACH_RULE = [(network, *rule) for network, rule in zip(cycle(NETWORKS), product(OPTIMIZERS, (1, 2)))]

# M. Mazur, "A step by step backpropagation example" (2015): 2-2-2, sigmoid everywhere, step 0.5 on the halved
# squared error: a learning rate of 0.25 on the error not halved.
MAZUR = Network((2, 2, 2), "sigmoid", "sigmoid")
MAZUR_START = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.35, 0.35, 0.60, 0.60]
MAZUR_STEP = (MAZUR_START, [0.05, 0.10], [0.01, 0.99], 0.25)
MAZUR_PUBLISHED = {
    "h1": "0.593269992",
    "h2": "0.596884378",
    "yhat1": "0.75136507",
    "yhat2": "0.772928465",
    "w1": "0.149780716",
    "w2": "0.19956143",
    "w3": "0.24975114",
    "w4": "0.29950229",
    "w5": "0.35891648",
    "w6": "0.408666186",
    "w7": "0.511301270",
    "w8": "0.561370121",
    "b1": "0.345614323",
    "b2": "0.345022873",
    "b3": "0.530750719",
    "b4": "0.619049118",
}
MAZUR_LOSSES = ("0.280471447", "0.280484077")  # halved, after the step: right, slipped


def some_step(network, seed=0):
    """Parameters, x, y and a learning rate with all their digits."""
    draw = np.random.default_rng(seed)
    sizes = (network.n_parameters, network.n_inputs, network.n_outputs)
    return (*(draw.normal(size=size) for size in sizes), 0.037)


def step_of(network, seed=0):
    return fastnn.explain(network).step(*some_step(network, seed))


def as_published(value, published):
    """The value with as many decimals as were published."""
    return f"{value:.{len(published) - 2}f}"


def bits(values):
    return [float(value).hex() for value in values]


def broken(network):
    """A derivation whose deltas of the first layer are wrong: twice what they should be."""
    derivation = fastnn.derive(network)
    wrong = [
        replace(e, expression=2.0 * e.expression) if (e.kind, e.layer) == ("delta", 1) else e
        for e in derivation
    ]
    return replace(derivation, equations=tuple(wrong))


class TestEquations:
    def test_of_the_classroom_network(self):
        text = fastnn.explain(CLASSROOM).text()
        for line in (
            "(1)    z1 = w1*x1 + w2*x2 + b1",
            "(2)    h1 = 0 if z1 <= 0 else z1",
            "(5)    yhat = w5*h1 + w6*h2 + b3",
            "(7)    L = d*d",
            "(8')   ∂L/∂yhat = ∂L/∂d * ∂d/∂yhat = 2*d",
            "(9')   ∂L/∂z1 = ∂L/∂yhat * ∂yhat/∂h1 * ∂h1/∂z1 = 2*d*w5 if z1 > 0 else 0",
            "(11')  ∂L/∂w1 = ∂L/∂z1 * ∂z1/∂w1 = ∂L/∂z1 * x1",
            "(9)    s1 = s*w5 if z1 > 0 else 0",
            "(19)   b3 ← b3 + s",
        ):
            assert line in text.splitlines()

    @every_network
    def test_each_equation_has_its_number_and_each_parameter_its_derivative(self, network):
        derivation = fastnn.derive(network)
        lines = fastnn.explain(network).lines
        plain = [line for line in lines if line.section.name != "derivatives"]
        assert [line.number for line in plain] == [str(e.number) for e in derivation.scalar]
        assert [line.rule for line in plain] == [e.rule for e in derivation.scalar]
        derivatives = {line.number: line.target for line in lines if line.section.name == "derivatives"}
        moved = {f"{e.number}'": e.target for e in derivation.scalar if e.kind == "update"}
        assert {derivatives[number] for number in moved} == {Derivative(LOSS, p) for p in moved.values()}
        assert [number for number in derivatives if number not in moved] == [
            f"{e.number}'" for e in derivation.scalar if e.kind == "delta"
        ]

    @every_network
    @pytest.mark.parametrize("compact", [False, True])
    def test_text_fits_80_columns(self, network, compact):
        text = fastnn.explain(network, compact=compact).text()
        assert max(map(len, text.splitlines())) <= 80
        assert str(fastnn.explain(network, compact=compact)) == text.removesuffix("\n")

    @every_rule
    def test_the_code_is_the_code_that_runs(self, optimizer, batch_size):
        rule = {"optimizer": optimizer, "batch_size": batch_size}
        explanation = fastnn.explain(CLASSROOM, **rule)
        assert explanation.code() == fastnn.code(CLASSROOM, **rule)
        assert explanation.code() in RunningCode(explanation).text() + "\n"

    def test_of_momentum(self):
        explanation = fastnn.explain(CLASSROOM, optimizer=Momentum(momentum=0.5))
        text = explanation.text()
        for line in (
            "Trained with Momentum(momentum=0.5).",
            "(11')  ∂L/∂w1 = ∂L/∂z1 * ∂z1/∂w1 = ∂L/∂z1 * x1",
            "(11)   vw1 ← momentum*vw1 + s1*x1",
            "(12)   w1 ← w1 + vw1",
            "(27')  ∂L/∂b3 = ∂L/∂yhat * ∂yhat/∂b3 = 2*d",
            "(27)   vb3 ← momentum*vb3 + s",
            "(28)   b3 ← b3 + vb3",
        ):
            assert line in text.splitlines()
        assert "What momentum remembers of a parameter has the letter v with" in " ".join(text.split())
        assert "(12')" not in text
        assert repr(explanation).endswith(", Momentum(momentum=0.5)>")
        assert "<h1>Backpropagation in a 2-2-1 network, trained with momentum</h1>" in explanation.html()

    def test_of_nesterov_in_matrices(self):
        text = fastnn.explain(Network((20, 30, 5)), compact=True, optimizer="nesterov").text()
        for line in (
            "(8')   ∂L/∂W[1] = (∂L/∂z[1]) xᵀ",
            "(8)    VW[1] ← momentum*VW[1] + s[1] xᵀ",
            "(9)    W[1] ← W[1] + (momentum*VW[1] + s[1] xᵀ)",
            "(10)   vb[1] ← momentum*vb[1] + s[1]",
        ):
            assert line in text.splitlines()

    def test_of_adam(self):
        explanation = fastnn.explain(CLASSROOM, optimizer="adam")
        text = explanation.text()
        for line in (
            "Trained with Adam(beta1=0.9, beta2=0.999, eps=1e-08, eps_hat=0.0).",
            "(1)    power1 ← power1*beta1",
            "(3)    root = sqrt(1 - power2)",
            "(4)    alpha = rate*root/(1 - power1)",
            "(5)    eps_t = eps*(1 if eps_hat > 0 else root)",
            "(13')  ∂L/∂yhat = ∂L/∂d * ∂d/∂yhat = 2*d",
            "(13)   s = 2*d",
            "(16')  ∂L/∂w1 = ∂L/∂z1 * ∂z1/∂w1 = ∂L/∂z1 * x1",
            "(16)   gw1 = s1*x1",
            "(17)   mw1 ← beta1*mw1 + rest1*gw1",
            "(18)   vw1 ← beta2*vw1 + rest2*(gw1*gw1)",
            "(19)   w1 ← w1 - alpha*mw1/(sqrt(vw1) + eps_t)",
        ):
            assert line in text.splitlines()
        words = " ".join(text.split())
        assert "remembers of the whole network, power1 and power2, is 1 before the first batch" in words
        assert "rate = learning_rate, rest1 = 1 - beta1 and rest2 = 1 - beta2, computed once." in words
        assert "a delta s is that of the same number" in words
        assert "the letters m and v with the parameter's name: mw1 and vw1 are those of w1." in words
        assert "They begin at 0 and are kept" in words
        assert "learning_rate times" not in words

    def test_of_adam_in_greek(self):
        explanation = fastnn.explain(CLASSROOM, optimizer="adam")
        for line in (
            r"\mathrm{power}_{1} &\leftarrow \mathrm{power}_{1} \, \beta_{1} \tag{1}",
            r"m_{w_{1}} &\leftarrow \beta_{1} \, m_{w_{1}} + \mathrm{rest}_{1} \, g_{w_{1}} \tag{17}",
            r"w_{1} &\leftarrow w_{1} - \alpha \, m_{w_{1}} / "
            r"\left(\sqrt{v_{w_{1}}} + \varepsilon_{t}\right) \tag{19}",
        ):
            assert line in explanation.latex()
        html = explanation.html()
        assert "<msub><mi>β</mi><mn>1</mn></msub>" in html
        assert "<msub><mi>ε</mi><mi>t</mi></msub>" in html
        rho = fastnn.explain(CLASSROOM, optimizer="rmsprop")
        assert r"\rho \, v_{w_{1}}" in rho.latex()
        assert "<mi>ρ</mi>" in rho.html()

    def test_of_rmsprop_in_batches(self):
        text = fastnn.explain(CLASSROOM, optimizer="rmsprop", batch_size=4).text()
        for line in (
            "(1)    factor = 2/n",
            "(9)    s = factor*d",
            "(12)   gw1 = Σ s1*x1",
            "(21)   vw1 ← rho*vw1 + rest*(gw1*gw1)",
            "(22)   w1 ← w1 - rate*gw1/(sqrt(vw1) + eps)",
        ):
            assert line in text.splitlines()
        words = " ".join(text.split())
        assert "(1), once a batch. So a delta s is 1/n times the derivative of the same number." in words
        assert "each g is the derivative of the batch's mean loss" in words
        assert "learning_rate times" not in words

    def test_of_adagrad_in_matrices(self):
        optimizer = Adagrad(initial_sum=0.25)
        text = fastnn.explain(Network((20, 30, 5)), compact=True, optimizer=optimizer).text()
        for line in (
            "(8)    GW[1] = s[1] xᵀ",
            "(9)    AW[1] ← AW[1] + GW[1] ⊙ GW[1]",
            "(10)   W[1] ← W[1] - rate*GW[1]/(sqrt(AW[1]) + eps)",
        ):
            assert line in text.splitlines()
        assert "It begins at 0.25 and is kept" in " ".join(text.split())
        assert "Roots and quotients of matrices are taken element by element." in " ".join(text.split())

    def test_of_a_batch(self):
        explanation = fastnn.explain(CLASSROOM, optimizer="momentum", batch_size=32)
        text = explanation.text()
        for line in (
            "Trained with Momentum(momentum=0.9), batch_size=32.",
            "(1)    factor = step/n",
            "(9)    s = factor*d",
            "(9')   ∂L/∂yhat = ∂L/∂d * ∂d/∂yhat = 2*d",
            "(12')  ∂L/∂w1 = ∂L/∂z1 * ∂z1/∂w1 = ∂L/∂z1 * x1",
            "(12)   gw1 = Σ s1*x1",
            "(20)   gb3 = Σ s",
            "(21)   vw1 ← momentum*vw1 + gw1",
            "(22)   w1 ← w1 + vw1",
        ):
            assert line in text.splitlines()
        assert "a delta s is -learning_rate/n times the derivative" in " ".join(text.split())
        assert "(21')" not in text
        assert repr(explanation).endswith(", Momentum(momentum=0.9), batch_size=32>")
        title = "<h1>Backpropagation in a 2-2-1 network, trained with momentum in batches</h1>"
        assert title in explanation.html()
        lines = fastnn.explain(CLASSROOM, batch_size=2).text().splitlines()
        assert "(21)   w1 ← w1 + gw1" in lines
        assert "Trained with batch_size=2." in lines

    def test_of_a_batch_in_matrices(self):
        text = fastnn.explain(Network((20, 30, 5)), compact=True, batch_size=2).text()
        for line in (
            "(9')   ∂L/∂W[1] = (∂L/∂z[1]) xᵀ",
            "(9)    GW[1] = Σ (s[1] xᵀ) = S[1] Xᵀ",
            "(11)   GW[2] = Σ (s[2] h[1]ᵀ) = S[2] H[1]ᵀ",
            "(10)   gb[1] = Σ s[1]",
            "(13)   W[1] ← W[1] + GW[1]",
        ):
            assert line in text.splitlines()

    @each_of("network, optimizer", product(NETWORKS, OPTIMIZERS))
    def test_a_derivative_has_the_number_of_the_first_equation_of_its_parameter(self, network, optimizer):
        derivation = fastnn.derive(network, optimizer=optimizer, batch_size=1)
        moved = [e for e in derivation.scalar if e.stage.name == "updates"]
        lines = fastnn.explain(network, optimizer=optimizer, batch_size=1).lines
        numbers = {line.target.by: line.number for line in lines if line.section.name == "derivatives"}
        each = len(derivation.rule.states) + 1 + derivation.rule.optimizer.needs_gradient
        for first, last in zip(moved[::each], moved[each - 1 :: each], strict=True):
            assert (last.kind, numbers[last.target]) == ("update", f"{first.number}'")


class TestStep:
    @every_network
    @pytest.mark.parametrize("seed", range(3))
    def test_has_the_bits_of_the_engines(self, network, seed):
        parameters, x, y, rate = some_step(network, seed)
        step = fastnn.explain(network).step(parameters, x, y, rate)
        run = fastnn.train(network, [x], [y], parameters, learning_rate=rate, epochs=1, engine="batched")
        assert bits(step.parameters) == bits(run.parameters)
        assert bits([step.loss]) == bits(run.loss_curve)

    @pytest.mark.parametrize("activation", ["relu", "leaky_relu(0.3)", "softsign", "square", "identity"])
    def test_has_the_bits_of_a_plain_reference(self, activation):
        network = Network((2, 3, 2), activation)
        parameters, x, y, rate = some_step(network)
        step = fastnn.explain(network).step(parameters, x, y, rate)
        found, losses, _ = reference.train(
            network.layers, network.activations, parameters.tolist(), [x.tolist()], [y.tolist()], rate, 1
        )
        assert bits(step.parameters) == bits(found)
        assert bits([step.loss]) == bits(losses)

    @every_network
    def test_each_line_of_the_table_is_python_that_gives_its_value(self, network):
        frame = step_of(network).frame()
        worked = frame[frame["stage"] != "given"]
        functions = {name: scalar_functions("float64")[name] for name in ("tanh", "sigmoid")}
        for row in worked.itertuples():
            ast.parse(row.equation.replace("/d", "_by_").replace("dL", "DL"))
            with np.errstate(all="ignore"):
                value = eval(row.numbers, {}, dict(functions))  # noqa: S307 - our own table
            assert float(value).hex() == float(row.value).hex(), row.name
        moved = worked[worked["stage"] == "updates"]
        assert (moved["change"] == moved["value"] - moved["before"]).all()

    @pytest.mark.parametrize(
        ("optimizer", "network"),
        in_turns(product([Momentum(momentum=0.7), Nesterov(momentum=0.3), *WITH_GRADIENTS], NETWORKS)),
        ids=named,
    )
    def test_a_step_goes_on_where_another_ended(self, network, optimizer):
        explanation = fastnn.explain(network, optimizer=optimizer)
        rows = [some_step(network, seed)[1:3] for seed in range(3)]
        state, losses = some_step(network)[0], []
        for x, y in rows:
            step = explanation.step(state, x, y, 0.037)
            state = step.state
            losses.append(step.loss)
        X, Y = map(np.array, zip(*rows, strict=True))
        options = {"learning_rate": 0.037, "epochs": 1, "engine": "batched", "optimizer": optimizer}
        run = fastnn.train(network, X, Y, some_step(network)[0], **options)
        assert bits(step.parameters) == bits(run.parameters)
        assert sum(losses) / 3 == run.loss

    @pytest.mark.parametrize(
        ("network", "optimizer", "batch_size"),
        [
            pytest.param(network, *rule, marks=pytest.mark.slow if (n + m) % 4 else ())
            for n, network in enumerate(NETWORKS)
            for m, rule in enumerate(BATCHES)
        ],
        ids=str,
    )
    def test_of_a_batch_has_the_bits_of_the_engines(self, network, optimizer, batch_size):
        size = max(2, batch_size)
        rule = {"optimizer": optimizer, "batch_size": size}
        explanation = fastnn.explain(network, **rule)
        draw = np.random.default_rng(5)
        X, Y = (draw.normal(size=(2 * size + 1, n)) for n in (network.n_inputs, network.n_outputs))
        parameters = some_step(network)[0]
        state, total = parameters, 0.0
        for first in range(0, len(X), size):
            step = explanation.step(state, X[first : first + size], Y[first : first + size], 0.037)
            state = step.state
            for value in step.frame().query("name == 'L'")["value"]:
                total += value
        options = {"learning_rate": 0.037, "epochs": 1, "engine": "batched"}
        run = fastnn.train(network, X, Y, parameters, **options, **rule)
        assert bits(step.parameters) == bits(run.parameters)
        assert bits([total / len(X)]) == bits([run.loss])
        whole = fastnn.explain(network, batch_size=len(X)).step(parameters, X, Y)
        run = fastnn.train(network, X, Y, parameters, **options, batch_size=len(X))
        assert bits([whole.loss]) == bits(run.loss_curve)

    def test_of_a_batch_by_hand(self):
        X, y, (w, b) = [1.0, 3.0, 4.0], [2.0, -1.0, 0.5], (0.5, 0.25)
        step = fastnn.explain(Network((1, 1)), batch_size=3).step([w, b], X, y, 0.125)
        d = [w * x + b - t for x, t in zip(X, y, strict=True)]
        gw, gb = 0.0, 0.0
        for error, x in zip(d, X, strict=True):
            gw, gb = gw + (-0.25 / 3 * error) * x, gb + -0.25 / 3 * error
        assert step.parameters.tolist() == [w + gw, b + gb]
        assert step.loss == (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) / 3
        changes = step.changes().set_index("parameter")
        slopes = [sum(2 * e * x for e, x in zip(d, X, strict=True)) / 3, sum(2 * e for e in d) / 3]
        np.testing.assert_allclose(changes["derivative"], slopes, rtol=1e-15)
        np.testing.assert_allclose(changes["numerical"], slopes, rtol=1e-15)
        np.testing.assert_allclose(changes["change"], [-0.125 * s for s in slopes], rtol=1e-14)

    @pytest.mark.parametrize("network", [CLASSROOM, MAZUR, Network((1, 2, 1), "tanh")], ids=label)
    def test_of_a_batch_is_told_row_by_row(self, network):
        explanation = fastnn.explain(network, optimizer="nesterov", batch_size=3)
        draw = np.random.default_rng(5)
        X, Y = (draw.normal(size=(2, n)) for n in (network.n_inputs, network.n_outputs))
        step = explanation.step(some_step(network)[0], X, Y, 0.037)
        frame = step.frame()
        given = frame.query("stage == 'given'")
        assert given.query("row == 2")["value"].tolist() == [*X[1], *Y[1]]
        assert given.query("row == 0").set_index("name")["value"]["n"] == 2
        worked = frame.query("stage != 'given'")
        once, of_rows = worked.query("row == 0"), worked.query("row > 0")
        assert {*once["stage"]} == {"begin", "updates"}
        per_row = [line.number for line in explanation.lines if line.section.name not in ("begin", "updates")]
        assert of_rows["number"].tolist() == 2 * per_row
        functions = {name: scalar_functions("float64")[name] for name in ("tanh", "sigmoid")}
        for row in worked.itertuples():
            value = eval(row.numbers, {}, dict(functions))  # noqa: S307 - our own table
            assert float(value).hex() == float(row.value).hex(), row.name
        replaced = worked[worked["before"].notna()]
        assert {*replaced["stage"]} == {"gradients", "updates"}
        assert (replaced["change"] == replaced["value"] - replaced["before"]).all()
        text = step.text()
        assert max(map(len, text.splitlines())) <= 80
        for title in ("BEGIN OF A BATCH", "ROW 1", "ROW 2", "UPDATES"):
            assert f"{title}, IN NUMBERS" in text
        assert "ROW 3" not in text

    @pytest.mark.parametrize(
        ("rows", "told"), [(8, [*range(1, 9)]), (9, [*range(1, 7), 9]), (40, [*range(1, 7), 40])]
    )
    def test_of_a_large_batch_tells_the_first_rows_and_the_last(self, rows, told):
        draw = np.random.default_rng(3)
        X, y = draw.normal(size=(rows, 2)), draw.normal(size=rows)
        step = fastnn.explain(CLASSROOM, batch_size=100).step(some_step(CLASSROOM)[0], X, y)
        titles = [section.heading for section in step.sections()]
        assert [title for title in titles if title.startswith("Row")] == [
            f"Row {n}, in numbers" for n in told
        ]
        left_out = f"Rows 7 to {rows - 1} are left out here; frame() has their numbers, too."
        assert (left_out in step.text()) == (len(told) < rows)
        assert step.frame()["row"].max() == rows

    def test_of_a_batch_names_its_kinks_and_refuses_what_is_not_finite(self):
        explanation = fastnn.explain(Network((1, 1, 1)), batch_size=2)
        step = explanation.step([1, 1, -1, 0], [3, 1], [2, 2])
        assert "Here that is so for z1, where" in " ".join(step.text().split())
        assert "The derivatives are means over the rows of the batch." in " ".join(step.text().split())
        with pytest.raises(fastnn.InputError, match=r"got inf for equation \(4\), yhat of row 2"):
            explanation.step([1e200, 1e200, 0, 0], [0, 1], [2, 2])

    def test_the_optimizer_makes_a_difference(self):
        parameters, x, y, rate = some_step(CLASSROOM)
        found = []
        for optimizer in OPTIMIZERS:
            explanation = fastnn.explain(CLASSROOM, optimizer=optimizer, batch_size=1)
            used = None if explanation.recipe.optimizer.learning_rate is None else rate
            step = explanation.step(explanation.step(parameters, x, y, used).state, x, y, used)
            found.append(tuple(bits(step.parameters)))
        assert len({*found}) == len(OPTIMIZERS)

    @pytest.mark.parametrize("optimizer", [Momentum(momentum=0.7), Nesterov(momentum=0.3)], ids=repr)
    def test_shows_what_the_optimizer_remembers(self, optimizer):
        explanation = fastnn.explain(CLASSROOM, optimizer=optimizer)
        parameters, x, y, rate = some_step(CLASSROOM)
        first = explanation.step(parameters, x, y, rate)
        step = explanation.step(first.state, x, y, rate)
        given = step.frame().query("stage == 'given'").set_index("name")["value"]
        assert given["momentum"] == optimizer.momentum
        assert given["vw6"] == first.state[9 + 5]
        worked = step.frame().query("stage != 'given'")
        functions = {name: scalar_functions("float64")[name] for name in ("tanh", "sigmoid")}
        for row in worked.itertuples():
            assert eval(row.numbers, {}, dict(functions)) == row.value, row.name  # noqa: S307 - our own table
        moved = worked[worked["stage"] == "updates"].set_index("name")
        assert (moved["change"] == moved["value"] - moved["before"]).all()
        assert [*moved.index[:2]] == ["vw1", "w1"]
        changes = step.changes().set_index("parameter")
        assert changes["v before"].tolist() == first.state[9:].tolist()
        assert changes["v after"].tolist() == step.state[9:].tolist()
        expected = optimizer.momentum * changes["v before"] - rate * changes["derivative"]
        np.testing.assert_allclose(changes["v after"], expected, rtol=1e-12)
        moves = changes["v after"]
        if isinstance(optimizer, Nesterov):
            moves = optimizer.momentum * moves - rate * changes["derivative"]
        np.testing.assert_allclose(changes["change"], moves, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("batch_size", [1, 2])
    @pytest.mark.parametrize("optimizer", WITH_GRADIENTS, ids=repr)
    def test_shows_every_number_of_rules_that_need_the_gradient(self, optimizer, batch_size):
        explanation = fastnn.explain(CLASSROOM, optimizer=optimizer, batch_size=batch_size)
        rule = explanation.derivation.rule
        parameters, x, y, rate = some_step(CLASSROOM)
        x, y = (x, y) if batch_size == 1 else ([x, 2 * x], [y, y])
        first = explanation.step(parameters, x, y, rate)
        step = explanation.step(first.state, x, y, rate)
        frame = step.frame()
        functions = {name: scalar_functions("float64")[name] for name in ("tanh", "sigmoid")}
        for row in frame.query("stage != 'given'").itertuples():
            value = eval(row.numbers, {}, functions | {"sqrt": math.sqrt})  # noqa: S307 - our own table
            assert value.hex() == float(row.value).hex(), row.name
        given, found = frame.query("stage == 'given'").set_index("name"), frame.groupby("name").last()
        once = [symbol.family for symbol in rule.shared]
        end = len(step.state) - len(once)
        assert given.loc[once, "value"].tolist() == first.state[end:].tolist()
        assert found.loc[once, "value"].tolist() == step.state[end:].tolist()
        changes = step.changes().set_index("parameter")
        for place, letter in enumerate(rule.states, start=1):
            kept = slice(9 * place, 9 * place + 9)
            assert changes[f"{letter} before"].tolist() == first.state[kept].tolist()
            assert changes[f"{letter} after"].tolist() == step.state[kept].tolist()
        for form in (step.text(), step.latex(), step.html()):
            assert all(name in form.replace(r"\_", "_") for name in once)

    def test_begins_with_the_first_values_of_the_optimizer(self):
        explanation = fastnn.explain(CLASSROOM, optimizer=Adagrad(initial_sum=0.25))
        changes = explanation.step([1] * 9, [1, 2], 3).changes()
        assert (changes["a before"] == 0.25).all()
        np.testing.assert_array_equal(changes["a after"], 0.25 + changes["derivative"] ** 2)

    @every_optimizer
    def test_takes_the_learning_rate_of_the_optimizer_where_none_is_given(self, optimizer):
        explanation = fastnn.explain(CLASSROOM, optimizer=optimizer)
        parameters, x, y, _ = some_step(CLASSROOM)
        rate = explanation.recipe.optimizer.learning_rate
        run = fastnn.train(CLASSROOM, [x], [y], parameters, epochs=1, engine="batched", optimizer=optimizer)
        assert run.learning_rate == rate or (math.isnan(run.learning_rate) and rate is None)
        x, y = ([x], [y]) if explanation.derivation.rule.batched else (x, y)
        assert bits(explanation.step(parameters, x, y).parameters) == bits(run.parameters)
        assert bits(explanation.slip(parameters, x, y).parameters) == bits(run.parameters)
        assert explanation.motion([np.ravel(x)], [np.ravel(y)]).learning_rate == rate

    @pytest.mark.parametrize(("power", "found"), [(1 / 0.9, "inf"), (2.0, "nan")])
    def test_refuses_a_state_that_no_training_has(self, power, found):
        explanation = fastnn.explain(Network((1, 1)), optimizer="adam")
        state = [1, 2, 0, 0, 0, 0, power, power if power == 2 else 0.5]
        with pytest.raises(fastnn.InputError, match=f"must be finite; got {found} for equation"):
            explanation.step(state, 1, 2)

    def test_the_table_is_complete_and_in_order(self):
        parameters, x, y, rate = some_step(CLASSROOM)
        frame = step_of(CLASSROOM).frame()
        given = frame[frame["stage"] == "given"].set_index("name")["value"]
        assert given.to_dict() == {
            **dict(zip(("x1", "x2"), x, strict=True)),
            "y": y[0],
            **dict(zip(CLASSROOM.parameter_names, parameters, strict=True)),
            "learning_rate": rate,
            "step": -2 * rate,
        }
        lines = fastnn.explain(CLASSROOM).lines
        assert frame["number"].tolist() == [""] * len(given) + [line.number for line in lines]

    def test_the_csv_keeps_every_bit(self, tmp_path):
        frame = step_of(MAZUR).frame()
        frame.to_csv(tmp_path / "step.csv", index=False)
        with (tmp_path / "step.csv").open(newline="") as file:
            values = [row["value"] for row in csv.DictReader(file)]
        assert bits(values) == bits(frame["value"])

    def test_of_a_published_example(self):
        step = fastnn.explain(MAZUR).step(*MAZUR_STEP)
        values = step.frame().groupby("name")["value"].last()
        for name, published in MAZUR_PUBLISHED.items():
            assert as_published(values[name], published) == published, name
        assert step.loss / 2 == pytest.approx(0.2983711087600027, rel=1e-15)

    @every_network
    def test_a_change_is_minus_the_rate_times_the_derivative(self, network):
        step = step_of(network)
        changes = step.changes()
        assert changes["parameter"].tolist() == list(network.parameter_names)
        assert changes["after"].tolist() == step.parameters.tolist()
        expected = -0.037 * changes["derivative"]
        # The change is a difference of two numbers near 1, each rounded.
        np.testing.assert_allclose(changes["change"], expected, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("row", [1.0, [1.0], (1.0,), np.float32(1), np.array([1])])
    def test_one_number_is_a_row_of_one(self, row):
        assert fastnn.explain(Network((1, 1))).step([2, 3], row, 4).loss == 1.0

    def test_the_arguments_are_left_alone(self):
        arrays = [np.array(values) for values in MAZUR_STEP[:3]]
        before = [array.copy() for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        fastnn.explain(MAZUR).step(*arrays, 0.25)
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


class TestWithoutALearningRate:
    """iRprop-, whose batches have all rows unless it is told otherwise."""

    @every_network
    @pytest.mark.parametrize("rows", [1, 3])
    def test_a_step_of_all_rows_has_the_bits_of_an_epoch(self, network, rows):
        explanation = fastnn.explain(network, optimizer=IRPROP)
        assert explanation.recipe.batch_size is None
        draw = np.random.default_rng(5)
        X, Y = (draw.normal(size=(rows, n)) for n in (network.n_inputs, network.n_outputs))
        state, losses = some_step(network)[0], []
        for _ in range(4):
            step = explanation.step(state, X, Y)
            state = step.state
            losses.append(step.loss)
        options = {"epochs": 4, "engine": "batched", "optimizer": IRPROP}
        run = fastnn.train(network, X, Y, some_step(network)[0], **options)
        assert bits(step.parameters) == bits(run.parameters)
        assert bits(losses) == bits(run.loss_curve)

    @pytest.mark.parametrize("batch_size", [1, 2])
    def test_every_number_can_be_worked_out_again(self, batch_size):
        explanation = fastnn.explain(CLASSROOM, optimizer=IRPROP, batch_size=batch_size)
        parameters, x, y, _ = some_step(CLASSROOM)
        first = explanation.step(parameters, *((x, y) if batch_size == 1 else ([x, 2 * x], [y, y])))
        turned = first.state.copy()
        turned[18:] *= -1.0  # the gradients before: now some turn
        step = explanation.step(turned, *((x, y) if batch_size == 1 else ([x, 2 * x], [y, y])))
        frame = step.frame()
        for row in frame.query("stage != 'given'").itertuples():
            assert float(eval(row.numbers)).hex() == float(row.value).hex(), row.name  # noqa: S307
        assert "learning_rate" not in frame["name"].tolist()
        changes = step.changes()
        assert changes.columns[-4:].tolist() == ["e before", "e after", "o before", "o after"]
        moved = changes["o before"] != 0
        assert moved.any()
        assert (changes["change"][moved] == 0).all()
        assert (changes["o after"][moved] == 0).all()
        for form in (step.text(), step.latex(), step.html(), explanation.latex(), explanation.html()):
            assert "nan" not in form.lower().replace("nant", "")
        assert max(map(len, explanation.text().splitlines())) <= 80

    def test_one_is_refused_and_not_told(self):
        explanation = fastnn.explain(CLASSROOM, optimizer=IRPROP)
        message = r"learning_rate must be left out for irprop-, which has none; got 0.1"
        for ask in (explanation.step, explanation.slip):
            with pytest.raises(fastnn.InputError, match=message):
                ask([1] * 9, [[1, 2]], [3], 0.1)
        with pytest.raises(fastnn.InputError, match=message):
            explanation.motion([[1, 2]], [3], learning_rate=0.1)
        assert "learning_rate" not in explanation.text()
        assert "batch_size" not in repr(explanation)
        assert repr(fastnn.explain(CLASSROOM, optimizer=IRPROP, batch_size=1)).endswith(", batch_size=1>")


class TestRowsOfADataset:
    DATA = fastnn.Dataset.from_frame(fastnn.generate_train_data(3, seed=2), ["n1", "n2"], "n3")

    @pytest.mark.parametrize("optimizer", ["sgd", "irprop-"])
    def test_go_where_x_and_y_go(self, optimizer):
        explanation = fastnn.explain(CLASSROOM, optimizer=optimizer, batch_size=3)
        for ask in (explanation.step, explanation.slip):
            given = ask(np.arange(9) / 9, self.DATA), ask(np.arange(9) / 9, self.DATA.X, self.DATA.y)
            assert bits(given[0].parameters) == bits(given[1].parameters)

    def test_are_as_many_as_a_batch_has(self):
        with pytest.raises(fastnn.InputError, match="x must hold at most 1 row, the batch size; got 3"):
            fastnn.explain(CLASSROOM).step([1] * 9, self.DATA)
        with pytest.raises(fastnn.InputError, match="a Dataset must stand alone"):
            fastnn.explain(CLASSROOM).step([1] * 9, self.DATA, 3)


class TestNumericalDerivatives:
    @every_network
    def test_agree(self, network):
        assert step_of(network).changes()["digits"].min() >= 11

    @every_network
    def test_disagree_with_wrong_equations(self, network):
        given = [some_step(network, seed) for seed in range(5)]
        steps = [Step(broken(network), Given(p, x[None], y[None], rate)) for p, x, y, rate in given]
        assert min(step.changes()["digits"].min() for step in steps) == 0

    def test_say_where_relu_has_no_derivative(self):
        step = fastnn.explain(Network((1, 1, 1))).step([1, 1, -1, 0], 1, 2)
        assert step.changes().set_index("parameter").loc["w1", ["derivative", "numerical"]].tolist() == [
            0,
            -2,
        ]
        assert "Here that is so for z1, where" in " ".join(step.text().split())

    def test_say_where_a_unit_is_saturated(self):
        few = fastnn.explain(Network((1, 1), output="tanh")).step([15, 0], 1, 2)
        assert 0 < few.changes()["digits"].min() < 9
        assert "A unit is saturated" in few.text()
        assert "saturated" not in step_of(Network((2, 3, 1), "tanh")).text()

    @pytest.mark.parametrize(
        ("a", "b", "digits"),
        [
            (1.0, 1.0, 17),
            (0.0, 0.0, 17),
            (1.0, math.nextafter(1.0, 2), 15),
            (1.0, 1.001, 3),
            (1.0, 1.5, 0),
            (1.0, -1.0, 0),
            (0.0, 1e-300, 0),
        ],
    )
    def test_digits_of_agreement(self, a, b, digits):
        assert digits_of_agreement(a, b) == digits_of_agreement(b, a) == digits
        assert digits <= ALL_DIGITS


class TestProof:
    @pytest.mark.parametrize("name", EVERY_ACTIVATION)
    def test_holds_for_every_activation(self, name):
        assert fastnn.explain(Network((1, 1, 1), name)).proof().holds
        assert fastnn.explain(Network((1, 1), output=name)).proof().holds

    @pytest.mark.slow
    @pytest.mark.parametrize("name", EVERY_ACTIVATION)
    def test_holds_for_several_units_of_every_activation(self, name):
        assert fastnn.explain(Network((2, 2, 1), name)).proof().holds
        assert fastnn.explain(Network((1, 1, 2), name, name)).proof().holds

    def test_holds_where_constants_are_multiplied(self):
        """Slopes of 0.3 meet the factor 2 in every layer: exact only as fractions."""
        assert fastnn.explain(Network((1, 1, 1, 2), "leaky_relu(0.3)", "leaky_relu(0.3)")).proof().holds

    @pytest.mark.parametrize("name", ["silu", "softsign"])
    def test_does_not_hold_for_another_slope(self, name, monkeypatch):
        wrong = replace(ACTIVATIONS[name], slope=lambda arriving, z, h: arriving * (1.0 - h * h))
        monkeypatch.setitem(ACTIVATIONS, name, wrong)
        assert not fastnn.explain(Network((1, 1, 1), name)).proof().holds

    @every_network
    def test_holds(self, network):
        proof = fastnn.explain(network).proof()
        assert proof.holds
        frame = proof.frame()
        assert (frame["difference"] == "0").all()
        assert len(frame) == 1 + 2 * network.n_parameters
        assert "Each difference simplifies to 0." in " ".join(proof.text().split())

    @pytest.mark.parametrize(("network", "optimizer", "batch_size"), EACH_RULE, ids=named)
    def test_holds_for_the_updates_of_every_optimizer(self, network, optimizer, batch_size):
        self.prove_updates(network, optimizer, batch_size)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("network", "optimizer", "batch_size"), pairwise(NETWORKS, [*OPTIMIZERS], (1, 2)), ids=named
    )
    def test_holds_for_the_updates_of_every_pair(self, network, optimizer, batch_size):
        self.prove_updates(network, optimizer, batch_size)

    def prove_updates(self, network, optimizer, batch_size):
        proof = fastnn.explain(network, optimizer=optimizer, batch_size=batch_size).proof()
        assert proof.holds
        gradients = batch_size > 1 or OPTIMIZERS[optimizer].needs_gradient
        updates = gradients + len(OPTIMIZERS[optimizer].states) + 1
        assert len(proof.frame()) == 1 + network.n_parameters * (1 + updates)
        assert max(map(len, proof.text().splitlines())) <= 80

    def test_says_what_it_has_proved_of_a_batch(self):
        frame = fastnn.explain(Network((1, 1)), optimizer="momentum", batch_size=2).proof().frame()
        claims = {"gw1 - learning_rate * ∂L/∂w1 / n", "momentum*vw1 + gw1", "w1 + vw1"}
        assert claims <= {*frame["claim"]}

    @pytest.mark.parametrize("kind", ["factor", "gradient", "update"])
    def test_fails_for_a_wrong_batch(self, kind):
        derivation = fastnn.derive(CLASSROOM, batch_size=2)
        wrong = [
            replace(e, expression=e.expression * 2.0) if e.kind == kind else e for e in derivation.equations
        ]
        assert not Proof(replace(derivation, equations=tuple(wrong))).holds

    def test_says_what_it_has_proved_of_an_update(self):
        frame = fastnn.explain(Network((1, 1)), optimizer="nesterov").proof().frame()
        assert {
            "momentum*vw1 - learning_rate * ∂L/∂w1",
            "w1 + (momentum*vw1 - learning_rate * ∂L/∂w1)",
            "momentum*vb1 - learning_rate * ∂L/∂b1",
        } <= {*frame["claim"]}

    def test_says_what_it_has_proved_of_a_gradient(self):
        frame = fastnn.explain(Network((1, 1)), optimizer="rmsprop").proof().frame().set_index("number")
        assert frame.loc["5", ["claim", "sympy"]].tolist() == ["∂L/∂w1", "2*d*x1"]
        assert frame.loc["7", "claim"] == "w1 - rate*gw1/(sqrt(vw1) + eps)"
        frame = fastnn.explain(Network((1, 1)), optimizer="adam", batch_size=2).proof().frame()
        assert "gw1 + ∂L/∂w1 / n" in {*frame["claim"]}

    @pytest.mark.parametrize("kind", ["factor", "delta", "gradient", "state", "update"])
    @pytest.mark.parametrize("batch_size", [1, 2])
    def test_fails_for_wrong_equations_of_adam(self, kind, batch_size):
        derivation = fastnn.derive(Network((1, 1, 1)), optimizer="adam", batch_size=batch_size)
        wrong = [
            replace(e, expression=e.expression * 2.0) if e.kind == kind else e for e in derivation.equations
        ]
        assert not Proof(replace(derivation, equations=tuple(wrong))).holds

    @pytest.mark.parametrize("kind", ["state", "update"])
    @pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "rmsprop", "adagrad", "adam", "irprop-"])
    def test_fails_for_a_wrong_update(self, kind, optimizer):
        derivation = fastnn.derive(Network((1, 1, 1)), optimizer=optimizer, batch_size=1)
        wrong = [
            replace(e, expression=e.expression + e.target) if (e.kind, e.layer) == (kind, 1) else e
            for e in derivation
        ]
        proof = Proof(replace(derivation, equations=tuple(wrong)))
        assert not proof.holds
        shown = {f"({e.number})" for e in derivation.scalar if (e.kind, e.layer) == (kind, 1)}
        numbers = {f"({number})" for number in proof.frame().query("difference != '0'")["number"]}
        assert shown <= numbers

    def test_knows_the_derivative_by_name(self):
        frame = fastnn.explain(Network((1, 1))).proof().frame().set_index("claim")
        assert frame.loc["∂L/∂w1", "sympy"] == str(2 * SympySymbol("d") * SympySymbol("x1"))

    @every_network
    def test_fails_for_wrong_equations(self, network):
        proof = Proof(broken(network))
        assert not proof.holds
        wrong = proof.frame().query("difference != '0'")
        first = network.slices[0]
        names = {*network.parameter_names[first[0]], *network.parameter_names[first[1]]}
        assert {claim.rpartition("∂")[2] for claim in wrong["claim"]} == names
        assert "A difference is left" in " ".join(proof.text().split())

    def test_fails_for_another_network_than_the_one_that_was_described(self):
        derivation = fastnn.derive(CLASSROOM)
        z1, *others = derivation
        assert isinstance(z1.expression, Binary)
        without_bias = replace(z1, expression=z1.expression.left)
        assert not Proof(replace(derivation, equations=(without_bias, *others))).holds

    def test_without_sympy_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sympy", None)
        with pytest.raises(
            fastnn.InputError, match=r'not installed. Run: pip install "fastnn-sweep\[explain\]"'
        ):
            fastnn.explain(CLASSROOM).proof()


class TestSlip:
    def test_of_the_published_example(self):
        slip = fastnn.explain(MAZUR).slip(*MAZUR_STEP)
        losses = (slip.loss / 2, slip.slipped_loss / 2)
        assert tuple(map(as_published, losses, MAZUR_LOSSES)) == MAZUR_LOSSES
        assert bits(slip.parameters) == bits(fastnn.explain(MAZUR).step(*MAZUR_STEP).parameters)
        digits = slip.frame().set_index("name")["digit"].to_dict()
        assert digits == {
            **dict.fromkeys(("w5", "w6", "w7", "w8", "b3", "b4"), 0),
            **{"w1": 4, "w2": 4, "w3": 5, "w4": 5, "b1": 3, "b2": 4, "L after the step": 5},
        }

    def test_by_hand(self):
        parameters, x, y, rate = (2.0, 3.0, 0.5, 0.25), 1.5, 2.0, 0.01
        slip = fastnn.explain(Network((1, 1, 1))).slip(parameters, x, y, rate)
        w1, w2, b1, b2 = parameters
        h = w1 * x + b1
        s = -2 * rate * (w2 * h + b2 - y)
        w2, b2 = w2 + s * h, b2 + s
        s1 = s * w2  # with the weight that has moved: the slip
        assert slip.slipped.tolist() == [w1 + s1 * x, w2, b1 + s1, b2]
        assert slip.parameters.tolist() == [w1 + s * 3.0 * x, w2, b1 + s * 3.0, b2]

    def test_with_momentum(self):
        explanation = fastnn.explain(CLASSROOM, optimizer="momentum")
        parameters, x, y, rate = some_step(CLASSROOM)
        state = explanation.step(parameters, x, y, rate).state
        slip = explanation.slip(state, x, y, rate)
        assert bits(slip.parameters) == bits(explanation.step(state, x, y, rate).parameters)
        digits = slip.frame().set_index("name")["digit"]
        assert (digits[["w5", "w6", "b3"]] == 0).all()
        assert (digits[["w1", "w2", "w3", "w4", "b1", "b2"]] > 0).any()

    def test_of_a_batch(self):
        X, y, (w, b), rate = [1.0, 3.0], [2.0, -1.0], (0.5, 0.25), 0.125
        slip = fastnn.explain(Network((1, 1)), batch_size=2).slip([w, b], X, y, rate)
        right, factor = (w, b), -2 * rate / 2
        shares = [factor * (w * x + b - t) for x, t in zip(X, y, strict=True)]
        right = [w + (shares[0] * X[0] + shares[1] * X[1]), b + (shares[0] + shares[1])]
        assert slip.parameters.tolist() == right
        for x, t in zip(X, y, strict=True):
            share = factor * (w * x + b - t)
            w, b = w + share * x, b + share  # at once: the slip
        assert slip.slipped.tolist() == [w, b]
        losses = [(w * x + b - t) ** 2 for x, t in zip(X, y, strict=True)]
        assert slip.slipped_loss == (losses[0] + losses[1]) / 2
        assert "THE SLIP: UPDATING AFTER EVERY ROW" in slip.text()
        one = fastnn.explain(Network((1, 1)), batch_size=2).slip([w, b], [1.0], [2.0])
        assert "Here nothing differs: no row after the first" in " ".join(one.text().split())

    def test_says_where_nothing_differs(self):
        slip = fastnn.explain(Network((2, 1))).slip([1, 2, 3], [1, 2], 3)
        assert slip.parameters.tolist() == slip.slipped.tolist()
        assert "Here nothing differs" in slip.text()

    @pytest.mark.parametrize(
        ("a", "b", "digit"),
        [
            (1.0, 1.0, 0),
            (0.0, -0.0, 0),
            (1.2345, 1.2346, 5),
            (9.99, 10.0, 1),
            (1.0, -1.0, 1),
            (0.0, 1e-9, 1),
            (1e-30, 1.5e-30, 2),
            (1.0, math.nextafter(1.0, 2), 17),
        ],
    )
    def test_first_different_digit(self, a, b, digit):
        assert first_different_digit(a, b) == first_different_digit(b, a) == digit


class TestMatrices:
    @each_of("network, optimizer", product(NETWORKS, OPTIMIZERS))
    def test_give_the_numbers_of_the_step(self, network, optimizer):
        parameters, x, y, rate = some_step(network)
        explanation = fastnn.explain(network, optimizer=optimizer, batch_size=1)
        rate = None if explanation.recipe.optimizer.learning_rate is None else rate
        rule, settings = explanation.derivation.rule, settings_of(explanation.recipe.optimizer)
        draw = np.random.default_rng(9)
        kept = [np.abs(draw.normal(size=network.n_parameters)) for _ in rule.states]
        once = draw.uniform(0.1, 0.9, len(rule.shared))
        values = {Symbol("x"): x, Symbol("y"): y, **rule.values(rate or math.nan, **settings)}
        values |= dict(zip(rule.shared, once, strict=True))
        for letter, numbers in zip(["", *rule.states], [parameters, *kept], strict=True):
            for layer, (W, b) in enumerate(network.split(numbers), start=1):
                values |= {Symbol(f"{letter}w".upper(), layer): W, Symbol(f"{letter}b", layer): b}
        derivatives = {}
        for line in fastnn.explain(network, compact=True, optimizer=optimizer, batch_size=1).lines:
            values[line.target] = worked_out(line.expression, values)
            if isinstance(line.target, Derivative):
                derivatives[line.target.by] = values[line.target]
        step = explanation.step(np.hstack([parameters, *kept, once]), x, y, rate)
        layers = range(1, len(network.layers))
        after = network.join([(values[Symbol("W", n)], values[Symbol("b", n)]) for n in layers])
        slopes = network.join([(derivatives[Symbol("W", n)], derivatives[Symbol("b", n)]) for n in layers])
        np.testing.assert_allclose(values[LOSS], step.loss, rtol=1e-12)
        np.testing.assert_allclose(after, step.parameters, rtol=1e-12)
        np.testing.assert_allclose(slopes, step.changes()["derivative"], rtol=1e-10, atol=1e-14)

    def test_of_a_large_network(self):
        explanation = fastnn.explain(Network((20, 30, 5), "tanh"), compact=True)
        assert "(1)    z[1] = W[1] x + b[1]" in explanation.text()
        assert "s[1] = (W[2]ᵀ s[2]) ⊙ (1 - h[1] ⊙ h[1])" in explanation.text()
        assert repr(explanation).endswith(", compact>")

    @every_network
    def test_of_a_batch_give_the_numbers_of_its_step(self, network):
        parameters, *_, rate = some_step(network)
        draw = np.random.default_rng(4)
        X, Y = (draw.normal(size=(5, n)) for n in (network.n_inputs, network.n_outputs))
        explanation = fastnn.explain(network, compact=True, batch_size=5)
        gradients = [section for section in explanation.sections() if section.heading == "Gradients"]
        products = {f.target: f.members for f in gradients[0].blocks[1].formulas}
        values = {Symbol("n"): 5.0, Symbol("step"): -2 * rate}
        for layer, (W, b) in enumerate(network.split(parameters), start=1):
            values |= {Symbol("W", layer): W, Symbol("b", layer): b}
        values |= dict.fromkeys(products, 0.0)
        columns = {}
        for row, lines in in_turn(explanation.lines, 5):
            values |= {Symbol("x"): X[row - 1], Symbol("y"): Y[row - 1]}
            for line in lines:
                values[line.target] = worked_out(line.expression, values)
            for symbol in [symbol for symbol in values if row and isinstance(symbol, Symbol)]:
                whole = replace(symbol, family=symbol.family.upper())
                columns.setdefault(whole, []).append(values[symbol])
        step = fastnn.explain(network, batch_size=5).step(parameters, X, Y, rate)
        layers = range(1, len(network.layers))
        after = network.join([(values[Symbol("W", n)], values[Symbol("b", n)]) for n in layers])
        np.testing.assert_allclose(after, step.parameters, rtol=1e-12)
        for layer in layers:
            left, right = products[Symbol("GW", layer)][1].left, products[Symbol("GW", layer)][1].right.matrix
            whole = np.transpose(columns[left]) @ np.array(columns[right])
            np.testing.assert_allclose(whole, values[Symbol("GW", layer)], rtol=1e-10, atol=1e-15)


def worked_out(node, values):
    """An expression of matrices and vectors, by NumPy."""
    match node:
        case Number(value):
            return value
        case Transposed(matrix):
            return worked_out(matrix, values).T
        case Binary(operator, left, right):
            a, b = worked_out(left, values), worked_out(right, values)
            if operator == MATRIX_PRODUCT and isinstance(right, Transposed):
                return np.outer(a, b)
            operations = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
            operations[ELEMENTWISE] = np.multiply
            return operations[operator](a, b) if operator in operations else a @ b
        case Call(function, argument):
            z = worked_out(argument, values)
            return np.tanh(z) if function == "tanh" else 1 / (1 + np.exp(-z))
        case Gate(left, ">", right):
            return (worked_out(left, values) > worked_out(right, values)).astype(float)
        case Larger(left, right):
            return np.maximum(worked_out(left, values), worked_out(right, values))
        case SquareRoot(square):
            return np.sqrt(worked_out(square, values))
        case Select(left, comparison, right, yes, no):
            compared = {">": np.greater, "<": np.less}[comparison]
            holds = compared(worked_out(left, values), worked_out(right, values))
            return np.where(holds, worked_out(yes, values), worked_out(no, values))
    return values[node]


LARGE = Network((9, 9, 1))
TOO_LARGE = r"at most 64 parameters to be written out; got Network.* with 100, which would be 241 equations"


def test_too_large_is_refused_and_offered_in_matrices():
    for ask in (fastnn.explain, fastnn.explain(LARGE, compact=True).proof):
        with pytest.raises(fastnn.InputError, match=rf"{TOO_LARGE}. Take a smaller one, or matrix notation"):
            ask(*([LARGE] if ask is fastnn.explain else []))
    with pytest.raises(fastnn.InputError, match=TOO_LARGE):
        fastnn.explain(LARGE, compact=True).step([0] * 100, [0] * 9, 0)
    with pytest.raises(fastnn.InputError, match=TOO_LARGE):
        fastnn.explain(LARGE, compact=True).motion([[0] * 9], [0])


def test_the_number_of_equations_is_right():
    explanation = fastnn.explain(CLASSROOM)
    assert len(explanation.lines) == 31
    smallest_refused = Network((1, 21, 2))
    count = 2 * 21 + 2 + 2 + 1 + 2 * (21 + 2) + 2 * smallest_refused.n_parameters
    with pytest.raises(fastnn.InputError, match=f"would be {count} equations"):
        fastnn.explain(smallest_refused)
    assert len(fastnn.explain(CLASSROOM, optimizer="momentum").lines) == 31 + 9
    count += smallest_refused.n_parameters
    with pytest.raises(fastnn.InputError, match=f"would be {count} equations"):
        fastnn.explain(smallest_refused, optimizer="nesterov")


REFUSED = {
    "no network": (lambda: fastnn.explain((2, 2, 1)), r"network must be a fastnn.Network; got \(2, 2, 1\)"),
    "compact": (lambda: fastnn.explain(CLASSROOM, compact="no"), "compact must be True or False; got 'no'"),
    "too few": (
        lambda: fastnn.explain(CLASSROOM).step([1, 2], [1, 2], 3),
        "parameters must hold 9 numbers for .*; got 2. Give all weights first, then all biases.",
    ),
    "neither parameters nor a state": (
        lambda: fastnn.explain(CLASSROOM, optimizer="momentum").slip([1] * 10, [1, 2], 3),
        "parameters must hold 9 numbers, or 18 with what momentum remembers, for .*; got 10. "
        "Give all weights first, then all biases, or the state of an earlier step.",
    ),
    "a state where there is none": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 18, [1, 2], 3),
        "parameters must hold 9 numbers for .*; got 18",
    ),
    "more rows than a batch has": (
        lambda: fastnn.explain(CLASSROOM, batch_size=2).step([1] * 9, [[1, 2]] * 3, [3] * 3),
        "x must hold at most 2 rows, the batch size; got 3. Give the rows of one batch, or",
    ),
    "a row in the place of a batch": (
        lambda: fastnn.explain(CLASSROOM, batch_size=2).slip([1] * 9, [1, 2], 3),
        "X must have 2 dimensions; got 1",
    ),
    "a batch in the place of a row": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 9, [[1, 2]], [3]),
        "x must have 1 dimension; got 2",
    ),
    "batch size": (
        lambda: fastnn.explain(CLASSROOM, batch_size=0),
        "batch_size must be a whole number of at least 1; got 0",
    ),
    "optimizer": (
        lambda: fastnn.explain(CLASSROOM, optimizer="adamw"),
        "optimizer must be one of 'sgd', 'momentum', 'nesterov', .*, or an object .*; got 'adamw'",
    ),
    "several settings": (
        lambda: fastnn.explain(CLASSROOM, optimizer=Momentum(momentum=[0.5, 0.9])),
        "optimizer must have one momentum here; got Momentum",
    ),
    "several settings in motion": (
        lambda: motion(CLASSROOM, [[1, 2]], [3], optimizer=Momentum(momentum=[0.5, 0.9])),
        "optimizer must have one momentum here; got Momentum",
    ),
    "x": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 9, [1, 2, 3], 3),
        "x must be one row, one number for each of 2 inputs; got 3 numbers. Give 2.",
    ),
    "y": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 9, [1, 2], [3, 4]),
        "y must be one row, one number for each of 1 output; got 2 numbers. Give 1.",
    ),
    "text": (lambda: fastnn.explain(CLASSROOM).slip("abc", [1, 2], 3), "parameters must"),
    "not finite": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 8 + [np.nan], [1, 2], 3),
        "parameters must be finite; got 1 NaN or infinite",
    ),
    "infinite": (
        lambda: fastnn.explain(CLASSROOM).slip([1] * 9, [1, np.inf], 3),
        "x must be finite; got 1 NaN",
    ),
    "rate": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 9, [1, 2], 3, 0),
        "learning_rate must be a positive finite number; got 0.0",
    ),
    "grows": (
        lambda: fastnn.explain(CLASSROOM).step([1e200] * 9, [1, 2], 3),
        r"every number of a step must be finite; got inf for equation \(5\), yhat. Give smaller parameters",
    ),
    "slip grows": (
        lambda: fastnn.explain(CLASSROOM).slip([1e60] * 9, [1, 2], 3),
        "every number of a step must be finite; got -?inf for equation",
    ),
    "rate grows": (
        lambda: fastnn.explain(CLASSROOM).step([1] * 9, [1, 2], 3, 1e308),
        r"every number of a step must be finite; got -inf for step = -2\*learning_rate",
    ),
}


@pytest.mark.parametrize(("ask", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(ask, message):
    with pytest.raises(fastnn.InputError, match=message):
        ask()


@dataclass(frozen=True, kw_only=True)
class Unheard(Optimizer):
    """An optimizer that fastnn does not have: two states, two settings, the change more than once."""

    name: ClassVar[str] = "unheard"
    states: ClassVar[tuple[str, ...]] = ("m", "v")
    beta1: float = setting(0.9, below_one)
    beta2: float = setting(0.8, below_one)

    @staticmethod
    def moves(p, change, state, given):
        m = given["beta1"] * state["m"] + change
        v = given["beta2"] * state["v"] + change * change
        return {"m": m, "v": v, "": p + state["m"] * (1.0 - state["v"])}


@pytest.mark.parametrize("batched", [False, True])
def test_no_optimizer_is_known_by_name(batched):
    derivation = derived(Network((2, 1, 1)), Rule(optimizer=Unheard, batched=batched))
    state = np.arange(15) / 10
    given = Given(state, np.array([[0.5, 0.25]]), np.array([[1.0]]), 0.01, Recipe(optimizer=Unheard()))
    step = Step(derivation, given)
    change = -0.01 * step.changes()["derivative"].to_numpy()
    m, v = 0.9 * state[5:10] + change, 0.8 * state[10:] + change * change
    np.testing.assert_allclose(step.state, [*(state[:5] + m * (1 - v)), *m, *v], rtol=1e-13)
    assert Slip(derivation, given).parameters.tolist() == step.parameters.tolist()
    assert Proof(derivation).holds
    first = next(e for e in derivation.scalar if e.kind == "state")
    assert Latex(derivation)(first.expression).startswith(r"\beta_{1} \, m_{w_{1}} + ")
    for form in (step.text(), step.latex(), step.html()):
        assert form


def test_every_activation_can_be_told_in_a_hidden_layer_and_at_the_output():
    for hidden, output in with_the_next(EVERY_ACTIVATION):
        explanation = fastnn.explain(Network((1, 1, 1), hidden, output))
        for form in (explanation, explanation.step([1, 2, 3, 4], 0.5, 1)):
            assert form.text()
            assert form.latex()
            assert form.html()
