"""Trainings that stop by their loss, in one call: shuffled as NumPy does it, several networks at once."""

import numpy as np
import pytest
from uncompiled import run_as_plain_python

from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES, takeover
from fastnn.engines.passes import ARGUMENTS
from fastnn.engines.takeover import begun
from fastnn.training import passes as training_passes
from fastnn.training.passes import Passes, Watched

NET = Network((2, 3, 1))
RECIPE = Recipe.of(NET, batch_size=4, l2=0.1, l2_on="sum")
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(11, 2)), RANDOM.normal(size=(11, 1))
STARTS = RANDOM.normal(size=(3, NET.n_parameters))


@pytest.fixture(autouse=True)
def _plain(monkeypatch, request):
    if not request.node.get_closest_marker("slow"):
        run_as_plain_python(monkeypatch)


def settings(networks):
    return RECIPE.settings(np.full(networks, 0.01))[None]


def passes():
    return Passes(NET, RECIPE.rule, X, Y, 4)


def watching(networks):
    """Stop after two epochs in a row whose loss is not the least by 0.02."""
    each = np.ones(networks)
    return Watched(0.02 * each, each, np.zeros(networks, np.int64), np.full(networks, np.inf))


def words_of(random):
    _, words, place, *_ = random.get_state()
    return np.append(words, np.uint32(place))


@pytest.mark.parametrize("rows", [1, 2, 11, 700])
def test_orders_are_those_of_numpy(rows):
    """700 rows take more than the 624 words that the generator makes at a time."""
    ours, theirs = np.random.RandomState(5), np.random.RandomState(5)
    words, order, expected = words_of(ours), np.arange(rows), np.arange(rows)
    few = Passes(NET, RECIPE.rule, np.zeros((rows, 2)), np.zeros((rows, 1)), rows)
    few.advance(np.zeros((1, NET.n_parameters)), 3, settings(1), order=order, random=words)
    for _ in range(3):
        theirs.shuffle(expected)
    np.testing.assert_array_equal(order, expected)
    place = theirs.get_state()[2]
    assert words[624] == place
    np.testing.assert_array_equal(words[:624], theirs.get_state()[1])


def test_losses_have_the_penalty_before_each_batch():
    """Worked out from the states that single batches lead to."""
    state, expected = STARTS[:1].copy(), 0.0
    for first in range(0, 11, 4):
        rows = slice(first, first + 4)
        batch = Passes(NET, RECIPE.rule, X[rows].copy(), Y[rows].copy(), 4)
        expected += 0.05 * (state[0, : NET.n_weights] ** 2).sum()
        brought, _ = batch.advance(state, 1, settings(1))
        expected += brought.losses[0, 0] * len(batch.X)
    whole, _ = passes().advance(STARTS[:1].copy(), 1, settings(1), l2=np.array([0.1]))
    assert whole.losses[0, 0] == pytest.approx(expected / 11, rel=1e-14)


def test_each_network_stops_for_itself_with_its_state_of_then():
    alone = []
    for start in STARTS:
        state = start[None].copy()
        brought, stopped = passes().advance(state, 60, settings(1), watching(1), l2=np.full(1, 0.1))
        alone.append((state[0], stopped[0], brought.losses[0]))
    together = STARTS.copy()
    brought, stopped = passes().advance(together, 60, settings(3), watching(3), l2=np.full(3, 0.1))
    assert len(set(stopped)) > 1
    assert brought.losses.shape[1] == max(stopped)
    for m, (state, epoch, losses) in enumerate(alone):
        np.testing.assert_array_equal(together[m], state)
        assert stopped[m] == epoch == len(losses)
        np.testing.assert_array_equal(brought.losses[m, :epoch], losses)


def test_a_network_that_diverges_is_nan_from_then_on():
    far = np.full((1, NET.n_parameters), 1e160)
    brought, stopped = passes().advance(far, 3, settings(1), followed=True)
    assert np.isnan(brought.losses).all()
    assert np.isnan(brought.course).all()
    assert np.isnan(far).all()
    assert not stopped.any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("followed", [False, True])
def test_the_loop_is_given_arrays_as_it_is_compiled_for(dtype, followed, monkeypatch):
    """Of kinds and dimensions that nobody looks at any more."""
    given = []
    monkeypatch.setattr(training_passes, "passes", lambda *_: lambda *some: given.append(some) or 1)
    few = Passes(NET, RECIPE.rule, X.astype(dtype), Y.astype(dtype), 4)
    few.advance(STARTS.astype(dtype), 1, settings(3).astype(dtype), followed=followed)
    kinds = {"number": dtype, "whole": "int64", "word": "uint32", "double": "float64"}
    names = list(ARGUMENTS)[1:-1]  # without the kernel and the sizes that it is told
    for name, argument in zip(names, *given, strict=True):
        kind, _, dimensions = ARGUMENTS[name].partition(" ")
        if dimensions:
            assert (argument.dtype, argument.ndim) == (kinds[kind], int(dimensions)), name
        else:
            assert isinstance(argument, float if kind == "double" else int), name


def test_general_kernels_give_the_same():
    found = []
    for engine in ("units", "general"):
        some = passes()
        some.kernels.update(dict.fromkeys(ENGINES, begun(engine, NET, "float64", RECIPE.rule)))
        state = STARTS.copy()
        brought, stopped = some.advance(state, 20, settings(3), watching(3), l2=np.full(3, 0.1))
        found.append((state, brought.losses, stopped))
    for own, general in zip(*found, strict=True):
        np.testing.assert_array_equal(own, general)


def test_the_first_training_takes_what_is_ready_and_the_second_its_own_kernel(monkeypatch):
    monkeypatch.setattr(takeover, "general_comes_first", lambda *_: True)
    first, second, third = passes(), passes(), passes()
    for _ in range(2):
        first.advance(STARTS[:1].copy(), 1, settings(1))
    for each in (second, third):
        each.advance(STARTS[:1].copy(), 1, settings(1))
    forms = [kernels.forms for each in (first, second, third) for kernels in each.kernels.values()]
    assert forms[0] == ["general"]
    assert forms[1] == forms[2] != ["general"]


def test_no_training_waits_for_a_kernel_that_takes_longer_to_compile(monkeypatch):
    monkeypatch.setattr(takeover, "general_comes_first", lambda *_: True)
    monkeypatch.setattr(training_passes, "KNOWN", {})
    deep, waiting, forms = Network((2, 3, 2, 1), "tanh"), [], []
    monkeypatch.setattr(takeover, "ask", waiting.append)
    states = []
    for _ in range(4):
        some = Passes(deep, RECIPE.rule, X, Y, 4)
        states.append(np.full((1, deep.n_parameters), 0.1))
        some.advance(states[-1], 2, settings(1))
        forms += [kernels.now.form for kernels in some.kernels.values()]
        for work in waiting[:] if len(states) == 3 else []:
            work()
    assert forms == ["general", "general", "general", "units"]
    assert len(waiting) == 1  # asked for once, by the second training
    for state in states[1:]:
        np.testing.assert_array_equal(state, states[0])


@pytest.mark.slow
def test_compiled_it_gives_the_same(monkeypatch):
    found = []
    for _ in ("compiled", "as plain Python"):
        words, order, state = words_of(np.random.RandomState(2)), np.arange(11), STARTS.copy()
        given = (state, 20, settings(3), watching(3), order, words)
        brought, stopped = passes().advance(*given, l2=np.full(3, 0.1))
        found.append((state, brought.losses, stopped, order, words))
        run_as_plain_python(monkeypatch)
    for compiled, plain in zip(*found, strict=True):
        np.testing.assert_array_equal(compiled, plain)
