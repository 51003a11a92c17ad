"""The verdicts: every rule reached, at its boundary, from numbers made up for it."""

import numpy as np
import pytest

from fastnn.studies.verdicts import RULES, VERDICTS, Claim, around, figure, in_words, portion

HUNDRED = np.arange(1.0, 101.0)


def claim(values, agrees=(0.0, 1.0), **more):
    """A claim about made-up values."""
    return Claim("X", "x", "x", np.asarray(values, float), agrees, **more)


def shares(inside, outside, total=1000):
    """So many values of 0.5, which agree with (0, 1), and so many of 5 and of -5, which do not."""
    rest = total - inside - outside
    return [0.5] * inside + [5.0] * outside + [-5.0] * rest


class TestRules:
    def test_every_verdict_has_a_rule(self):
        assert sorted(name for name, _ in RULES) == sorted(VERDICTS)

    @pytest.mark.parametrize(
        ("inside", "above", "verdict"),
        [
            (0, 990, "one of several outcomes"),  # 1 % below it, 99 % above
            (0, 991, "not reproduced"),
            (0, 10, "one of several outcomes"),
            (0, 9, "not reproduced"),
            (9, 0, "not reproduced"),  # in fewer than 1 % of the starts, the largest of them
            (10, 0, "one of several outcomes"),
            (899, 100, "one of several outcomes"),
            (900, 100, "confirmed"),
            (1000, 0, "confirmed"),
        ],
    )
    def test_shares_of_the_starts(self, inside, above, verdict):
        assert claim(shares(inside, above)).verdict == verdict

    @pytest.mark.parametrize(
        ("unchanged", "verdict"),
        [
            (0, "one of several outcomes"),
            (199, "one of several outcomes"),
            (200, "an effect of the start"),
            (900, "an effect of the start"),
        ],
    )
    def test_two_thirds_as_often_with_nothing_changed(self, unchanged, verdict):
        other = np.array(shares(unchanged, 0))
        assert claim(shares(300, 100), unchanged=other).verdict == verdict

    def test_what_is_confirmed_is_no_effect_of_the_start(self):
        assert claim(shares(950, 50), unchanged=np.array(shares(950, 50))).verdict == "confirmed"

    def test_never_agreeing_is_no_effect_of_the_start(self):
        never = np.array(shares(0, 500))
        assert claim(shares(0, 500), unchanged=never).verdict == "one of several outcomes"

    @pytest.mark.parametrize(("run", "verdict"), [(0.5, "confirmed"), (5.0, "one of several outcomes")])
    def test_the_report_s_own_run_has_a_say(self, run, verdict):
        assert claim(shares(1000, 0), run=run).verdict == verdict


class TestClaim:
    def test_percentiles_are_shares_below_the_ends_of_the_figure(self):
        assert claim(HUNDRED, (30.5, 40.5)).percentiles == pytest.approx((0.30, 0.40))

    def test_an_end_belongs_to_the_figure_only_below(self):
        assert claim([1, 2, 2, 3], (2.0, 3.0)).agreeing.tolist() == [False, True, True, False]

    def test_a_claim_without_upper_end_holds_for_divergence(self):
        found = claim([1.0, np.inf], (1.5, np.inf))
        assert found.percentiles == (0.5, 1.0)
        assert found.agree == 0.5

    def test_quantiles_are_values_and_survive_infinity(self):
        found = claim([1.0, 2.0, np.inf, np.inf])
        assert [found.quantile(q) for q in (0.05, 0.5, 0.95)] == [1.0, 2.0, np.inf]


class TestFigure:
    @pytest.mark.parametrize(
        ("text", "number", "agrees"),
        [
            ("0.0335", 0.0335, (0.031825, 0.035175)),
            ("0.038", 0.038, (0.0361, 0.0399)),
            ("0.05", 0.05, (0.045, 0.055)),  # rounds more than 5 % away
            ("189 %", 1.89, (1.7955, 1.9845)),
        ],
    )
    def test_stands_for_what_is_near_or_rounds_to_it(self, text, number, agrees):
        found = figure("X", text, "x", HUNDRED)
        assert found.agrees == pytest.approx(agrees)
        assert found.percent == text.endswith("%")
        assert found.number == pytest.approx(number)
        assert not found.in_words

    def test_almost_is_within_5_per_cent(self):
        found = around("X", "almost 2", 2.0, "x", HUNDRED)
        assert found.agrees == pytest.approx((1.9, 2.1))

    @pytest.mark.parametrize("own", [0.0, 0.0320, 0.0335, 0.0353])
    def test_a_figure_and_almost_the_figure_are_judged_alike(self, own):
        ends = np.random.default_rng(0).normal(0.0331, 0.001, 1000)
        pair = [
            figure("X", "0.0335", "loss", ends, run=own),
            around("Y", "almost 0.0335", 0.0335, "loss", ends, run=own),
        ]
        assert len({(found.verdict, found.agree, found.percentiles) for found in pair}) == 1

    @pytest.mark.parametrize(
        ("share", "text"),
        [
            (0, "0 %"),
            (0.0562, "5.6 %"),
            (0.717, "72 %"),
            (0.998, "99.8 %"),
            (0.99949, "99.9 %"),
            (1, "100 %"),
        ],
    )
    def test_shares_are_written_in_one_way(self, share, text):
        assert portion(share) == text

    def test_words_agree_where_they_hold(self):
        found = in_words("X", "large", "x", HUNDRED, (51.0, np.inf))
        assert found.in_words
        assert found.agree == 0.5
