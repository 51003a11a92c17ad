"""Seeds: the same rule wherever one is taken, and what to do about a larger one."""

from itertools import product

import numpy as np
import pytest

import fastnn
from fastnn import comparing, studies
from fastnn.commands.cli import main
from fastnn.training import randomness

NET = fastnn.Network((2, 2, 1))
X, Y = [[0.0, 1.0], [1.0, 0.5]], [0.0, 1.0]
DATA = fastnn.load_insurance(simulated=True)

PLACES = {
    "train": lambda seed: fastnn.train(NET, X, Y, epochs=1, seed=seed, engine="batched"),
    "train in file order": lambda seed: fastnn.train(
        NET, X, Y, NET.n_parameters * [1], epochs=1, seed=seed, engine="batched"
    ),
    "sweep": lambda seed: fastnn.sweep(NET, X, Y, networks=2, epochs=1, seed=seed, engine="batched"),
    "a start": lambda seed: fastnn.normal().draw(NET, [0], seed),
    "a start that has no use for it": lambda seed: fastnn.constant(1).draw(NET, [0], seed),
    "uniforms": lambda seed: randomness.uniforms(seed, 1, [0], 1),
    "permutations": lambda seed: randomness.permutations(seed, [0], 3),
    "studies": lambda seed: studies.Experiment(DATA, networks=2, seed=seed),
    "compare": lambda seed: comparing.compare(NET, DATA, fastnn.normal(), seed=seed, backends=[]),
    "a generated table": lambda seed: fastnn.generate_train_data(2, seed=seed),
}
LONG = 2**127 + 2**64 * 3 + 5  # as SeedSequence().entropy gives them


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", [LONG, -1, 2**64, np.int64(-1)])
def test_a_seed_out_of_range_is_refused_with_the_one_to_take(place, seed):
    bits = 32 if place == "a generated table" else 64
    with pytest.raises(fastnn.InputError) as refused:
        PLACES[place](seed)
    required, remedy = str(refused.value).split(f"; got {seed}. ")
    assert required == f"seed must be a whole number from 0 to {2**bits - 1}"
    assert remedy == f"Take seed % 2**{bits}, which is {int(seed) % 2**bits}."


NO_SEEDS = [None, "7", True, np.True_, 7.0, [7], np.random.SeedSequence(7)]
LEFT_OUT = [("train", None), ("train in file order", None)]  # None leaves the seed of `train` out


@pytest.mark.parametrize(
    ("place", "seed"), [each for each in product(PLACES, NO_SEEDS) if each not in LEFT_OUT], ids=repr
)
def test_what_is_no_whole_number_is_refused(place, seed):
    with pytest.raises(fastnn.InputError, match=r"seed must be a whole number from 0 to \d+; got "):
        PLACES[place](seed)


@pytest.mark.parametrize("kind", [int, np.int8, np.uint64, np.int64])
def test_every_kind_of_integer_is_the_same_seed(kind):
    starts = [fastnn.train(NET, X, Y, epochs=1, seed=seed).start for seed in (kind(7), 7)]
    assert starts[0].tobytes() == starts[1].tobytes()


def test_the_remedy_works():
    seed = np.random.SeedSequence().entropy
    assert fastnn.train(NET, X, Y, epochs=1, seed=seed % 2**64).status == "ok"
    assert len(fastnn.generate_train_data(2, seed=seed % 2**32)) == 2


@pytest.mark.parametrize("command", ["train", "sweep", "studies"])
def test_on_the_command_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([command, "--data", "simulated", "--seed", str(LONG)]) == 2
    complaint = (
        f"--seed must be a whole number from 0 to {2**64 - 1}; got {LONG}. Take seed % 2**64, which is 5."
    )
    assert capsys.readouterr().err.endswith(f"fastnn: {complaint}\n")
    assert not list(tmp_path.iterdir())
