"""A sweep over rows that have weights: replays, numbers of rows, workers, stores, and the page."""

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

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

__all__ = ["store"]  # a fixture

EPOCHS = 4
ROWS = len(X)
WEIGHTS = np.array([1.0, 1.0, 1.0, *np.random.default_rng(2).gamma(1.0, 3.0, ROWS - 3)])
WEIGHTS[5] = 0.0


def swept(sample_weight=WEIGHTS, **changes):
    """A small sweep with weights."""
    options = {"networks": 6, "epochs": EPOCHS, "learning_rate": [0.01, 0.1], "progress": False, "workers": 1}
    return fastnn.sweep(NET, X, Y, sample_weight=sample_weight, **(options | {"engine": "batched"} | changes))


class TestBits:
    @pytest.mark.parametrize("within", ["epoch", "batch"])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_every_network_as_trained_alone(self, within, dtype):
        how = {
            "weights_within": within,
            "dtype": dtype,
            "batch_size": 5,
            "shuffle": True,
            "engine": "batched",
        }
        sweep = swept(**how)
        for number in (0, 5, 9):
            start = fastnn.normal(0, 1.5).draw(NET, [number % 6], 0)[0]
            rate = [0.01, 0.1][number // 6]
            alone = fastnn.train(
                NET, X, Y, start, learning_rate=rate, epochs=EPOCHS, sample_weight=WEIGHTS, **how
            )
            assert sweep.parameters[number].tobytes() == alone.parameters.tobytes()
            assert sweep.loss[number] == alone.loss
            assert sweep.replay(number).loss_curve.tobytes() == alone.loss_curve.tobytes()

    def test_those_of_workers(self):
        with ThreadPoolExecutor(1) as pool:  # which is handed the same bytes as a process
            assert swept(executor=pool).digest() == swept().digest() != swept(None).digest()

    def test_equal_weights_are_none(self):
        assert swept(np.full(ROWS, 0.1)).digest() == swept(None).digest()

    def test_some_of_the_rows_have_their_own_mean(self):
        """The first 3 rows count alike, which is to have no weights."""
        found = swept(rows=[3, 7, ROWS])
        for place, rows in enumerate([3, 7, ROWS]):
            alone = swept(WEIGHTS, rows=rows)
            cut = fastnn.sweep(
                NET, X[:rows], Y[:rows], networks=6, epochs=EPOCHS, learning_rate=[0.01, 0.1],
                progress=False, engine="batched", sample_weight=WEIGHTS[:rows],
            )  # fmt: skip
            some = [n for n in range(36) if found.grid.cell_of(n)["rows"] == rows]
            assert len(some) == 12, place
            assert found.parameters[some].tobytes() == alone.parameters.tobytes() == cut.parameters.tobytes()
            assert found.replay(some[0]).parameters.tobytes() == alone.parameters[0].tobytes()

    @pytest.mark.parametrize("within", ["epoch", "batch"])
    def test_the_loss_on_all_rows_has_weights(self, within):
        found = swept(rows=[3, ROWS], weights_within=within)
        for number in (0, 23):
            lost = (found.replay(number).predict(X) - Y) ** 2
            expected = (WEIGHTS * lost).sum() / WEIGHTS.sum()
            assert found.frame().loss_all_rows[number] == pytest.approx(expected, rel=1e-12)

    def test_the_loss_on_validation_rows_has_none(self):
        found = swept(validation=(X[:4], Y[:4]))
        lost = (found.replay(3).predict(X[:4]) - Y[:4]) ** 2
        assert found.frame().validation_loss[3] == pytest.approx(lost.mean(), rel=1e-12)


def test_first_rows_that_do_not_count_are_refused():
    weights = np.array([0.0, 0.0, 0.0] + [1.0] * (ROWS - 3))
    with pytest.raises(fastnn.InputError, match="got 0 for all of the first 3 rows"):
        swept(weights, rows=[3, ROWS])
    assert len(swept(weights, rows=[4, ROWS])) == 24


class TestStored:
    def test_they_are_kept_and_read(self, store):
        made = swept(store=store, weights_within="batch", batch_size=5)
        opened = fastnn.open(store)
        assert np.array_equal(opened.plan.weights.values, WEIGHTS)
        assert opened.plan.weights.within == "batch"
        assert opened.replay(8).parameters.tobytes() == made.parameters[8].tobytes()
        assert swept(store=store, weights_within="batch", batch_size=5).ran == 0
        assert Manifest.of(opened.design, 0).plan == Manifest.of(made.design, 0).plan
        assert pd.read_parquet(next(store.glob("inputs/weights-*")))["w1"].tolist() == WEIGHTS.tolist()

    def test_a_store_goes_on_with_more_networks(self, store):
        swept(store=store, dtype="float32")
        more = swept(store=store, dtype="float32", networks=9)
        assert more.digest() == swept(networks=9, dtype="float32").digest()

    @pytest.mark.parametrize(
        "other",
        [{"sample_weight": None}, {"sample_weight": WEIGHTS[::-1]}, {"weights_within": "batch"}],
        ids=["none", "others", "within"],
    )
    def test_other_weights_are_another_sweep(self, store, other):
        swept(store=store)
        with pytest.raises(
            fastnn.InputError, match=r"store must be of the same sweep; .*sample_weight is .* there and"
        ):
            swept(**{"store": store} | other)

    def test_a_store_without_them_is_as_it_was(self, store):
        swept(None, store=store)
        assert "sample_weight" not in json.loads((store / "manifest.json").read_text())["plan"]
        assert not [*store.glob("inputs/weights-*")]

    def test_damaged_ones_are_found_and_set_right(self, store):
        swept(store=store)
        path = next(store.glob("inputs/weights-*"))
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
        with pytest.raises(StoreError, match="is damaged"):
            fastnn.open(store)
        swept(store=store)
        assert np.array_equal(fastnn.open(store).plan.weights.values, WEIGHTS)
        assert [*Store.at(store).faults()] == []

    @pytest.mark.parametrize(
        "told",
        [
            None,
            WEIGHTS.tolist(),
            {"within": "epoch"},
            {"within": "row", "sha256": "0" * 64},
            {"within": "epoch", "sha256": "0"},
            {"within": "epoch", "sha256": "0" * 64, "more": 1},
        ],
        ids=str,
    )
    def test_forged_ones(self, store, told):
        swept(store=store)
        path = store / "manifest.json"
        plain = unsealed(path.read_bytes(), "manifest.json")
        path.write_bytes(sealed(plain | {"plan": plain["plan"] | {"sample_weight": told}}))
        with pytest.raises(StoreError, match=r"manifest\.json must describe a sweep"):
            fastnn.open(store)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("within", ["epoch", "batch"])
def test_its_page_says_what_is_needed_to_train_again(within):
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y})
    data = fastnn.Dataset.from_frame(frame, ["a", "b"], "c")
    sweep = fastnn.sweep(
        NET, data, sample_weight=WEIGHTS, weights_within=within, networks=5, epochs=EPOCHS, engine="batched",
        progress=False,
    )  # fmt: skip
    text = sweep_page(sweep, data).html()
    assert f"sample_weight = ...  # those of the sweep, {ROWS} numbers" in text
    assert f"sample_weight=sample_weight[:{ROWS}]" in text
    assert ("weights_within=" in text) == (within == "batch")
