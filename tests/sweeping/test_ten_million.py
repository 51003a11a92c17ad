"""Pictures and pages of sweeps of any size: drawn from counts, or from so many of the networks."""

import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.sweeping import dead_units
from fastnn.sweeping.tables import MemoryTable
from fastnn.training import evaluating

plotting = pytest.importorskip("fastnn.plotting", reason='needs pip install "fastnn-sweep[plot]"')
named_curves = sys.modules["fastnn.plotting.named_curves"]
tables = sys.modules["fastnn.plotting.tables"]

NET = fastnn.Network((1, 1, 1))
DATA = fastnn.Dataset.from_frame(pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) ** 2}), ["a"], "b")
MOST_BYTES = 600_000_000  # beside the sweep of ten million, which takes 500 MB itself


def made_up(networks):
    """A sweep over two learning rates and two numbers of rows, of which no network was trained."""
    options = {"learning_rate": [0.01, 0.02], "rows": [10, 50], "dtype": "float32", "engine": "batched"}
    few = fastnn.sweep(NET, DATA.X, DATA.y, networks=1, epochs=2, curves=True, progress=False, **options)
    design = replace(few.design, grid=replace(few.grid, starts=networks // 4))
    random = np.random.default_rng(0)
    parameters = random.normal(0, 1.5, (networks, 4)).astype(np.float32)
    loss = random.lognormal(-3, 0.3, networks).astype(np.float32)
    diverged = np.where(np.arange(networks) % 17, 0, 2).astype(np.int32)
    loss[diverged > 0] = parameters[diverged > 0] = np.nan
    columns = {"network": np.arange(networks), "loss": loss, "loss_all_rows": loss, "diverged": diverged}
    columns["curve"] = np.column_stack([2 * loss, loss])
    return replace(few, design=design, table=MemoryTable(few.table.names, parameters, columns))


def drawn(draw, folder):
    figure, ax = plotting.new_figure()
    draw(ax)
    plotting.save(figure, folder / "picture.png")


def test_more_curves_than_can_be_told_apart_are_not_made(monkeypatch):
    monkeypatch.setattr(named_curves, "_curves", lambda *_: pytest.fail("they were made"))
    with pytest.raises(fastnn.InputError, match="loss_curves draws 1 to 500 curves; got 1000"):
        plotting.loss_curves(made_up(1000))


def test_a_fan_is_of_so_many_networks_and_says_so(monkeypatch):
    sweep = made_up(4000)
    every = tables.fan(sweep)
    assert not every["curves"].str.contains("evenly").any()
    monkeypatch.setattr(tables, "MOST_IN_A_FAN", 500)
    some = tables.fan(sweep)
    assert some["curves"].str.endswith(", 500 starts evenly spaced").all()
    chosen = np.linspace(0, 999, 500).astype(int)
    first = np.sort(np.nan_to_num(sweep.curves[chosen, 0], nan=np.inf))
    assert some["50 %"].iloc[0] == first[249]
    np.testing.assert_allclose(some["50 %"], every["50 %"], rtol=0.05)


def test_quantiles_of_many_curves_are_sorted_few_epochs_at_a_time(monkeypatch):
    values = np.random.default_rng(0).normal(size=(50, 7))
    values[3, 2] = np.nan
    at_once = tables.worst_last_quantiles(values)
    monkeypatch.setattr(tables, "SORTED_AT_ONCE", 100)
    np.testing.assert_array_equal(tables.worst_last_quantiles(values), at_once)


def test_dead_units_are_looked_for_in_few_networks_at_a_time(monkeypatch):
    sweep = made_up(1000)
    every = sweep.dead_units()
    seen = []
    look = dead_units.dead_units
    monkeypatch.setattr(dead_units, "dead_units", lambda *some: seen.append(len(some[1])) or look(*some))
    monkeypatch.setattr(dead_units, "AT_ONCE", 64)
    np.testing.assert_array_equal(sweep.dead_units(), every)
    assert max(seen) <= 64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dead_gates_are_those_that_are_shut_row_by_row(dtype):
    random = np.random.default_rng(1)
    large = {"float32": 1e37, "float64": 1e307}[dtype]
    for inputs, units, rows in ((1, 1, 1), (2, 2, 40), (3, 4, 200)):
        net = fastnn.Network((inputs, units, 1))
        for size in (1, large, 1e-3, 0):
            X = (random.normal(size=(rows, inputs)) * size).astype(dtype)
            scale = random.choice([1, large, 1e-5], (60, 1))
            parameters = (random.normal(size=(60, net.n_parameters)) * scale).astype(dtype)
            parameters[random.random(parameters.shape) < 0.02] = np.inf
            parameters[::7] = np.nan
            with np.errstate(all="ignore"):
                expected = evaluating._shut_row_by_row(net, parameters, X, [0])
                found = evaluating.dead_gates(net, parameters, X)
            expected[::7] = False
            np.testing.assert_array_equal(found, expected)


def test_dead_gates_are_looked_for_on_few_rows(monkeypatch):
    asked = []
    by_row = evaluating._shut_row_by_row
    monkeypatch.setattr(
        evaluating,
        "_shut_row_by_row",
        lambda *some: asked.append(some[1][:, 0].size * len(some[2])) or by_row(*some),
    )
    X, parameters = np.random.default_rng(2).random((1000, 1)), np.random.default_rng(3).normal(size=(100, 4))
    evaluating.dead_gates(NET, parameters, X)
    assert sum(asked) <= 100 * 32


def test_networks_without_hidden_layers_have_no_gates():
    net = fastnn.Network((1, 1))
    assert evaluating.dead_gates(net, np.ones((3, 2)), np.ones((4, 1))).shape == (3, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")  # its pictures are drawn by themselves
def test_pictures_and_the_page_of_ten_million_networks_need_little_memory(tmp_path):
    sweep = made_up(10_000_000)
    for draw in (
        lambda: drawn(lambda ax: plotting.sweep_histogram(sweep, ax), tmp_path),
        lambda: drawn(lambda ax: plotting.dead_units(sweep, ax), tmp_path),
        lambda: drawn(lambda ax: plotting.fan(sweep, ax), tmp_path),
        lambda: fastnn.report(sweep, DATA, tmp_path / "page"),
        lambda: (str(sweep), sweep._repr_html_()),
    ):
        tracemalloc.start()
        draw()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_BYTES
