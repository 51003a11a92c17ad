"""Plain Python: one network, with floats in local variables and a step written out line by line."""

import numpy as np

from peers.forms import Form
from peers.written_out import function, names_of, step_lines


def forms(problem, kind):
    return [Form("floats, written out", (1,), prepare, rows=2000 if len(problem.layers) > 3 else None)]


def prepare(problem, networks):
    network = problem.network
    parameters = ", ".join(network.parameter_names)
    row = f"({names_of('x', network.n_inputs)}), ({names_of('y', network.n_outputs)})"
    advance = function(
        "def advance(parameters, rows, step, epochs):",
        [
            (1, [f"{parameters} = parameters", "for _ in range(epochs):"]),
            (2, [f"for {row} in rows:"]),
            (3, step_lines(network, "0.0 if {z} <= 0.0 else {z}", "{s} if {z} > 0.0 else 0.0")),
            (1, [f"return [{parameters}]"]),
        ],
    )
    rows = list(zip(problem.X.tolist(), problem.Y.tolist(), strict=True))

    def train(starts, epochs):
        return np.array([advance(start, rows, float(problem.step), epochs) for start in starts.tolist()])

    return train
