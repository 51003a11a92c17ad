"""Leaving out what need not be computed changes no bit: dead units, settled and diverged networks."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from comparing import DTYPES
from pairing import in_turns, pairwise
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.losses import usual_loss
from fastnn.core.network import without_first
from fastnn.core.optimizers import Adam
from fastnn.core.recipe import Recipe
from fastnn.core.rule import PLAIN
from fastnn.engines import load
from fastnn.training import kernels, resting, running
from fastnn.training.gates import Rows
from fastnn.training.jobs import Job
from fastnn.training.orders import FILE_ORDER, Explicit, Shuffled
from fastnn.training.rates import Rates
from fastnn.training.reducing import Group, Units, reduced_sizes

DRAW = np.random.default_rng(3)
ROWS = 24
ORDERS = [
    FILE_ORDER,
    Shuffled(5),
    Explicit(np.random.default_rng(5).permuted(np.tile(np.arange(ROWS), (40, 1)), axis=1)),
]
SHAPES = {
    "2-2-1": fastnn.Network((2, 2, 1)),
    "3-5-2": fastnn.Network((3, 5, 2)),
    "1-4-3-1": fastnn.Network((1, 4, 3, 1)),
    "2-3-2-1 tanh": fastnn.Network((2, 3, 2, 1), hidden=("relu", "tanh")),
    "2-4-1 sigmoid": fastnn.Network((2, 4, 1), output="sigmoid"),
    "2-9-9-1": fastnn.Network((2, 9, 9, 1)),
}
# Each shape in a run of the quick tests, with one dtype or the other.
OF_EACH_SHAPE = in_turns([(shape, DTYPES[(n + m) % 2]) for n, shape in enumerate(SHAPES) for m in range(2)])
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    """Look at what can be left out as often as if the rows were many."""
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "MOST_EPOCHS_UNSEEN", 4)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)


@pytest.fixture
def seen(monkeypatch):
    """Counts what happens inside: networks trained by the size of their first layer, and those redone."""
    counts = Counter()
    advance, keep = running._Run._advance, running._Run._keep

    def counting(run, group, epochs):
        inputs, first, *_ = group.network.layers
        counts[first if inputs else 0, group.columns is None] += len(group.numbers) * len(epochs)
        advance(run, group, epochs)

    def keeping(run, group, epochs, seen, settled):
        counts["settled"] += int(settled.sum())
        keep(run, group, epochs, seen, settled)

    monkeypatch.setattr(running._Run, "_advance", counting)
    monkeypatch.setattr(running._Run, "_keep", keeping)
    return counts


def job_of(network, dtype, epochs=40, order=FILE_ORDER):
    """A job of the engine that compiles nothing."""
    draw = np.random.default_rng(3)  # the same rows whatever else was tested before
    X = draw.uniform(0, 1, (ROWS, network.n_inputs)).astype(dtype)
    Y = draw.uniform(0, 1, (ROWS, network.n_outputs)).astype(dtype)
    visits = 1e12
    return Job(network, "batched", X, Y, epochs, order, reduced_sizes(network, visits), visits=visits)


def trained(job, start, steps, pause=None):
    """Everything that a run answers, as bytes: curves, last losses, divergence, parameters."""
    parameters = start.astype(job.X.dtype)
    curve = np.empty((len(start), job.epochs), job.X.dtype)
    rates = Rates(steps.astype(job.X.dtype) / job.X.dtype.type(-2))
    course = running.run(job, parameters, rates, curve=curve, pause=pause)
    return {
        "curve": curve,
        "losses": course.losses,
        "diverged": course.diverged,
        "parameters": parameters,
    }


def different(found, expected):
    return [name for name in expected if found[name].tobytes() != expected[name].tobytes()]


def starts(network, networks, scale=1.5):
    return fastnn.normal(0, scale).draw(network, range(networks), 7)


class TestSameBits:
    @pytest.mark.parametrize(("shape", "dtype", "order"), in_turns(pairwise([*SHAPES], DTYPES, ORDERS)))
    def test_with_and_without(self, shape, dtype, order, seen):
        network = SHAPES[shape]
        job = job_of(network, dtype, order=order)
        start, steps = starts(network, 200), -2 * DRAW.uniform(0.001, 0.3, 200)
        expected = trained(replace(job, reduced=()), start, steps)
        seen.clear()
        assert different(trained(job, start, steps), expected) == []
        reduced = sum(
            n for (size, whole), n in numbered(seen).items() if not whole and size < network.layers[1]
        )
        assert reduced > 0.15 * 200 * job.epochs
        assert seen[0, False] > 0 or network.layers[1] == 9

    @pytest.mark.parametrize(("shape", "dtype"), OF_EACH_SHAPE)
    def test_among_networks_that_diverge(self, shape, dtype, seen):
        network = SHAPES[shape]
        job = job_of(network, dtype)
        start, steps = starts(network, 150, 4.0), -2 * DRAW.uniform(0.01, 5, 150)
        expected = trained(replace(job, reduced=()), start, steps)
        assert (expected["diverged"] > 0).sum() > 10 or network.output == "sigmoid"
        assert different(trained(job, start, steps), expected) == []

    def test_on_few_rows_for_many_epochs(self, seen, monkeypatch):
        # A look is worth while every ten epochs; the losses of two are kept at a time.
        network, networks = SHAPES["2-2-1"], 1500
        job = job_of(network, "float64")
        monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 10 * networks * network.n_parameters * ROWS)
        monkeypatch.setattr(running, "STRETCH_LOSSES", 2 * networks)
        start, steps = starts(network, networks), np.full(networks, -0.02)
        expected = trained(replace(job, reduced=()), start, steps)
        seen.clear()
        assert different(trained(job, start, steps), expected) == []
        assert seen[1, False] > 0.3 * networks * job.epochs

    @every_dtype
    @pytest.mark.parametrize("shape", ["2-2-1", "2-3-2-1 tanh", "1-4-3-1"])
    def test_at_the_edge_of_what_numbers_hold(self, shape, dtype, seen):
        network = SHAPES[shape]
        job = job_of(network, dtype)
        largest = np.log10(np.finfo(dtype).max)
        magnitudes = 10.0 ** DRAW.uniform(-largest / 2, largest - 2, (500, 1))
        start = np.clip(starts(network, 500) * magnitudes, -np.finfo(dtype).max / 9, np.finfo(dtype).max / 9)
        steps = -(10.0 ** DRAW.uniform(-largest / 2, largest / 2, 500))
        expected = trained(replace(job, reduced=()), start, steps)
        assert different(trained(job, start, steps), expected) == []

    def test_a_reduced_network_that_overflows_is_trained_again_whole(self, seen, monkeypatch):
        # Hidden unit 1 is known to be dead; the delta of the tanh unit overflows, its weight for it is NaN.
        def second_alone(network, rule, rows, networks):
            return Units(network, rule, rows, np.tile([False, True], (networks, 1)))

        monkeypatch.setattr(Units, "of", second_alone)
        network = fastnn.Network((1, 2, 1, 1), hidden=("relu", "tanh"))
        job = replace(
            job_of(network, "float64", epochs=6),
            reduced=(1, 2),
            X=np.ones((2, 1)),
            Y=np.zeros((2, 1)),
        )
        start = np.tile([-1.0, 1, 1, 1e-200, 1e200, -1, 0, 0, 0], (64, 1))
        steps = np.full(64, -1e150)
        expected = trained(replace(job, reduced=()), start, steps)
        seen.clear()
        assert different(trained(job, start, steps), expected) == []
        assert seen[1, False] > 0
        assert seen[2, True] > 0

    def test_a_start_of_minus_zero(self):
        job = job_of(SHAPES["2-2-1"], "float64")
        start = np.array([[-1, -1, 0.0, 1, 0.0, 1, -0.0, 0, 0.0]] * 70)
        start[:35, 4:] = -0.0
        plain = start + 0.0
        steps = np.full(70, -0.01)
        assert different(trained(job, start, steps), trained(replace(job, reduced=()), plain, steps)) == []
        assert np.signbit(start[0, 4])  # `trained` works on a copy; here stands what the caller gave

    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    def test_every_engine(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        network = SHAPES["2-2-1"]
        job = job_of(network, "float64", epochs=6)
        start, steps = starts(network, 70), np.full(70, -0.05)
        expected = trained(replace(job, reduced=(), engine="loop"), start, steps)
        assert different(trained(replace(job, engine=engine), start, steps), expected) == []

    def test_while_their_kernels_are_compiled(self, seen, monkeypatch):
        network, works = SHAPES["2-2-1"], []
        monkeypatch.setattr(kernels, "ask", works.append)
        monkeypatch.setattr(kernels, "own_is_ready", lambda *_: False)
        job = job_of(network, "float64")
        start, steps = starts(network, 200), np.full(200, -0.05)
        expected = trained(replace(job, reduced=()), start, steps)
        seen.clear()
        job.warm(200)
        assert (job.ready, len(works)) == ((2,), 2)  # the smaller networks
        whole = []

        def pause(_):
            if seen[2, True] > 10 * 200 and works:
                whole.append(seen[1, False] + seen[0, False] == 0)
                works.pop(0)()

        assert different(trained(job, start, steps, pause), expected) == []
        assert (whole[0], job.ready) == (True, (0, 1, 2))
        assert seen[1, False] > 0 < seen[0, False]

    @pytest.mark.parametrize(("visits", "asked"), [(1e3, 0), (1e12, 1)])
    def test_a_kernel_for_the_last_network_is_asked_for_where_much_is_to_be_done(
        self, visits, asked, monkeypatch
    ):
        works = []
        monkeypatch.setattr(kernels, "ask", works.append)
        monkeypatch.setattr(kernels, "own_is_ready", lambda *_: False)
        network = SHAPES["2-2-1"]
        job = replace(job_of(network, "float64"), engine="auto", reduced=(), visits=visits)
        job.warm(200)
        assert job.takeover(network, 1) is job.takeover(network, 200)  # meanwhile, or all along
        assert len(works) == asked

    def test_no_question_waits_for_what_is_being_compiled(self, monkeypatch):
        """To ask which kernels are ready may import an engine, and that waits for the compiler."""
        order = []
        monkeypatch.setattr(kernels, "ask", lambda work: order.append("compile"))
        monkeypatch.setattr(kernels, "own_is_ready", lambda *_: order.append("ask"))
        job = replace(job_of(SHAPES["2-2-1"], "float64"), engine="auto", visits=1e12)
        job.warm(200)
        assert order == ["ask"] * 3 + ["compile"] * 3

    @pytest.mark.parametrize("rule", [PLAIN, Recipe(optimizer=Adam(), batch_size=2, clip=1.0).rule])
    def test_every_engine_prints_networks_without_inputs(self, rule):
        deep = fastnn.Network((2, 9, 40, 3), ("relu", "tanh"), "softmax")
        for engine, network in product(fastnn.ENGINES, (SHAPES["2-2-1"], deep)):
            of_network = replace(rule, loss=usual_loss(network.output))
            source = load(engine).source(without_first(network), "float64", of_network)
            compile(source, engine, "exec")
            assert "X[row" not in source

    def test_the_comparison_can_fail(self):
        job = job_of(SHAPES["2-2-1"], "float64", epochs=3)
        start, steps = starts(job.network, 5), np.full(5, -0.05)
        expected = trained(job, start, steps)
        for name, values in expected.items():
            torn = values.copy()
            torn.flat[-1] = torn.flat[-1] + 1 if name == "diverged" else np.nextafter(torn.flat[-1], 9)
            assert different({**expected, name: torn}, expected) == [name]
        start[3, 8] += 1e-9  # a change in the last place may get lost on the way
        assert different(trained(job, start, steps), expected) == ["curve", "losses", "parameters"]

    def test_a_living_unit_must_not_be_left_out(self, monkeypatch):
        job = job_of(SHAPES["2-2-1"], "float64")
        start, steps = starts(job.network, 300), np.full(300, -0.05)
        # Without weights out of them, units that are open on one row alone rest in the first epoch.
        start[:, job.network.parameter_names.index("w5") :][:, :2] = 0.0
        expected = trained(replace(job, reduced=()), start, steps)

        def half_blind(rows, units):
            """Sees a third of the rows alone."""
            return all_shut(Rows(rows.X[::3]), units)

        all_shut = Rows.all_shut
        monkeypatch.setattr(Rows, "all_shut", half_blind)
        assert different(trained(job, start, steps), expected) != []


def numbered(counts):
    return {key: count for key, count in counts.items() if isinstance(key, tuple)}


class TestSettled:
    def test_dead_networks_settle_soon(self, seen):
        job = job_of(SHAPES["2-2-1"], "float64", epochs=1000)
        start, steps = np.tile([-1.0, -1, -1, -1, 3, 4, 0, 0, 5], (70, 1)), np.full(70, -0.2)
        expected = trained(replace(job, reduced=()), start, steps)
        seen.clear()
        found = trained(job, start, steps)
        assert different(found, expected) == []
        assert seen["settled"] == 70
        assert sum(numbered(seen).values()) < 70 * 60  # of 1000 epochs
        assert found["curve"][0, -1] == found["curve"][0, 100] != found["curve"][0, 0]

    def test_not_with_rows_in_ever_new_orders(self, seen):
        job = job_of(SHAPES["2-2-1"], "float64", epochs=60, order=Shuffled(1))
        start, steps = np.tile([-1.0, -1, -1, -1, 3, 4, 0, 0, 5], (70, 1)), np.full(70, -0.2)
        losses = trained(job, start, steps)["curve"][0]
        assert seen["settled"] == 0
        assert len(set(losses[-9:])) > 1

    @pytest.mark.parametrize("changes", [True, False])
    def test_in_given_orders_if_they_are_all_alike(self, seen, changes):
        orders = np.tile(np.random.default_rng(1).permutation(ROWS), (60, 1))
        orders[-1] = orders[-1, ::-1] if changes else orders[-1]
        job = job_of(SHAPES["2-2-1"], "float64", epochs=60, order=Explicit(orders))
        start, steps = np.tile([-1.0, -1, -1, -1, 3, 4, 0, 0, 5], (70, 1)), np.full(70, -0.2)
        losses = trained(job, start, steps)["curve"][0]
        assert seen["settled"] == (0 if changes else 70)
        assert (losses[-1] != losses[-2]) == changes

    def test_a_fitted_network_stays_as_it_is(self, seen):
        """XOR by hand (Goodfellow, Bengio, Courville, section 6.1): training changes nothing."""
        job = job_of(SHAPES["2-2-1"], "float64", epochs=500)
        X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        job = replace(job, X=X, Y=np.array([[0.0], [1], [1], [0]]))
        start = np.tile([1.0, 1, 1, 1, 1, -2, 0, -1, 0], (3, 1))
        found = trained(job, start, np.full(3, -0.1))
        assert (found["parameters"] == start).all()
        assert not found["curve"].any()
        assert seen["settled"] == 3
        assert numbered(seen) == {(2, True): 3}


class TestProgress:
    @pytest.mark.parametrize("scale", [1.5, 6.0])
    def test_it_adds_up_to_all_networks(self, scale):
        job = job_of(SHAPES["2-2-1"], "float64")
        told = []
        start = starts(job.network, 500, scale)
        running.run(job, start, Rates(np.full(500, 0.3 * scale)), pause=told.append)
        assert sum(told) == pytest.approx(500)


class TestUnits:
    def test_dead_units_are_those_shut_on_every_row(self):
        network = SHAPES["3-5-2"]
        X = DRAW.normal(size=(50, 3))
        parameters = starts(network, 200)
        units = Units.of(network, PLAIN, Rows(X), 200)
        assert units.look(parameters, parameters, np.arange(200))
        (W, b), _ = network.split(parameters)
        sums = np.einsum("mji,ni->mjn", W, X) + b[:, :, None]
        assert (units.living == (sums > 0).any(axis=2)).all()
        assert 0 < (~units.living).sum() < 1000

    def test_others_are_not_looked_at(self):
        units = Units.of(SHAPES["2-2-1"], PLAIN, Rows(np.ones((5, 2))), 3)
        parameters = np.full((3, 9), -1.0)
        assert units.look(parameters, parameters, np.array([0, 2]))
        assert units.living.tolist() == [[False, False], [True, True], [False, False]]
        assert not units.look(parameters, parameters, np.array([0, 2]))

    def test_units_that_moved_are_not_looked_at(self):
        units = Units.of(SHAPES["2-2-1"], PLAIN, Rows(np.ones((5, 2))), 3)
        after = np.full((3, 9), -1.0)
        before = after.copy()
        before[0, 1], before[1, 7], before[2, 8] = -2.0, -2.0, -2.0  # into the first, into the second, b3
        assert units.look(before, after, np.arange(3))
        assert units.living.tolist() == [[True, False], [False, True], [False, False]]

    def test_groups_hold_every_network_once_with_all_its_living_units(self):
        network = fastnn.Network((2, 8, 3, 1))
        units = Units.of(network, PLAIN, Rows(np.ones((1, 2))), 500)
        draw = np.random.default_rng(3)  # few networks without a living unit, whatever else was tested before
        units.living[:] = draw.uniform(size=(500, 8)) < draw.uniform(size=(500, 1))
        numbers = np.arange(7, 500)
        for width in (1, 16, 64, 1000):
            groups = list(units.groups(numbers, width, (0, 1, 2, 4, 8)))
            assert (groups[0].network.layers == (0, 3, 1)) == (width <= 16)
            assert sorted(np.concatenate([g.numbers for g in groups])) == numbers.tolist()
            for group in groups[:-1]:
                assert len(group.numbers) % width == 0
            for group in groups:
                kept = group.network.layers[1] if group.network.n_inputs else 0
                assert (units.living[group.numbers].sum(axis=1) <= kept).all()
                self.check_columns(units, group, network)

    def check_columns(self, units, group, network):
        """Named parameters: the reduced network's are those of the kept units, in their order."""
        if group.columns is None:
            return
        (into, bias), (out_of, next_bias), (last, last_bias) = network.split(np.arange(network.n_parameters))
        if not group.network.n_inputs:
            assert (group.columns == [*last[0], *next_bias, *last_bias]).all()
            return
        for number, columns in zip(group.numbers, group.columns, strict=True):
            (W1, b1), (W2, b2), (W3, b3) = group.network.split(columns)
            kept = b1 - bias[0]
            assert (np.diff(kept) > 0).all()
            assert set(np.flatnonzero(units.living[number])) <= set(kept)
            assert (into[kept] == W1).all()
            assert (out_of[:, kept] == W2).all()
            assert (b2 == next_bias).all()
            assert (last == W3).all()
            assert (b3 == last_bias).all()

    def test_take_and_put_are_inverse(self):
        parameters = DRAW.normal(size=(6, 9))
        columns = np.tile([2, 3, 5, 7, 8], (2, 1))
        group = Group(fastnn.Network((2, 1, 1)), np.array([1, 4]), columns)
        before = parameters.copy()
        one = group.only(np.array([False, True]))
        one.put(parameters, one.take(parameters) + 1)
        assert (parameters[[0, 1, 2, 3, 5]] == before[[0, 1, 2, 3, 5]]).all()
        assert (parameters[4] == before[4] + [0, 0, 1, 1, 0, 1, 0, 1, 1]).all()


class TestSizes:
    def test_halved_again_and_again_down_to_none(self):
        assert reduced_sizes(fastnn.Network((2, 9, 1)), 1e12) == (0, 1, 2, 3, 5, 9)
        assert reduced_sizes(fastnn.Network((2, 1, 1)), 1e12) == (0, 1)

    def test_none_where_nothing_can_be_left_out_or_little_is_to_do(self):
        assert reduced_sizes(fastnn.Network((2, 1)), 1e12) == ()
        assert reduced_sizes(fastnn.Network((2, 2, 1), hidden="tanh"), 1e12) == ()
        assert reduced_sizes(fastnn.Network((2, 2, 2, 1), hidden=("tanh", "relu")), 1e12) == ()
        assert reduced_sizes(fastnn.Network((2, 2, 1)), 1e8) == ()


def test_states_of_a_group_lie_row_by_row():
    state, numbers = np.arange(24.0).reshape(4, 6), np.array([0, 2, 3])
    columns = np.asfortranarray([[0, 5], [1, 4], [2, 3]])
    taken = Group(fastnn.Network((1, 1)), numbers, columns).take(state)
    assert taken.flags.c_contiguous
    assert taken.tolist() == [[0.0, 5.0], [13.0, 16.0], [20.0, 21.0]]
