"""Work that is asked for is bounded before it begins, in words: no list without end, never all memory."""

import itertools
from itertools import product

import numpy as np
import pandas as pd
import pytest
from each_of import each_of

import fastnn
from fastnn import checking
from fastnn.commands.cli import main

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET, X, Y = fastnn.Network((1, 1, 1)), np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
MANY = np.broadcast_to(0.5, 10**11)
FRAME = pd.DataFrame({"a": [1.0, 2.0], "c": ["x", "z"], "y": [1.0, 2.0]})


@pytest.fixture(scope="module")
def found():
    return fastnn.sweep(NET, X, Y, networks=3, epochs=3, curves=True, engine="batched", progress=False)


@pytest.fixture(autouse=True)
def _memory():
    """At most 2 GiB more than there is now, so that what is not bounded fails at once."""
    resource = pytest.importorskip("resource", reason="Windows bounds no memory")
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        now = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def table(**options):
    return fastnn.Dataset.from_frame(FRAME, **{"inputs": "a", "target": "y"} | options)


def swept(**options):
    return fastnn.sweep(NET, **{"X": X, "y": Y, "networks": 2, "epochs": 1, "progress": False} | options)


def without_end():
    return itertools.repeat(1)


ASKED = {
    "networks": lambda _: swept(networks=10**14),
    "more networks than numbers": lambda _: swept(networks=10**30),
    "epochs": lambda _: swept(epochs=10**15),
    "curves": lambda _: swept(networks=10**6, epochs=10**6, curves=True),
    "a curve": lambda _: fastnn.train(NET, X, Y, epochs=10**9),
    "rows": lambda _: swept(rows=range(1, 10**9)),
    "rows without end": lambda _: swept(rows=without_end()),
    "rates": lambda _: swept(learning_rate=MANY),
    "rates of a manifest": lambda _: swept(learning_rate=np.linspace(1e-3, 1e-2, 1_000_001)),
    "workers": lambda _: swept(workers=10**5),
    "processes": lambda _: swept(executor=10**5),
    "seed": lambda _: swept(seed=10**5000),
    "validation": lambda _: swept(validation=(MANY[:, None], MANY)),
    "X": lambda _: swept(X=MANY[:, None], y=MANY),
    "X, a range": lambda _: fastnn.train(NET, range(10**12), Y),
    "starts": lambda _: fastnn.train(NET, X, Y, np.broadcast_to(0.5, (10**11, 4))),
    "rates of a training": lambda _: fastnn.train(NET, X, Y, learning_rate=MANY),
    "wide layers": lambda _: fastnn.Network((2, 10**9, 1)),
    "two wide layers": lambda _: fastnn.Network((10**6, 10**6, 1)),
    "many layers": lambda _: fastnn.Network([1] * 33),
    "layers without end": lambda _: fastnn.Network(without_end()),
    "activations without end": lambda _: fastnn.Network((1, 1, 1), itertools.repeat("relu")),
    "equations": lambda _: fastnn.derive(fastnn.Network((100, 2000, 1))).scalar,
    "explanation": lambda _: fastnn.explain(fastnn.Network((100, 1000, 1))),
    "rows to generate": lambda _: fastnn.generate_train_data(10**12),
    "draws": lambda _: fastnn.normal(0, 1).draw(NET, range(10**12), 0),
    "more draws than an integer": lambda _: fastnn.normal(0, 1).draw(NET, range(10**30), 0),
    "draws of a wide network": lambda _: fastnn.normal(0, 1).draw(
        fastnn.Network((1, 10**6, 1)), range(200), 0
    ),
    "replays": lambda found: found.replay(range(10**12)),
    "replays without end": lambda found: found.replay(itertools.count()),
    "part": lambda found: found.part(range(10**12)),
    "part without end": lambda found: found.part(without_end()),
    "predictions": lambda found: found.predict(np.broadcast_to(0.5, (10**9, 1)), numbers=[0]),
    "predictions for many rows": lambda found: found.replay(0).predict(MANY[:, None]),
    "levels": lambda found: found.quantiles(itertools.repeat(0.5)),
    "levels of losses": lambda found: found.loss_quantiles(itertools.repeat(0.5)),
    "score": lambda found: found.score(MANY[:, None], MANY),
    "inputs": lambda _: table(inputs=itertools.repeat("a")),
    "targets": lambda _: table(target=itertools.repeat("y")),
    "categories": lambda _: table(categories=itertools.repeat("a")),
    "an order": lambda _: table(inputs="c", ordered={"c": itertools.count()}),
    "metrics": lambda _: fastnn.mse(MANY, MANY),
    "curves to draw": lambda found: _plotting().loss_curves(itertools.repeat(found.replay(0))),
    "fans to draw": lambda _: _plotting().fan(np.broadcast_to(0.5, (10**9, 1000))),
}


def _plotting():
    return pytest.importorskip("fastnn.plotting", reason='needs pip install "fastnn-sweep[plot]"')


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_what_is_too_much_is_refused_in_words(ask, found, monkeypatch):
    monkeypatch.setattr(checking.all_of, "__defaults__", (1000,))  # a million are taken half a second
    with pytest.raises(fastnn.InputError) as refusal:
        ask(found)
    words = str(refusal.value)
    assert len(words) < 300
    assert words.isprintable()


def test_what_is_just_enough_is_done(found):
    assert fastnn.Network([1] * 32).n_parameters == 62
    assert len(found.quantiles(np.linspace(0, 1, 1000)).columns) == 1002
    assert repr(fastnn.derive(fastnn.Network((100, 2000, 1)))).endswith("too many to be written out>")
    assert len(found.part(np.arange(3))) == 3


@pytest.mark.parametrize("layers", ["2,1000000000,1", ",".join("1" * 40)])
def test_the_command_line_says_so(layers, capsys):
    assert main(["train", "--data", "simulated", "--layers", layers]) == 2
    assert "layers must" in capsys.readouterr().err


# --- whole numbers, wherever they are taken ---

NO_WHOLE = {
    "a half": 1.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "True": True,
    "a numpy bool": np.True_,
    "text": "2",
    "bytes": b"2",
    "None in a list": [None],
    "below": -1,
    "far beyond": 10**40,
    "complex": 1j,
    "an object": object(),
    "a table": FRAME,
}
TAKERS = {
    "train epochs": lambda _, n: fastnn.train(NET, X, Y, epochs=n),
    "train seed": lambda _, n: fastnn.train(NET, X, Y, epochs=1, shuffle=True, seed=n),
    "sweep networks": lambda _, n: swept(networks=n),
    "sweep epochs": lambda _, n: swept(epochs=n),
    "sweep rows": lambda _, n: swept(rows=n),
    "sweep seed": lambda _, n: swept(seed=n),
    "sweep workers": lambda _, n: swept(workers=n),
    "layers": lambda _, n: fastnn.Network((1, n, 1)),
    "draw": lambda _, n: fastnn.normal(0, 1).draw(NET, [n], 0),
    "draw seed": lambda _, n: fastnn.normal(0, 1).draw(NET, [0], n),
    "generate": lambda _, n: fastnn.generate_train_data(n),
    "generate bounds": lambda _, n: fastnn.generate_train_data(3, n1=(0, n)),
    "best": lambda found, n: found.best(n),
    "part": lambda found, n: found.part([n]),
    "part, one": lambda found, n: found.part(n),
    "replay": lambda found, n: found.replay(n),
    "predict": lambda found, n: found.predict(X, numbers=[n]),
    "surface": lambda found, n: _plotting().surface(found.replay(0), X, Y, output=n),
    "levels": lambda found, n: found.quantiles([n]),
}
TAKEN = {("best", "far beyond")}  # as many as there are


@each_of("take, kind", [pair for pair in product(TAKERS, NO_WHOLE) if pair not in TAKEN])
def test_what_is_no_whole_number_is_refused_in_words(take, kind, found):
    with pytest.raises(fastnn.InputError) as refusal:
        TAKERS[take](found, NO_WHOLE[kind])
    words = str(refusal.value)
    assert "; got" in words
    assert len(words) < 300


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int64])
def test_numpys_whole_numbers_are_whole_numbers(kind, found):
    assert len(swept(networks=kind(2), workers=kind(1), epochs=kind(1), rows=kind(2), seed=kind(0))) == 2
    assert len(found.part([kind(1)])) == len(found.part(np.array([1], kind))) == 1
    assert found.replay(kind(1)).number == 1
    assert len(found.best(kind(2))) == 2


def test_part_takes_one_number_and_whole_floats(found):
    """As `replay` does: in a frame's row a number stands beside losses, and becomes a float."""
    assert found.part(1).numbers.tolist() == found.part(1.0).numbers.tolist() == [1]
