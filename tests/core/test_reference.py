"""The reference, pinned by what others published, by hand and by finite differences."""

import ast
import math
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import predict, to_float32, train

# Central differences of width 1e-6 on losses near 1 are good to about 1e-10.
CENTRAL_DIFFERENCE = 1e-8


def agrees(value, published):
    """Whether a number, printed with as many digits as were published, is what was published."""
    digits = len(published.partition(".")[2])
    return f"{value:.{digits}f}" == published


def all_agree(values, published):
    """Whether each number agrees with its published one."""
    return all(agrees(v, p) for v, p in zip(values, published, strict=True))


def close(found, expected, tolerance):
    """Whether each number is within a tolerance of its expected one; a NaN never is."""
    return all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True))


def same_bits(found, expected):
    """Whether two lists of floats are equal to the bit: -0.0 is not 0.0, NaN is NaN."""
    return [float(v).hex() for v in found] == [float(v).hex() for v in expected]


def random_case(layers, rows=1, seed=0):
    """Parameters and data in (-1, 1), all multiples of 1/1024."""
    draw = random.Random(seed)  # noqa: S311 - no secret

    def numbers(count):
        return [draw.randrange(-1023, 1024) / 1024 for _ in range(count)]

    size = sum(a * b + b for a, b in pairwise(layers))
    X = [numbers(layers[0]) for _ in range(rows)]
    return numbers(size), X, [numbers(layers[-1]) for _ in range(rows)]


def gradient(layers, activations, parameters, X, Y, **options):
    """The gradient of one row's squared error, read off one step of learning rate 1: w - (w - gradient)."""
    moved, _, _ = train(layers, activations, parameters, X, Y, 1.0, 1, **options)
    return [before - after for before, after in zip(parameters, moved, strict=True)]


def live_case(layers, activations):
    """The first random case in which at least half of the first layer's weights have a gradient."""
    n = layers[0] * layers[1]
    for seed in range(100):
        case = random_case(layers, seed=seed)
        if sum(g != 0 for g in gradient(layers, activations, *case)[:n]) * 2 >= n:
            return case
    raise AssertionError(f"no live case for {layers} {activations}")


class TestPublished:
    """M. Mazur, "A step by step backpropagation example" (2015): 2-2-2, sigmoid everywhere.

    Its step is 0.5 on half the squared error, which is a learning rate of 0.25 here.
    """

    layers = (2, 2, 2)
    activations = ("sigmoid", "sigmoid")
    start = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.35, 0.35, 0.60, 0.60)
    X = ((0.05, 0.10),)
    Y = ((0.01, 0.99),)
    after_one = (
        *("0.149780716", "0.19956143", "0.24975114", "0.29950229"),
        *("0.35891648", "0.408666186", "0.511301270", "0.561370121"),
        *("0.345614323", "0.345022873", "0.530750719", "0.619049118"),
    )

    def train(self, epochs, **options):
        return train(self.layers, self.activations, self.start, self.X, self.Y, 0.25, epochs, **options)

    def outputs(self, parameters):
        return predict(self.layers, self.activations, parameters, self.X)[0]

    def test_forward(self):
        weights, biases = reference.split(self.layers, self.start)
        values, _ = reference.forward(weights, biases, self.activations, list(self.X[0]), reference.FUNCTIONS)
        assert all_agree(values[1], ("0.593269992", "0.596884378"))
        assert all_agree(values[2], ("0.7513650695523157", "0.7729284653214625"))

    def test_error(self):
        _, losses, _ = self.train(1)
        assert agrees(losses[0] / 2, "0.2983711087600027")

    def test_weights_after_one_step(self):
        assert all_agree(self.train(1)[0], self.after_one)

    def test_wrong_order_is_told_apart_after_one_step(self):
        assert not all_agree(self.train(1, wrong_order=True)[0], self.after_one)

    def test_error_after_one_step(self):
        assert agrees(self.train(2)[1][1] / 2, "0.280471447")
        assert agrees(self.train(2, wrong_order=True)[1][1] / 2, "0.280484077")

    def test_outputs_after_ten_thousand_steps(self):
        assert all_agree(self.outputs(self.train(10_000)[0]), ("0.011587527", "0.988458935"))
        wrong, _, _ = self.train(10_000, wrong_order=True)
        assert all_agree(self.outputs(wrong), ("0.011583827", "0.988461768"))


def test_xor_by_hand_and_training_changes_nothing():
    """Goodfellow, Bengio, Courville, "Deep Learning", section 6.1."""
    start = [1.0, 1.0, 1.0, 1.0, 1.0, -2.0, 0.0, -1.0, 0.0]
    X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    assert predict((2, 2, 1), ("relu", "identity"), start, X) == Y
    trained, losses, diverged = train((2, 2, 1), ("relu", "identity"), start, X, Y, 0.1, 50)
    assert (trained, losses, diverged) == (start, [0.0] * 50, 0)


class TestByHand:
    """2-2-1, ReLU, one row x = (1, 2), y = 1, learning rate 1/8: every number below is exact.

    z1 = 0.5*1 + 0.25*2 + 0.5 = 1.5     h1 = 1.5
    z2 = -1*1 + 0.5*2 + 0 = 0           h2 = 0, its gate shut
    yhat = 2*1.5 + 3*0 - 1 = 2          d = 1     s = -0.25 * 1
    s1 = -0.25*2 = -0.5                 s2 = 0, as the gate is shut
    w1 = 0.5 - 0.5*1     w2 = 0.25 - 0.5*2     w5 = 2 - 0.25*1.5     b1 = 0.5 - 0.5     b3 = -1 - 0.25
    """

    start = (0.5, 0.25, -1.0, 0.5, 2.0, 3.0, 0.5, 0.0, -1.0)
    after = (0.0, -0.75, -1.0, 0.5, 1.625, 3.0, 0.0, 0.0, -1.25)

    def test_one_step(self):
        trained, losses, diverged = train(
            (2, 2, 1), ("relu", "identity"), self.start, [(1, 2)], [(1,)], 0.125, 1
        )
        assert same_bits(trained, self.after)
        assert (losses, diverged) == ([1.0], 0)

    def test_wrong_order_is_told_apart(self):
        trained, _, _ = train(
            (2, 2, 1), ("relu", "identity"), self.start, [(1, 2)], [(1,)], 0.125, 1, wrong_order=True
        )
        # s1 = -0.25*1.625 moves w1 by -0.40625 only
        assert not same_bits(trained, self.after)
        assert trained[0] == 0.09375

    def test_start_is_left_alone(self):
        start = list(self.start)
        train((2, 2, 1), ("relu", "identity"), start, [(1, 2)], [(1,)], 0.125, 3)
        assert start == list(self.start)


def notebook(parameters, X, Y, learning_rate, epochs, number=float):
    """The classroom notebook's loop for 2-2-1, written out; `number` is float or numpy.float32."""
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = (number(p) for p in parameters)
    zero, step = number(0), number(-2 * learning_rate)
    losses = []
    for _ in range(epochs):
        total = zero
        for (x1, x2), (y,) in zip(X, Y, strict=True):
            x1, x2, y = number(x1), number(x2), number(y)
            z1 = w1 * x1 + w2 * x2 + b1
            z2 = w3 * x1 + w4 * x2 + b2
            h1 = zero if z1 <= 0 else z1
            h2 = zero if z2 <= 0 else z2
            d = w5 * h1 + w6 * h2 + b3 - y
            total = total + d * d
            s = step * d
            s1 = s * w5 if z1 > 0 else zero
            s2 = s * w6 if z2 > 0 else zero
            w1, w2, b1 = w1 + s1 * x1, w2 + s1 * x2, b1 + s1
            w3, w4, b2 = w3 + s2 * x1, w4 + s2 * x2, b2 + s2
            w5, w6, b3 = w5 + s * h1, w6 + s * h2, b3 + s
        losses.append(total / number(len(X)))
    return [w1, w2, w3, w4, w5, w6, b1, b2, b3], losses


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("number", "rounded"), [(float, float), (np.float32, to_float32)])
def test_notebook_to_the_bit(number, rounded, seed):
    start, X, Y = random_case((2, 2, 1), rows=7, seed=seed)
    trained, losses, _ = train((2, 2, 1), ("relu", "identity"), start, X, Y, 0.03, 20, rounded=rounded)
    expected, expected_losses = notebook(start, X, Y, 0.03, 20, number)
    assert same_bits(trained, expected)
    assert same_bits(losses, expected_losses)


def test_float32_and_float64_are_told_apart():
    start, X, Y = random_case((2, 2, 1), rows=7)
    wide, _ = notebook(start, X, Y, 0.03, 20)
    narrow, _, _ = train((2, 2, 1), ("relu", "identity"), start, X, Y, 0.03, 20, rounded=to_float32)
    assert not same_bits(narrow, wide)
    assert close(narrow, wide, 1e-5)


def central_differences(layers, activations, parameters, X, Y, width=1e-6):
    """The gradient of the squared error of one row, numerically."""

    def loss(changed):
        return sum(
            (a - b) ** 2 for a, b in zip(predict(layers, activations, changed, X)[0], Y[0], strict=True)
        )

    found = []
    for j, p in enumerate(parameters):
        above, below = ([*parameters[:j], p + side, *parameters[j + 1 :]] for side in (width, -width))
        found.append((loss(above) - loss(below)) / (2 * width))
    return found


SHAPES = [
    ((1, 1), ("identity",)),
    ((3, 2), ("sigmoid",)),
    ((2, 3), ("relu",)),
    ((2, 2, 1), ("relu", "identity")),
    ((2, 2, 1), ("tanh", "identity")),
    ((2, 3, 2), ("sigmoid", "tanh")),
    ((2, 4, 3), ("identity", "sigmoid")),
    ((3, 4, 3, 2), ("relu", "tanh", "identity")),
    ((2, 3, 3, 2, 1), ("tanh", "relu", "sigmoid", "relu")),
]


@pytest.mark.parametrize(("layers", "activations"), SHAPES)
def test_gradient_by_central_differences(layers, activations):
    start, X, Y = live_case(layers, activations)
    found = gradient(layers, activations, start, X, Y)
    assert close(found, central_differences(layers, activations, start, X, Y), CENTRAL_DIFFERENCE)


@pytest.mark.parametrize(("layers", "activations"), [shape for shape in SHAPES if len(shape[0]) > 2])
def test_central_differences_reject_the_wrong_order(layers, activations):
    start, X, Y = live_case(layers, activations)
    found = gradient(layers, activations, start, X, Y, wrong_order=True)
    assert not close(found, central_differences(layers, activations, start, X, Y), CENTRAL_DIFFERENCE)


class TestOrderOfOperations:
    def test_products_are_added_from_left_to_right(self):
        assert reference.dot([2.0**53, 1.0, 1.0], [1.0, 1.0, 1.0], float) == 2.0**53
        assert reference.dot([1.0, 1.0, 2.0**53], [1.0, 1.0, 1.0], float) == 2.0**53 + 2

    def test_sum_begins_with_the_first_product(self):
        assert math.copysign(1.0, reference.dot([-0.0], [1.0], float)) == -1.0

    def test_errors_of_a_row_are_added_first(self):
        # outputs stay 0; row 1 gives 2**53, row 2 gives 1 + 1, which one by one would be lost
        Y = [(2.0**26, 2.0**26), (1.0, 1.0)]
        _, losses, _ = train((1, 2), ("identity",), [0.0] * 4, [(0,), (0,)], Y, 0.0, 1)
        assert losses == [(2.0**53 + 2) / 2]

    def test_rows_are_visited_in_the_order_given(self):
        start, X, Y = random_case((2, 3, 1), rows=4)
        orders = [(2, 0, 3, 1), (1, 2, 3, 0)]
        found = train((2, 3, 1), ("tanh", "identity"), start, X, Y, 0.1, 2, orders=orders)
        first, one, _ = train(
            (2, 3, 1),
            ("tanh", "identity"),
            start,
            [X[i] for i in orders[0]],
            [Y[i] for i in orders[0]],
            0.1,
            1,
        )
        second, two, _ = train(
            (2, 3, 1),
            ("tanh", "identity"),
            first,
            [X[i] for i in orders[1]],
            [Y[i] for i in orders[1]],
            0.1,
            1,
        )
        assert found == (second, one + two, 0)
        assert found != train((2, 3, 1), ("tanh", "identity"), start, X, Y, 0.1, 2)

    def test_functions_are_replaced(self):
        start, X, Y = random_case((2, 3, 1))
        constant = {"tanh": lambda z: 0.0}
        moved, _, _ = train((2, 3, 1), ("tanh", "identity"), start, X, Y, 0.1, 1, constant)
        # hidden values of 0 leave the output weights where they are
        assert moved[6:9] == start[6:9]
        assert moved[9:] != start[9:]

    def test_sigmoid_never_overflows(self):
        assert [reference.sigmoid(z) for z in (-1e308, -math.inf, 1e308, math.inf)] == [0.0, 0.0, 1.0, 1.0]
        assert math.isnan(reference.sigmoid(math.nan))
        assert reference.sigmoid(0.0) == 0.5


class TestDivergence:
    def test_stops_at_the_first_epoch_whose_loss_is_not_finite(self):
        trained, losses, diverged = train((1, 1), ("identity",), [1.0, 0.0], [(3,)], [(1,)], 1e60, 6)
        # the error grows by about 2e61 a step: 4, 1.6e123, 6.4e245, then beyond 1.8e308
        assert diverged == 4
        assert all(map(math.isfinite, losses[:3]))
        assert all(map(math.isnan, losses[3:] + trained))
        assert len(losses) == 6

    def test_parameters_that_overflow_in_the_last_epoch(self):
        start, X, Y = [0.0, 0.0], [(1.0,)], [(1e150,)]
        trained, losses, diverged = train((1, 1), ("identity",), start, X, Y, 1e200, 1)
        assert diverged == 1
        assert all(map(math.isnan, losses + trained))

    def test_parameters_that_overflow_before_show_in_the_next_loss(self):
        trained, losses, diverged = train((1, 1), ("identity",), [0.0, 0.0], [(1.0,)], [(1e150,)], 1e200, 3)
        assert diverged == 2
        assert losses[0] == 1e150 * 1e150
        assert all(map(math.isnan, losses[1:] + trained))

    def test_relu_lets_a_nan_through(self):
        assert math.isnan(reference.activate("relu", math.nan, {}))
        assert reference.through([1.0], "relu", [math.nan], [math.nan], {}, float) == [0.0]

    def test_no_epochs(self):
        assert train((1, 1), ("identity",), [0.5, 0.25], [(1,)], [(1,)], 0.1, 0) == ([0.5, 0.25], [], 0)


anything = st.floats(width=32)


@settings(deadline=None, max_examples=300)
@given(anything, anything, st.sampled_from("+-*/"))
def test_two_roundings_are_float32_arithmetic(a, b, operation):
    operations = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y if y != 0 else x,
    }
    with np.errstate(all="ignore"):
        single = operations[operation](np.float32(a), np.float32(b))
    assert same_bits([to_float32(operations[operation](a, b))], [single])


@settings(deadline=None, max_examples=300)
@given(st.floats())
def test_rounding_to_float32_is_numpys(value):
    with np.errstate(all="ignore"):
        assert same_bits([to_float32(value)], [np.float32(value)])


def test_split_and_join_follow_the_layout():
    weights, biases = reference.split((2, 2, 1), range(9))
    assert weights == [[[0, 1], [2, 3]], [[4, 5]]]
    assert biases == [[6, 7], [8]]
    assert reference.join(weights, biases) == list(range(9))


def test_it_imports_nothing_of_fastnn_and_no_numpy():
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"math", "struct", "collections.abc", "functools", "itertools"}


class TestChecksCanFail:
    def test_agrees(self):
        assert agrees(0.2804714471, "0.280471447")
        assert not agrees(0.280471448, "0.280471447")
        assert not all_agree([0.0, 0.0], ["0.1", "0.2"])
        assert not all_agree([0.2, 0.1], ["0.1", "0.2"])

    def test_close(self):
        assert not close([0.0], [1.0], 0.5)
        assert not close([math.nan], [1.0], 0.5)
        assert not close([1.0], [math.nan], 0.5)

    def test_same_bits(self):
        assert same_bits([math.nan, -0.0], [math.nan, -0.0])
        assert not same_bits([0.0], [-0.0])
        assert not same_bits([1.0], [math.nextafter(1.0, 2.0)])
        assert not same_bits([1.0], [1.0, 1.0])
