"""The self-check of compiled kernels: it accepts the right, rejects the wrong, and results stay right."""

import logging
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from comparing import DTYPES
from uncompiled import forget_kernels

import fastnn
from fastnn.core.optimizers import Nesterov
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import batched, compiling, forms, kernel_files, lanes, load, self_check
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

# Trains with the engine that is compiled fastest, in both dtypes, and prints the bits.
SCRIPT = """
import numpy as np
import fastnn

net, X, y, start = fastnn.Network((1, 1)), [[0.5], [0.25]], [1, 0.5], np.ones((3, 2)) / 7
for dtype in ("float64", "float32"):
    run = fastnn.train(net, X, y, start, epochs=4, engine="loop", dtype=dtype)
    print(float(run.parameters[0, 0]).hex(), float(run.loss[0]).hex())
"""


def trained_elsewhere(**environment):
    """(bits, standard error) of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


def trained_here(engine="loop"):
    """The lines that it prints, by an engine of this process."""
    runs = [fastnn.train(LEAST, X, Y, START, epochs=4, engine=engine, dtype=dtype) for dtype in DTYPES]
    return [f"{float(run.parameters[0, 0]).hex()} {float(run.loss[0]).hex()}" for run in runs]


def right_bits():
    """The lines that such a process should print, by the engine that compiles nothing."""
    return trained_here("batched")


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
    def test_right_kernels_pass(self, engine, dtype):
        network = fastnn.Network(*SHAPES[0])  # compiled for other tests too
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


BATCHES, MOVING_BATCHES = Rule(batched=True), Rule(optimizer=Nesterov, batched=True)
AVX2, AVX512 = forms.Registers(16, 32), forms.Registers(32, 64)
IN_BATCHES = [
    ("loop", (2, 2, 1), AVX2),
    ("loop", (2, 22, 1), AVX2),  # in loops
    ("lanes", (2, 2, 1), AVX2),
    ("lanes", (2, 3, 1), AVX2),  # in loops, two rows at once
    ("lanes", (2, 3, 1), AVX512),  # eight rows at once
]
LATER = (IN_BATCHES[2], IN_BATCHES[4])  # have the most operations, three quarters of the time of all
END = "(?:whole|end_of_blocks)"
LEFT_OVER = re.compile(rf"( +)for (?:i|row) in range\({END}, stop\):\n(?:\1 +.*\n)+")
BLOCKS = re.compile(rf"( +)for (?:i|row) in range\(start, (?:{END}|stop).*\):\n(?:\1 +.*\n)+")
BACKWARDS = """
def plus_rows(vector, block):
    for row in block[::-1]:
        vector = vector + row
    return vector


def plus_products(vector, block, other):
    return plus_rows(vector, block * other)


def advance("""


def bent(source, where, old, new):
    """The source with all matches of `old` exchanged, in the part that `where` finds."""
    (part,) = where.finditer(source)
    wrong, count = re.subn(old, new, part.group(), flags=re.IGNORECASE)
    assert count
    return source[: part.start()] + wrong + source[part.end() :]


def rows_exchanged(source):
    """A source that adds up every second row of its blocks before the row before it, or all backwards."""
    if "plus_rows" in source:
        return source.replace("def advance(", BACKWARDS)
    changed = bent(source, BLOCKS, r"([XY])\[(i|row), ", r"\1[\2 + other, ")
    changed = bent(changed, BLOCKS, r"([XY])\[(i|row) \+ 1, ", r"\1[\2, ")
    return changed.replace(" + other, ", " + 1, ")


class TestBatches:
    """A kernel of batches is rejected that is wrong in one place alone."""

    @pytest.fixture
    def passes(self, monkeypatch):
        """Whether a source passes, run as plain Python."""
        monkeypatch.setattr(self_check, "is_compiled", lambda kernel: True)  # as if it were

        def passes(source, engine, network, rule):
            with np.errstate(all="ignore"):
                return self_check._is_right(run_source(source)["advance"], engine, network, "float64", rule)

        return passes

    @pytest.fixture
    def made(self, monkeypatch):
        """A network, and an engine's source for it on a processor with a number of registers."""

        def made(engine, layers, registers, rule):
            monkeypatch.setattr(forms, "registers", lambda: registers)
            lanes.call_sizes.cache_clear()
            network = fastnn.Network(layers)
            return network, load(engine).source(network, "float64", rule)

        yield made
        lanes.call_sizes.cache_clear()

    @pytest.mark.parametrize("rule", [BATCHES, MOVING_BATCHES], ids=["sgd", "nesterov"])
    @pytest.mark.parametrize(("engine", "layers", "registers"), IN_BATCHES)
    def test_wrong_in_some_of_the_rows(self, made, passes, engine, layers, registers, rule):
        network, source = made(engine, layers, registers, rule)
        short = source.replace("n = float64(stop - start)", "n = float64(min(batch, rows))")
        lost = source.replace("range(0, rows, batch)", "range(0, rows - rows % batch, batch)")
        wrong = {"a mean over a full batch": short, "without the short one": lost}
        wrong["a sign in the blocks"] = bent(source, BLOCKS, " - (?=y)", " + ")
        if engine == "lanes":
            wrong["a sign in the rows left over"] = bent(source, LEFT_OVER, " - (?=y)", " + ")
            wrong["rows in another order"] = rows_exchanged(source)
        assert passes(source, engine, network, rule)
        for name, text in wrong.items():
            assert text != source, name
            assert not passes(text, engine, network, rule), name

    @pytest.mark.parametrize(
        ("engine", "layers", "registers"),
        [pytest.param(*way, marks=pytest.mark.slow if way in LATER else ()) for way in IN_BATCHES],
    )
    def test_every_sum_and_every_product_counts(self, made, passes, engine, layers, registers):
        network, source = made(engine, layers, registers, MOVING_BATCHES)
        first, last = source.index("# begin"), source.index("\n", source.rindex("momentum*"))
        # Where blocks end, and which is the last one, is no matter of their numbers.
        operations = re.compile(rf" [+-]=? |\*|{END} = .*|if row \+ .* == stop")
        found = [match.start() for match in operations.finditer(source) if match[0][0] in " *"]
        places = [place for place in found if first < place < last]
        assert len(places) >= 12
        for place in places:
            sign = {"+": "-", "-": "+"}.get(source[place + 1])
            wrong = (
                f"{source[: place + 1]}{sign}{source[place + 2 :]}"
                if source[place] == " "
                else f"{source[:place]}/{source[place + 1 :]}"
            )
            assert not passes(wrong, engine, network, MOVING_BATCHES), wrong[place - 40 : place + 20]

    @pytest.mark.parametrize(("rows", "batch"), [(11, 11), (22, 11)])
    def test_without_a_short_batch_its_mean_would_pass(self, monkeypatch, passes, rows, batch):
        """So the check has one."""
        source = load("loop").source(LEAST, "float64", BATCHES)
        wrong = source.replace("n = float64(stop - start)", "n = float64(batch)")
        assert not passes(wrong, "loop", LEAST, BATCHES)
        monkeypatch.setattr(self_check, "ROWS_IN_BATCHES", rows)
        monkeypatch.setattr(self_check, "BATCH", batch)
        assert passes(wrong, "loop", LEAST, BATCHES)


def test_a_kernel_that_raises_does_not_pass(monkeypatch):
    monkeypatch.setattr(self_check, "is_compiled", lambda kernel: True)
    assert not self_check._is_right(lambda *arrays: 1 / 0, "loop", fastnn.Network((2, 1)), "float64", PLAIN)


@pytest.mark.parametrize("engine", ["loop", pytest.param("lanes", marks=pytest.mark.slow)])
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
    def test_on_disk_are_compiled_anew(self, kernels, caplog, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(compiling, "run_source", run_wrong)
            patch.setattr(self_check, "_is_right", lambda *arguments: True)
            assert not {*right_bits()} & {*trained_here()}
        one, other = kernel_files.held()

        bits, said = trained_elsewhere()
        assert bits == right_bits()
        assert said.count("failed its self-check; it is compiled anew") == 2
        assert said.count("\n") == 2
        forget_kernels(monkeypatch)  # what that process has kept is right
        assert trained_here() == right_bits()
        assert caplog.messages == []

        # One under the other's name, with the checksum of its new name, is not run.
        kernel_files.write(one.stem, kernel_files.read(other.stem))
        caplog.set_level(logging.INFO, "fastnn")
        assert loaded(one.stem) is None
        assert "another kernel was kept under its name" in caplog.messages[-1]

    @pytest.mark.parametrize("batch_size", [1, pytest.param(2, marks=pytest.mark.slow)])
    def test_that_stay_wrong_give_way_to_batched(self, kernels, monkeypatch, caplog, batch_size):
        network, compiled = LEAST, []

        def wrong(source):
            compiled.append(source)
            return run_wrong(source)

        monkeypatch.setattr(compiling, "run_source", wrong)
        expected = fastnn.train(network, X, Y, START, epochs=4, engine="batched", batch_size=batch_size)
        for _ in range(2):  # the second time nothing is tried again
            run = fastnn.train(network, X, Y, START, epochs=4, engine="loop", batch_size=batch_size)
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
