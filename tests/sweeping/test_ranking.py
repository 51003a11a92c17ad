"""Which networks of a sweep are the best: by losses over the same rows, whatever they were trained on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import reference
from comparing import DTYPES, reference_functions
from hypothesis import given
from hypothesis import strategies as st
from pairing import pairwise
from small_sweeps import DRAW, GRID, NET, X, Y, store, swept  # noqa: F401 - a fixture
from uncompiled import run_as_plain_python

import fastnn
from fastnn.sweeping.store.manifest import Manifest
from fastnn.training import measuring
from fastnn.training import plan as planning

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

OTHER_X, OTHER_Y = DRAW.normal(size=(5, 2)), DRAW.normal(size=5)
VALIDATION = (OTHER_X, OTHER_Y)

# For sweeps on one number of rows, the digests of the table and of the plan without its rule, as they were
# before other sweeps got a further loss.
BEFORE = {
    "plain": (
        {"rows": 12},
        "3f3b43c87f51056509b0d69b78a41dee5f24ff3138d1821d2421702f0e917a33",
        "b6000f198d15eb26bf9be0ad9ad2eddf11834518c4b472ba7b9fe05417b21812",
    ),
    "float32": (
        {"rows": 12, "dtype": "float32"},
        "7264d481a1d0fbcdef6d7cb8c0760646f8deb5eb94c2cb6c0238e5c7a22bfd00",
        "a8501f0031674b416596246b17b64361217ad2394cce3fe5fefef4569f71e01d",
    ),
    "some rows, shuffled": (
        {"rows": 5, "shuffle": True, "seed": 7},
        "b78012f67d9ef7d9c9551f8c148993efebf235740aa379994239e871e2103503",
        "ab9d1311a946d4a13e107d945785a832123daa98a2f0a9ab8604c7b6a69f6580",
    ),
    "tanh": (
        {"rows": [12], "network": fastnn.Network((2, 3, 1), "tanh")},
        "f46ace2455b203c53b3d51d0adc7f5a1cd98eb692d228d4d388fc1a0844cebd3",
        "1a034d6d4958ad052fbbce12c8f1e0e6de31a5fbc72b63cf843d765ddab68f41",
    ),
}


OPTIONS = {"validation": VALIDATION, "dtype": "float32"}

NETWORKS = {
    "2-2-1": (NET, 1),
    "three outputs, two layers": (fastnn.Network((2, 3, 2, 3), ("tanh", "sigmoid")), 3),
}


def plain_loss(network, parameters, rows, targets, dtype):
    """The loss of one network in plain Python: row by row, over the outputs, divided by N once."""
    rounded = float if dtype == "float64" else reference.to_float32
    rows, targets = rows.astype(dtype).tolist(), targets.reshape(len(rows), -1).astype(dtype).tolist()
    functions = reference_functions(dtype)
    answers = reference.predict(
        network.layers, network.activations, parameters.tolist(), rows, functions, rounded=rounded
    )
    total = 0.0
    for answer, target in zip(answers, targets, strict=True):
        d = [rounded(yhat - y) for yhat, y in zip(answer, target, strict=True)]
        total = rounded(total + reference.dot(d, d, rounded))
    return rounded(total / len(rows))


class TestArithmetic:
    """The losses that are measured: the same bits as row by row in plain Python."""

    @pytest.mark.parametrize(("kind", "dtype", "engine"), pairwise([*NETWORKS], DTYPES, [*fastnn.ENGINES]))
    def test_the_plain_reference(self, kind, dtype, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        network, outputs = NETWORKS[kind]
        y, other = DRAW.normal(size=(12, outputs)), DRAW.normal(size=(5, outputs))
        options = {"networks": 3, "rows": [5, 12], "learning_rate": [0.02], "epochs": 4}
        sweep = swept(
            network=network, y=y, dtype=dtype, engine=engine, validation=(OTHER_X, other), **options
        )
        for place, parameters in enumerate(sweep.parameters):
            assert sweep.loss_all_rows[place] == plain_loss(network, parameters, X, y, dtype)
            assert sweep.validation_loss[place] == plain_loss(network, parameters, OTHER_X, other, dtype)
        assert {sweep.loss_all_rows.dtype, sweep.validation_loss.dtype} == {np.dtype(dtype)}

    def test_it_is_not_numpys_mean(self):
        """Pairwise sums have other bits: the tests here would see them."""
        rows = DRAW.normal(size=(1000, 2))
        y = DRAW.normal(size=1000)
        sweep = swept(x=rows, y=y, rows=[3, 1000], networks=20, epochs=2, learning_rate=0.01)
        pairwise = ((sweep.predict(rows) - y) ** 2).mean(axis=1)
        assert np.allclose(sweep.loss_all_rows, pairwise, rtol=1e-12)
        assert (sweep.loss_all_rows != pairwise).any()
        exact = [plain_loss(NET, parameters, rows, y, "float64") for parameters in sweep.parameters]
        assert sweep.loss_all_rows.tolist() == exact

    def test_it_is_of_all_rows_in_their_order_where_training_shuffles(self):
        sweep = swept(shuffle=True, learning_rate=0.02)
        for place in (0, 41):
            expected = plain_loss(NET, sweep.parameters[place], X, Y, "float64")
            assert sweep.loss_all_rows[place] == expected

    @given(st.integers(1, 5), st.integers(1, 40))
    def test_it_does_not_depend_on_which_networks_are_measured_together(self, rows, networks):
        plan = planning.Plan.of(NET, X, Y, 1, "lanes", "float64")
        job = plan.measuring(plan.X[:rows], plan.Y[:rows])
        parameters = fastnn.normal(0, 1.5).draw(NET, range(networks), 0)
        together = measuring.measured(job, parameters)
        alone = [measuring.measured(job, parameters[m : m + 1])[0] for m in range(networks)]
        assert together.tobytes() == np.array(alone).tobytes()

    def test_networks_are_left_as_they_are(self):
        plan = planning.Plan.of(NET, X, Y, 1, "auto", "float64")
        parameters = fastnn.normal(0, 1.5).draw(NET, range(5), 0)
        before = parameters.copy()
        measuring.measured(plan.measuring(plan.X, plan.Y), parameters)
        assert parameters.tobytes() == before.tobytes()

    def test_a_hidden_value_that_overflows_is_no_divergence(self):
        """0 times infinity is NaN, were the network trained on; as it is, it answers with a finite number."""
        network = fastnn.Network((1, 1, 1, 1), ("relu", "tanh"))
        plan = planning.Plan.of(network, [1e10], [0.5], 1, "auto", "float64")
        parameters = np.array([[1e300, 1.0, 1.0, 0.0, 0.0, 0.0]])
        with np.errstate(over="ignore"):
            assert measuring.measured(plan.measuring(plan.X, plan.Y), parameters).tolist() == [0.25]


class TestRule:
    """`best` ranks by a loss over the same rows."""

    def test_a_sweep_on_one_number_of_rows_ranks_by_its_loss(self):
        sweep = swept(rows=5)
        assert (sweep.ranked_by, sweep.loss_all_rows, sweep.validation_loss) == ("loss", None, None)
        assert "loss_all_rows" not in sweep.frame()

    def test_on_different_rows_by_the_loss_over_all_rows(self):
        sweep = swept(learning_rate=[0.01, 0.05], networks=60)
        ok = np.flatnonzero(sweep.diverged == 0)
        ranked = sorted(ok, key=lambda n: sweep.loss_all_rows[n])
        assert sweep.ranked_by == "loss_all_rows"
        assert sweep.best(9)["network"].tolist() == ranked[:9]
        assert sweep.best(9, by="loss_all_rows").equals(sweep.best(9))
        by_loss = sorted(ok, key=lambda n: sweep.loss[n])
        assert sweep.best(9, by="loss")["network"].tolist() == by_loss[:9]
        assert sweep.grid.column("rows", by_loss[0]) == 3  # which the few rows win
        assert by_loss[0] != ranked[0]

    def test_the_best_fits_all_rows_best(self):
        data = fastnn.load_insurance(simulated=True)
        sweep = fastnn.sweep(NET, data.X, data.y, networks=200, rows=[30, 1338], epochs=50)
        best = ((sweep.predict(data.X) - data.y) ** 2).mean(axis=1).argmin()
        assert sweep.best(1)["network"].tolist() == [best]
        assert sweep.best(1, by="loss")["network"].tolist() != [best]

    def test_validation_ranks_before_all_others(self):
        for rows in ([12], [3, 12]):
            sweep = swept(rows=rows, validation=VALIDATION, learning_rate=0.02)
            assert sweep.ranked_by == "validation_loss"
            assert sweep.best(1)["network"].tolist() == [sweep.validation_loss.argmin()]
            columns = ["loss", *["loss_all_rows"] * (len(rows) > 1), "validation_loss"]
            assert list(sweep.frame().columns[3 : 4 + len(columns)]) == [*columns, "status"]

    def test_a_dataset_may_be_the_validation(self):
        frame = fastnn.generate_train_data(20, seed=3)
        data = fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3")
        sweep = swept(rows=12, validation=data)
        pair = swept(rows=12, validation=(data.X, data.y))
        assert sweep.digest() == pair.digest()

    @pytest.mark.parametrize("by", ["validation_loss", "r2", 1, True])
    def test_only_by_a_loss_that_there_is(self, by):
        with pytest.raises(fastnn.InputError, match="by must be one of 'loss', 'loss_all_rows'; got"):
            swept().best(by=by)
        with pytest.raises(fastnn.InputError, match="by must be one of 'loss', 'loss_all_rows'; got"):
            swept().quantiles(by=by)

    @pytest.mark.parametrize(
        ("validation", "text"),
        [
            ((OTHER_X[:, :1], OTHER_Y), "validation X has 1 column but the network has 2 inputs"),
            ((OTHER_X, OTHER_Y[:3]), "validation X and y must have the same number of rows; got 5 and 3"),
            ((OTHER_X, OTHER_Y[:, None] * [1, 1]), "validation y has 2 columns but the network has 1 out"),
            ((OTHER_X, OTHER_Y * np.nan), "validation y must be finite"),
            (OTHER_X, "validation must be a pair"),
            (False, "validation must be a pair .X, y., a Dataset, or a fraction; got False"),
        ],
    )
    def test_rows_that_do_not_fit_are_refused(self, validation, text):
        with pytest.raises(fastnn.InputError, match=text):
            swept(validation=validation)

    def test_diverged_networks_have_no_loss_and_never_rank(self):
        sweep = swept(validation=VALIDATION)
        diverged = sweep.diverged > 0
        assert 0 < diverged.sum() < len(sweep)
        for losses in (sweep.loss_all_rows, sweep.validation_loss):
            assert np.isnan(losses[diverged]).all()
        assert not set(sweep.best(84)["network"]) & set(np.flatnonzero(diverged))

    def test_a_loss_beyond_the_largest_number_never_ranks(self):
        """Finite parameters, and one row so far out that its error squared is infinite."""
        far = (np.array([[1e200, 0.0], [1.0, 1.0]]), np.zeros(2))
        with pytest.warns(fastnn.ScaleWarning):
            sweep = swept(learning_rate=0.01, validation=far)
        assert (sweep.diverged == 0).all()
        finite = np.isfinite(sweep.validation_loss)
        assert 0 < finite.sum() < len(sweep)
        assert np.isnan(sweep.validation_loss[~finite]).all()
        assert set(sweep.best(84)["network"]) == set(np.flatnonzero(finite))
        assert np.isfinite(sweep.summary()["best validation_loss"]).all()

    def test_filters_and_columns_know_the_losses(self):
        sweep = swept(validation=VALIDATION, learning_rate=0.02)
        limit = float(np.median(sweep.loss_all_rows))
        found = sweep.frame(["network", "validation_loss"], [("loss_all_rows", "<", limit)])
        assert found["network"].tolist() == np.flatnonzero(sweep.loss_all_rows < limit).tolist()
        assert found["validation_loss"].tolist() == sweep.validation_loss[found["network"]].tolist()

    def test_parts_keep_them(self):
        sweep = swept(validation=VALIDATION, learning_rate=0.02)
        part = sweep.part([3, 40])
        assert part.loss_all_rows.tolist() == sweep.loss_all_rows[[3, 40]].tolist()
        assert part.best(1)["network"].tolist() == [[3, 40][part.validation_loss.argmin()]]

    def test_summaries_compare_cells(self):
        sweep = swept(learning_rate=[0.01, 0.02], validation=VALIDATION)
        summary, cells = sweep.summary(), [sweep.only(cell) for cell in sweep.grid.cells()]
        assert summary["best"].tolist() == [cell.loss.min() for cell in cells]
        assert summary["best loss_all_rows"].tolist() == [cell.loss_all_rows.min() for cell in cells]
        assert summary["best validation_loss"].tolist() == [cell.validation_loss.min() for cell in cells]
        middle = sweep.quantiles([0.5], by="validation_loss")["50 %"].tolist()
        assert middle == [np.median(cell.validation_loss) for cell in cells]
        assert sweep.quantiles([0.5])["50 %"].tolist() == [np.median(cell.loss) for cell in cells]


class TestEverywhere:
    """The same losses, to the bit, whoever trains the networks, wherever the rows lie."""

    def digest(self):
        return swept(**OPTIONS).digest()

    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    def test_engines(self, engine):
        options = OPTIONS | {"dtype": "float64"}  # whose kernels other tests compile
        assert swept(engine=engine, **options).digest() == swept(**options).digest()

    def test_threads_and_blocks(self):
        assert swept(workers=3, **OPTIONS).digest() == self.digest()

    def test_executors(self):
        with ThreadPoolExecutor(2) as pool:
            assert swept(executor=pool, **OPTIONS).digest() == self.digest()

    def test_stores(self, store):  # noqa: F811
        stored, memory = swept(store=store, **OPTIONS), swept(**OPTIONS)
        opened = fastnn.open(store)
        assert stored.digest() == opened.table_digest() == memory.digest()
        assert opened.ranked_by == "validation_loss"
        assert opened.best(5).equals(memory.best(5))
        assert opened.summary().equals(memory.summary())
        assert opened.validation_loss.tobytes() == memory.validation_loss.tobytes()
        assert [array.tolist() for array in opened.design.validation] == [
            array.tolist() for array in memory.design.validation
        ]
        assert swept(store=store, **OPTIONS).ran == 0

    def test_a_store_of_another_validation_is_another_sweep(self, store):  # noqa: F811
        swept(store=store, **OPTIONS)
        for other in (None, (OTHER_X, OTHER_Y + 1), (OTHER_X[:4], OTHER_Y[:4])):
            with pytest.raises(fastnn.InputError, match=r"store must be of the same sweep; in .* validation"):
                swept(store=store, dtype="float32", validation=other)

    @pytest.mark.parametrize("name", ["loss_all_rows", "validation_loss"])
    def test_every_bit_of_them_counts_in_the_digest(self, name):
        sweep = swept(validation=VALIDATION, learning_rate=0.01)
        before = sweep.digest()
        sweep.table.columns[name].view(np.uint8)[8] ^= 1
        assert sweep.digest() != before


class TestOthersAreAsTheyWere:
    @pytest.mark.parametrize("kind", BEFORE)
    def test_tables_and_plans_have_their_digests(self, kind):
        options, table, plan = BEFORE[kind]
        sweep = swept(**options)
        assert sweep.digest() == table
        manifest = Manifest.of(sweep.design, 0, 16)
        rule = {"loss": [{"loss": "squared"}], "optimizer": [{"optimizer": "sgd"}], "batch_size": [1]}
        rule["schedule"] = [{"schedule": "constant"}]
        assert rule.items() <= manifest.plan.items()
        rest = {name: value for name, value in manifest.plan.items() if name not in rule}
        (rest["shuffle"],) = rest["shuffle"]
        assert replace(manifest, plan=rest).plan_digest == plan

    def test_nothing_more_is_computed(self, monkeypatch):
        monkeypatch.setattr("fastnn.sweeping.design.measured", None)  # to call it would fail
        swept(rows=5)
        with pytest.raises(TypeError):
            swept()


def test_several_losses_are_ranked_only_by_what_is_named():
    several = swept(loss=["squared", "absolute"], networks=3)
    with pytest.raises(
        fastnn.InputError, match=r"by must be given .* several losses.*Give by=, one of 'loss'"
    ):
        several.best(2)
    assert len(several.best(2, by=several.ranked_by)) == 2
    assert len(swept(loss="absolute", networks=3).best(2)) == 2
