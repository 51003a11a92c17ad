"""A sweep with a learning rate given for each epoch: replays, workers, stores, pages, and what is refused."""

from html import unescape

import numpy as np
import pandas as pd
import pytest
from small_sweeps import NET, X, Y, store

import fastnn
from fastnn.commands.cli import main
from fastnn.reporting.sweep_page import sweep_page
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.manifest import sealed, unsealed
from fastnn.sweeping.work.tasks import compute, results_of, task

__all__ = ["store"]  # a fixture

RATES = [0.01, 0.1, 0.0, 0.05]
EPOCHS = len(RATES)


def swept(schedule=RATES, **changes):
    options = {"networks": 4, "rows": [3, len(X)], "epochs": EPOCHS, "engine": "batched", "progress": False}
    return fastnn.sweep(NET, X, Y, schedule=schedule, **(options | changes))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_network_as_trained_alone(dtype):
    sweep = swept(np.array(RATES), dtype=dtype)
    for number, rows in ((1, 3), (6, len(X))):
        start = fastnn.normal(0, 1.5).draw(NET, [number % 4], 0)[0]
        options = {"epochs": EPOCHS, "engine": "batched", "dtype": dtype, "schedule": RATES}
        alone = fastnn.train(NET, X[:rows], Y[:rows], start, **options)
        again = sweep.replay(number)
        assert sweep.parameters[number].tobytes() == again.parameters.tobytes() == alone.parameters.tobytes()
        assert again.given_rates.tolist() == np.array(RATES, dtype).tolist()
    assert set(sweep.frame()["learning_rate"]) == {np.array(RATES, dtype)[0]}


def test_those_of_a_schedule_are_that_schedule():
    halves = [0.08, 0.04, 0.02, 0.01]
    by_name = swept(fastnn.schedules.Exponential(gamma=0.5), learning_rate=0.08)
    assert by_name.parameters.tobytes() == swept(halves).parameters.tobytes()


def test_a_worker_has_them():
    design = swept().design
    numbers = Numbers.of(2, 7)
    results = results_of(compute(task(design, 0, "float32"), 2, 7), numbers, design, 0, "float32")
    assert results["loss"].tolist() == swept().loss[2:7].tolist()


def test_what_is_told():
    sweep = swept()
    assert "a learning rate given for each epoch" in repr(sweep)
    assert "a learning rate given for each epoch" in sweep._repr_html_()


class TestStore:
    def test_it_keeps_them(self, store, capsys):
        assert swept(store=store).digest() == swept().digest()
        assert fastnn.open(store).replay(5).loss == swept().loss[5]
        assert len(swept(store=store, networks=6)) == 12
        assert main(["store", "verify", str(store)]) == 0
        with pytest.raises(fastnn.InputError, match="epoch_rates is "):
            swept([0.01, 0.1, 0.0, 0.06], store=store)

    @pytest.mark.parametrize(
        "change",
        [
            {"learning_rate": [0.01, 0.02]},
            {"schedule": [{"schedule": "exponential", "gamma": 0.5, "warmup": 0.0}]},
            {"epoch_rates": {"sha256": "x"}},
            {"epoch_rates": {}},
        ],
    )
    def test_a_forged_plan_is_refused(self, store, change):
        swept(store=store)
        path = store / "manifest.json"
        plain = unsealed(path.read_bytes(), "manifest.json")
        path.write_bytes(sealed(plain | {"plan": plain["plan"] | change}))
        with pytest.raises(StoreError, match=r"manifest\.json must describe a sweep"):
            fastnn.open(store)


def test_the_page_says_what_to_give(undrawn):
    data = fastnn.Dataset.from_frame(pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y}), ["a", "b"], "c")
    options = {"epochs": EPOCHS, "engine": "batched", "progress": False}
    html = unescape(sweep_page(fastnn.sweep(NET, data, networks=2, schedule=RATES, **options), data).html())
    assert "schedule=rates, epochs=4" in html
    assert "rates = ...  # those of the sweep, of shape (4,)" in html


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schedule": [RATES, RATES]}, r"one learning rate for each epoch in a sweep.*\(2, 4\)"),
        ({"schedule": RATES, "learning_rate": 0.1}, "learning_rate must be left out where schedule has"),
        ({"schedule": [0.0, 0.1, 0.1, 0.1]}, "schedule must begin with a learning rate above 0"),
        ({"schedule": [0.1, 0.1]}, r"schedule must have a learning rate for each of 4 epochs, shape \(4,\)"),
        ({"schedule": [0.1, -0.1, 0.1, 0.1]}, "schedule must have learning rates from 0 on"),
        ({"schedule": RATES, "optimizer": "irprop-"}, "schedule must be left out for irprop-"),
        ({"schedule": RATES, "optimizer": ["sgd", "irprop-"]}, "schedule must be left out for irprop-"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(fastnn.InputError, match=message):
        swept(**given)
