"""What results must be like, compared with the same said of one number after the other."""

import math

import numpy as np
import pytest

from fastnn.sweeping.columns import Schema
from fastnn.sweeping.work.expecting import Expected

SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, math.nan, math.inf, -math.inf]


def possible(schema, arrays):
    """Whether arrays may be results, in plain Python."""
    losses = [arrays[name].tolist() for name in schema.losses]
    for m, diverged in enumerate(arrays["diverged"].tolist()):
        if not 0 <= diverged <= schema.epochs:
            return False
        parameters, loss = arrays["parameters"][m].tolist(), losses[0][m]
        measured = [some[m] for some in losses[1:]]
        if not all(math.isnan(value) or 0 <= value < math.inf for value in measured):
            return False
        if diverged:
            if not all(map(math.isnan, [*parameters, loss, *measured])):
                return False
        elif not (all(map(math.isfinite, parameters)) and 0 <= loss < math.inf):
            return False
    return not schema.every or all(possible_curve(schema, arrays, m) for m in range(len(arrays["diverged"])))


def possible_curve(schema, arrays, m):
    diverged, curve = int(arrays["diverged"][m]), arrays["curves"][m].tolist()
    kept = range(schema.every, schema.epochs + 1, schema.every)
    for epoch, value in zip(kept, curve, strict=True):
        if diverged and epoch >= diverged:
            if not math.isnan(value):
                return False
        elif not value >= 0 or (schema.curve_dtype == schema.dtype and value == math.inf):
            return False
    loss = np.array(arrays["loss"][m]).astype(schema.curve_dtype)
    return kept[-1] != schema.epochs or np.array_equal(curve[-1], loss, equal_nan=True)


def drawn(draw):
    """Results of a few networks, mostly with a number or two that may not be there."""
    m, parameters, epochs = (int(draw.integers(low, 6)) for low in (0, 1, 1))
    every, dtype, curve_dtype = int(draw.integers(epochs + 1)), *draw.choice(["float32", "float64"], 2)
    losses = ("loss", "validation_loss")[: draw.integers(1, 3)]
    schema = Schema.of(
        tuple(f"w{n + 1}" for n in range(parameters)),
        str(dtype),
        epochs,
        rows=[1],
        validation=losses[1:] or None,
        every=every,
        curve_dtype=str(curve_dtype),
    )
    diverged = np.where(draw.random(m) < 0.4, draw.integers(0, epochs + 1, m), 0).astype(np.int32)
    if m and draw.random() < 0.05:
        diverged[0] = draw.choice([-1, epochs + 1, -(2**31), 2**31 - 1])
    ended = diverged > 0
    arrays = {"diverged": diverged}
    arrays["parameters"] = np.where(ended[:, None], np.nan, draw.normal(size=(m, parameters))).astype(dtype)
    arrays |= {name: np.where(ended, np.nan, draw.random(m)).astype(dtype) for name in losses}
    if every:
        kept = np.arange(every, epochs + 1, every)
        there = ~ended[:, None] | (kept < diverged[:, None])
        arrays["curves"] = np.where(there, draw.random((m, len(kept))), np.nan).astype(curve_dtype)
        if kept[-1] == epochs:
            arrays["curves"][:, -1] = arrays["loss"]
    for name in draw.choice([name for name in arrays if name != "diverged"], draw.integers(3)):
        if arrays[name].size:
            arrays[name].flat[draw.integers(arrays[name].size)] = draw.choice(SPECIAL)
    return schema, arrays


@pytest.mark.parametrize("seed", range(4))
def test_one_after_the_other(seed):
    draw, counts = np.random.default_rng(seed), {True: 0, False: 0}
    for _ in range(1000):
        schema, arrays = drawn(draw)
        fault = Expected(schema).fault(arrays, len(arrays["diverged"]))
        assert (fault == "") == possible(schema, arrays), (fault, schema, arrays)
        counts[not fault] += 1
    assert min(counts.values()) > 200
