"""The same questions for every engine: the reference's bits, and the contract of `fastnn.engines`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise as neighbours
from itertools import product
from time import perf_counter, sleep
from types import ModuleType

import numpy as np
import pytest
from comparing import (
    DTYPES,
    Case,
    Outcome,
    array_differences,
    bits,
    by_reference,
    case_of,
    compiled,
    differences,
    interpreted,
    label,
    of_contract,
    outcome,
    poisoned,
    quiet,
    random_case,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pairing import later_but_pairs, pairwise, with_the_next

from fastnn.core.activations import ACTIVATIONS
from fastnn.core.derivation import derive
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN
from fastnn.engines import ENGINES, forms, lanes, load, loop
from fastnn.engines.compiling import compile_kernel, run_source
from fastnn.engines.form import Form
from fastnn.printing.vectors import way_back

CLASSROOM = Network((2, 2, 1))
CURVED = Network((2, 3, 2), hidden="tanh", output="sigmoid")
LARGE = Network((4, 9, 5, 2), hidden=("relu", "tanh"))  # above what `loop` writes out line by line

THREE = [CLASSROOM, CURVED, LARGE]
MORE = [
    Network((1, 1)),
    Network((3, 2), output="relu"),
    Network((1, 4, 3, 2), hidden=("relu", "sigmoid"), output="tanh"),
]
# Compiled, 0.3 to 2.4 s for each engine: those that many tests ask for; slow ones in several tests, or once.
SHARED = [*product([CLASSROOM], DTYPES)]
LATER = [pytest.param(*way, marks=pytest.mark.slow) for way in ((CURVED, "float64"), (LARGE, "float32"))]
COMPILED = [
    *SHARED,
    *LATER,
    *(
        pytest.param(*way, marks=pytest.mark.slow)
        for way in zip(MORE, ("float32", "float64", "float64"), strict=True)
    ),
]
# Run as plain Python.
NETWORKS = [
    *THREE,
    *MORE,
    *(Network((2, 1), output=output) for output in ("relu", "tanh", "sigmoid")),
    *(Network(layers) for layers in [(1, 3), (1, 1, 1), (5, 1, 1), (1, 5, 1), (1, 1, 1, 1), (2, 6, 6, 1)]),
    Network((3, 4, 4, 4, 2), ("relu", "tanh", "identity"), "sigmoid"),
    Network((2, 2, 2, 2), ("sigmoid", "relu"), "relu"),
]
# Every activation in a hidden layer and at the output, once with its setting; with each every dtype, engine
# and form.
ABOVE = [Network((2, 3, 2), *two) for two in with_the_next([*ACTIVATIONS, "leaky_relu(0.3)", "elu(0.3)"])]
INTERPRETED = [*later_but_pairs(NETWORKS, DTYPES, [*ENGINES]), *pairwise(ABOVE, DTYPES, [*ENGINES])]
FORMS = later_but_pairs(NETWORKS, DTYPES, (loop, lanes), (0, 10**6))
FORMS += pairwise(ABOVE, DTYPES, (loop, lanes), (0, 10**6))
# In a run of the quick tests, each activation with two or three engines.
DIVERGING = [
    pytest.param(
        network, engine, dtype, marks=() if (n + m) % 2 == 0 and k == n // 2 % 2 else pytest.mark.slow
    )
    for n, network in enumerate([Network((2, 2)), *(Network((2, 3, 2), hidden) for hidden in ACTIVATIONS)])
    for m, engine in enumerate(ENGINES)
    for k, dtype in enumerate(DTYPES)
]
AVX2, AVX512 = forms.Registers(16, 32), forms.Registers(32, 64)


def printing(engine):
    """The module that tells in which form an engine prints."""
    return forms if engine is lanes else engine


def name(value):
    """A short name for what a test is given."""
    if isinstance(value, ModuleType):
        return value.__name__.rpartition(".")[2]
    return label(value) if isinstance(value, Network) else str(value)


every_engine = pytest.mark.parametrize("engine", ENGINES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_network = pytest.mark.parametrize("network", [*THREE, *MORE], ids=label)
every_compiled = pytest.mark.parametrize(("network", "dtype"), COMPILED, ids=name)
some_compiled = pytest.mark.parametrize(("network", "dtype"), [*SHARED, *LATER], ids=name)


def shared(engine, network, dtype):
    """The engine's kernel: compiled if other tests ask for it too, else as plain Python."""
    return (compiled if (network, dtype) in SHARED else interpreted)(engine, network, dtype)


class TestReference:
    """Every engine gives the bits of `reference.train`, which knows nothing of fastnn."""

    @every_engine
    @every_compiled
    def test_compiled(self, engine, network, dtype):
        case = random_case(network, dtype)
        assert not differences(run(compiled(engine, network, dtype), case), by_reference(case))

    @pytest.mark.parametrize(("network", "dtype", "engine"), INTERPRETED, ids=name)
    def test_as_plain_python(self, engine, network, dtype):
        case = random_case(network, dtype, seed=1)
        assert not differences(run(interpreted(engine, network, dtype), case), by_reference(case))

    @pytest.mark.parametrize(
        ("engine", "network", "dtype"),
        [(loop, CLASSROOM, "float64"), pytest.param(lanes, CLASSROOM, "float32", marks=pytest.mark.slow)],
        ids=name,
    )
    def test_loop_form_of_a_small_network(self, engine, network, dtype, monkeypatch):
        monkeypatch.setattr(printing(engine), "STRAIGHT_LINE_PARAMETERS", 0)
        source = engine.source(network, dtype)
        assert "for j in range" in source
        case = random_case(network, dtype)
        assert not differences(run(compile_kernel(source, dtype), case), by_reference(case))

    @pytest.mark.slow  # as plain Python below
    @pytest.mark.parametrize(
        ("registers", "network", "dtype"),
        [
            (AVX2, CLASSROOM, "float64"),
            (AVX512, CURVED, "float32"),
            (AVX512, LARGE, "float32"),
        ],
        ids=name,
    )
    def test_lanes_for_registers_of_any_processor(self, registers, network, dtype, monkeypatch):
        source = self.lanes_for(registers, network, dtype, monkeypatch)
        case = random_case(network, dtype)
        assert not differences(run(compile_kernel(source, dtype), case), by_reference(case))

    @pytest.mark.parametrize("registers", [AVX2, AVX512], ids=name)
    @every_dtype
    @pytest.mark.parametrize("network", THREE, ids=label)
    def test_lanes_for_registers_as_plain_python(self, registers, network, dtype, monkeypatch):
        kernel = quiet(run_source(self.lanes_for(registers, network, dtype, monkeypatch))["advance"])
        case = random_case(network, dtype)
        assert not differences(run(kernel, case), by_reference(case))

    def lanes_for(self, registers, network, dtype, monkeypatch):
        """The source for a processor, in which the registers show."""
        monkeypatch.setattr(forms, "registers", lambda: registers)
        if network is LARGE:  # units together leave some over, functions take several units in one vector
            form = Form(False, registers.size, registers.number // 8, groups=1, together=2)
            source = lanes.source(network, dtype, PLAIN, form)
            assert f"A2 = Vectors(memory, {registers.number // 4}, " in source
            return source
        source = lanes.source(network, dtype)
        name, several = ("A1", 4) if network is CURVED else ("flat", 2)
        assert f"{name} = Vectors(memory, {several}, {8 * registers.size // int(dtype[-2:])}, " in source
        return source

    def test_on_the_way_back_an_update_waits_for_what_needs_its_old_value_and_no_longer(self):
        derivation = derive(CLASSROOM)
        assert [derivation.name(equation.target) for equation in way_back(derivation)] == [
            *("s", "b3"),
            *("s1", "w1", "w2", "b1", "w5"),
            *("s2", "w3", "w4", "b2", "w6"),
        ]

    @pytest.mark.parametrize(("network", "dtype", "engine", "limit"), FORMS, ids=name)
    def test_both_forms_as_plain_python(self, limit, network, dtype, engine, monkeypatch):
        monkeypatch.setattr(printing(engine), "STRAIGHT_LINE_PARAMETERS", limit)
        kernel = quiet(run_source(engine.source(network, dtype))["advance"])
        case = random_case(network, dtype, seed=2)
        assert not differences(run(kernel, case), by_reference(case))


class TestAgreement:
    """Every engine gives the bits of the first one, where the reference would take too long."""

    @every_compiled
    def test_longer_training(self, network, dtype):
        case = random_case(network, dtype, networks=50, rows=20, epochs=20)
        first, *others = (run(compiled(engine, network, dtype), case) for engine in ENGINES)
        assert np.isfinite(first.losses[:, -1]).any()
        assert not any(differences(other, first) for other in others)

    @some_compiled
    def test_many_networks(self, network, dtype):
        case = random_case(network, dtype, networks=10_007 if network is CLASSROOM else 1501)
        first, *others = (run(compiled(engine, network, dtype), case) for engine in ENGINES)
        assert not any(differences(other, first) for other in others)

    @every_engine
    @some_compiled
    def test_jit_off(self, engine, network, dtype):
        case = random_case(network, dtype, networks=9, rows=7, epochs=4)
        without = run(interpreted(engine, network, dtype), case)
        assert not differences(run(compiled(engine, network, dtype), case), without)


@every_engine
@some_compiled
class TestManyNetworks:
    """The bits of a network depend on nothing but its own numbers and the data."""

    def test_together_is_one_by_one(self, engine, network, dtype):
        case, kernel = random_case(network, dtype, networks=6), compiled(engine, network, dtype)
        together = run(kernel, case)
        for m in range(6):
            assert not differences(run(kernel, case.only([m])), together.only([m]))

    def test_the_first_do_not_depend_on_how_many_follow(self, engine, network, dtype):
        case, kernel = random_case(network, dtype, networks=70), compiled(engine, network, dtype)
        together = run(kernel, case)
        for k in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65):
            assert not differences(run(kernel, case.only(slice(k))), together.only(slice(k)))

    def test_permuted(self, engine, network, dtype):
        case, kernel = random_case(network, dtype, networks=21), compiled(engine, network, dtype)
        order = np.random.default_rng(0).permutation(21)
        assert not differences(run(kernel, case.only(order)), run(kernel, case).only(order))

    def test_on_several_threads(self, engine, network, dtype):
        case, kernel = random_case(network, dtype, networks=40, epochs=20), compiled(engine, network, dtype)
        blocks = [slice(start, start + 5) for start in range(0, 40, 5)]
        together = run(kernel, case)
        with ThreadPoolExecutor(4) as pool:
            apart = list(pool.map(lambda block: run(kernel, case.only(block)), blocks))
        for block, found in zip(blocks, apart, strict=True):
            assert not differences(found, together.only(block))

    def test_what_was_in_memory(self, engine, network, dtype):
        case, kernel = random_case(network, dtype), compiled(engine, network, dtype)
        before = run(kernel, case)
        other = random_case(network, dtype, networks=4, seed=5)
        run(kernel, replace(other, parameters=other.parameters * other.parameters.dtype.type(1e30)))
        assert not differences(run(kernel, case), before)

    def test_buffers_filled_with_nan(self, engine, network, dtype):
        case = random_case(network, dtype)
        kernel = of_contract(engine, network, poisoned(load(engine).source(network, dtype)))
        assert not differences(run(kernel, case), run(compiled(engine, network, dtype), case))


@every_engine
@every_dtype
class TestSmallest:
    @pytest.mark.parametrize(
        ("networks", "rows", "epochs"), [(1, 1, 1), (1, 5, 3), (4, 1, 3), (4, 5, 1), (3, 4, 0)]
    )
    def test_sizes(self, engine, dtype, networks, rows, epochs):
        case = random_case(CLASSROOM, dtype, networks=networks, rows=rows, epochs=epochs)
        found = run(compiled(engine, CLASSROOM, dtype), case)
        assert found.losses.shape == (networks, epochs)
        assert not differences(found, by_reference(case))


@every_engine
@some_compiled
class TestContract:
    """What a call of a kernel promises besides the numbers."""

    def test_inputs_are_left_alone_and_may_be_read_only(self, engine, network, dtype):
        case, kernel = random_case(network, dtype), compiled(engine, network, dtype)
        expected = run(kernel, case)
        inputs = [case.X.copy(), case.Y.copy(), case.settings.copy()]
        for array in inputs:
            array.flags.writeable = False
        found = run(kernel, Case(network, case.parameters, *inputs, case.epochs))
        assert not differences(found, expected)
        for array, before in zip(inputs, (case.X, case.Y, case.settings), strict=True):
            assert not array_differences("input", array, before)

    def test_inputs_that_may_be_written_are_left_alone(self, engine, network, dtype):
        case = random_case(network, dtype)
        given = [case.X.copy(), case.Y.copy(), case.settings.copy()]
        run(compiled(engine, network, dtype), case)
        for array, before in zip((case.X, case.Y, case.settings), given, strict=True):
            assert not array_differences("input", array, before)

    @pytest.mark.parametrize(
        "strided",
        [
            lambda M, E, dtype: np.zeros((M, E), dtype, order="F"),
            lambda M, E, dtype: np.zeros((M, 3 * E), dtype)[:, 1::3],
            lambda M, E, dtype: np.zeros((2 * M, E), dtype)[::-2, ::-1],
        ],
        ids=["columns", "every third", "backwards"],
    )
    def test_totals_of_any_strides(self, engine, network, dtype, strided):
        case, kernel = random_case(network, dtype), compiled(engine, network, dtype)
        parameters, totals = case.parameters.copy(), strided(*self.sizes(case), dtype)
        kernel(parameters, case.X, case.Y, case.settings, totals)
        assert not differences(outcome(parameters, totals, len(case.X)), run(kernel, case))
        base = totals.base if totals.base is not None else totals
        assert np.count_nonzero(base) == totals.size

    @pytest.mark.parametrize("cuts", [(0, 2, 5), (0, 1, 4, 5), (0, 1, 2, 3, 4, 5)])
    def test_rows_of_an_epoch_over_several_calls(self, engine, network, dtype, cuts):
        case, kernel = random_case(network, dtype), compiled(engine, network, dtype)
        parameters, totals = case.parameters.copy(), np.zeros(self.sizes(case), dtype)
        for epoch in range(case.epochs):
            for start, stop in neighbours(cuts):
                X, Y = case.X[start:stop], case.Y[start:stop]
                kernel(parameters, X, Y, case.settings, totals[:, epoch : epoch + 1])
        assert not differences(outcome(parameters, totals, len(case.X)), run(kernel, case))

    def test_epochs_over_several_calls(self, engine, network, dtype):
        case, kernel = random_case(network, dtype, epochs=6), compiled(engine, network, dtype)
        parameters, totals = case.parameters.copy(), np.zeros(self.sizes(case), dtype)
        for block in (slice(0, 1), slice(1, 4), slice(4, 6)):
            kernel(parameters, case.X, case.Y, case.settings, totals[:, block])
        assert not differences(outcome(parameters, totals, len(case.X)), run(kernel, case))

    def sizes(self, case):
        return len(case.parameters), case.epochs


@every_engine
def test_holds_no_lock_while_it_computes(engine):
    """Another thread goes on for about 90 times a millisecond; with the lock held it would 2 or 3 times."""
    case, kernel = (
        random_case(CLASSROOM, networks=512, rows=200, epochs=1),
        compiled(engine, CLASSROOM, "float64"),
    )
    began = perf_counter()
    run(kernel, case)
    seconds, times = perf_counter() - began, 0
    for longer in (0.1, 1, 10):  # a busy machine may leave that thread little time
        if times <= 20:
            times = 0
            with ThreadPoolExecutor(1) as pool:
                training = pool.submit(run, kernel, replace(case, epochs=int(longer / seconds) + 1))
                while not training.done():
                    sleep(0.001)
                    times += 1
    assert times > 20


def diverging(network, dtype):
    """Nine networks; the output biases of every other one overflow after about 2, 6, 12 or 24 of 32 rows."""
    case = random_case(network, dtype, networks=9, rows=4, epochs=8)
    settings = case.settings.copy()
    settings[1::2, 0] = [-(float(np.finfo(dtype).max) ** (0.5 / rows)) for rows in (2, 6, 12, 24)]
    return replace(case, settings=settings)


@pytest.mark.parametrize(("network", "engine", "dtype"), DIVERGING, ids=name)
def test_what_diverges_as_plain_python(network, engine, dtype):
    case = diverging(network, dtype)
    expected = by_reference(case)
    assert expected.diverged[1::2].all()
    assert not differences(run(interpreted(engine, network, dtype), case), expected)


@every_engine
@every_dtype
class TestDivergence:
    @pytest.mark.parametrize("network", [CLASSROOM, LARGE], ids=label)
    def test_healthy_neighbours(self, engine, network, dtype):
        case, kernel = diverging(network, dtype), shared(engine, network, dtype)
        found, healthy = run(kernel, case), list(range(0, 9, 2))
        assert len(set(found.diverged[1::2])) >= 3  # in different epochs
        assert not found.diverged[healthy].any()
        assert not differences(found.only(healthy), run(kernel, case.only(healthy)))
        assert not differences(found, by_reference(case))

    def test_rows_over_several_calls(self, engine, dtype):
        case, kernel = diverging(CLASSROOM, dtype), compiled(engine, CLASSROOM, dtype)
        parameters, totals = case.parameters.copy(), np.zeros((9, 8), dtype)
        for epoch in range(8):
            for rows in (slice(0, 1), slice(1, 4)):
                kernel(parameters, case.X[rows], case.Y[rows], case.settings, totals[:, epoch : epoch + 1])
        found, expected = outcome(parameters, totals, 4), run(kernel, case)
        assert not array_differences("diverged", found.diverged, expected.diverged)
        assert not differences(found, expected)

    def test_one_that_would_come_back(self, engine, dtype):
        """With a learning rate of 1/2 the bias is right after one step, but the first loss overflowed."""
        start = [*[0.0] * 8, np.finfo(dtype).max / 4]
        case = case_of(CLASSROOM, start, [[0.0, 0.0]], [[0.0]], 0.5, 3, dtype)
        found = run(compiled(engine, CLASSROOM, dtype), case)
        assert found.diverged.tolist() == [1]
        assert not differences(found, by_reference(case))

    @pytest.mark.parametrize("network", [CLASSROOM, LARGE], ids=label)
    def test_relu_lets_a_nan_through(self, engine, dtype, network):
        """A weight is infinite and its input is 0; were the unit taken for dead, the loss would be finite."""
        case = random_case(network, dtype)
        case.parameters[1, 0], case.X[:, 0] = np.inf, 0.0
        found = run(shared(engine, network, dtype), case)
        assert found.diverged.tolist() == [0, 1, 0]
        assert not differences(found, by_reference(case))

    def test_a_dead_unit_with_an_infinite_weight_disturbs_nothing(self, engine, dtype):
        start = [-np.inf, 0.5, 0.25, 0.5, 2.0, 1.0, 0.0, 0.25, -1.0]
        finite = [-9.0, *start[1:]]
        case = case_of(CLASSROOM, [start, finite], [[1.0, 2.0]] * 3, [[1.0]] * 3, 0.01, 1, dtype)
        parameters, totals = case.parameters.copy(), np.zeros((2, 1), dtype)
        compiled(engine, CLASSROOM, dtype)(parameters, case.X, case.Y, case.settings, totals)
        assert parameters[:, 0].tolist() == [-np.inf, -9.0]
        assert not array_differences("parameters", parameters[0, 1:], parameters[1, 1:])
        assert not array_differences("totals", totals[0], totals[1])


@every_engine
@every_dtype
class TestEdges:
    """Numbers at which a careless rearrangement shows."""

    def test_a_gate_is_shut_at_zero(self, engine, dtype):
        """The step worked by hand in test_reference.py: z2 is exactly 0; every number is exact."""
        start = [0.5, 0.25, -1.0, 0.5, 2.0, 3.0, 0.5, 0.0, -1.0]
        found = run(*self.step(engine, dtype, start, (1.0, 2.0), 1.0, 0.125))
        after = [[0.0, -0.75, -1.0, 0.5, 1.625, 3.0, 0.0, 0.0, -1.25]]
        assert not array_differences("parameters", found.parameters, np.array(after, dtype))
        assert found.losses.tolist() == [[1.0]]

    def test_totals_are_added_to(self, engine, dtype):
        start = [0.5, 0.25, -1.0, 0.5, 2.0, 3.0, 0.5, 0.0, -1.0]
        kernel, case = self.step(engine, dtype, start, (1.0, 2.0), 1.0, 0.125)
        totals = np.array([[2.5]], dtype)
        kernel(case.parameters.copy(), case.X, case.Y, case.settings, totals)
        assert totals.tolist() == [[3.5]]

    def test_overflow_behind_a_shut_gate_is_zero(self, engine, dtype):
        """s*w5 is infinite for both networks; the first unit of the first one is dead."""
        huge = np.finfo(dtype).max / 2
        start = [[0.0, 0.0, 0.0, 0.0, huge, 1.0, bias, -1.0, 100.0] for bias in (-1.0, 1e-30)]
        found = run(*self.step(engine, dtype, start, (1.0, 1.0), 0.0, 0.5))
        after = [0.0, 0.0, 0.0, 0.0, huge, 1.0, -1.0, -1.0, 0.0]
        assert not array_differences("parameters", found.parameters[0], np.array(after, dtype))
        assert found.losses[0].tolist() == [100.0**2]
        assert found.diverged.tolist() == [0, 1]

    def test_all_units_dead(self, engine, dtype):
        case = random_case(CLASSROOM, dtype, epochs=10)
        case.parameters[:, 6:8] = -100.0
        found = run(compiled(engine, CLASSROOM, dtype), case)
        assert not array_differences("parameters", found.parameters[:, :8], case.parameters[:, :8])
        assert (found.parameters[:, 8] != case.parameters[:, 8]).all()
        assert not differences(found, by_reference(case))

    def test_negative_zeros(self, engine, dtype):
        start = [[0.0] * 9, [0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]  # -0.0 never gets as far as here
        X, Y = [[-0.0, 0.0], [0.0, -0.0], [1.0, -0.0], [-0.0, -1.0]], [[-0.0], [0.0], [-0.0], [0.0]]
        case = case_of(CLASSROOM, start, X, Y, 0.25, 2, dtype)
        found = run(compiled(engine, CLASSROOM, dtype), case)
        assert not differences(found, by_reference(case))
        zeros = found.parameters == 0
        assert zeros.any()
        assert not np.signbit(found.parameters[zeros]).any()

    def test_subnormals(self, engine, dtype):
        case = random_case(CLASSROOM, dtype, epochs=5)
        tiny = case.parameters.dtype.type(np.finfo(dtype).tiny / 8)
        case.parameters[:, [0, 1, 2, 3, 6, 7, 8]] *= tiny
        case = replace(case, Y=case.Y * tiny)
        found = run(compiled(engine, CLASSROOM, dtype), case)
        assert not differences(found, by_reference(case))
        moved = found.parameters[:, 8] != case.parameters[:, 8]
        assert moved.all()
        assert (np.abs(found.parameters[:, 8]) < np.finfo(dtype).tiny).all()

    @pytest.mark.parametrize("network", [CLASSROOM, CURVED, LARGE], ids=label)
    def test_largest_numbers(self, engine, dtype, network):
        case = random_case(network, dtype, networks=8, epochs=2)
        scales = np.geomspace(1.0, np.finfo(dtype).max / 8, 8, dtype=dtype)
        case = replace(case, parameters=case.parameters * scales[:, None])
        found = run(shared(engine, network, dtype), case)
        assert not differences(found, by_reference(case))

    def step(self, engine, dtype, start, x, y, learning_rate):
        """What `run` takes, for one step of 2-2-1 on one row."""
        case = case_of(CLASSROOM, start, [x], [[y]], learning_rate, 1, dtype)
        return compiled(engine, CLASSROOM, dtype), case


@st.composite
def cases(draw):
    """Any small network; numbers moderate, special or anywhere up to the largest."""
    layers = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    activations = st.sampled_from([*ACTIVATIONS])
    hidden = [draw(activations) for _ in layers[1:-1]]
    network = Network(layers, hidden, draw(activations))
    dtype = draw(st.sampled_from(DTYPES))
    width, limits = int(dtype[-2:]), np.finfo(dtype)
    special = [0.0, -0.0, 1.0, -1.0, float(limits.tiny), float(limits.smallest_subnormal), float(limits.max)]
    numbers = st.one_of(
        st.floats(-2, 2, width=width),
        st.sampled_from(special),
        st.floats(allow_nan=False, allow_infinity=False, width=width),
    )
    M, N = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    shapes = [(M, network.n_parameters), (N, layers[0]), (N, layers[-1])]
    parameters, X, Y = (draw(arrays(dtype, shape, elements=numbers)) for shape in shapes)
    # Half a step may be too small to be.
    rates = draw(arrays(dtype, (M, 1), elements=st.floats(0, 2, width=width)))
    return Case(network, parameters + 0, X, Y, -2 * rates, draw(st.integers(1, 3)))  # + 0: none is -0.0


class TestAnyNetwork:
    @settings(max_examples=30)
    @given(cases())
    def test_every_engine_gives_the_bits_of_the_reference(self, case):
        expected = by_reference(case)
        for engine in ENGINES:
            assert not differences(run(interpreted(engine, case.network, case.dtype), case), expected)

    @pytest.mark.slow  # 4 s an example, compiling
    @settings(max_examples=12)
    @given(cases())
    def test_compiled(self, case):
        expected = by_reference(case)
        for engine in ENGINES:
            kernel = load(engine).made.__wrapped__(case.network, case.dtype, PLAIN)
            assert not differences(run(kernel, case), expected)


@every_dtype
def test_maximum_of_the_two_zeros_is_positive_at_every_length_and_offset(dtype):
    """The engine `batched` relies on it: relu in place, whose sign of 0 the gate reads."""
    for length in range(1, 71):
        for offset in range(8):
            array = np.full(length + 8, -0.0, dtype)[offset : offset + length]
            np.maximum(array, 0.0, out=array)
            assert not bits(array).any()


@every_engine
class TestModule:
    """What an engine's module offers besides its kernel."""

    @every_dtype
    @every_network
    def test_blocks(self, engine, network, dtype):
        fewest, most, width, vector, seconds = load(engine).call_sizes(network, dtype)
        assert all(isinstance(count, int) for count in (fewest, most, width, vector))
        assert 1 <= fewest <= most
        assert most % width == 0
        assert width % vector == 0
        assert 1e-11 < seconds < 1e-8

    def test_source_is_the_same_every_time_and_keeps_to_its_dtype(self, engine):
        source = load(engine).source(CURVED, "float32")
        assert source == load(engine).source(Network([2, 3, 2], ["tanh"], "sigmoid"), "float32")
        assert "float64" not in source

    @every_dtype
    @every_network
    def test_source_is_python_that_imports_no_more_than_it_uses(self, engine, network, dtype):
        text = load(engine).source(network, dtype)
        names = run_source(text)
        imported = [
            name.strip()
            for line in text.splitlines()
            if line.startswith("from ")
            for name in line.partition(" import ")[2].split(",")
        ]
        assert imported
        assert all(text.count(name) > 1 and name in names for name in imported)


FRAME = """
    for m in range(state.shape[0]):
        step = settings[m, 0]
        w1 = state[m, 0]
        b3 = state[m, 8]
        for e in range(totals.shape[1]):
            total = totals[m, e]
            for i in range(rows):
                x1 = X[i, 0]
                x2 = X[i, 1]
                y = Y[i, 0]
                # forward
                z1 = w1*x1 + w2*x2 + b1
                h1 = 0.0 if z1 <= 0.0 else z1
                z2 = w3*x1 + w4*x2 + b2
                h2 = 0.0 if z2 <= 0.0 else z2
                yhat = w5*h1 + w6*h2 + b3
                # error
                d = yhat - y
                total += d*d
                # deltas
                s = step*d
                s1 = s*w5 if z1 > 0.0 else 0.0
                s2 = s*w6 if z2 > 0.0 else 0.0
                # updates
                if z1 > 0.0:
                    w1 += s1*x1
                    w2 += s1*x2
                    b1 += s1
                if z2 > 0.0:
                    w3 += s2*x1
                    w4 += s2*x2
                    b2 += s2
                w5 += s*h1
                w6 += s*h2
                b3 += s
            totals[m, e] = total
        state[m, 0] = w1
        state[m, 8] = b3
"""


def stand_in_order(lines, text):
    """Whether these lines stand in a text, whole and in this order."""
    rest = iter(text.splitlines())
    return all(line in rest for line in lines)


class TestLoopSource:
    def test_reads_like_the_notebook(self):
        assert stand_in_order(FRAME.strip("\n").splitlines(), loop.source(CLASSROOM, "float64"))

    def test_a_large_network_is_printed_in_loops(self):
        source = loop.source(Network((10, 32, 32, 1)), "float64")
        assert "for i in range(1, 10):" in source
        assert len(source.splitlines()) < 120

    def test_the_form_follows_the_number_of_parameters(self):
        small, large = Network((15, 4)), Network((16, 4))  # 64 and 68 parameters
        assert "w60 += s4*x15" in loop.source(small, "float64")
        assert "W1[j, i] += S1[j]*X[row, i]" in loop.source(large, "float64")


class TestChecksCanFail:
    """Every comparison rejects what it has to."""

    case = random_case(CLASSROOM)
    right = by_reference(case)

    def changed(self, **arrays):
        return replace(self.right, **arrays)

    def test_the_right_answer_passes(self):
        assert not differences(self.changed(parameters=self.right.parameters.copy()), self.right)

    def test_all_zeros(self):
        zeros = Outcome(*(np.zeros_like(a) for a in (self.right.parameters, self.right.losses, [0, 0, 0])))
        assert differences(zeros, self.right)

    @pytest.mark.parametrize("name", ["parameters", "losses"])
    def test_one_number_off_by_one_ulp(self, name):
        array = getattr(self.right, name).copy()
        array[2, 1] = np.nextafter(array[2, 1], np.inf)
        assert len(differences(self.changed(**{name: array}), self.right)) == 1

    def test_two_networks_swapped(self):
        assert differences(self.right.only([0, 2, 1]), self.right)

    def test_nan_in_place_of_a_number(self):
        array = self.right.parameters.copy()
        array[0, 0] = np.nan
        assert differences(self.changed(parameters=array), self.right)
        assert differences(self.right, self.changed(parameters=array))
        assert not differences(self.changed(parameters=array), self.changed(parameters=-array.copy() * -1))

    def test_another_epoch_of_divergence(self):
        assert differences(self.changed(diverged=np.array([0, 0, 1])), self.right)

    def test_the_other_zero(self):
        assert array_differences("zero", np.array([0.0]), np.array([-0.0]))

    def test_another_shape_or_dtype(self):
        zeros = np.zeros((2, 2))
        assert array_differences("zeros", zeros[:1], zeros)
        assert array_differences("zeros", zeros.astype("float32"), zeros)

    def test_a_kernel_that_does_nothing(self):
        assert differences(run(lambda *_: None, self.case), self.right)

    def test_a_kernel_that_does_not_clear_its_buffer(self):
        source = load("batched").source(CLASSROOM, "float64")
        torn = source.replace("copyto(total, totals[:, e])", "pass")
        assert torn != source
        assert not differences(run(poisoned(source), self.case), self.right)
        assert differences(run(poisoned(torn), self.case), self.right)

    def test_divergence_is_made_visible(self):
        totals = np.array([[1.0, np.inf, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
        found = outcome(np.array([[1.0], [2.0], [np.inf]]), totals, 1)
        assert found.diverged.tolist() == [2, 0, 3]
        expected = np.array([[1.0, np.nan, np.nan], [1.0, 2.0, 3.0], [1.0, 2.0, np.nan]])
        assert not array_differences("losses", found.losses, expected)
        assert not array_differences("parameters", found.parameters, np.array([[np.nan], [2.0], [np.nan]]))

    def test_lines_in_order(self):
        assert stand_in_order(["a", "c"], "a\nb\nc")
        assert not stand_in_order(["c", "a"], "a\nb\nc")
        assert not stand_in_order(["a", "d"], "a\nb\nc")
        assert not stand_in_order(["b "], "a\nb\nc")
