"""Starting parameters: addresses, distributions, layouts, refusals, and values that must never change."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from fastnn.checking import InputError
from fastnn.core.network import Network
from fastnn.training.randomness import START, normals, uniforms
from fastnn.training.starts import Start, constant, given, glorot, he, normal, uniform

NET = Network((2, 2, 1))
DEEP = Network((3, 5, 4, 2), "tanh")
RANDOM = [normal(), normal(0.25, 0.5), uniform(), uniform(-3, 0.5), he(), glorot()]
ROWS = np.arange(18.0).reshape(2, 9)
# A sample's moment, in standard errors; the seeds are fixed.
MOMENT_LIMIT = 4.0

# w1, w6 and b3 of networks 0 and 2**63 of 2-2-1, seed 0; a change of these changes every stored sweep
GOLDEN = {
    "normal(mean=0.0, sd=1.5)": [
        *("-0x1.40edf5cdf5454p-2", "-0x1.715344f6b309bp-1", "0x1.9925c4f17a95dp-1"),
        *("-0x1.2df23fffa441fp+1", "-0x1.097f1f4472878p+1", "-0x1.242277be9a0dcp+0"),
    ],
    "normal(mean=0.25, sd=0.5)": [
        *("0x1.2a0c06cc07273p-3", "0x1.390f961bbf310p-7", "0x1.0861ec507e31fp-1"),
        *("-0x1.12985554db029p-1", "-0x1.c3fda8b686becp-2", "-0x1.0b0694a6f024ap-3"),
    ],
    "uniform(low=-1.0, high=1.0)": [
        *("-0x1.52f3a1315dca0p-3", "-0x1.7a45d01bd6958p-2", "0x1.9f873cbc49ae8p-2"),
        *("-0x1.c4b57b05eb070p-1", "-0x1.aaa2a5ede8974p-1", "-0x1.1b3d8b7fb6802p-1"),
    ],
    "uniform(low=-3.0, high=0.5)": [
        *("-0x1.8a254b42cc843p+0", "-0x1.e57e8b0c2de16p+0", "-0x1.1469aadb3f874p-1"),
        *("-0x1.660f65d296d31p+1", "-0x1.5aa7289815c23p+1", "-0x1.1beaed07dfd81p+1"),
    ],
    "he()": [
        *("-0x1.abe7f267f1b1ap-3", "-0x1.ec6f069e440cfp-2", "0x0.0p+0"),
        *("-0x1.92985554db029p+0", "-0x1.61fed45b435f6p+0", "0x0.0p+0"),
    ],
    "glorot()": [
        *("-0x1.9f211bc09ce27p-3", "-0x1.0b7aac9800d08p-1", "0x0.0p+0"),
        *("-0x1.1539f914a4282p+0", "-0x1.2dad3f2acf7d5p+0", "0x0.0p+0"),
    ],
}


def same_bytes(a, b):
    """Whether two arrays are equal to the bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def shown(start):
    """A start as a test's name."""
    return repr(start)


class TestAddresses:
    @settings(deadline=None, max_examples=80)
    @for_all(
        st.sampled_from(RANDOM),
        st.sampled_from([NET, DEEP]),
        st.integers(0, 2**64 - 1),
        st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5),
        st.randoms(use_true_random=False),
    )
    def test_a_network_alone_in_company_and_in_any_order(self, start, network, seed, networks, random):
        whole = start.draw(network, networks, seed)
        assert whole.shape == (len(networks), network.n_parameters)
        assert whole.dtype == np.float64
        order = random.sample(range(len(networks)), len(networks))
        assert same_bytes(start.draw(network, [networks[k] for k in order], seed), whole[order])
        for k, i in enumerate(networks):
            assert same_bytes(start.draw(network, [i], seed)[0], whole[k])

    @pytest.mark.parametrize("start", [*RANDOM, constant(2), given(range(9))], ids=shown)
    @pytest.mark.parametrize("cut", [1, 7, 100, 4096])
    def test_any_chunking(self, start, cut):
        whole = start.draw(NET, range(5000), 3)
        chunks = [start.draw(NET, range(k, min(k + cut, 300)), 3) for k in range(0, 300, cut)]
        assert same_bytes(np.concatenate(chunks), whole[:300])
        assert same_bytes(start.draw(NET, np.arange(4999, -1, -1), 3), whole[::-1].copy())

    @pytest.mark.parametrize("start", RANDOM, ids=shown)
    def test_large_network_numbers_differ(self, start):
        networks = [0, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
        assert len(np.unique(start.draw(NET, networks, 1)[:, 0])) == len(networks)

    @pytest.mark.parametrize("start", RANDOM, ids=shown)
    def test_seeds_differ(self, start):
        assert not (start.draw(NET, range(50), 1) == start.draw(NET, range(50), 2))[:, : NET.n_weights].any()

    @pytest.mark.parametrize("start", RANDOM, ids=shown)
    def test_golden_values(self, start):
        drawn = start.draw(NET, [0, 2**63], 0)
        assert [v.hex() for v in drawn[:, [0, 5, 8]].ravel().tolist()] == GOLDEN[repr(start)]

    @pytest.mark.parametrize("networks", [[], range(0), np.array([], dtype=np.int64)])
    @pytest.mark.parametrize("start", [*RANDOM, constant(2), given(range(9)), given(ROWS)], ids=shown)
    def test_no_networks(self, start, networks):
        assert start.draw(NET, networks, 0).shape == (0, 9)

    @pytest.mark.parametrize("start", [*RANDOM, constant(2), given(range(9)), given(ROWS)], ids=shown)
    def test_each_draw_is_a_new_array(self, start):
        first = start.draw(NET, [0, 1], 0)
        kept = first.copy()
        first[:] = np.nan
        assert same_bytes(start.draw(NET, [0, 1], 0), kept)

    def test_normal_and_uniform_starts_rise_together(self):
        z, u = (start.draw(NET, range(500), 6).ravel() for start in (normal(0, 1.5), uniform(-1, 1)))
        assert (np.diff(z[np.argsort(u)]) > 0).all()


class TestValues:
    def test_normal(self):
        drawn = normal(0.25, 0.5).draw(NET, range(5), 3)
        assert same_bytes(drawn, 0.25 + 0.5 * normals(3, START, range(5), 9))

    def test_normal_without_spread(self):
        assert same_bytes(normal(0.5, 0).draw(NET, range(3), 3), np.full((3, 9), 0.5))

    def test_uniform(self):
        drawn = uniform(-3, 0.5).draw(NET, range(5), 3)
        assert same_bytes(drawn, -3 + 3.5 * uniforms(3, START, range(5), 9))

    @settings(deadline=None, max_examples=300)
    @for_all(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
    def test_uniform_stays_inside(self, one, other):
        low, high = sorted((one, other))
        if low < high:
            ends = np.array([[0.0, 1 - 2.0**-53] + [0.5] * 7])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("fastnn.training.starts.uniforms", lambda *_: ends)
                first, last = uniform(low, high).draw(NET, [0], 0)[0, :2]
            assert first == low
            assert low <= last <= high

    def test_constant(self):
        assert same_bytes(constant(1).draw(NET, [4, 2**63], 3), np.ones((2, 9)))

    def test_he(self):
        drawn = he().draw(DEEP, range(4), 3)
        z = normals(3, START, range(4), DEEP.n_parameters)
        for (weights, biases), fan_in in zip(DEEP.slices, (3, 5, 4), strict=True):
            assert same_bytes(drawn[:, weights].copy(), z[:, weights] * math.sqrt(2 / fan_in))
            assert same_bytes(drawn[:, biases].copy(), np.zeros_like(drawn[:, biases]))

    def test_glorot(self):
        drawn = glorot().draw(DEEP, range(4), 3)
        u = uniforms(3, START, range(4), DEEP.n_parameters)
        for (weights, biases), fans in zip(DEEP.slices, (8, 9, 6), strict=True):
            assert same_bytes(drawn[:, weights].copy(), (2 * u[:, weights] - 1) * math.sqrt(6 / fans))
            assert same_bytes(drawn[:, biases].copy(), np.zeros_like(drawn[:, biases]))

    @pytest.mark.parametrize(
        ("start", "mean", "sd", "kurtosis"),
        [
            (normal(), 0, 1.5, 3),
            (normal(-0.5, 0.2), -0.5, 0.2, 3),
            (uniform(), 0, 1 / math.sqrt(3), 1.8),
            (uniform(1, 3), 2, 1 / math.sqrt(3), 1.8),
            (he(), 0, 1, 3),
            (glorot(), 0, math.sqrt(2 / 4), 1.8),
        ],
        ids=lambda value: repr(value) if isinstance(value, Start) else None,
    )
    def test_moments(self, start, mean, sd, kurtosis):
        # the first layer of 2-2-1: two inputs, two units
        values = start.draw(NET, range(25_000), 8)[:, :4]
        n = values.size
        assert abs(values.mean() - mean) / sd * math.sqrt(n) < MOMENT_LIMIT
        variance = ((values - mean) ** 2).mean()
        assert abs(variance / sd**2 - 1) * math.sqrt(n / (kurtosis - 1)) < MOMENT_LIMIT


class TestGiven:
    def test_one_start_for_every_network(self):
        drawn = given([2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]).draw(NET, [0, 7, 2**63], 0)
        assert same_bytes(drawn, np.tile([2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3], (3, 1)))

    def test_a_row_for_each_network(self):
        assert same_bytes(given(ROWS).draw(NET, [1, 0, 1], 0), ROWS[[1, 0, 1]])

    @pytest.mark.parametrize(
        "form", [np.array(ROWS, dtype=">f8"), np.asfortranarray(ROWS), ROWS.tolist(), ROWS.astype("<i4")]
    )
    def test_forms(self, form):
        assert same_bytes(given(form).draw(NET, range(2), 0), ROWS)

    def test_the_callers_array_is_untouched_and_later_changes_have_no_effect(self):
        parameters = ROWS.copy()
        start = given(parameters)
        drawn = start.draw(NET, range(2), 0)
        drawn[:] = 5
        assert same_bytes(parameters, ROWS)
        parameters[:] = np.nan
        assert same_bytes(start.draw(NET, range(2), 0), ROWS)

    def test_equality_is_by_content(self):
        assert given(ROWS) == given(ROWS.tolist())
        assert hash(given(ROWS)) == hash(given(ROWS.tolist()))
        assert given(ROWS) != given(ROWS + 1)
        assert given(ROWS[0]) != given(ROWS[:1])
        assert given(ROWS) != constant(1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: constant("1"), r"value must be a finite number; got '1'\. Give a number"),
            (lambda: constant(True), r"value must be a finite number; got True\. Give a number"),
            (lambda: constant(math.nan), r"value must be a finite number; got nan\. Give a number"),
            (
                lambda: constant(2e300),
                r"value must be of magnitude at most 1e\+300; got 2e\+300\. Give a number",
            ),
            (lambda: normal(math.inf), r"mean must be a finite number; got inf\. Give a number"),
            (lambda: normal(0, -1), r"sd must not be below 0; got -1\.0\. Give a standard deviation"),
            (lambda: normal(0, None), r"sd must be a finite number; got None\. Give a number"),
            (lambda: normal(0, 1e301), r"sd must be of magnitude at most 1e\+300; got 1e\+301\. Give"),
            (
                lambda: uniform(1, 1),
                r"low must be below high; got low=1\.0, high=1\.0\. Swap them, or use constant",
            ),
            (lambda: uniform(2, -2), r"low must be below high; got low=2\.0, high=-2\.0\. Swap them"),
            (lambda: uniform(math.nan, 1), r"low must be a finite number; got nan\. Give a number"),
            (lambda: uniform(-1, [1]), r"high must be a finite number; got \[1\]\. Give a number"),
            (
                lambda: given([1, math.nan]),
                r"parameters must be finite; got 1 NaN or infinite value\(s\), .* \[1\]\.",
            ),
            (lambda: given([[1, -math.inf]]), r"parameters must be finite; .* the first at \[0, 1\]\. "),
            (
                lambda: given(3.0),
                r"parameters must have 1 or 2 dimensions; got 0, of shape \(\)\. Reshape it",
            ),
            (lambda: given(np.ones((1, 1, 9))), r"parameters must have 1 or 2 dimensions; got 3"),
            (
                lambda: given([]),
                r"parameters must hold at least one number; got shape \(0,\)\. Check its source",
            ),
            (lambda: given(["a"]), r"parameters must hold real numbers; got dtype <U1.*\. Convert it"),
            (lambda: given([[1, 2], [3]]), r"parameters must be a rectangular array of numbers; got"),
            (lambda: given(None), "parameters must hold real numbers; got None"),
        ],
    )
    def test_factories_refuse_at_once(self, make, message):
        with pytest.raises(InputError, match=message):
            make()

    @pytest.mark.parametrize("shape", [(8,), (10,), (2, 8), (9, 1)])
    def test_length(self, shape):
        start = given(np.ones(shape))
        message = (
            r"start must hold 9 numbers per network for Network\(\(2, 2, 1\), .*\); "
            rf"got shape \({shape[0]},.*\)\. Give all weights first, then all biases\."
        )
        with pytest.raises(InputError, match=message):
            start.check(NET)
        with pytest.raises(InputError, match=message):
            start.draw(NET, [0], 0)

    @pytest.mark.parametrize("start", [*RANDOM, constant(1), given(range(9)), given(ROWS)], ids=shown)
    def test_check_accepts(self, start):
        start.check(NET)

    @pytest.mark.parametrize("networks", [[2], [0, 2, 1], [2**63], range(1, 4)])
    def test_more_networks_than_rows(self, networks):
        message = (
            r"start must hold a row for every network; got 2, for networks 0 to 1, "
            rf"where network {max(networks)} starts\. Give more rows or train fewer networks\."
        )
        with pytest.raises(InputError, match=message):
            given(ROWS).draw(NET, networks, 0)

    def test_one_row_serves_one_network(self):
        with pytest.raises(InputError, match=r"got 1, for networks 0 to 0, where network 1"):
            given(ROWS[:1]).draw(NET, [1], 0)

    @pytest.mark.parametrize("start", [*RANDOM, constant(1), given(range(9)), given(ROWS)], ids=shown)
    @pytest.mark.parametrize(
        ("networks", "seed", "message"),
        [
            ([-1], 0, r"networks must be a whole number from 0 to .*; got -1\. Choose"),
            (
                3,
                0,
                r"networks must be whole numbers in one dimension; got dtype int64, shape \(\)\.",
            ),
            ([0.0], 0, r"networks must be a whole number .*; got 0\.0\. Write 0\."),
            ([0], -1, r"seed must be a whole number from 0 to 18446744073709551615; got -1\. Take seed"),
            ([0], 2**64, r"seed must be .*; got 18446744073709551616\. Take seed"),
            ([0], "a", r"seed must be .*; got 'a'\. Give an int"),
        ],
    )
    def test_draw(self, start, networks, seed, message):
        with pytest.raises(InputError, match=message):
            start.draw(NET, networks, seed)

    @pytest.mark.parametrize("start", [*RANDOM, constant(1), given(range(9))], ids=shown)
    def test_draw_for_no_network(self, start):
        with pytest.raises(InputError, match=r"network must be a fastnn\.Network; got \(2, 2, 1\)\. Make"):
            start.draw((2, 2, 1), [0], 0)


class TestAsValues:
    @pytest.mark.parametrize(
        ("start", "text"),
        [
            (constant(1), "constant(value=1.0)"),
            (normal(), "normal(mean=0.0, sd=1.5)"),
            (normal(np.float32(0.5), 2), "normal(mean=0.5, sd=2.0)"),
            (uniform(), "uniform(low=-1.0, high=1.0)"),
            (he(), "he()"),
            (glorot(), "glorot()"),
            (given([1, 2.5]), "given([1.0, 2.5])"),
            (given(ROWS), "given(array of shape (2, 9), sha256 efd5a44ad4099f20)"),
        ],
    )
    def test_repr(self, start, text):
        assert repr(start) == text

    @pytest.mark.parametrize("start", [*RANDOM, constant(2), given(range(9)), given(ROWS)], ids=shown)
    def test_pickled_starts_are_equal(self, start):
        again = pickle.loads(pickle.dumps(start))  # noqa: S301 - our own bytes
        assert isinstance(again, Start)
        assert (again, hash(again), repr(again)) == (start, hash(start), repr(start))
        assert same_bytes(again.draw(NET, [1], 5), start.draw(NET, [1], 5))

    def test_different_starts_are_not_equal(self):
        assert len({*RANDOM, constant(2), constant(3), given(range(9)), given(ROWS)}) == len(RANDOM) + 4

    def test_frozen(self):
        with pytest.raises(AttributeError):
            normal().sd = 2.0
        with pytest.raises(ValueError, match="read-only"):
            given(ROWS).parameters[0] = 1.0


def test_same_bytes_can_reject():
    a = np.arange(3.0)
    assert same_bytes(a, a.copy())
    assert not same_bytes(a, np.nextafter(a, 5.0))
    assert not same_bytes(np.array([0.0]), np.array([-0.0]))
    assert not same_bytes(a, a.reshape(1, 3))
    assert not same_bytes(a, np.zeros(3))
