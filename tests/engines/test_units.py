"""The engine `units` gives the bits of `loop` whatever the layers, the rule, and the registers."""

from dataclasses import replace

import numpy as np
import pytest
from comparing import DTYPES, by_reference, differences, quiet, random_case, run

from fastnn.core.activations import ACTIVATIONS
from fastnn.core.derivation import derived
from fastnn.core.losses import LOSSES, goes_with
from fastnn.core.network import Network
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.core.recipe import Recipe
from fastnn.core.rule import PLAIN
from fastnn.engines import choose, forms, lanes, loop, units
from fastnn.engines.compiling import run_source
from fastnn.engines.fewest import fewest
from fastnn.printing import units_in_phases
from fastnn.printing.unit_memory import spans_of
from fastnn.printing.units_row_by_row import RowByRow

AVX2, AVX512 = forms.Registers(16, 32), forms.Registers(32, 64)
HALVES = forms.Registers(32, 64, halves=True)
SEVERAL = Network((3, 50, 9, 6), ("sigmoid", "tanh"))  # a layer in several of AVX2's vectors, many outputs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("registers", [AVX2, AVX512, HALVES], ids=str)
def test_layers_of_several_vectors_and_many_outputs(registers, dtype, monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: registers)
    source, case = units.source(SEVERAL, dtype), random_case(SEVERAL, dtype)
    assert ("for v in range(" in source) == (registers is AVX2)
    kernel = quiet(run_source(source)["advance"])
    assert not differences(run(kernel, case), by_reference(case))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("registers", [AVX2, AVX512, HALVES], ids=str)
@pytest.mark.parametrize(
    "layers", [(3, 5, 1), (5, 16, 1), (8, 37, 1), (10, 100, 1), (3, 9, 7, 33, 1)], ids=str
)
def test_terms_of_the_output_are_added_along_with_the_layer_before(layers, registers, dtype, monkeypatch):
    """In vectors that are full, and a last one that is not."""
    monkeypatch.setattr(forms, "registers", lambda: registers)
    network = Network(layers)
    source, case = units.source(network, dtype), random_case(network, dtype)
    assert "yhat = plus_lanes(yhat, " in source
    kernel = quiet(run_source(source)["advance"])
    assert not differences(run(kernel, case), by_reference(case))


@pytest.mark.parametrize("registers", [AVX2, AVX512, HALVES], ids=str)
@pytest.mark.parametrize(
    "network",
    [Network((4, 16, 1), "tanh"), Network((4, 16, 2)), Network((25, 16, 1)), Network((3, 1))],
    ids=["function", "two outputs", "many inputs", "no hidden layer"],
)
def test_but_only_where_that_is_faster(network, registers, monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: registers)
    assert "plus_lanes" not in units.source(network, "float64")


def random_job(seed, batched):
    """A network, a rule and what a kernel is given, of any kinds that go together."""
    draw = np.random.default_rng(seed)
    layers = tuple(map(int, draw.integers(1, draw.choice([4, 12, 40]), draw.integers(2, 5))))
    kinds = [*ACTIVATIONS, *["softmax"] * 4 * (layers[-1] > 1)]
    network = Network(
        layers, tuple(map(str, draw.choice([*ACTIVATIONS], len(layers) - 2))), draw.choice(kinds)
    )
    optimizer = draw.choice([*OPTIMIZERS])
    asked = {
        "loss": draw.choice([name for name, loss in LOSSES.items() if goes_with(loss, network.output)]),
        "optimizer": optimizer,
        "batch_size": int(draw.integers(2, 12)) if batched else 1,
    }
    asked |= {name: 0.01 for name in ("l2", "l1") if draw.random() < 0.3}
    asked |= {"decay": 0.01} if optimizer != "irprop-" and draw.random() < 0.2 else {}
    asked |= {"clip": 0.5} if batched and draw.random() < 0.3 else {}
    recipe = Recipe.of(network, **asked)
    rule = replace(recipe.rule, weighted=bool(draw.random() < 0.3))
    networks, rows = draw.integers(1, 4), draw.integers(1, 30)
    X, Y = draw.normal(size=(rows, layers[0])), draw.random((rows, layers[-1]))
    if network.output == "softmax":
        Y[:] = np.eye(layers[-1])[draw.integers(0, layers[-1], rows)]
    dtype = draw.choice(DTYPES)
    rates = draw.uniform(0.001, 0.05, networks).astype(dtype)
    state = recipe.begun(draw.normal(0, 0.6, (networks, network.n_parameters)).astype(dtype))
    coefficients = [draw.uniform(0.5, 2, rows).astype(dtype)] * rule.weighted
    given = (state, X.astype(dtype), Y.astype(dtype), *coefficients, recipe.settings(rates))
    return network, dtype, rule, given, [asked["batch_size"]] * rule.batched


@pytest.mark.parametrize("registers", [AVX2, AVX512, HALVES], ids=str)
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 24), marks=pytest.mark.slow)], ids=str)
def test_random_jobs(seeds, batched, registers, monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: registers)
    finite = 0
    for seed in seeds:
        network, dtype, rule, (state, *given), batch = random_job([seed, registers.size], batched)
        ends = []
        for engine in (loop, units):
            found, totals = state.copy(), np.zeros((len(state), 3), dtype)
            quiet(run_source(engine.source(network, dtype, rule))["advance"])(found, *given, totals, *batch)
            ends.append((found, totals))
        (one, expected), (other, losses) = ends
        sound = np.isfinite(expected).all(axis=1)
        assert (np.isfinite(losses).all(axis=1) == sound).all(), seed
        assert one[sound].tobytes() == other[sound].tobytes(), seed
        assert expected[sound].tobytes() == losses[sound].tobytes(), seed
        finite += sound.sum()
    assert finite > len(seeds)


@pytest.mark.parametrize("batch", [7, 15, 37])  # less than a block of 8 rows; two blocks; two tiles
@pytest.mark.parametrize("registers", [AVX2, AVX512, HALVES], ids=str)
@pytest.mark.parametrize(("output", "weighted"), [("softmax", True), ("identity", False)])
def test_rows_left_over_that_take_the_last_lanes_are_counted_once(
    output, weighted, registers, batch, monkeypatch
):
    """The last block of a batch repeats rows of the one before it."""
    monkeypatch.setattr(forms, "registers", lambda: registers)
    monkeypatch.setattr(units_in_phases, "MOST_BLOCKS", 4)
    network, draw = Network((4, 7, 3), "relu", output), np.random.default_rng(5)
    loss = {"softmax": "cross_entropy", "identity": "squared"}[output]
    recipe = Recipe.of(network, loss=loss, optimizer="adam", batch_size=batch)
    rule, X = replace(recipe.rule, weighted=weighted), draw.normal(size=(37, 4))
    given = [X, np.eye(3)[np.arange(37) % 3], *[draw.uniform(0.5, 2, 37)] * weighted]
    state, ends = recipe.begun(draw.normal(0, 0.6, (1, network.n_parameters))), []
    for engine in (loop, units):
        source, found, totals = engine.source(network, "float64", rule), state.copy(), np.zeros((1, 2))
        advance = quiet(run_source(source)["advance"])
        advance(found, *given, recipe.settings(np.full(1, 0.01)), totals, batch)
        ends.append((found.tobytes(), totals.tobytes()))
    rows = 4 if registers is AVX2 else 8
    assert f"row = min(tile + at, whole - {rows})" in source
    assert ends[0] == ends[1]


def test_lanes_left_over_stay_zero(monkeypatch):
    """By a sigmoid a sum of 0 is 1/2: units that are not there would train like others."""
    monkeypatch.setattr(forms, "registers", lambda: AVX512)
    network = Network((2, 3, 1), "sigmoid")
    source, case = units.source(network, "float64"), random_case(network, networks=1)
    advance = run_source(f"{source.replace('memory = ', 'memory = seen = ')}    return seen")["advance"]
    memory = advance(case.parameters.copy(), case.X, case.Y, case.settings, np.zeros((1, 3)))
    parameters = RowByRow(derived(network, PLAIN), "float64", spans_of(network, 8, 1)).memory.stride
    assert np.count_nonzero(memory[:parameters]) == network.n_parameters


@pytest.mark.parametrize(
    ("layers", "dtype", "registers", "vector", "expected"),
    [
        ((10, 20, 1), "float64", HALVES, 16, 8),
        ((10, 32, 1), "float64", HALVES, 16, 16),  # two registers a value
        ((10, 32, 1), "float32", HALVES, 32, 16),
        ((20, 40, 1), "float32", HALVES, 16, 8),  # one register a value
        ((4, 16, 16, 1), "float32", HALVES, 16, 8),
        ((10, 32, 1), "float32", AVX2, 16, 8),
        ((20, 40, 1), "float64", AVX2, 4, 4),
    ],
)
def test_how_many_networks_are_worth_a_call_of_lanes(layers, dtype, registers, vector, expected, monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: registers)
    assert fewest(Network(layers), dtype, PLAIN, vector) == expected


@pytest.mark.parametrize(
    ("layers", "asked", "networks", "engine"),
    [
        ((2, 2, 1), {}, 1, "loop"),
        ((2, 2, 1), {}, 2, "lanes"),
        ((10, 32, 1), {}, 1, "units"),
        ((10, 32, 1), {}, 1000, "lanes"),
        ((10, 32, 32, 1), {}, 1000, "units"),  # `lanes` has its hidden matrices in the second cache
        ((10, 32, 32, 1), {"batch_size": 32}, 1000, "lanes"),
        ((10, 64, 64, 1), {"batch_size": 32}, 1000, "units"),
        ((4, 16, 16, 1), {}, 1000, "lanes"),
        ((2, 4, 1), {"batch_size": 32, "optimizer": "adam"}, 1, "units"),
    ],
)
def test_auto_takes_it_for_one_network_unless_very_small_and_for_many_that_are_wide(
    layers, asked, networks, engine, monkeypatch
):
    monkeypatch.setattr(forms, "registers", lambda: AVX512)
    monkeypatch.setattr(lanes, "call_sizes", lanes.call_sizes.__wrapped__)  # keeps nothing of this
    network = Network(layers)
    assert choose("auto", network, "float64", networks, Recipe.of(network, **asked).rule) == engine
