"""The bits of the plain rule, stored: squared error, gradient descent, one row at a time.

Six hundred random jobs were trained once, and the body of the loop over rows was printed for each of their
networks; what came out is stored beside this file as digests. Whatever is rebuilt, they stay. A change that
is meant to change them writes them anew, with ``python tests/test_stored_bits.py``, and says so.
"""

import json
import random
import warnings
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.rule import PLAIN
from fastnn.engines import forms, lanes
from fastnn.engines.form import Form
from fastnn.training import reducing, resting

STORED = Path(__file__).with_name("stored_bits.json")
JOBS = 600
PART = 50  # jobs in a test
QUICK = 50  # jobs that every run of the tests trains, of every engine, as plain Python; -m slow compiles
ACTIVATIONS = ("relu", "tanh", "sigmoid", "identity")

pytestmark = pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")  # some jobs diverge, and should

# The engines that compile meet few networks, or most of the time would go into compiling.
COMPILED = {
    "loop": [fastnn.Network((2, 2, 1)), fastnn.Network((3, 5, 4, 2), ("tanh", "relu"))],
    "lanes": [
        fastnn.Network((2, 2, 1)),
        fastnn.Network((2, 3, 2), "relu", "sigmoid"),
        fastnn.Network((4, 16, 1)),
    ],
}
REGISTERS = (forms.Registers(16, 32), forms.Registers(32, 64))


def job(number):
    """A random job: (network, X, y, what else `fastnn.sweep` is given)."""
    draw = random.Random(number)  # noqa: S311 - no secret
    engine = draw.choice(["batched"] * 7 + ["loop", "lanes", "lanes"])
    network = random_network(draw) if engine == "batched" else draw.choice(COMPILED[engine])
    rows = draw.choice([1, 2, 3, 7, 20])
    numbers = np.random.default_rng(number)
    X = numbers.normal(size=(rows, network.n_inputs)) * draw.choice([0.1, 1, 1, 10])
    y = numbers.normal(size=(rows, network.n_outputs))
    given = {
        "networks": draw.choice([1, 2, 3, 9, 17, 40]),
        "start": draw.choice([fastnn.normal(0, 1.5), fastnn.uniform(-1, 1), fastnn.he(), fastnn.glorot()]),
        "seed": draw.randrange(2**64),
        "learning_rate": draw.choice([0.005, 0.05, [0.01, 0.3], [0.1, 3.0]]),
        "epochs": draw.choice([1, 2, 5, 12]),
        "dtype": draw.choice(["float64", "float64", "float32"]),
        "shuffle": draw.random() < 0.3,
        "rows": [1, rows] if rows > 1 and draw.random() < 0.2 else None,
        "engine": engine,
    }
    return network, X, y, given


def random_network(draw):
    """A network of up to three hidden layers of up to nine units."""
    hidden = [draw.randint(1, 9) for _ in range(draw.choice([0, 1, 1, 1, 2, 3]))]
    layers = (draw.randint(1, 5), *hidden, draw.choice([1, 1, 2, 3]))
    activations = [draw.choice(ACTIVATIONS[:1] * 3 + ACTIVATIONS) for _ in hidden]
    return fastnn.Network(layers, activations, draw.choice(ACTIVATIONS[3:] * 3 + ACTIVATIONS))


def digest(*parts):
    """Sixteen hexadecimal digits of what bytes and texts hold."""
    found = sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()[:16]


def trained(number, eliminate):
    """The digest of what a job comes to: parameters, losses and epochs of divergence."""
    network, X, y, given = job(number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reducing, "WORTH_A_KERNEL", 0 if eliminate else np.inf)
        patch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
        patch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
        found = fastnn.sweep(network, X, y, **given, workers=1)
    return digest(found.parameters.tobytes(), found.loss.tobytes(), found.diverged.tobytes())


@cache
def printed(network, dtype):
    """The digest of the loops over rows that the engines print, with few registers and with many."""
    bodies = [row_loop(fastnn.code(network, engine, dtype)) for engine in ("loop", "batched")]
    for registers in REGISTERS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forms, "registers", lambda registers=registers: registers)
            bodies.append(row_loop(lanes.source(network, dtype, PLAIN, form_then(network))))
    return digest(*bodies)


def form_then(network):
    """The form in which the stored kernels of `lanes` were printed; others have been found to be faster."""
    number, size, _ = forms.registers()
    if network.n_parameters <= 36:
        several, reads = forms._registers_together(network), 1 + forms._outgrows_registers(network)
        groups, straight = 512 // (size * several), True
    else:
        outgrown = network.n_parameters * size * (number // 8) > 32 << 10
        several, reads, groups, straight = number // 8 // (1 + outgrown), 1, 1, False
    return Form(straight, size, several, groups, reads, together=max(1, number // 4 // several))


def row_loop(source):
    """The lines of a kernel's loop over rows."""
    lines = iter(source.splitlines())
    for line in lines:
        if line.strip().startswith(("for i in range(rows):", "for row in range(rows):", "for x, y in zip(")):
            break
    depth = len(line) - len(line.lstrip())
    body = []
    for line in lines:
        if line and len(line) - len(line.lstrip()) <= depth:
            break
        body.append(line[depth:])
    assert body
    return "\n".join(body)


def found(number):
    """What is stored of a job: what it comes to, and what its kernels look like."""
    network, _, _, given = job(number)
    eliminate = given["engine"] == "batched" and number % 2 == 1  # others would compile smaller networks
    return [trained(number, eliminate), printed(network, given["dtype"])]


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=[pytest.mark.slow] * (first >= QUICK)) for first in range(0, JOBS, PART)],
)
def test_the_bits_are_those_that_are_stored(first, stored, monkeypatch):
    if first < QUICK:
        run_as_plain_python(monkeypatch)  # compiling takes twice as long as the jobs
    assert [found(number) for number in range(first, first + PART)] == stored[first : first + PART]


class TestTheDigestsSee:
    """Each digest sees the least change of what it stands for."""

    def test_one_bit_of_a_parameter(self):
        parameters = np.ones(3)
        changed = np.array([1.0, np.nextafter(1.0, 2.0), 1.0])
        assert digest(parameters.tobytes()) != digest(changed.tobytes())

    def test_one_sign_in_the_loop(self):
        source = fastnn.code(fastnn.Network((2, 2, 1)), "loop")
        body = row_loop(source)
        assert "w1 += s1*x1" in body
        assert "totals[m, e] = total" not in body
        assert digest(body) != digest(row_loop(source.replace("w1 += s1*x1", "w1 -= s1*x1")))

    def test_elimination_and_shuffle_are_among_the_jobs(self):
        jobs = [job(number) for number in range(JOBS)]
        assert {given["shuffle"] for *_, given in jobs} == {True, False}
        assert {given["engine"] for *_, given in jobs} == {"loop", "batched", "lanes"}
        hidden = {activation for network, *_ in jobs for activation in network.hidden}
        assert hidden == set(ACTIVATIONS)

    def test_a_unit_is_left_out_in_some(self, monkeypatch):
        groups = []
        known = reducing.Units._group
        monkeypatch.setattr(
            reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a), raising=True
        )
        for number in range(1, 60, 2):
            if job(number)[3]["engine"] == "batched":
                trained(number, eliminate=True)
            if groups:
                return
        pytest.fail("every job has all its units")


if __name__ == "__main__":
    warnings.simplefilter("ignore", fastnn.ScaleWarning)
    lines = ",\n".join(json.dumps(found(number)) for number in range(JOBS))
    STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
