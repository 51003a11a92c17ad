"""Random numbers by counter: known answers, one address one number, distributions, accuracy."""

import ast
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.checking import InputError
from fastnn.training import randomness
from fastnn.training.randomness import (
    SHUFFLE,
    START,
    normals,
    permutation,
    permutations,
    philox4x32,
    stream_numbers,
    uniforms,
)

# Kolmogorov-Smirnov: sqrt(n)*D stays below 1.95 in 999 of 1000 samples; the seeds are fixed.
KOLMOGOROV_LIMIT = 1.95
# A sample's moment, in standard errors; the seeds are fixed.
MOMENT_LIMIT = 4.0

GOLDEN_UNIFORMS = [
    *("0x1.ab4317b3a88d8p-2", "0x1.ce9167d41d250p-2", "0x1.b68460db930a6p-2"),
    *("0x1.da5427d0a7c80p-5", "0x1.6741c8ff83c5ep-1", "0x1.4a541015607fap-1"),
]
GOLDEN_NORMALS = [
    *("-0x1.abe7f267f1b1ap-3", "-0x1.f0d8af0e85113p-4", "-0x1.7265e4800152cp-3"),
    *("-0x1.92985554db029p+0", "0x1.0ef5ffa789710p-1", "0x1.7d4162cab22c5p-2"),
]
GOLDEN_PERMUTATION = [2, 8, 1, 3, 4, 7, 9, 0, 5, 6]

LARGEST = 2**64 - 1
seeds = st.integers(0, LARGEST)
stream_lists = st.lists(st.integers(0, LARGEST), min_size=1, max_size=6)


def philox_in_python(counter, key):
    """Philox4x32-10 on Python ints: a second writing of the same definition."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(q >> 32) ^ c[1] ^ k[0], q % 2**32, (p >> 32) ^ c[3] ^ k[1], p % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def word_in_python(seed, purpose, stream, j):
    """The 64-bit word of one address, by the scheme that the module's docstring states."""
    counter = (j // 2, purpose, stream % 2**32, stream >> 32)
    words = philox_in_python(counter, (seed % 2**32, seed >> 32))
    return words[2 * (j % 2)] * 2**32 + words[2 * (j % 2) + 1]


def kolmogorov(sample, distribution):
    """sqrt(n) times the largest distance between a sample's distribution and a given one."""
    ordered = np.sort(sample)
    n = len(ordered)
    expected = distribution(ordered)
    steps = np.arange(n + 1) / n
    return math.sqrt(n) * max((steps[1:] - expected).max(), (expected - steps[:-1]).max())


def normal_distribution(z):
    """P(Z <= z)."""
    return np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])


def uniform_distribution(u):
    """P(U <= u) on [0, 1)."""
    return np.clip(u, 0.0, 1.0)


def exact_normal(word):
    """The normal quantile at the middle of a word's 53-bit cell, to 30 digits."""
    with mpmath.workdps(40):
        return mpmath.sqrt(2) * mpmath.erfinv((2 * mpmath.mpf(word >> 11) + 1) / 2**53 - 1)


def ulps(found, exact):
    """How far a float is from an exact value, in units of that value's last place."""
    return abs(mpmath.mpf(float(found)) - exact) / math.ulp(float(exact))


def same_bytes(a, b):
    """Whether two arrays are equal to the bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


class TestPhilox:
    @pytest.mark.parametrize(
        ("counter", "key", "output"),
        [
            ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            (
                "243f6a88 85a308d3 13198a2e 03707344",
                "a4093822 299f31d0",
                "d16cfe09 94fdcceb 5001e420 24126ea1",
            ),
        ],
    )
    def test_known_answers_of_random123(self, counter, key, output):
        counter, key, output = ([int(word, 16) for word in text.split()] for text in (counter, key, output))
        found = philox4x32(np.array(counter, dtype=np.uint32), np.array(key, dtype=np.uint32))
        assert found.dtype == np.uint32
        assert found.tolist() == output
        assert philox_in_python(counter, key) == output

    def test_ten_thousandth_value_of_the_cpp26_engine(self):
        # default seed 20111115, counters from 0, four words each
        counter = np.zeros((2500, 4), dtype=np.uint32)
        counter[:, 0] = np.arange(2500)
        assert philox4x32(counter, np.array([20111115, 0], dtype=np.uint32)).reshape(-1)[9999] == 1955073260

    def test_keys_broadcast_against_counters(self):
        rng = np.random.default_rng(1)
        counter = rng.integers(0, 2**32, (3, 1, 4), dtype=np.uint32)
        key = rng.integers(0, 2**32, (5, 2), dtype=np.uint32)
        found = philox4x32(counter, key)
        assert found.shape == (3, 5, 4)
        for i in range(3):
            for j in range(5):
                assert found[i, j].tolist() == philox_in_python(counter[i, 0].tolist(), key[j].tolist())

    def test_each_bit_of_the_address_matters(self):
        counter, key = np.zeros(4, dtype=np.uint32), np.zeros(2, dtype=np.uint32)
        seen = {philox4x32(counter, key).tobytes()}
        for word in range(6):
            for bit in range(32):
                changed = np.zeros(6, dtype=np.uint32)
                changed[word] = 1 << bit
                seen.add(philox4x32(changed[:4], changed[4:]).tobytes())
        assert len(seen) == 1 + 6 * 32


class TestAddresses:
    @settings(deadline=None, max_examples=60)
    @given(seeds, st.integers(0, 2**32 - 1), stream_lists, st.integers(0, 9))
    def test_scheme(self, seed, purpose, streams, count):
        found = uniforms(seed, purpose, streams, count)
        expected = [
            [(word_in_python(seed, purpose, i, j) >> 11) / 2**53 for j in range(count)] for i in streams
        ]
        assert found.dtype == np.float64
        assert found.shape == (len(streams), count)
        assert found.tolist() == expected

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from([uniforms, normals]), seeds, stream_lists, st.integers(1, 9), st.data())
    def test_a_number_depends_on_its_address_alone(self, draw, seed, streams, count, data):
        whole = draw(seed, START, streams, count)
        i = data.draw(st.integers(0, len(streams) - 1))
        fewer = data.draw(st.integers(1, count))
        order = data.draw(st.permutations(range(len(streams))))
        assert same_bytes(draw(seed, START, [streams[i]], fewer)[0], whole[i, :fewer])
        assert same_bytes(draw(seed, START, [streams[k] for k in order], count), whole[order])

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from([uniforms, normals]), st.integers(1, 40), st.integers(1, 7), st.integers(0, 30))
    def test_tiles_leave_no_trace(self, draw, tile, streams, count):
        whole = draw(3, START, range(streams), count)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(randomness, "_TILE", tile)
            assert same_bytes(draw(3, START, range(streams), count), whole)

    @pytest.mark.parametrize("shape", [(3, 2 * randomness._TILE + 5), (2 * randomness._TILE // 9 + 2, 9)])
    def test_more_than_one_tile(self, shape):
        streams, count = shape
        whole = uniforms(5, START, range(streams), count)
        for i in (0, streams // 2, streams - 1):
            for j in (0, count // 2, count - 1):
                assert whole[i, j] == (word_in_python(5, START, i, j) >> 11) / 2**53

    @pytest.mark.parametrize("stream", [2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, LARGEST])
    def test_large_streams_keep_every_bit(self, stream):
        near = [stream - 1, stream]
        found = uniforms(1, START, near, 3)
        assert found.tolist() == [
            [(word_in_python(1, START, i, j) >> 11) / 2**53 for j in range(3)] for i in near
        ]
        assert same_bytes(uniforms(1, START, range(stream - 1, stream + 1), 3), found)

    def test_nothing_is_asked_of_no_streams_and_no_count(self):
        assert uniforms(0, START, [], 3).shape == (0, 3)
        assert normals(0, START, range(0), 3).shape == (0, 3)
        assert uniforms(0, START, [1, 2], 0).shape == (2, 0)

    def test_purposes_seeds_and_streams_differ(self):
        rows = [
            uniforms(seed, purpose, [stream], 4)
            for seed in (0, 1, 2**32)
            for purpose in (START, SHUFFLE)
            for stream in (0, 1, 2**32)
        ]
        assert len(np.unique(np.concatenate(rows))) == 4 * len(rows)

    def test_golden_numbers(self):
        """The scheme is a promise: a change of these numbers changes every stored sweep."""
        assert [u.hex() for u in uniforms(0, START, [0, 2**63], 3).ravel().tolist()] == GOLDEN_UNIFORMS
        assert [z.hex() for z in normals(0, START, [0, 2**63], 3).ravel().tolist()] == GOLDEN_NORMALS
        assert permutation(0, 1, 10).tolist() == GOLDEN_PERMUTATION


class TestStreamNumbers:
    @pytest.mark.parametrize(
        "values",
        [
            range(3, 9, 2),
            [3, 5, 7],
            (3, 5, 7),
            np.array([3, 5, 7], dtype=np.int8),
            np.array([3, 5, 7], dtype=">u8"),
            np.array([3, 0, 5, 0, 7], dtype="<i4")[::2],
        ],
    )
    def test_forms(self, values):
        found = stream_numbers(values, "streams")
        assert found.dtype == np.dtype(np.uint64)
        assert found.tolist() == [3, 5, 7]

    @pytest.mark.parametrize(
        "values",
        [
            range(9, 2, -3),
            range(2**63 - 2, 2**63 + 3),
            range(2**64 - 1, 2**64 - 8, -2),
            range(0, 2**64, 2**62),
        ],
    )
    def test_ranges(self, values):
        assert stream_numbers(values, "streams").tolist() == list(values)

    def test_copies(self):
        streams = np.arange(4, dtype=np.uint64)
        found = stream_numbers(streams, "streams")
        found[:] = 9
        assert streams.tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([1, -1], r"networks must be a whole number from 0 to 18446744073709551615; got -1\. Choose"),
            ([2**64], r"got 18446744073709551616\. Choose"),
            ([1.0], r"networks must be a whole number .*; got 1\.0\. Write 1\."),
            ([True], r"got True\. Give an int"),
            (["1"], r"got '1'\. Give an int"),
            (np.array([3, -2]), r"networks must be a whole number .*; got -2\. Choose"),
            (range(2, -2, -1), r"got -1\. Choose"),
            (range(2**64 - 1, 2**64 + 1), r"got 18446744073709551616\. Choose"),
            (
                np.array([1.0]),
                r"networks must be whole numbers in one dimension; got dtype float64.*Give a range",
            ),
            (np.arange(4).reshape(2, 2), r"one dimension; got dtype int64, shape \(2, 2\)\. Give a range"),
            (np.array([True]), r"got dtype bool, shape \(1,\)\. Give a range"),
            (7, r"got dtype int64, shape \(\)\. Give a range"),
            (None, r"got dtype object, shape \(\)\. Give a range"),
        ],
    )
    def test_refusals(self, values, message):
        with pytest.raises(InputError, match=message):
            stream_numbers(values, "networks")


class TestRefusals:
    @pytest.mark.parametrize("draw", [uniforms, normals])
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                (-1, START, [0], 1),
                r"seed must be a whole number from 0 to 18446744073709551615; got -1\. Take seed",
            ),
            ((2**64, START, [0], 1), r"seed must be .*; got 18446744073709551616\. Take seed"),
            ((0.5, START, [0], 1), r"seed must be .*; got 0\.5\. Give an int"),
            ((None, START, [0], 1), r"seed must be .*; got None\. Give an int"),
            (
                (0, 2**32, [0], 1),
                r"purpose must be a whole number from 0 to 4294967295; got 4294967296\. Choose",
            ),
            ((0, START, [0], -1), r"count must be a whole number from 0 to 8589934592; got -1\. Choose"),
            ((0, START, [0], 2**33 + 1), r"count must be .*; got 8589934593\. Choose"),
            ((0, START, [-1], 1), r"streams must be .*; got -1\. Choose"),
        ],
    )
    def test_draws(self, draw, arguments, message):
        with pytest.raises(InputError, match=message):
            draw(*arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((-1, 0, 3), r"seed must be .*; got -1\."),
            ((0, -1, 3), r"epochs must be .*; got -1\."),
            ((0, 0, 0), r"rows must be a whole number from 1 to 8589934592; got 0\."),
            ((0, 0, 2.0), r"rows must be .*; got 2\.0\."),
        ],
    )
    def test_permutation(self, arguments, message):
        with pytest.raises(InputError, match=message):
            permutation(*arguments)


class TestDistributions:
    def test_uniforms(self):
        u = uniforms(11, START, range(20_000), 5)
        assert u.min() >= 0.0
        assert u.max() < 1.0
        assert kolmogorov(u.ravel(), uniform_distribution) < KOLMOGOROV_LIMIT
        assert abs(u.mean() - 0.5) * math.sqrt(12 * u.size) < MOMENT_LIMIT
        assert abs(((u - 0.5) ** 2).mean() - 1 / 12) * math.sqrt(180 * u.size) < MOMENT_LIMIT

    def test_normals(self):
        z = normals(12, START, range(20_000), 5)
        n = z.size
        assert kolmogorov(z.ravel(), normal_distribution) < KOLMOGOROV_LIMIT
        for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert abs((z**power).mean() - expected) * math.sqrt(n / variance) < MOMENT_LIMIT

    @pytest.mark.parametrize("step", [1, 2**32, 2**40 + 1])
    def test_one_element_across_streams(self, step):
        z = normals(13, START, range(0, 20_000 * step, step), 3)
        for j in range(3):
            assert kolmogorov(z[:, j], normal_distribution) < KOLMOGOROV_LIMIT

    def test_elements_streams_and_seeds_are_uncorrelated(self):
        z = normals(14, START, range(20_000), 6)
        columns = [
            *z.T,
            *z[1:].T,
            normals(15, START, range(20_000), 1)[:, 0],
            normals(14, SHUFFLE, range(20_000), 1)[:, 0],
        ]
        table = np.array([column[:19_999] for column in columns])
        between = np.corrcoef(table)[np.triu_indices(len(table), 1)]
        assert np.abs(between).max() * math.sqrt(19_999) < MOMENT_LIMIT

    def test_kolmogorov_rejects(self):
        u = uniforms(11, START, range(20_000), 1).ravel()
        assert kolmogorov(0.98 * u, uniform_distribution) > KOLMOGOROV_LIMIT
        assert kolmogorov(u**1.05, uniform_distribution) > KOLMOGOROV_LIMIT
        z = normals(12, START, range(20_000), 1).ravel()
        assert kolmogorov(z + 0.05, normal_distribution) > KOLMOGOROV_LIMIT
        assert kolmogorov(1.05 * z, normal_distribution) > KOLMOGOROV_LIMIT


def words_over_all_sizes(count):
    """64-bit words whose cells lie in the centre and, on both sides, in tails of every size."""
    rng = np.random.default_rng(7)
    tails = np.concatenate(
        [rng.uniform(0, 0.5, count), 2.0 ** -rng.uniform(1, 53, count), 0.075 + 1e-9 * rng.uniform(-1, 1, 50)]
    )
    cells = (tails * 2.0**53).astype(np.uint64)
    return np.concatenate([cells, 2**53 - 1 - cells]) << np.uint64(11)


class TestAccuracy:
    def test_normals_against_mpmath(self):
        words = words_over_all_sizes(150)
        found = randomness._to_normal(words)
        errors = [
            abs(mpmath.mpf(z) / exact_normal(int(w)) - 1) for z, w in zip(found.tolist(), words, strict=True)
        ]
        assert max(errors) < 8e-16

    def test_logarithm_against_mpmath(self):
        rng = np.random.default_rng(8)
        x = np.concatenate(
            [
                2.0 ** -rng.uniform(0, 54, 3000),
                rng.uniform(0.5, 2.0, 3000),
                1 + rng.uniform(-1e-6, 1e-6, 500),
                2.0 ** rng.uniform(-1022, 1023, 500),
            ]
        )
        with mpmath.workdps(40):
            errors = [
                ulps(found, mpmath.log(v)) for found, v in zip(randomness._log(x), x.tolist(), strict=True)
            ]
        assert max(errors) < 1.0
        assert randomness._log(np.ones(1))[0] == 0.0

    def test_a_unit_in_the_last_place_is_seen(self):
        with mpmath.workdps(40):
            assert 0.5 < ulps(math.nextafter(math.log(3.0), 2.0), mpmath.log(3)) < 1.6
            assert ulps(math.log(3.0) * (1 + 1e-15), mpmath.log(3)) > 2

    def test_tails_are_symmetric_to_the_bit(self):
        words = words_over_all_sizes(2000)
        mirrored = ~words
        assert same_bytes(randomness._to_normal(mirrored), -randomness._to_normal(words))

    def test_ends_are_finite(self):
        found = randomness._to_normal(np.array([0, 1 << 11, LARGEST], dtype=np.uint64))
        assert np.isfinite(found).all()
        assert found[0] == -found[2]
        assert abs(found[0] - float(exact_normal(0))) < 1e-14
        assert -8.293 < found[0] < found[1] < -8.1

    def test_middle(self):
        below, above = randomness._to_normal(np.array([2**63 - 1, 2**63], dtype=np.uint64))
        assert below == -above
        assert abs(above / (2.0**-54 * math.sqrt(2 * math.pi)) - 1) < 1e-15

    def test_uniforms_never_reach_one(self):
        found = randomness._to_uniform(np.array([0, LARGEST], dtype=np.uint64))
        assert found.tolist() == [0.0, 1 - 2.0**-53]

    def test_normals_rise_with_uniforms(self):
        u, z = (draw(4, START, range(3000), 3).ravel() for draw in (uniforms, normals))
        assert (np.diff(z[np.argsort(u)]) > 0).all()

    def test_only_exact_and_ieee_operations_are_used(self):
        tree = ast.parse(Path(randomness.__file__).read_text(encoding="utf-8"))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
        }
        computing = {name for name in used if isinstance(getattr(np, name), np.ufunc)}
        assert computing == {"copysign", "frexp", "maximum", "minimum", "sqrt"}


class TestPermutations:
    def test_each_is_a_permutation(self):
        orders = permutations(1, range(50), 37)
        assert orders.dtype == np.int64
        assert orders.shape == (50, 37)
        assert (np.sort(orders, axis=1) == np.arange(37)).all()
        assert len(np.unique(orders, axis=0)) == 50

    def test_an_epoch_depends_on_seed_epoch_and_rows_alone(self):
        orders = permutations(1, range(50), 37)
        assert same_bytes(permutation(1, 31, 37), orders[31])
        assert same_bytes(permutations(1, [31, 2], 37), orders[[31, 2]])
        assert not same_bytes(permutation(2, 31, 37), orders[31])

    def test_keys_are_the_shuffles_words(self):
        keys = [word_in_python(9, SHUFFLE, 4, j) for j in range(25)]
        assert permutation(9, 4, 25).tolist() == sorted(range(25), key=keys.__getitem__)

    def test_one_row(self):
        assert permutation(0, 0, 1).tolist() == [0]

    def test_every_row_is_as_likely_everywhere(self):
        epochs, rows = 12_000, 6
        orders = permutations(21, range(epochs), rows)
        counts = np.array([np.bincount(orders[:, place], minlength=rows) for place in range(rows)])
        deviations = (counts - epochs / rows) / math.sqrt(epochs / rows * (1 - 1 / rows))
        assert np.abs(deviations).max() < MOMENT_LIMIT

    def test_every_order_is_as_likely(self):
        orders = permutations(22, range(24_000), 4)
        _, counts = np.unique(orders, axis=0, return_counts=True)
        assert len(counts) == 24
        assert np.abs(counts - 1000).max() / math.sqrt(1000 * 23 / 24) < MOMENT_LIMIT


def test_same_bytes_can_reject():
    a = np.arange(3.0)
    assert same_bytes(a, a.copy())
    assert not same_bytes(a, np.nextafter(a, 5.0))
    assert not same_bytes(np.array([0.0]), np.array([-0.0]))
    assert not same_bytes(a, a.astype(np.float32))
    assert not same_bytes(a, a[::-1].copy())
