"""Shards made here: what they hold is checked before it is written, and their bytes when they are read."""

import numpy as np
import pytest
from small_sweeps import SHARDS, faults, files, finished, store, swept, usual_digest

import fastnn
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.store import StoreError, folder
from fastnn.sweeping.store.contents import check_results
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.work.places import Stored

__all__ = ["store"]  # a fixture


def first_loss(value):
    def change(results):
        results["loss"][0] = value

    return change


def first_parameters(value):
    def change(results):
        results["parameters"][0] = value

    return change


def first_diverged(value):
    def change(results):
        results["diverged"][0] = value

    return change


IMPOSSIBLE = {
    "a loss below 0": first_loss(-1.0),
    "an infinite loss": first_loss(np.inf),
    "a loss of NaN": first_loss(np.nan),
    "parameters of NaN": first_parameters(np.nan),
    "infinite parameters": first_parameters(np.inf),
    "diverged and finite": first_diverged(3),
    "diverged beyond the epochs": first_diverged(26),
    "diverged below 0": first_diverged(-1),
}


@pytest.fixture
def looked_into(monkeypatch):
    """The kinds of the files whose content is looked into, one after the other."""
    kinds, look = [], folder.fault_of_content

    def counted(manifest, kind, *rest):
        kinds.append(kind)
        return look(manifest, kind, *rest)

    monkeypatch.setattr(folder, "fault_of_content", counted)
    return kinds


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_is_not_written(store, change, monkeypatch):
    train = Design.train

    def wrong(design, chunk, results, *rest):
        train(design, chunk, results, *rest)
        change(results)

    monkeypatch.setattr(Design, "train", wrong)
    with pytest.raises(StoreError, match=r"must be those of shard \d of the sweep; they cannot be: "):
        swept(store=store, learning_rate=0.01)  # at which none diverges
    assert files(store, "shards/*") == []


def test_results_of_other_networks_are_not_written(store):
    sweep = swept(store=store)
    manifest = Store.at(store).manifest
    results = sweep.design.room(Numbers.of(1, 17), 0)
    results["parameters"][:], results["loss"][:] = 0, 0
    with pytest.raises(StoreError, match="they are of networks 1 to 16"):
        check_results(manifest, 0, results)


def test_nothing_made_here_is_looked_into_again(store, looked_into):
    sweep = swept(store=store, curves=5)
    assert (sweep.digest(), len(sweep.loss)) == (usual_digest(), 84)
    assert "shard" not in looked_into
    assert len(fastnn.open(store).loss) == 84
    assert looked_into.count("shard") == SHARDS


def test_what_others_made_is_looked_into(store, looked_into):
    finished(store)
    made = {path.name: path.read_bytes() for path in store.glob("shards/*")}
    for path in list(store.glob("shards/*"))[1:]:
        path.unlink()
    keep = Stored.keep

    def beside(place, results):
        keep(place, results)
        for name in made.keys() - {path.name for path in store.glob("shards/*")}:
            (store / "shards" / name).write_bytes(made[name])

    looked_into.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stored, "keep", beside)
        assert swept(store=store).digest() == usual_digest()
    assert looked_into.count("shard") == SHARDS - 1


def test_other_bytes_in_its_place_are_found(store, monkeypatch):
    keep = Stored.keep

    def damaged(place, results):
        keep(place, results)
        path = min(store.glob("shards/*"))
        content = path.read_bytes()
        path.write_bytes(content[:-100] + bytes(100))

    monkeypatch.setattr(Stored, "keep", damaged)
    with pytest.raises(StoreError, match="its bytes do not have the digest in its name"):
        swept(store=store)
    monkeypatch.undo()
    sweep = swept(store=store)
    assert (sweep.digest(), faults(store)) == (usual_digest(), [])
