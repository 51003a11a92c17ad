"""Whether units are shut on every row: found out by boxes of rows, as if every row had been looked at."""

import numpy as np
import pytest
from comparing import DTYPES
from hypothesis import given, settings
from hypothesis import strategies as st

import fastnn
from fastnn.engines.batched import forward
from fastnn.training import gates
from fastnn.training.gates import Rows


def sums_row_by_row(units, X):
    """The weighted sums (u, N) as the engines make them."""
    network = fastnn.Network((X.shape[1], 1))
    return forward(network, str(X.dtype))(units, X)[-1][0]


def some_units(X, units, random):
    """Units whose hyperplanes lie among the rows, beside them and exactly on them."""
    found = random.normal(size=(units, X.shape[1] + 1)).astype(X.dtype)
    largest = sums_row_by_row(np.where(np.arange(X.shape[1] + 1) < X.shape[1], found, 0), X).max(axis=1)
    found[::3, -1] = -largest[::3]
    found[1::3, -1] = np.nextafter(-largest[1::3], np.inf)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400), st.integers(1, 12), st.sampled_from(DTYPES), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_as_if_every_row_had_been_looked_at(rows, inputs, dtype, whole, seed):
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, inputs)).astype(dtype)
    X = np.round(2 * X) if whole else X  # many rows alike, and zeros of both signs
    units = some_units(X, 60, random)
    units = np.round(units) if whole else units
    assert (Rows(X).all_shut(units) == (sums_row_by_row(units, X) <= 0).all(axis=1)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_on_the_hyperplane_and_a_rounding_beyond(dtype):
    random = np.random.default_rng(1)
    X = random.uniform(size=(500, 3)).astype(dtype)
    shut = Rows(X).all_shut(some_units(X, 600, random))
    assert shut[::3].sum() > 150  # on it; where adding the bias rounds, some are beyond
    assert shut[::3].sum() > shut[1::3].sum()


def test_pieces(monkeypatch):
    random = np.random.default_rng(2)
    X = random.uniform(size=(300, 2))
    units = some_units(X, 100, random)
    expected = Rows(X).all_shut(units)
    monkeypatch.setattr(gates, "SUMS_AT_ONCE", 40)
    assert (Rows(X).all_shut(units) == expected).all()
    assert 0 < expected.sum() < 100


def test_a_sum_that_is_not_a_number_is_no_death():
    units = np.array([[np.nan, 1.0], [-1.0, 0.0], [1.0, -1.0], [-1.0, np.nan]])
    assert Rows(np.ones((4, 1))).all_shut(units).tolist() == [False, True, True, False]


def test_sums_that_overflow():
    huge = np.finfo(float).max
    units = np.array([[huge, huge, -1.0], [-huge, -huge, 1.0], [-huge, huge, -1.0], [huge, -huge, huge]])
    X = np.array([[2.0, 2.0], [3.0, 3.0]])
    assert Rows(X).all_shut(units).tolist() == [False, True, False, False]


def test_no_units():
    assert Rows(np.ones((3, 2))).all_shut(np.empty((0, 3))).shape == (0,)


def test_the_weighted_sums_are_those_of_the_engines():
    random = np.random.default_rng(3)
    X, units = random.normal(size=(50, 4)), random.normal(size=(20, 5))
    assert gates._weighted_sums(units, X.T).tobytes() == sums_row_by_row(units, X).tobytes()


@pytest.mark.parametrize("layers", [(2, 1), (2, 3)])
def test_networks_without_hidden_layers_have_none(layers):
    network = fastnn.Network(layers)
    X, Y = [[0, 1], [1, 0.5]], np.zeros((2, layers[1]))
    sweep = fastnn.sweep(network, X, Y, networks=3, epochs=1, engine="batched")
    assert sweep.dead_units().tolist() == [0, 0, 0]
    assert sweep.replay(1).quiet.units.tolist() == [0]


def test_dead_units_are_looked_at_on_few_rows(monkeypatch):
    counted, weighted_sums = [], gates._weighted_sums

    def counting(units, values):
        found = weighted_sums(units, values)
        counted.append(found.size)
        return found

    monkeypatch.setattr(gates, "_weighted_sums", counting)
    random = np.random.default_rng(4)
    X = random.uniform(size=(4096, 2))
    units = np.column_stack([random.uniform(-2, -1, (100, 2)), random.uniform(0, 1e-3, 100)])
    assert Rows(X).all_shut(units).sum() > 90
    assert sum(counted) < 0.1 * len(X) * len(units)
