"""Vectors as Numba compiles them are what they are in NumPy, lane by lane and bit by bit."""

import numba
import numpy as np
import pytest

from fastnn.engines.blocks import Blocks, Rows, every_row, first_row, plus_products, plus_rows
from fastnn.engines.crossing import in_lanes, plus_lanes, transposed
from fastnn.engines.memory import aligned_zeros
from fastnn.engines.simd import (
    Vectors,
    apart,
    choose,
    exponent_of,
    power_of_two,
    read_again,
    side_by_side,
    sqrt,
)

DTYPES = ("float64", "float32")
VECTORS = ((1, 8), (1, 16), (3, 4))  # registers, lanes in each
# Compiled for each: a dtype for every vector in a run of the quick tests.
WAYS = [
    pytest.param(*vectors, dtype, marks=pytest.mark.slow if (n + m) % 2 else ())
    for n, vectors in enumerate(VECTORS)
    for m, dtype in enumerate(DTYPES)
]


def both_ways(function, *rows, lanes, dtype, results=1):
    """What a function of vectors leaves in the rows of its results, compiled and as plain Python."""
    found = []
    for run in (numba.njit(error_model="numpy")(function), function):
        numbers = aligned_zeros((len(rows) + results, lanes), dtype)
        for row, values in zip(numbers, rows, strict=False):
            row[:] = np.resize(values, lanes)
        with np.errstate(all="ignore"):
            run(numbers)
        found.append(numbers[len(rows) :].copy())
    return found


SPECIAL = [0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-40, 3e38]


@pytest.mark.parametrize(("registers", "lanes", "dtype"), WAYS)
class TestOperations:
    def test_arithmetic(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            y = v[1]
            added, taken, multiplied, divided = v[0] + y, v[0] - y, v[0] * y, v[0] / y
            added += y
            taken -= y
            multiplied *= y
            divided /= y
            v[2], v[3], v[4], v[5] = added, taken, multiplied, divided

        found = both_ways(calculate, SPECIAL, SPECIAL[::-1], lanes=registers * lanes, dtype=dtype, results=4)
        for sign, compiled, python in zip("+-*/", *found, strict=True):
            number = ~np.isnan(python)  # of a NaN neither the sign nor the payload is laid down
            assert compiled[number].tobytes() == python[number].tobytes(), sign
            assert np.isnan(compiled[~number]).all(), sign
            assert number.any(), sign
            assert not number.all(), sign

    def test_comparisons_do_not_hold_with_nan(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            x, y = v[0], v[1]
            v[2], v[3] = choose(x < y, x, 7.0), choose(x <= y, x, 7.0)
            v[4], v[5] = choose(x > y, x, 7.0), choose(x >= y, x, 7.0)

        found = both_ways(
            calculate, SPECIAL, [0.0, np.nan, 2.0], lanes=registers * lanes, dtype=dtype, results=4
        )
        for comparison, compiled, python in zip(("<", "<=", ">", ">="), *found, strict=True):
            assert compiled.tobytes() == python.tobytes(), comparison
            assert (compiled == 7.0).any(), comparison

    def test_a_number_stands_in_every_lane(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            v[1] = 3.0
            v[2] = (2.0 * v[0] - m[0, 1]) / v[1] + choose(v[0] > 1.0, 1.0, v[0])
            v[2] += choose(v[0] > 1.0, 1.0, 0.25)

        compiled, python = both_ways(calculate, [0.5, 1.25, 2.0], [0.0], lanes=registers * lanes, dtype=dtype)
        assert compiled.tobytes() == python.tobytes()

    def test_powers_of_two(self, registers, lanes, dtype):
        limits = np.finfo(dtype)
        exponents = np.arange(limits.minexp, limits.maxexp)

        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            for row in range(len(m)):
                v[row] = power_of_two(v[row])

        for run in (numba.njit(calculate), calculate):
            numbers = aligned_zeros((-(-len(exponents) // (registers * lanes)), registers * lanes), dtype)
            numbers[:] = np.resize(exponents, numbers.shape)
            run(numbers)
            np.testing.assert_array_equal(numbers, np.resize(np.ldexp(1.0, exponents), numbers.shape))

    def test_square_roots(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            v[1] = sqrt(v[0])

        numbers = [2.0, 3.0, 1e-40, 0.1, *SPECIAL]
        compiled, python = both_ways(
            calculate, numbers[: registers * lanes], lanes=registers * lanes, dtype=dtype
        )
        number = ~np.isnan(python)
        assert compiled[number].tobytes() == python[number].tobytes()
        assert np.isnan(compiled[~number]).all()
        assert python[0, 0] == np.sqrt(np.dtype(dtype).type(2.0))

    def test_numbers_are_chosen_and_calculated_with_as_vectors_are(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            x = m[0, 0]
            v[1] = choose(v[0] < x, v[0], x) + choose(x < x * x, x, x + x)
            v[2] = sqrt(v[0]) * sqrt(x) * power_of_two(exponent_of(v[0])) * power_of_two(exponent_of(x))

        numbers = [5.3, 0.25, 7.0]
        compiled, python = both_ways(calculate, numbers, lanes=registers * lanes, dtype=dtype, results=2)
        assert compiled.tobytes() == python.tobytes()
        assert np.allclose(compiled[1, 0], 5.3 * 4 * 4)

    def test_side_by_side(self, registers, lanes, dtype):
        def calculate(m):
            v = Vectors(m, registers, lanes, 0, 1)
            v[3], v[4], v[5] = apart(10.0 * side_by_side((v[0], v[1], v[2])) + 1.0, 3)

        rows = [[float(k), k + 0.5] for k in range(3)]
        compiled, python = both_ways(calculate, *rows, lanes=registers * lanes, dtype=dtype, results=3)
        assert compiled.tobytes() == python.tobytes()
        assert python[:, :2].tolist() == [[1.0, 6.0], [11.0, 16.0], [21.0, 26.0]]

    def test_lanes_are_added_one_after_the_other(self, registers, lanes, dtype):
        size = registers * lanes

        def add(m):
            vector = Vectors(m, registers, lanes, 0, 1)[0]
            m[1, 0] = plus_lanes(m[0, 1], vector, 3)
            m[1, 1] = plus_lanes(m[0, 1], vector, size)

        draw = np.random.default_rng(3)
        numbers = (draw.random(size) + 1.0).astype(dtype)
        numbers[[0, 2]] = 1e30, -1e30  # in order those after them are left; the other way round, nothing
        compiled, plain = both_ways(add, numbers, lanes=size, dtype=dtype)
        assert compiled.tobytes() == plain.tobytes()
        total = backwards = numbers[1]
        for number, last in zip(numbers, numbers[::-1], strict=True):
            total, backwards = total + number, backwards + last
        assert compiled[0, 0] == ((numbers[1] + numbers[0]) + numbers[1]) + numbers[2]
        assert compiled[0, 1] == total != backwards

    def test_places(self, registers, lanes, dtype):
        def calculate(m):
            pairs, last = Vectors(m, registers, lanes, 2, 3), Vectors(m, registers, lanes, 8, 1)
            for j in range(2):
                for i in range(3):
                    pairs[j, i] += 10.0 * j + i
            last[0] = pairs[1, 2] - pairs[0, 1]

        rows = [[float(k)] for k in range(8)]
        compiled, python = both_ways(calculate, *rows, lanes=registers * lanes, dtype=dtype)
        assert compiled.tobytes() == python.tobytes()
        assert set(python.flat) == {(7 + 12) - (3 + 1)}


@pytest.mark.parametrize(("registers", "lanes", "dtype"), WAYS)
class TestBlocks:
    """Each row of a block has what a vector would have alone."""

    def test_operations(self, registers, lanes, dtype):
        def calculate(m):
            v, blocks = Vectors(m, registers, lanes, 0, 1), Blocks(m, 3, registers, lanes, 1)
            x, y = blocks[0], v[0]
            blocks[1] = y - 2.0 * x / sqrt(x)
            blocks[2] = choose(x > y, x, y) + choose(y <= x, 1.0, y) + choose(x > 1.0, y, 5.0)
            blocks[3] = every_row(y, 3) + 0.0 * x
            blocks[3, 1] += blocks[0, 2]
            blocks[4] = first_row(x + y)

        def one_by_one(m):
            v = Vectors(m, registers, lanes, 0, 1)
            y = v[0]
            for row in range(3):
                x = v[1 + row]
                v[4 + row] = y - 2.0 * x / sqrt(x)
                v[7 + row] = choose(x > y, x, y) + choose(y <= x, 1.0, y) + choose(x > 1.0, y, 5.0)
                v[10 + row] = y + 0.0 * x
                v[13 + row] = v[1] + y
            v[11] += v[3]

        rows = [1.5, 0.5], [0.25, 3.0], [2.0, 0.5, 1.25], [7.0]
        compiled, python = both_ways(calculate, *rows, lanes=registers * lanes, dtype=dtype, results=12)
        _, alone = both_ways(one_by_one, *rows, lanes=registers * lanes, dtype=dtype, results=12)
        assert compiled.tobytes() == python.tobytes() == alone.tobytes()

    def test_rows_are_added_in_order(self, registers, lanes, dtype):
        tiny = np.finfo(dtype).eps / 2  # is lost if it is added to 1

        def calculate(m):
            v, blocks = Vectors(m, registers, lanes, 0, 1), Blocks(m, 3, registers, lanes, 1)
            v[4] = plus_rows(v[0], blocks[0])
            v[5] = plus_products(v[0], blocks[0], v[1])
            v[6] = plus_products(v[0], blocks[0], 0.5)

        rows = [tiny], [tiny], [1.0], [0.0]
        compiled, python = both_ways(calculate, *rows, lanes=registers * lanes, dtype=dtype, results=3)
        assert compiled.tobytes() == python.tobytes()
        assert (set(python[0]), set(python[2])) == ({1.0 + 2 * tiny}, {0.5 + 2 * tiny})

    def test_numbers_of_rows_stand_in_every_lane(self, registers, lanes, dtype):
        def calculate(m):
            v, blocks = Vectors(m, registers, lanes, 0, 1), Blocks(m, 3, registers, lanes, 5)
            columns, first = Rows(m, 3, registers, lanes), Rows(m[0], 3, registers, lanes)
            blocks[0] = columns[1, 2] * v[0]
            blocks[1] = columns[2, 0] + first[1]

        rows = [[10.0 * k + n for n in range(8)] for k in range(5)]
        compiled, python = both_ways(calculate, *rows, lanes=registers * lanes, dtype=dtype, results=6)
        assert compiled.tobytes() == python.tobytes()
        assert python[:, 1].tolist() == [12.0, 22.0, 32.0, 21.0, 32.0, 43.0]


@pytest.mark.parametrize(("registers", "rows"), [(1, 4), (2, 4), (1, 8), (3, 8)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_squares_become_columns(registers, rows, dtype):
    """Vectors of some registers of four lanes, four of them or eight: a vector for each of their numbers."""

    def four(m):
        v, w = Vectors(m, registers, 4, 0, 1), Vectors(m, 1, 4, rows * registers, 1)
        columns = transposed((v[0], v[1], v[2], v[3]))
        for n in range(4 * registers):
            w[n] = 2.0 * columns[n]

    def eight(m):
        v, w = Vectors(m, registers, 4, 0, 1), Vectors(m, 1, 8, 4 * registers, 1)
        columns = transposed((v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]))
        for n in range(4 * registers):
            w[n] = 2.0 * columns[n]

    given = [[10.0 * k + n for n in range(4 * registers)] for k in range(rows)]
    calculate = {4: four, 8: eight}[rows]
    compiled, python = both_ways(calculate, *given, lanes=4 * registers, dtype=dtype, results=rows)
    assert compiled.tobytes() == python.tobytes()
    np.testing.assert_array_equal(python.reshape(-1, rows), 2 * np.array(given).T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_put_into_lanes(dtype):
    def calculate(m):
        v = Vectors(m, 1, 4, 0, 1)
        v[1] = in_lanes((m[0, 3], m[0, 1], m[0, 1], m[0, 0])) * v[0]

    compiled, python = both_ways(calculate, [1.0, 2.0, 3.0, 4.0], lanes=4, dtype=dtype)
    assert compiled.tobytes() == python.tobytes()
    assert python.tolist() == [[4.0, 4.0, 6.0, 4.0]]


def test_widths_do_not_meet_in_one_process():
    """Vectors of 8 and of 16 numbers in one memory: each has its own code."""

    @numba.njit
    def narrow(m):
        Vectors(m, 1, 8, 1, 1)[0] = 1.0

    @numba.njit
    def wide(m):
        Vectors(m, 2, 8, 1, 1)[0] = 2.0

    for function, lanes, value in ((narrow, 8, 1.0), (wide, 16, 2.0), (narrow, 8, 1.0)):
        numbers = aligned_zeros((4, lanes), "float64")
        function(numbers)
        expected = np.zeros((4, lanes))
        expected[1] = value
        assert np.array_equal(numbers, expected)


def read_twice(m):
    v = Vectors(m, 1, 8, 0, 1)
    before = v[0]
    v[1] = before + v[0]


def read_again_in_between(m):
    v = Vectors(m, 1, 8, 0, 1)
    before = v[0]
    read_again()
    v[1] = before + v[0]


def test_memory_is_read_again_where_that_is_asked_for():
    compiled, python = both_ways(read_again_in_between, [1.5], lanes=8, dtype="float64")
    assert set(compiled.flat) == set(python.flat) == {3.0}
    assert [
        code(function).count("load <8 x double>") for function in (read_twice, read_again_in_between)
    ] == [1, 2]


def test_the_stack_is_aligned_where_there_are_vectors():
    def without(m):
        m[0, 0] = 1.0

    attribute = "alignstack(64)"
    assert attribute in code(read_twice)
    assert attribute not in code(without)


def code(function):
    """A function of an array of numbers, compiled and optimised, in the language of LLVM."""
    return numba.njit("(float64[:, ::1],)", error_model="numpy")(function).inspect_llvm(
        (numba.float64[:, ::1],)
    )


def test_what_is_read_is_a_copy():
    numbers = aligned_zeros((2, 8), "float64")
    vectors = Vectors(numbers, 1, 8, 0, 1)
    vector = vectors[0]
    vector += 1.0
    assert not numbers.any()


@pytest.mark.parametrize(
    ("registers", "lanes", "dtype"), [(1, 16, "float64"), (2, 4, "float64"), (1, 8, "float32")]
)
def test_other_vectors_do_not_mix(registers, lanes, dtype):
    @numba.njit
    def calculate(m, n):
        return (Vectors(m, 1, 8, 0, 1)[0] + Vectors(n, registers, lanes, 0, 1)[0]) > 0.0

    with pytest.raises(numba.TypingError, match="add"):
        calculate(aligned_zeros((1, 8), "float64"), aligned_zeros((1, registers * lanes), dtype))
