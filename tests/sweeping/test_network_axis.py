"""Sweeps of several networks: each is trained as it would be alone, and its parameters have their places."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from small_sweeps import X, Y, drop, faults, store, swept

import fastnn
from fastnn.sweeping.description import arrays_of, described, design_of
from fastnn.sweeping.modes import mode_names, modes
from fastnn.sweeping.network_axis import Networks, in_words

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

SMALL, LARGE = fastnn.Network((2, 1, 1)), fastnn.Network((2, 2, 1))
__all__ = ["store"]  # a fixture

NETWORKS = (SMALL, LARGE, fastnn.Network((2, 2, 1), "tanh"))
OPTIONS = {
    "network": NETWORKS,
    "optimizer": ["sgd", "adam"],
    "learning_rate": 0.02,
    "rows": 12,
    "networks": 5,
    "validation": (X[:5] + 0.5, Y[:5]),
    "engine": "batched",  # compiles nothing
}


@pytest.fixture(scope="module")
def found():
    return swept(**OPTIONS)


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_each_is_trained_as_it_would_be_alone(found, network):
    alone = swept(**OPTIONS | {"network": network})
    place = 2 * 5 * NETWORKS.index(network)
    some = found.part(np.arange(place, place + 10))
    assert some.architectures == (network,)
    own = found.grid.networks.parameters_of(network, some.parameters)
    assert own.tobytes() == alone.parameters.tobytes()
    for name in ("loss", "validation_loss", "diverged"):
        assert getattr(some, name).tobytes() == getattr(alone, name).tobytes()
    assert some.predict(X).tobytes() == alone.predict(X).tobytes()
    assert some.score(X, Y).drop(columns="network").equals(alone.score(X, Y).drop(columns="network"))
    assert some.dead_units().tolist() == alone.dead_units().tolist()


def test_the_frame_says_of_which_network_each_is(found):
    frame = found.frame()
    assert list(frame)[:3] == ["network", "layers", "activations"]
    assert frame["layers"].tolist() == ["2-1-1"] * 10 + ["2-2-1"] * 20
    assert frame["activations"].tolist() == ["relu identity"] * 20 + ["tanh identity"] * 10
    names = ["w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3"]
    assert list(frame)[-9:] == names
    missing = frame[names].isna()
    assert missing[:10].to_numpy().tolist() == [[False] * 3 + [True] * 3 + [False] * 2 + [True]] * 10
    assert not missing[10:].to_numpy().any()
    assert found.frame(["loss"], [("layers", "==", "2-1-1")])["loss"].tolist() == found.loss[:10].tolist()


def test_each_is_replayed_in_its_own_parameters(found):
    for number in range(2, 30, 5):
        run, network = found.replay(number), NETWORKS[number // 10]
        assert run.network == network
        own = found.grid.networks.parameters_of(network, found.parameters[[number]])[0]
        assert run.parameters.tobytes() == own.tobytes()
        assert run.start.tobytes() == found.replay(number % 5 + number // 10 * 10).start.tobytes()


def test_the_best_of_all_is_found(found):
    best = found.best(3)
    assert best["network"].tolist() == np.argsort(found.validation_loss)[:3].tolist()
    assert found.summary()["layers"].tolist() == ["2-1-1", "2-1-1", "2-2-1", "2-2-1", "2-2-1", "2-2-1"]
    assert found.predict(X, [29, 0]).tolist() == found.predict(X)[[29, 0]].tolist()


def test_it_is_the_same_wherever_it_is_trained(found, monkeypatch):
    monkeypatch.setattr("fastnn.sweeping.work.places.SHARD", 3)
    with ThreadPoolExecutor(2) as pool:
        assert swept(**OPTIONS, executor=pool).digest() == found.digest()
    again = design_of(json.loads(json.dumps(described(found.design))), arrays_of(found.design))
    assert tuple(again.grid["network"].values) == NETWORKS


def test_a_store_keeps_it_and_grows(found, store):
    swept(**OPTIONS | {"networks": 2}, store=store)
    drop(store, 3, 5)
    stored = swept(**OPTIONS, store=store)
    assert stored.ran == 30 - 12 + 4
    assert stored.digest() == found.digest() == fastnn.open(store).table_digest()
    assert stored.frame().equals(found.frame())
    assert stored.part([0, 29]).architectures == (SMALL, NETWORKS[-1])
    assert faults(store) == []
    shards = pd.read_parquet(store / "shards")  # what other readers find
    assert shards.groupby("layers").size().to_dict() == {"2-1-1": 10, "2-2-1": 20}
    assert shards[shards["layers"] == "2-1-1"]["w4"].isna().all()
    with pytest.raises(fastnn.InputError, match=r"network is \[.* there and \[.* here"):
        swept(**OPTIONS | {"network": NETWORKS[:2]}, store=store)


def test_every_parameter_and_the_order_of_the_networks_count_in_the_digest(found):
    again = swept(**OPTIONS)
    assert again.digest() == found.digest() != swept(**OPTIONS | {"network": NETWORKS[::-1]}).digest()
    bits = again.table.matrix.view(np.uint64)
    bits[0, 8] ^= 1  # the smallest network has no third bias: any NaN is the same
    assert again.digest() == found.digest()
    bits[0, 7] ^= 1  # its second one
    assert again.digest() != found.digest()


def test_modes_of_networks_with_different_numbers_of_units(found):
    assert mode_names([SMALL, LARGE]) == ["fitted", "some units dead", "all units dead", "diverged"]
    assert mode_names(NETWORKS[1:]) == ["fitted", "one unit dead", "both units dead", "diverged"]
    ended, dead = np.asarray(modes(found)), found.dead_units()
    assert (dead[20:] == 0).all()
    units = np.repeat([1, 2, 2], 10)
    assert dead[:20].any()
    assert (ended == "all units dead").tolist() == (dead == units).tolist()
    assert (ended == "some units dead").tolist() == ((dead > 0) & (dead < units)).tolist()


@pytest.mark.parametrize(
    ("networks", "texts"),
    [
        ([(2, 1), (2, 4, 1)], ["2-1", "2-4-1"]),
        ([((2, 2, 1), "relu"), ((2, 2, 1), "tanh"), (2, 1)], ["2-2-1 relu", "2-2-1 tanh", "2-1"]),
        ([((2, 2, 2, 1), ("relu", "tanh")), (2, 2, 2, 1)], ["2-2-2-1 relu tanh", "2-2-2-1 relu"]),
        ([((2, 2, 1), "relu", "sigmoid"), (2, 2, 1)], ["2-2-1 to sigmoid", "2-2-1 to identity"]),
    ],
)
def test_labels_name_what_differs(networks, texts):
    made = [fastnn.Network(*(one if isinstance(one[0], tuple) else (one,))) for one in networks]
    assert Networks.of(made, "float64", 9).texts == texts
    assert in_words(made[:1]) == "-".join(map(str, made[0].layers))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"network": []}, "network must name at least one; got none"),
        ({"network": [SMALL, SMALL]}, "network must name each value once"),
        ({"network": [SMALL, fastnn.Network((3, 1))]}, r"same inputs and outputs.* got 2-1-1 and 3-1"),
        ({"network": [SMALL, (2, 2, 1)]}, r"network must be a fastnn.Network; got \(2, 2, 1\)"),
        ({"start": [fastnn.normal(), fastnn.he()]}, r"start must be one rule, or numbers; got \[normal"),
        ({"network": [SMALL, LARGE], "start": np.zeros(9)}, "start must be a rule .* 2-1-1 and 2-2-1"),
        (
            {
                "network": [fastnn.Network((2, 2)), fastnn.Network((2, 2), output="softmax")],
                "y": np.eye(2)[np.arange(12) % 2],
            },
            r"loss must be given .* \(squared for identity, cross_entropy for softmax\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options, match):
    with pytest.raises(fastnn.InputError, match=match):
        swept(**OPTIONS | options)


def test_networks_of_the_same_layers_may_start_at_given_parameters():
    given = np.linspace(-1, 1, 18).reshape(2, 9)
    some = swept(**OPTIONS | {"network": NETWORKS[1:], "start": given, "networks": 2, "epochs": 1})
    assert [some.replay(number).start.tolist() for number in (0, 4)] == [given[0].tolist()] * 2


def test_what_is_of_one_network_is_refused_for_several(found):
    with pytest.raises(fastnn.InputError, match=r"network is for a sweep of one network; got 3"):
        _ = found.network
    with pytest.raises(fastnn.InputError, match=r"with the same architecture; got 2-1-1 relu and 2-2-1 relu"):
        found.replay([0, 10])
