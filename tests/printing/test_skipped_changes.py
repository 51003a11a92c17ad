"""The changes of a shut unit that the engine `loop` skips: which they are, and that no bit depends on it."""

import numpy as np
import pytest
from pairing import later_but_pairs

import fastnn
from fastnn.core.derivation import derive
from fastnn.core.expressions import Symbol
from fastnn.core.recipe import Recipe
from fastnn.engines import loop
from fastnn.engines.compiling import run_source
from fastnn.printing import scalars

SMALL, WIDE = fastnn.Network((2, 2, 1)), fastnn.Network((2, 24, 1))  # written out, in loops
DEEP = fastnn.Network((2, 3, 2, 1))


def skipped(network, optimizer, batch_size):
    """What a shut gate skips: the kinds and layers of its equations."""
    derivation = derive(network, optimizer=optimizer, batch_size=batch_size)
    gates = {equation: scalars.gate_of(derivation, equation) for equation in derivation}
    for equation, gate in gates.items():
        assert gate in (None, Symbol("z", 1, equation.target.indices[:1]))  # that of its own unit
    return {(equation.kind, equation.layer) for equation, gate in gates.items() if gate is not None}


@pytest.mark.parametrize("network", [SMALL, WIDE, DEEP], ids=repr)
class TestWhich:
    """A row's own changes, of the first layer; never the move of an optimizer that remembers others."""

    @pytest.mark.parametrize("optimizer", fastnn.core.optimizers.OPTIMIZERS)
    def test_in_batches_what_the_row_adds_to_the_sums(self, network, optimizer):
        assert skipped(network, optimizer, 2) == {("gradient", 1)}

    def test_one_row_at_a_time_the_update_itself(self, network):
        assert skipped(network, "sgd", 1) == {("update", 1)}

    @pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
    def test_one_row_at_a_time_nothing_of_what_coasts(self, network, optimizer):
        assert skipped(network, optimizer, 1) == set()


@pytest.mark.parametrize("hidden", ["tanh", "leaky_relu", "identity"])
@pytest.mark.parametrize("size", [1, 2])
def test_units_that_are_never_shut_have_no_gate(hidden, size):
    assert skipped(fastnn.Network((2, 2, 1), hidden), "sgd", size) == set()


@pytest.mark.parametrize(
    ("network", "sums"), [(SMALL, "gw1 += s1*x1"), (WIDE, "Gw1[j, i] += S1[j]*X[row, i]")]
)
def test_in_batches_updates_stand_outside(network, sums):
    lines = loop.source(
        network, "float64", derive(network, optimizer="momentum", batch_size=2).rule
    ).splitlines()
    depth = {line.strip(): len(line) - len(line.lstrip()) for line in lines}
    gate = next(n for n, line in enumerate(lines) if line.strip().startswith("if ") and "> 0.0:" in line)
    assert depth[sums] > depth[lines[gate].strip()]
    after = lines[[line.strip() for line in lines].index("# updates") :]
    assert not any(line.strip().startswith("if ") and "> 0" in line for line in after)


def trained(network, optimizer, batch_size, monkeypatch, gate_of):
    """The bits after three epochs of the loop's source with these gates; most units are shut on many rows."""
    monkeypatch.setattr(scalars, "gate_of", gate_of)
    recipe, draw = Recipe.of(network, optimizer=optimizer, batch_size=batch_size), np.random.default_rng(3)
    advance = run_source(loop.source(network, "float64", recipe.rule))["advance"]
    state = recipe.begun(draw.normal(size=(6, network.n_parameters)))
    state[:2, network.slices[0][1]] = -0.3
    state[2, network.slices[0][1]] = -50  # all of them shut on every row
    X = draw.normal(size=(11, network.n_inputs))
    X[::3] = 0.0
    X[1::3, 0] = -0.0
    Y, totals = draw.normal(size=(11, 1)), np.zeros((6, 3))
    settings = recipe.settings(np.full(6, 0.02))
    advance(state, X, Y, settings, totals, *((batch_size,) if batch_size > 1 else ()))
    assert np.isfinite(state).all()
    return state.tobytes() + totals.tobytes()


def update_gates(derivation, equation):
    """Wrong for what coasts: the moves of a parameter and of its velocity are skipped."""
    if equation.kind in ("state", "update") and equation.layer == 1:
        return Symbol("z", 1, equation.target.indices[:1])
    return None


class TestBits:
    @pytest.mark.parametrize(
        ("optimizer", "size", "network"),
        later_but_pairs([*fastnn.core.optimizers.OPTIMIZERS], [1, 2, 4], [SMALL, WIDE, DEEP]),
        ids=str,
    )
    def test_skipping_changes_none(self, monkeypatch, network, optimizer, size):
        skipping = trained(network, optimizer, size, monkeypatch, scalars.gate_of)
        assert skipping == trained(network, optimizer, size, monkeypatch, lambda *_: None)

    @pytest.mark.parametrize("network", [SMALL, WIDE], ids=repr)
    def test_a_move_that_is_skipped_would_show(self, monkeypatch, network):
        right = trained(network, "momentum", 1, monkeypatch, scalars.gate_of)
        assert right != trained(network, "momentum", 1, monkeypatch, update_gates)
