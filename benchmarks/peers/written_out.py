"""One training step written out, one line for every value: the best form for scalars and for pointwise code.

The lines hold only arithmetic, so Python's floats, NumPy's arrays and PyTorch's tensors can all run them. The
caller gives the text of a ReLU and of its gate.
"""

import numpy as np


def step_lines(network, relu, gate):
    """The lines of one step, from x1.. and y1.., the parameters by their names, and `step`.

    Parameters
    ----------
    network : fastnn.Network with hidden layers of ReLU
    relu : str
        A hidden unit's value, such as "max({z}, 0.0)".
    gate : str
        The value passed back through a hidden unit, such as "{s} if {z} > 0.0 else 0.0".
    """
    layers = network.split(np.array(network.parameter_names, object))
    values = [[f"x{i + 1}" for i in range(network.n_inputs)]]
    lines = []
    for layer, (W, b) in enumerate(layers, start=1):
        z = [f"z{layer}_{j + 1}" for j in range(len(b))]
        lines += [f"{t} = {_dot(w, values[-1])} + {bias}" for t, w, bias in zip(z, W, b, strict=True)]
        if layer < len(layers):
            lines += [f"h{t} = {relu.format(z=t)}" for t in z]
        values.append([f"h{t}" for t in z] if layer < len(layers) else z)
    deltas = [f"s{len(layers)}_{k + 1}" for k in range(network.n_outputs)]
    lines += [f"{s} = step*({values[-1][k]} - y{k + 1})" for k, s in enumerate(deltas)]
    updates = []
    for layer, (W, b) in reversed(list(enumerate(layers, start=1))):
        updates += [
            f"{w} = {w} + {s}*{a}"
            for s, unit in zip(deltas, W, strict=True)
            for w, a in zip(unit, values[layer - 1], strict=True)
        ]
        updates += [f"{bias} = {bias} + {s}" for bias, s in zip(b, deltas, strict=True)]
        if layer > 1:
            below = [f"s{layer - 1}_{j + 1}" for j in range(W.shape[1])]
            back = [f"({_dot(column, deltas)})" for column in W.T]
            z = [f"z{layer - 1}_{j + 1}" for j in range(W.shape[1])]
            lines += [f"{s} = {gate.format(s=t, z=n)}" for s, t, n in zip(below, back, z, strict=True)]
            deltas = below
    return lines + updates


def function(head, parts, names=None):
    """Compile a function from its head and the parts of its body; each part is (depth, lines)."""
    text = "\n".join([head, *("    " * depth + line for depth, lines in parts for line in lines)])
    found = dict(names or {})
    exec(compile(text, "<written out>", "exec"), found)  # noqa: S102 - printed above
    return found[head.removeprefix("def ").partition("(")[0]]


def names_of(letter, count):
    """The names x1, x2, with a comma after each, for an assignment from a row."""
    return "".join(f"{letter}{i + 1}, " for i in range(count)).rstrip()


def _dot(left, right):
    return " + ".join(f"{a}*{b}" for a, b in zip(left, right, strict=True))
