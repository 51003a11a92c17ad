"""The independent reference: one network, plain Python floats and loops, nothing of fastnn and no NumPy.

It is written for reading, one operation after the other, in the order that DESIGN.md (section 3)
prescribes to the bit; every engine is compared with it. `test_reference.py` pins it in turn by published
numbers, by a step worked by hand and by finite differences.

Parameters are one flat list: all weights first, layer by layer, unit by unit, input by input, then all
biases, layer by layer. Between the layers they are ``weights[layer][unit][input]`` and
``biases[layer][unit]``, where layer 0 is the first after the inputs.
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import pairwise, repeat

Vector = list[float]
Matrix = list[Vector]
Rounding = Callable[[float], float]
Functions = Mapping[str, Callable[[float], float]]
State = tuple[float, ...]
Move = Callable[[float, State, float], tuple[float, State]]
Settings = Mapping[str, float]


def to_float32(value: float) -> float:
    """Round to the nearest float32, ties to even; beyond its largest number to infinity."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def sigmoid(z: float) -> float:
    """1/(1 + exp(-z)), so written that exp never overflows, where math.exp would raise."""
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


FUNCTIONS: Functions = {
    "exp": math.exp,
    "log": math.log,
    "expm1": math.expm1,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": sigmoid,
}


def train(
    layers: Sequence[int],
    activations: Sequence[str],
    parameters: Sequence[float],
    X: Sequence[Sequence[float]],
    Y: Sequence[Sequence[float]],
    learning_rate: float | Sequence[float],
    epochs: int,
    functions: Functions | None = None,
    *,
    rounded: Rounding = float,
    wrong_order: bool = False,
    orders: Sequence[Sequence[int]] | None = None,
    optimizer: str = "sgd",
    momentum: float = 0.0,
    settings: Settings | None = None,
    batch_size: int = 1,
    row_weights: Sequence[float] | None = None,
    within: str = "epoch",
    penalties: Settings | None = None,
    penalised: str = "weights",
    l2_on: str = "mean",
    loss: str = "squared",
    clip: float | None = None,
) -> tuple[Vector, Vector, int]:
    """Train one network by gradient descent on a loss, row by row or in batches.

    Parameters
    ----------
    layers : units per layer, inputs first, such as (2, 2, 1).
    activations : a name for each layer after the inputs, with its setting if that is not the default.
    parameters : P floats in the layout above; left as they are.
    X, Y : N rows of D inputs, N rows of K targets.
    learning_rate, epochs : as in fastnn; or a learning rate for each epoch.
    functions : replaces `FUNCTIONS`, to compare engines that have an exp, a tanh ... of their own.
    rounded : applied to every number that comes in and to the result of every single operation; float64
        by default. With `to_float32` this is float32 arithmetic to the bit: an operation + - * / on float32
        numbers, rounded to float64 and then to float32, gives what rounding once gives, as 53 >= 2*24 + 2
        (S. A. Figueroa, "When is double rounding innocuous?", SIGNUM Newsletter 30, 1995).
    wrong_order : the classical slip, which tests must reject: each layer is updated, in place, before the
        deltas of the layer below are worked out from its weights.
    orders : for each epoch the order in which its rows are visited; file order without.
    optimizer, momentum, settings : a name of `OPTIMIZERS`, the momentum of those that have one, and the
        settings of the others.
    batch_size : the rows of a batch; the last one of an epoch has those that are left. With one row the
        parameters move by the row's change itself, else by the sum of the changes, added up from 0. The
        optimizers of `GRADIENTS` are given the derivative of the loss instead of the change.
    row_weights, within : a weight for each row, in file order. It is divided by the mean weight, of all rows
        or of those of its "batch"; that multiplies what the row loses, and the factor of its changes.
    penalties : "l2", "l1" and "decay", those there are. What moves a parameter is what `penalising` makes of
        its gradient, or of its change, which is minus the learning rate times it.
    l2_on : the "mean" of a batch's losses, or their "sum": then l2 is divided by the rows of the batch.
    clip : the largest norm of the gradient, of all weights, then of all biases, penalties included. Every
        batch then adds up the gradient itself, however few rows it has.
    penalised : "weights"; or "all", the slip that tests must reject, which has a penalty on biases, too.
    loss : a name of `LOSSES`, whose settings are among `settings`, too, or of `FUSED`. The squared error is
        not halved.

    Returns
    -------
    parameters : P floats
    losses : for each epoch the mean loss met while it ran, each row before its own update.
    diverged : the epoch (from 1) whose loss was not finite, or 0. Training stops there: the losses from
        that epoch on and all parameters are NaN. A network whose losses are all finite but that ends with a
        parameter that is not, diverged in the last epoch.
    """
    chosen = FUNCTIONS if functions is None else functions
    weights, biases = split(layers, [rounded(p) for p in parameters])
    inputs = [[rounded(x) for x in row] for row in X]
    targets = [[rounded(y) for y in row] for row in Y]
    rates = list(learning_rate) if isinstance(learning_rate, Sequence) else [learning_rate] * epochs
    by_error, times = (None, 1.0) if loss in FUSED else LOSSES[loss]
    given = {name: rounded(value) for name, value in {"momentum": momentum, **(settings or {})}.items()}
    first_state, updates = OPTIMIZERS[optimizer](given, rounded)
    states = split(layers, [first_state] * len(parameters))
    lost = None if by_error is None else partial(by_error, given, chosen, rounded)
    losses: Vector = []
    for epoch in range(epochs):
        given["learning_rate"] = rounded(rates[epoch])
        of_gradients = optimizer in GRADIENTS or clip is not None
        step = times if of_gradients else rounded(-times * given["learning_rate"])
        total = 0.0
        order = list(range(len(inputs))) if orders is None else orders[epoch]
        for first in range(0, len(inputs), batch_size):
            batch = order[first : first + batch_size]
            factor = rounded(step / rounded(len(batch)))
            gathered = split(layers, [(0.0,)] * len(parameters))
            counts = [1.0] * len(batch)
            if row_weights is not None:
                counts = relative(
                    [row_weights[row] for row in batch],
                    batch if within == "batch" else order,
                    row_weights,
                    rounded,
                )
            move = next(updates)
            on_weights = penalising(
                move,
                None if of_gradients else -given["learning_rate"],
                given["learning_rate"],
                penalties or {},
                len(batch) if l2_on == "sum" else 1,
                rounded,
            )
            on_biases = on_weights if penalised == "all" else move
            both = (on_weights, on_biases)
            moves = (
                (*states, both) if batch_size == 1 and clip is None else (*gathered, (gather(rounded),) * 2)
            )
            for row, count in zip(batch, counts, strict=True):
                x, y, share = inputs[row], targets[row], rounded(factor * count)
                error = train_row(
                    weights, biases, activations, x, y, share, chosen, rounded, wrong_order, moves, loss, lost
                )
                total = rounded(total + rounded(count * error))
            if clip is not None:
                rate, given_penalties = given["learning_rate"], penalties or {}
                folded = None if optimizer in GRADIENTS else -rate
                rows = len(batch) if l2_on == "sum" else 1
                limit(weights, gathered, given_penalties, rows, clip, folded, rounded)
                both = (decaying(move, rate, given_penalties.get("decay", 0.0), rounded), move)
            if batch_size > 1 or clip is not None:
                move_all(weights, biases, gathered, states, both)
        losses.append(rounded(total / rounded(len(inputs))))
        if not math.isfinite(losses[-1]):
            return diverged_at(epoch + 1, epochs, losses, len(parameters))
    trained = join(weights, biases)
    if epochs and not all(math.isfinite(p) for p in trained):
        return diverged_at(epochs, epochs, losses, len(parameters))
    return trained, losses, 0


def relative(
    some: Sequence[float], among: Sequence[int], every: Sequence[float], rounded: Rounding
) -> Vector:
    """Some weights divided by the mean of those of the rows `among`; 0 if all of these are."""
    mean = math.fsum(every[row] for row in among) / len(among)
    return [rounded(weight / mean) if mean else 0.0 for weight in some]


def diverged_at(epoch: int, epochs: int, losses: Vector, n_parameters: int) -> tuple[Vector, Vector, int]:
    """What is left of a network that diverged in `epoch` (from 1): its losses before, and NaN."""
    kept = losses[: epoch - 1]
    return [math.nan] * n_parameters, kept + [math.nan] * (epochs - len(kept)), epoch


def train_row(
    weights: list[Matrix],
    biases: Matrix,
    activations: Sequence[str],
    x: Vector,
    y: Vector,
    step: float,
    functions: Functions,
    rounded: Rounding,
    wrong_order: bool,
    moves: tuple[list[Matrix], Matrix, tuple[Move, Move]],
    loss: str,
    lost: Callable[[float], tuple[float, float]] | None,
) -> float:
    """Take one step on one row, changing weights and biases in place; return the loss before it."""
    values, sums = forward(weights, biases, activations, x, functions, rounded)
    d = [rounded(yhat - target) for yhat, target in zip(values[-1], y, strict=True)]
    if loss in FUSED:
        s = [rounded(step * d_k) for d_k in d]
    else:
        terms, slopes = zip(*map(lost, d), strict=True)
        begun = [rounded(step * slope) for slope in slopes]
        s = through(begun, activations[-1], values[-1], sums[-1], functions, rounded)
    for layer in reversed(range(len(weights))):
        if wrong_order:
            update(weights[layer], biases[layer], s, values[layer], rounded, at(moves, layer))
        below = []
        if layer > 0:
            back = [dot(s, leaving, rounded) for leaving in zip(*weights[layer], strict=True)]
            below = through(back, activations[layer - 1], values[layer], sums[layer - 1], functions, rounded)
        if not wrong_order:
            update(weights[layer], biases[layer], s, values[layer], rounded, at(moves, layer))
        s = below
    if loss in FUSED:
        return fused_loss(loss, activations[-1], sums[-1], values[-1], y, functions, rounded)
    return reduce(lambda total, term: rounded(total + term), terms)


FUSED = ("cross_entropy", "poisson")


def fused_loss(
    loss: str, activation: str, z: Vector, yhat: Vector, y: Vector, functions: Functions, rounded: Rounding
) -> float:
    """What a row loses by its outputs, from their sums, added up in their order."""
    terms = []
    top, _, whole = exponentials(z, functions, rounded) if activation == "softmax" else (0.0, [], 0.0)
    for z_k, yhat_k, y_k in zip(z, yhat, y, strict=True):
        if loss == "poisson":
            terms.append(rounded(yhat_k - rounded(y_k * z_k)))
        elif activation == "sigmoid":
            above = rounded((z_k if not z_k <= 0 else 0.0) - rounded(y_k * z_k))
            terms.append(rounded(above + functions["log1p"](functions["exp"](-abs(z_k)))))
        elif y_k > 0:
            below = rounded(rounded(top - z_k) + functions["log"](whole))
            terms.append(rounded(y_k * below))
        else:
            terms.append(0.0)
    total = terms[0]
    for term in terms[1:]:
        total = rounded(total + term)
    return total


def exponentials(z: Vector, functions: Functions, rounded: Rounding) -> tuple[float, Vector, float]:
    """The largest sum, the exponentials of the sums less that, and what these add up to."""
    top = z[0]
    for z_k in z[1:]:
        top = z_k if top < z_k else top
    e = [functions["exp"](rounded(z_k - top)) for z_k in z]
    whole = e[0]
    for e_k in e[1:]:
        whole = rounded(whole + e_k)
    return top, e, whole


def forward(
    weights: list[Matrix],
    biases: Matrix,
    activations: Sequence[str],
    x: Vector,
    functions: Functions,
    rounded: Rounding = float,
) -> tuple[list[Vector], list[Vector]]:
    """Return each layer's values, the inputs being the first, and each layer's sums z."""
    values, sums = [x], []
    for W, b, activation in zip(weights, biases, activations, strict=True):
        z = [rounded(dot(unit, values[-1], rounded) + bias) for unit, bias in zip(W, b, strict=True)]
        sums.append(z)
        if activation == "softmax":
            _, e, whole = exponentials(z, functions, rounded)
            share = rounded(1.0 / whole)
            values.append([rounded(e_k * share) for e_k in e])
        else:
            values.append([rounded(activate(activation, z_k, functions, rounded)) for z_k in z])
    return values, sums


def leak_of(activation: str) -> float | None:
    """What is let through of a sum at or below 0, of an activation that has a gate, else None."""
    kind, setting = named(activation)
    return {"relu": 0.0, "leaky_relu": 0.01 if setting is None else setting}.get(kind)


def named(activation: str) -> tuple[str, float | None]:
    """An activation's name and its setting: leaky_relu(0.1)."""
    kind, _, setting = activation.partition("(")
    return kind, float(setting.removesuffix(")")) if setting else None


def activate(activation: str, z: float, functions: Functions, rounded: Rounding = float) -> float:
    """The unit's value f(z). A NaN stays a NaN."""
    leak = leak_of(activation)
    if leak is not None:
        return z if not z <= 0 else rounded(rounded(leak) * z) if leak else 0.0
    match named(activation)[0]:
        case "identity":
            return z
        case "elu":
            return exponential(z, 1.0, rounded(alpha_of(activation)), functions, rounded)
        case "selu":
            return exponential(z, rounded(SCALE), rounded(LIMIT), functions, rounded)
        case "softplus":
            return rounded((0.0 if z <= 0 else z) + functions["log1p"](functions["exp"](-abs(z))))
        case "sine":
            return functions["sin"](z)
        case "exponential":
            return functions["exp"](z)
        case "silu":
            return rounded(z * functions["sigmoid"](z))
        case "gelu_tanh":
            return rounded(z * gelu_gate(z, functions, rounded))
        case "softsign":
            return rounded(z / rounded(1.0 + abs(z)))
        case "gaussian":
            return functions["exp"](-rounded(z * z))
        case "square":
            return rounded(z * z)
    return functions[activation](z)


# SELU: its slope above 0, and minus its limit below.
SCALE, LIMIT = 1.0507009873554805, 1.7580993408473766


def alpha_of(activation: str) -> float:
    """ELU's setting."""
    _, alpha = named(activation)
    return 1.0 if alpha is None else alpha


def exponential(z: float, scale: float, limit: float, functions: Functions, rounded: Rounding) -> float:
    """scale*z above 0, limit*(exp(z) - 1) below. A NaN stays a NaN."""
    return rounded(limit * functions["expm1"](z)) if z <= 0 else rounded(scale * z)


def gelu_gate(z: float, functions: Functions, rounded: Rounding) -> float:
    """The sigmoid of twice GELU's argument of tanh, sqrt(2/pi)*(z + 0.044715*z**3)."""
    cube = rounded(rounded(z * z) * z)
    inner = rounded(z + rounded(rounded(0.044715) * cube))
    return functions["sigmoid"](rounded(rounded(1.5957691216057308) * inner))


def through(
    s: Vector, activation: str, values: Vector, sums: Vector, functions: Functions, rounded: Rounding
) -> Vector:
    """Take deltas back through an activation: through a gate (shut at 0), or times the slope."""
    if activation == "identity":
        return s
    leak = leak_of(activation)
    if leak is not None:
        shut = [rounded(s_k * rounded(leak)) if leak else 0.0 for s_k in s]
        return [s_k if z > 0 else less for s_k, less, z in zip(s, shut, sums, strict=True)]
    slopes = [slope(activation, z, h, functions, rounded) for z, h in zip(sums, values, strict=True)]
    return [rounded(s_k * f) for s_k, f in zip(s, slopes, strict=True)]


def slope(activation: str, z: float, h: float, functions: Functions, rounded: Rounding) -> float:
    """The derivative f'(z) of an activation without a gate, where f(z) is h."""
    match named(activation)[0]:
        case "elu":
            return 1.0 if z > 0 else rounded(h + rounded(alpha_of(activation)))
        case "selu":
            return rounded(SCALE) if z > 0 else rounded(h + rounded(LIMIT))
        case "softplus":
            return -functions["expm1"](-h)
        case "sine":
            return functions["cos"](z)
        case "tanh":
            return rounded(1.0 - rounded(h * h))
        case "sigmoid":
            return rounded(h * rounded(1.0 - h))
        case "silu":
            p = functions["sigmoid"](z)
            return rounded(p + rounded(h * rounded(1.0 - p)))
        case "gelu_tanh":
            p = gelu_gate(z, functions, rounded)
            q = rounded(h * rounded(1.0 - p))
            inner = rounded(q + rounded(rounded(0.134145) * rounded(rounded(q * z) * z)))
            return rounded(p + rounded(rounded(1.5957691216057308) * inner))
        case "softsign":
            left = rounded(1.0 - abs(h))
            return rounded(left * left)
        case "exponential":
            return h
        case "gaussian":
            return rounded(-2.0 * rounded(z * h))
        case "square":
            return rounded(2.0 * z)
    raise ValueError(activation)


def at(
    moves: tuple[list[Matrix], Matrix, tuple[Move, Move]], layer: int
) -> tuple[Matrix, Vector, tuple[Move, Move]]:
    """The states of one layer, and how weights and biases move."""
    weights, biases, move = moves
    return weights[layer], biases[layer], move


def update(
    W: Matrix,
    b: Vector,
    s: Vector,
    inputs: Vector,
    rounded: Rounding,
    moves: tuple[Matrix, Vector, tuple[Move, Move]],
) -> None:
    """Move the weights of one layer by s*a and its biases by s, in place; states too."""
    V, c, (on_weights, on_biases) = moves
    for unit, s_k in enumerate(s):
        for j, a in enumerate(inputs):
            W[unit][j], V[unit][j] = on_weights(W[unit][j], V[unit][j], rounded(s_k * a))
        b[unit], c[unit] = on_biases(b[unit], c[unit], s_k)


def gather(rounded: Rounding) -> Move:
    """A parameter stays where it is; what is kept beside it grows by the change."""

    def gathering(p: float, gathered: State, change: float) -> tuple[float, State]:
        return p, (rounded(gathered[0] + change),)

    return gathering


def with_penalties(
    w: float, change: float, factor: float, penalties: Settings, rows: int, rounded: Rounding
) -> float:
    """A weight's gradient with its penalties, or its change, where `factor` is minus the learning rate.

    l2 is divided by `rows`.
    """
    for name, pulls in {"l2": w, "l1": float(w > 0) - float(w < 0)}.items():
        if name in penalties:
            pull = rounded(factor * rounded(penalties[name]))
            pull = rounded(pull / rounded(rows)) if name == "l2" else pull
            change = rounded(change + rounded(pull * pulls))
    return change


def decaying(move: Move, rate: float, decay: float, rounded: Rounding) -> Move:
    """A move of a weight that has decayed before."""

    def moved(w: float, state: State, change: float) -> tuple[float, State]:
        return move(rounded(w - rounded(rounded(rate * rounded(decay)) * w)), state, change)

    return moved if decay else move


def penalising(
    move: Move, folded: float | None, rate: float, penalties: Settings, rows: int, rounded: Rounding
) -> Move:
    """A move of a weight under penalties; `folded` is minus the learning rate where it is given a change.

    The optimizer moves a weight that has decayed, by a gradient with the penalties on the weight before that.
    """
    factor = 1.0 if folded is None else folded
    decayed = decaying(move, rate, penalties.get("decay", 0.0), rounded)

    def moved(w: float, state: State, change: float) -> tuple[float, State]:
        return decayed(w, state, with_penalties(w, change, factor, penalties, rows, rounded))

    return moved if penalties else move


def limit(
    weights: list[Matrix],
    gathered: tuple[list[Matrix], Matrix],
    penalties: Settings,
    rows: int,
    clip: float,
    folded: float | None,
    rounded: Rounding,
) -> None:
    """Add the penalties to the gradients of weights, and shorten all gradients whose norm is above `clip`.

    In place; `folded`, minus the learning rate, makes changes of them.
    """
    squares, vectors = 0.0, []
    for W, G in zip(weights, gathered[0], strict=True):
        for unit, g in zip(W, G, strict=True):
            for i, w in enumerate(unit):
                g[i] = (with_penalties(w, g[i][0], 1.0, penalties, rows, rounded),)
            vectors.append(g)
    vectors += gathered[1]
    for g in vectors:
        for (value,) in g:
            squares = rounded(squares + rounded(value * value))
    norm = rounded(math.sqrt(squares))
    scale = rounded(rounded(clip) / norm) if norm > rounded(clip) else 1.0
    for g in vectors:
        for i, (value,) in enumerate(g):
            limited = rounded(scale * value)
            g[i] = (limited if folded is None else rounded(folded * limited),)


def move_all(weights, biases, gathered, states, moves) -> None:
    """Move all parameters by what the rows of a batch add up to, in place; states too."""
    on_weights, on_biases = moves
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        changes, kept = (parts[0][layer] + [parts[1][layer]] for parts in (gathered, states))
        for p, change, state in zip([*W, b], changes, kept, strict=True):
            move = on_biases if p is b else on_weights
            for i in range(len(p)):
                p[i], state[i] = move(p[i], state[i], change[i][0])


# Each gives what an output with the error d adds to the loss, and its derivative divided by the factor.


def squared(given: Settings, functions: Functions, rounded: Rounding, d: float) -> tuple[float, float]:
    """d*d, with the factor 2."""
    return rounded(d * d), d


def absolute(given: Settings, functions: Functions, rounded: Rounding, d: float) -> tuple[float, float]:
    """The size of d; the derivative at 0 is 0."""
    return abs(d), sign_of(d)


def huber(given: Settings, functions: Functions, rounded: Rounding, d: float) -> tuple[float, float]:
    """d*d up to delta, then 2*delta*|d| - delta*delta, with the factor 2."""
    size, delta = abs(d), given["delta"]
    if size > delta:
        line = rounded(rounded(delta * size) + rounded(delta * rounded(size - delta)))
        return line, math.copysign(delta, d)
    return rounded(d * d), d


def log_cosh(given: Settings, functions: Functions, rounded: Rounding, d: float) -> tuple[float, float]:
    """log(cosh(d)), by exponentials of -|d| alone."""
    size = abs(d)
    if size <= 1:
        q = functions["expm1"](-size)
        term = functions["log1p"](rounded(rounded(q * q) / rounded(2.0 + rounded(2.0 * q))))
    else:
        rest = functions["log1p"](functions["exp"](rounded(-2.0 * size)))
        term = rounded(rounded(size - rounded(math.log(2.0))) + rest)
    return term, functions["tanh"](d)


def quantile(given: Settings, functions: Functions, rounded: Rounding, d: float) -> tuple[float, float]:
    """An error below 0 costs tau, one above it 1 - tau; the derivative at 0 is 0."""
    above = rounded(1.0 - given["tau"])
    if d < 0:
        return rounded(-given["tau"] * d), -given["tau"]
    return rounded(above * d), above if d > 0 else d


def sign_of(d: float) -> float:
    """1, -1, or d itself where that is 0 or NaN."""
    return 1.0 if d > 0 else -1.0 if d < 0 else d


LOSSES = {
    "squared": (squared, 2.0),
    "absolute": (absolute, 1.0),
    "huber": (huber, 2.0),
    "log_cosh": (log_cosh, 1.0),
    "quantile": (quantile, 1.0),
}

# Each gives the state with which a parameter begins, and for every update how parameters move. The learning
# rate, which may be another one in every epoch, stands with the settings.


def sgd(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """The parameter plus its change; there is no state."""
    return (), repeat(lambda p, state, change: (rounded(p + change), state))


def momentum(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """v = momentum*v + change, then p + v."""

    def move(p: float, state: State, change: float) -> tuple[float, State]:
        v = rounded(rounded(given["momentum"] * state[0]) + change)
        return rounded(p + v), (v,)

    return (0.0,), repeat(move)


def nesterov(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """v = momentum*v + change, then p + (momentum*v + change) with the new v."""

    def move(p: float, state: State, change: float) -> tuple[float, State]:
        v = rounded(rounded(given["momentum"] * state[0]) + change)
        return rounded(p + rounded(rounded(given["momentum"] * v) + change)), (v,)

    return (0.0,), repeat(move)


def rmsprop(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """v = rho*v + (1 - rho)*g*g, then p - rate*g/(sqrt(v) + eps)."""
    rest = rounded(1.0 - given["rho"])

    def move(p: float, state: State, g: float) -> tuple[float, State]:
        v = rounded(rounded(given["rho"] * state[0]) + rounded(rest * rounded(g * g)))
        below = rounded(rounded(math.sqrt(v)) + given["eps"])
        return rounded(p - rounded(rounded(given["learning_rate"] * g) / below)), (v,)

    return (0.0,), repeat(move)


def adagrad(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """a = a + g*g, then p - rate*g/(sqrt(a) + eps)."""

    def move(p: float, state: State, g: float) -> tuple[float, State]:
        a = rounded(state[0] + rounded(g * g))
        below = rounded(rounded(math.sqrt(a)) + given["eps"])
        return rounded(p - rounded(rounded(given["learning_rate"] * g) / below)), (a,)

    return (given["initial_sum"],), repeat(move)


def adam(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """The paper's, with alpha and eps_t once an update."""
    beta1, beta2 = given["beta1"], given["beta2"]
    rest1, rest2 = rounded(1.0 - beta1), rounded(1.0 - beta2)

    def moves() -> Iterator[Move]:
        power1 = power2 = 1.0
        while True:
            power1, power2 = rounded(power1 * beta1), rounded(power2 * beta2)
            root = rounded(math.sqrt(rounded(1.0 - power2)))
            alpha = rounded(rounded(given["learning_rate"] * root) / rounded(1.0 - power1))
            eps = given["eps"] if given["eps_hat"] else rounded(given["eps"] * root)
            yield partial(move, alpha, eps)

    def move(alpha: float, eps: float, p: float, state: State, g: float) -> tuple[float, State]:
        m = rounded(rounded(beta1 * state[0]) + rounded(rest1 * g))
        v = rounded(rounded(beta2 * state[1]) + rounded(rest2 * rounded(g * g)))
        below = rounded(rounded(math.sqrt(v)) + eps)
        return rounded(p - rounded(rounded(alpha * m) / below)), (m, v)

    return (0.0, 0.0), moves()


def irprop_minus(given: Settings, rounded: Rounding) -> tuple[State, Iterator[Move]]:
    """A step of a size of its own, by the gradient's sign; none, and no gradient kept, where it turns."""

    def move(p: float, state: State, g: float) -> tuple[float, State]:
        size, last = state
        turn = rounded(g * last)
        if turn > 0:
            size = min(rounded(size * given["up"]), given["most"])
        if turn < 0:
            size, g = max(rounded(size * given["down"]), given["least"]), 0.0
        if g == 0:
            return p, (size, g)
        return rounded(p - size if g > 0 else p + size), (size, g)

    return (given["delta0"], 0.0), repeat(move)


OPTIMIZERS = {each.__name__: each for each in (sgd, momentum, nesterov, rmsprop, adagrad, adam)}
OPTIMIZERS["irprop-"] = irprop_minus
GRADIENTS = ("rmsprop", "adagrad", "adam", "irprop-")


def dot(left: Sequence[float], right: Sequence[float], rounded: Rounding) -> float:
    """left_1*right_1 + left_2*right_2 + ... from left to right; begins with the first product, not with 0."""
    products = [rounded(a * b) for a, b in zip(left, right, strict=True)]
    total = products[0]
    for product in products[1:]:
        total = rounded(total + product)
    return total


def split(layers: Sequence[int], parameters: Sequence[float]) -> tuple[list[Matrix], Matrix]:
    """Turn flat parameters into ``weights[layer][unit][input]`` and ``biases[layer][unit]``, copied."""
    rest = list(parameters)

    def take(count: int) -> Vector:
        taken = rest[:count]
        del rest[:count]
        return taken

    weights = [[take(inputs) for _ in range(units)] for inputs, units in pairwise(layers)]
    return weights, [take(units) for units in layers[1:]]


def join(weights: list[Matrix], biases: Matrix) -> Vector:
    """Flatten weights and biases again: the inverse of `split`."""
    return [w for W in weights for unit in W for w in unit] + [b for layer in biases for b in layer]


def predict(
    layers: Sequence[int],
    activations: Sequence[str],
    parameters: Sequence[float],
    X: Sequence[Sequence[float]],
    functions: Functions | None = None,
    *,
    rounded: Rounding = float,
) -> Matrix:
    """Return the outputs for each row."""
    weights, biases = split(layers, [rounded(p) for p in parameters])
    chosen = FUNCTIONS if functions is None else functions
    rows = [[rounded(x) for x in row] for row in X]
    return [forward(weights, biases, activations, row, chosen, rounded)[0][-1] for row in rows]
