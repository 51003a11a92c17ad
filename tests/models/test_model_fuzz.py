"""Damaged and forged model files: each is refused, or loads as what was saved.

Here a few thousand of them, 30 000 with ``-m slow``; and what happens when a defence is taken away.
"""

import tempfile
from itertools import chain
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_fuzzing import (
    Case,
    damaged_files,
    failures,
    forged_files,
    saved_models,
    sealed,
    taken_apart,
    undamaged,
    unlike,
)

import fastnn
from fastnn.models import header as model_header
from fastnn.models import model_files, npz

CPU_SECONDS = 30  # 30 000 cases took 5 to 13


@pytest.fixture(scope="module")
def folder():
    """A folder in memory, where there is one: ext4 takes 3 ms to write over a small file."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def saved(folder):
    return saved_models(folder)


def test_what_was_saved_is_what_is_loaded(saved, folder):
    assert failures(undamaged(saved), folder) == ([], len(saved), 0)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_damaged_files(saved, folder, seed):
    wrong, loaded, refused = failures(damaged_files(saved, 1000, seed), folder)
    assert wrong == []
    assert loaded > 50
    assert refused > 500


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_forged_files(saved, folder, seed):
    wrong, loaded, refused = failures(forged_files(saved, 700, seed), folder)
    assert wrong == []
    assert loaded > 50
    assert refused > 350


@pytest.mark.slow
def test_thirty_thousand_files(saved, folder):
    began = process_time()
    damaged = failures(damaged_files(saved, 24_000, 3), folder)
    forged = failures(forged_files(saved, 6_000, 4), folder)
    assert damaged[0] == forged[0] == []
    assert sum(damaged[1:]) + sum(forged[1:]) == 30_000
    assert process_time() - began < CPU_SECONDS


# --- By hypothesis: any JSON, any numbers, any bytes ---

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
WHOLE = st.integers(-1, 5) | st.integers()


def likely(truth):
    """A header's entry: the true one more often than any other."""
    return st.just(truth) | st.just(truth) | PLAIN | WHOLE


def headers(header):
    """Headers like a true one."""
    network = st.fixed_dictionaries({key: likely(value) for key, value in header["network"].items()})
    entries = {key: likely(value) for key, value in header.items()}
    return st.fixed_dictionaries(entries | {"network": network | PLAIN}, optional={"more": PLAIN})


def numbers(array):
    """An array's numbers, and any others of its dtype."""
    if array.dtype.kind == "i":
        other = st.integers(-(2**31), 2**31 - 1)
    else:
        other = st.floats(width=8 * array.dtype.itemsize)

    def with_some(new):
        changed = array.copy().reshape(-1)
        changed[: len(new)] = new[: len(changed)]
        return changed.reshape(array.shape)

    return st.lists(other, min_size=1, max_size=3).map(with_some)


def by_hypothesis(saved, folder, examples):
    """Run both properties over a number of examples each."""

    @settings(max_examples=examples, database=None)
    @given(st.data())
    def forged(data):
        header, arrays = taken_apart(data.draw(st.sampled_from([content for _, content in saved])))
        text = model_header.json.dumps(data.draw(headers(header))).encode()
        name = data.draw(st.sampled_from(list(arrays)))
        if data.draw(st.booleans()):
            arrays[name] = data.draw(numbers(arrays[name]))
        assert failures([Case("forged", sealed(text, arrays), None)], folder)[0] == []

    @settings(max_examples=examples, database=None)
    @given(st.binary(max_size=300), st.sampled_from(saved), st.integers(0, 3000), st.integers(0, 100))
    def spliced(new, model, place, dropped):
        run, content = model
        place = min(place, len(content))
        case = Case("spliced", content[:place] + new + content[place + dropped :], run)
        assert failures([case], folder)[0] == []

    forged()
    spliced()


def test_by_hypothesis(saved, folder):
    by_hypothesis(saved, folder, 50)


@pytest.mark.slow
def test_by_hypothesis_at_length(saved, folder):
    by_hypothesis(saved, folder, 400)


# --- Each defence taken away: then the fuzz has to fail ---


class Agreeable(bytes):
    """A text that is like every other."""

    def __ne__(self, other):
        return False

    __hash__ = bytes.__hash__


DEFENCES = {
    "bytes are compared": (npz, "written", lambda header, arrays: ()),
    "numbers are checked": (model_files, "_fault", lambda header, arrays: None),
    "the spelling is compared": (model_header, "json_of", lambda header, versions: Agreeable()),
    "errors of Python are caught": (model_header, "WRONG", (KeyError, ValueError)),
    "depth is caught": (model_header, "WRONG", tuple({*model_header.WRONG} - {RecursionError})),
    "texts are checked": (model_header, "_text", lambda value: value),
    "scalings are checked": (model_header, "_refuse_unfit", lambda scaling, network: None),
}


@pytest.mark.parametrize("defence", DEFENCES)
def test_without_a_defence_the_fuzz_fails(defence, saved, folder, monkeypatch):
    monkeypatch.setattr(*DEFENCES[defence])
    cases = chain(damaged_files(saved, 300, 1), forged_files(saved, 700, 1))
    assert any(failures([case], folder)[0] for case in cases)  # up to the first one


def test_a_loaded_model_that_differs_is_a_failure(saved, folder):
    one, other = saved[0], saved[1]
    wrong, _, _ = failures([Case("another", other[1], one[0])], folder)
    assert "parameters" in wrong[0]
    assert unlike(one[0], one[0]) == []


def test_a_refusal_of_another_kind_is_a_failure(saved, folder, monkeypatch):
    def refuse(path, finite):
        raise fastnn.InputError("it must be; got not. Do.")

    monkeypatch.setattr("fastnn.training.result.load_training", refuse)
    assert "InputError" in failures(undamaged(saved), folder)[0][0]
