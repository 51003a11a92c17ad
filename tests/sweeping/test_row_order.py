"""A sweep in an explicit order of the rows: replays, workers, stores, and the page."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from small_sweeps import NET, X, Y, store

import fastnn
from fastnn.reporting.sweep_page import sweep_page
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import Manifest, sealed, unsealed
from fastnn.training.randomness import permutations

__all__ = ["store"]  # a fixture

EPOCHS = 4
ROWS = len(X)
ORDER = np.random.default_rng(2).permuted(np.tile(np.arange(ROWS), (EPOCHS, 1)), axis=1)


def swept(row_order=ORDER, **changes):
    """A small sweep in an order."""
    options = {"networks": 6, "epochs": EPOCHS, "learning_rate": [0.01, 0.1], "progress": False, "workers": 1}
    return fastnn.sweep(NET, X, Y, row_order=row_order, **(options | changes))


class TestBits:
    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    def test_every_network_as_trained_alone(self, engine):
        sweep = swept(engine=engine)
        for number in (0, 5, 9):
            start = fastnn.normal(0, 1.5).draw(NET, [number % 6], 0)[0]
            rate = [0.01, 0.1][number // 6]
            alone = fastnn.train(NET, X, Y, start, learning_rate=rate, epochs=EPOCHS, row_order=ORDER)
            assert sweep.parameters[number].tobytes() == alone.parameters.tobytes()
            assert sweep.replay(number).loss_curve.tobytes() == alone.loss_curve.tobytes()

    def test_those_of_a_shuffle_that_draws_it(self):
        drawn = permutations(5, range(EPOCHS), ROWS)
        assert swept(drawn, seed=5).digest() == swept(None, shuffle=True, seed=5).digest()
        assert swept(drawn, seed=5).digest() != swept(ORDER, seed=5).digest()

    def test_with_several_optimizers(self):
        both = swept(optimizer=["sgd", "momentum"], engine="batched")  # which compiles nothing
        for place, optimizer in enumerate(["sgd", "momentum"]):
            alone = swept(optimizer=optimizer, engine="batched").parameters
            assert both.parameters[12 * place : 12 * place + 12].tobytes() == alone.tobytes()
            assert both.replay(12 * place + 3).parameters.tobytes() == alone[3].tobytes()

    def test_those_of_workers(self):
        with ThreadPoolExecutor(1) as pool:  # which is handed the same bytes as a process
            assert swept(executor=pool).digest() == swept().digest()

    def test_on_some_of_the_rows(self):
        few = np.array([[2, 0, 1], [0, 1, 2], [1, 2, 0], [2, 1, 0]])
        found = swept(few, rows=3)
        assert (
            found.digest()
            == fastnn.sweep(
                NET,
                X[:3],
                Y[:3],
                row_order=few,
                networks=6,
                epochs=EPOCHS,
                learning_rate=[0.01, 0.1],
                progress=False,
            ).digest()
        )
        assert found.replay(7).parameters.tobytes() == found.parameters[7].tobytes()

    def test_several_numbers_of_rows_are_refused(self):
        with pytest.raises(
            fastnn.InputError, match=r"one number of rows; got rows=\[3, 12\]\. Sweep over each"
        ):
            swept(rows=[3, 12])


class TestStored:
    def test_it_is_kept_and_read(self, store):
        made = swept(store=store)
        opened = fastnn.open(store)
        assert np.array_equal(opened.plan.order.rows, ORDER)
        assert opened.replay(8).parameters.tobytes() == made.parameters[8].tobytes()
        assert swept(store=store).ran == 0
        assert Manifest.of(opened.design, 0).plan == Manifest.of(made.design, 0).plan
        kept = pd.read_parquet(next(store.glob("inputs/order-*")))
        assert kept["r1"].tolist() == ORDER.ravel().tolist()

    def test_a_store_goes_on_with_more_networks(self, store):
        swept(store=store)
        assert swept(store=store, networks=9).digest() == swept(networks=9).digest()

    @pytest.mark.parametrize("other", [None, ORDER[::-1]], ids=["none", "another"])
    def test_another_order_is_another_sweep(self, store, other):
        swept(store=store)
        with pytest.raises(
            fastnn.InputError, match=r"store must be of the same sweep; .*row_order is .* there and"
        ):
            swept(other, store=store)

    def test_a_store_without_one_is_as_it_was(self, store):
        swept(None, store=store)
        assert "row_order" not in json.loads((store / "manifest.json").read_text())["plan"]
        assert not [*store.glob("inputs/order-*")]

    def test_a_damaged_one_is_found_and_set_right(self, store):
        swept(store=store)
        path = next(store.glob("inputs/order-*"))
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged"):
            fastnn.open(store)
        swept(store=store)
        assert np.array_equal(fastnn.open(store).plan.order.rows, ORDER)
        assert [*Store.at(store).faults()] == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"row_order": None},
            {"row_order": ORDER.tolist()},
            {"row_order": {"sha256": "0"}},
            {"row_order": {"sha256": "0" * 64, "more": 1}},
            {"shuffle": True},
            {"rows": [3, 12], "losses": ["loss", "loss_all_rows"]},
        ],
        ids=str,
    )
    def test_forged_ones(self, store, changes):
        swept(store=store)
        path = store / "manifest.json"
        plain = unsealed(path.read_bytes(), "manifest.json")
        path.write_bytes(sealed(plain | {"plan": plain["plan"] | changes}))
        with pytest.raises(StoreError, match=r"manifest\.json must describe a sweep"):
            fastnn.open(store)


@pytest.mark.usefixtures("undrawn")
def test_its_page_says_what_is_needed_to_train_again():
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y})
    data = fastnn.Dataset.from_frame(frame, ["a", "b"], "c")
    sweep = fastnn.sweep(
        NET, data, row_order=ORDER, networks=5, epochs=EPOCHS, engine="batched", progress=False
    )
    text = sweep_page(sweep, data).html()
    assert f"row_order = ...  # that of the sweep, of shape ({EPOCHS}, {ROWS})" in text
    assert "row_order=row_order" in text
