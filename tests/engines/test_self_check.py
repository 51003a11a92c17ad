"""The self-check of compiled kernels: it accepts the right, rejects the wrong, and results stay right."""

import logging
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import fastnn
from fastnn.core.rule import PLAIN
from fastnn.engines import batched, compiling, kernel_files, load, self_check
from fastnn.engines.compiling import run_source
from fastnn.engines.self_check import checked_kernel
from fastnn.sweeping.work import executing, packing

COMPILED = ("loop", "lanes")
SHAPES = (
    ((2, 2, 1), "relu"),
    ((4, 9, 5, 2), ("relu", "tanh")),
    ((3, 2, 2), "tanh"),
    ((2, 3, 2, 1), "sigmoid"),
)
LEAST = fastnn.Network((1, 1))
X, Y, START = [[0.5], [0.25]], [1, 0.5], np.ones((3, 2)) / 7

# Trains with both engines that compile, prints the bits; told to, keeps wrong kernels under right names.
SCRIPT = """
import sys
import numpy as np
import fastnn
from fastnn.engines import compiling, self_check

net, X, y, start = fastnn.Network((1, 1)), [[0.5], [0.25]], [1, 0.5], np.ones((3, 2)) / 7
if "wrong" in sys.argv:
    run_source = compiling.run_source
    compiling.run_source = lambda source: run_source(source.replace("yhat - y", "yhat + y"))
    self_check._is_right = lambda *arguments: True
for engine in ("loop", "lanes"):
    run = fastnn.train(net, X, y, start, epochs=4, engine=engine)
    print(run.parameters[0, 0].hex(), run.loss[0].hex())
"""


def trained_elsewhere(*arguments, **environment):
    """(bits, standard error) of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


def right_bits():
    """The bits that such a process should print, by the engine that compiles nothing."""
    run = fastnn.train(LEAST, X, Y, START, epochs=4, engine="batched")
    return [f"{run.parameters[0, 0].hex()} {run.loss[0].hex()}"] * len(COMPILED)


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """An empty folder for kernels; nothing compiled in it is remembered."""
    monkeypatch.setenv(kernel_files.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(compiling, "COMPILED", {})
    monkeypatch.setattr(compiling, "REJECTED", set())
    monkeypatch.setattr(self_check, "CHECKED", {})
    for engine in COMPILED:
        load(engine).made.cache_clear()
    yield tmp_path / "cache" / "kernels"
    for engine in COMPILED:
        load(engine).made.cache_clear()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("engine", COMPILED)
class TestCase:
    @pytest.mark.parametrize(("layers", "hidden"), SHAPES[:2])
    def test_right_kernels_pass(self, engine, dtype, layers, hidden):
        network = fastnn.Network(layers, hidden)
        kernel = load(engine).kernel(network, dtype)
        assert self_check._is_right(kernel, engine, network, dtype, PLAIN)
        assert checked_kernel(engine, network, dtype) is kernel

    @pytest.mark.parametrize(("layers", "hidden"), SHAPES)
    def test_every_parameter_and_total_moves_and_stays_finite(self, engine, dtype, layers, hidden):
        network = fastnn.Network(layers, hidden)
        networks = load(engine).call_sizes(network, dtype).width + self_check.LEFT_OVER
        before = self_check._computed(lambda *arrays: None, network, networks, dtype, PLAIN)
        after = self_check._computed(batched.kernel(network, dtype), network, networks, dtype, PLAIN)
        for start, end in zip(before, after, strict=True):
            assert np.isfinite(end).all()
            assert (start != end).any(axis=0).all()
            assert len(np.unique(end)) > 0.9 * end.size


@pytest.mark.parametrize(("layers", "hidden"), SHAPES)
def test_every_sum_and_every_product_counts(monkeypatch, layers, hidden):
    """The loop's source with one operation exchanged, in each of its places: none passes."""
    network = fastnn.Network(layers, hidden)
    source = load("loop").source(network, "float64")
    step = source.index("    # forward")
    monkeypatch.setattr(self_check, "is_compiled", lambda kernel: True)  # as if these were

    def passes(text):
        with np.errstate(all="ignore"):
            return self_check._is_right(run_source(text)["advance"], "loop", network, "float64", PLAIN)

    assert passes(source)
    places = [n for n in range(step, len(source)) if source[n : n + 3] in (" + ", " - ") or source[n] == "*"]
    assert len(places) >= 12
    for place in places:
        other = {" + ": " - ", " - ": " + "}.get(source[place : place + 3])
        wrong = source[:place] + (other + source[place + 3 :] if other else "/" + source[place + 1 :])
        assert not passes(wrong), wrong[source.rfind("\n", 0, place) : place + 20]


def test_a_kernel_that_raises_does_not_pass(monkeypatch):
    monkeypatch.setattr(self_check, "is_compiled", lambda kernel: True)
    assert not self_check._is_right(lambda *arrays: 1 / 0, "loop", fastnn.Network((2, 1)), "float64", PLAIN)


@pytest.mark.parametrize("engine", COMPILED)
def test_additions_fused_with_products_do_not_pass(engine):
    """What fast-math would do: the last bit of some results differs."""
    import numba
    from llvmlite.binding import get_host_cpu_features

    if not get_host_cpu_features().get("fma"):
        pytest.skip("needs a processor with fused multiply-add")
    network = fastnn.Network((2, 2, 1))
    names = run_source(load(engine).source(network, "float64"))
    fused = numba.njit(fastmath={"contract"}, error_model="numpy")(names["advance"])
    assert not self_check._is_right(fused, engine, network, "float64", PLAIN)


def run_wrong(source):
    """What a printed source comes to, with a wrong sign in it."""
    assert "yhat - y" in source
    return run_source(source.replace("yhat - y", "yhat + y"))


def loaded(name):
    """What Numba makes of a kernel on disk; None says that it must be compiled."""
    from numba.core.registry import cpu_target

    from fastnn.engines.kernel_cache import KernelCache

    return KernelCache(name).load_overload(None, cpu_target.target_context)


class TestWrongKernels:
    @pytest.mark.long
    def test_on_disk_are_compiled_anew(self, kernels, caplog):
        wrong, _ = trained_elsewhere("wrong")
        assert not set(right_bits()) & set(wrong)
        one, other = kernel_files.held()

        bits, said = trained_elsewhere()
        assert bits == right_bits()
        assert said.count("failed its self-check; it is compiled anew") == 2
        assert said.count("\n") == 2
        assert trained_elsewhere() == (right_bits(), "")

        # One under the other's name, with the checksum of its new name, is not run.
        kernel_files.write(one.stem, kernel_files.read(other.stem))
        caplog.set_level(logging.INFO, "fastnn")
        assert loaded(one.stem) is None
        assert "another kernel was kept under its name" in caplog.messages[-1]

    def test_that_stay_wrong_give_way_to_batched(self, kernels, monkeypatch, caplog):
        network, compiled = LEAST, []

        def wrong(source):
            compiled.append(source)
            return run_wrong(source)

        monkeypatch.setattr(compiling, "run_source", wrong)
        expected = fastnn.train(network, X, Y, START, epochs=4, engine="batched")
        for _ in range(2):  # the second time nothing is tried again
            run = fastnn.train(network, X, Y, START, epochs=4, engine="loop")
            assert run.parameters.tobytes() == expected.parameters.tobytes()
            assert run.loss.tobytes() == expected.loss.tobytes()
            assert len(compiled) == 2
        assert [(record.name, record.levelno) for record in caplog.records] == [
            ("fastnn", logging.WARNING),
            ("fastnn", logging.WARNING),
        ]
        assert f"{network!r} in float64 failed its self-check; it is compiled anew" in caplog.messages[0]
        assert "the engine batched takes its place, slower but right" in caplog.messages[1]
        assert kernel_files.held() == {}

    def test_of_a_worker_change_no_bit_of_its_answer(self, kernels, monkeypatch, caplog):
        right = fastnn.sweep(LEAST, X, Y, networks=20, epochs=4, engine="batched")
        plan = replace(right.plan, engine="loop")
        task = executing.task(replace(right.design, plan=plan), 1, "float64")
        monkeypatch.setattr(compiling, "run_source", run_wrong)
        values, arrays = packing.unpack(executing.compute(task, 0, 20))
        assert "error" not in values
        assert arrays["parameters"].tobytes() == right.parameters.tobytes()
        assert arrays["loss"].tobytes() == right.loss.tobytes()
        assert "the engine batched takes its place" in caplog.messages[-1]


def test_without_compiling_nothing_is_checked(monkeypatch):
    assert trained_elsewhere(NUMBA_DISABLE_JIT="1") == (right_bits(), "")
    monkeypatch.setattr(self_check, "_computed", None)  # not called
    network = fastnn.Network((2, 2, 1))
    assert checked_kernel("batched", network, "float64") is batched.kernel(network, "float64")
