"""Answers of workers that were changed and sealed again: refused in words, or results that are possible."""

import json
import random
from hashlib import sha256

import numpy as np
import pytest
from forging import JUNK, changed
from small_sweeps import swept

from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work import executing, packing, tasks
from fastnn.training.identity import identity

NUMBERS = Numbers.of(16, 48)
EVERY = 5


@pytest.fixture(scope="module")
def asked():
    """A design, and what a worker answers."""
    design = swept().design
    return design, executing.compute(executing.task(design, EVERY, "float32"), 16, 48)


def taken(answer, design):
    return tasks.results_of(answer, NUMBERS, design, EVERY, "float32")


def header_of(answer):
    """The header of an answer, and the bytes of its arrays."""
    end = 40 + int.from_bytes(answer[32:40], "little")
    return json.loads(answer[40:end]), answer[end:]


def sealed(header, arrays):
    """An answer of any header, with the right digest."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text + arrays
    return sha256(body).digest() + body


def possible(results, design):
    """Whether results may be those of a sweep, looked at number by number."""
    for parameters, loss, diverged, curve, measured in zip(
        *(results[name] for name in ("parameters", "loss", "diverged", "curves", "loss_all_rows")),
        strict=True,
    ):
        if not 0 <= diverged <= design.plan.epochs:
            return False
        if diverged:
            wrong = not all(np.isnan([*parameters, loss, measured]))
        else:
            wrong = not all(np.isfinite([*parameters, loss])) or loss < 0 or measured < 0
        kept = [not diverged or epoch < diverged for epoch in range(EVERY, design.plan.epochs + 1, EVERY)]
        if wrong or np.isinf(measured) or [not np.isnan(value) for value in curve] != kept:
            return False
    return True


def test_an_answer_is_taken(asked):
    design, answer = asked
    assert possible(taken(answer, design), design)
    header, arrays = header_of(answer)
    assert taken(sealed(header, arrays), design)["loss"].tobytes() == taken(answer, design)["loss"].tobytes()


@pytest.mark.parametrize(
    "header",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"null",
            b"1",
            b'"a"',
            b"{}",
            b"[" * 100_000,
            b'{"a":' * 5000,
            b"\xff\xfe",
            b"9" * 5000,
        ),
        *({"values": 1, "arrays": {}}, {"values": {}, "arrays": []}, {"values": {}, "arrays": {"a": None}}),
        *({"values": {}, "arrays": {"a": ["float64"]}}, {"values": {}, "arrays": {"a": ["object", [1]]}}),
        *(
            {"values": {}, "arrays": {"a": ["float64", [2**62]]}},
            {"values": {}, "arrays": {"a": ["<f8", [1]]}},
        ),
        {"values": {}, "arrays": {"a": ["float64", [0, 2**62]]}},
        {"values": {}, "arrays": {"a": ["float64", [1] * 100]}},
        {"values": {}, "arrays": {"a": ["float64", [-1, -8]]}},
        {"values": {}, "arrays": {"a": ["float64", ["1"]]}},
        {"values": {"error": [1, 2]}, "arrays": {}},
    ],
)
def test_other_headers_are_damage(asked, header):
    with pytest.raises((packing.DamageError, RuntimeError), match=r"bytes|\[1, 2\]|otherwise"):
        taken(sealed(header, bytes(8)), asked[0])


def test_a_long_error_is_cut(asked):
    with pytest.raises(RuntimeError) as caught:
        taken(packing.pack({"error": "x" * 10**6}, {}), asked[0])
    assert len(str(caught.value)) == tasks.LONGEST_REASON


def test_each_name_of_an_identity_counts(asked):
    design, answer = asked
    values, arrays = packing.unpack(answer)
    ours = identity()
    for name in ours:
        less = {kept: ours[kept] for kept in ours if kept != name}
        for other in (ours | {name: "another"}, less):
            with pytest.raises(packing.DamageError, match=f"{name} is .* at the worker and .* here"):
                taken(packing.pack(values | {"identity": other}, arrays), design)


@pytest.mark.slow
class TestFuzz:
    def cases(self, asked, forge, count, seed):
        generator = random.Random(seed)  # noqa: S311
        design, refusals = asked[0], []
        for _ in range(count):
            try:
                results = taken(forge(generator), design)
            except (packing.DamageError, RuntimeError) as error:
                refusals.append(type(error))
                continue
            assert possible(results, design)
        assert {*refusals} <= {packing.DamageError, RuntimeError}  # and not what derives from them
        return len(refusals)

    def test_headers(self, asked):
        header, arrays = header_of(asked[1])
        refused = self.cases(asked, lambda generator: sealed(changed(header, generator), arrays), 2000, 0)
        assert refused > 1800

    def test_arrays(self, asked):
        values, arrays = packing.unpack(asked[1])
        refused = self.cases(
            asked, lambda generator: packing.pack(values, forged(arrays, generator)), 2000, 1
        )
        assert 1000 < refused < 2000

    def test_bytes(self, asked):
        header, arrays = header_of(asked[1])
        text = json.dumps(header).encode()

        def forge(generator):
            some = bytearray(text + arrays)
            some[generator.randrange(len(some) if generator.random() < 0.5 else len(text))] = (
                generator.randrange(256)
            )
            return sealed(bytes(some[: len(text)]), bytes(some[len(text) :]))

        assert self.cases(asked, forge, 2000, 2) > 800


def forged(arrays, generator):
    """Arrays with one change: of a value, a dtype, a shape, or which there are."""
    arrays = {name: array.copy() for name, array in arrays.items()}
    name = generator.choice(list(arrays))
    way = generator.choice(["value", "value", "value", "dtype", "shape", "name", "drop"])
    if way == "value":
        number = generator.choice([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, 0.5, 3, 25, 26, 2**31 - 1, -1])
        if arrays[name].dtype.kind == "i":
            number = 7 if not abs(number) < 2**31 else int(number)
        with np.errstate(over="ignore"):
            arrays[name].flat[generator.randrange(arrays[name].size)] = number
    elif way == "dtype":
        with np.errstate(all="ignore"):
            arrays[name] = arrays[name].astype(generator.choice(["float64", "float32", "int32"]))
    elif way == "shape":
        shapes = [(-1,), (1, -1), arrays[name].shape[::-1], (*arrays[name].shape, 1)]
        arrays[name] = arrays[name].reshape(generator.choice(shapes))[: generator.choice([None, -1, 0])]
    elif way == "name":
        arrays[str(generator.choice(JUNK))[:50]] = arrays.pop(name)
    else:
        del arrays[name]
    return arrays
