"""The results of a sweep as they are sent to another process and shown there."""

import pickle

import pytest
from pairing import later_but_pairs
from small_sweeps import X, Y, store, swept

import fastnn

__all__ = ["store"]  # a fixture

LOSSES = ("loss", "loss_all_rows", "validation_loss")
COLUMNS = ("numbers", "parameters", *LOSSES, "diverged", "curves", "status")


@pytest.mark.parametrize(
    ("read_before", "options", "stored"),
    later_but_pairs([False, True], [{}, {"curves": 5}, {"validation": (X[:4], Y[:4])}], [False, True]),
    ids=str,
)
def test_it_arrives_as_it_was(store, stored, options, read_before):
    sweep = swept(store=store if stored else None, **options)
    if read_before:
        assert all(len(getattr(sweep, name)) == 84 for name in ("loss", "parameters"))
    found = pickle.loads(pickle.dumps(sweep))  # noqa: S301 - our own bytes
    assert isinstance(found, fastnn.Sweep)
    assert (len(found), found.digest()) == (84, sweep.digest())
    for name in COLUMNS:
        there, here = getattr(found, name), getattr(sweep, name)
        assert (there is None) == (here is None)
        assert there is None or (there.dtype == here.dtype and there.tobytes() == here.tobytes())
    assert (repr(found), str(found)) == (repr(sweep), str(sweep))
    assert found._repr_html_() == sweep._repr_html_()
    assert found.replay(3).parameters.tobytes() == sweep.replay(3).parameters.tobytes()
