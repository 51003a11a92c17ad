"""The studies: what is measured of each start, what is trained for which line, what the tables say."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from uncompiled import forget_kernels

import fastnn
from fastnn import studies
from fastnn.engines import compiling
from fastnn.studies import report
from fastnn.studies.lines import MAKERS
from fastnn.studies.outcomes import KINDS, Outcomes
from fastnn.studies.verdicts import VERDICTS, portion
from fastnn.system.progress import Progress

FEW, EPOCHS = 60, 25


@pytest.fixture(scope="module")
def data():
    """The stand-in."""
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def found(data):
    """All lines, with few starts and epochs."""
    return studies.run(studies.Experiment(data, networks=FEW, epochs=EPOCHS), progress=False)


def outcomes(data, **more):
    """How some starts end, with their sweep."""
    sweep = fastnn.sweep(
        report.NETWORK, data.X, data.y, networks=20, epochs=6, curves=True, progress=False, **more
    )
    return Outcomes((sweep,)), sweep


class TestOutcomes:
    """Each measure once more, start by start, in plain Python."""

    @pytest.fixture(params=[0.005, 0.1, 1.0, 1e200])
    def ended(self, request, data):
        return outcomes(data, learning_rate=request.param)

    def test_loss_of_a_diverged_network_is_infinite(self, ended):
        measured, sweep = ended
        for loss, diverged, of_sweep in zip(measured.loss, sweep.diverged, sweep.loss, strict=True):
            assert loss == (np.inf if diverged else of_sweep)

    def test_kinds(self, ended):
        measured, sweep = ended
        for kind, diverged, dead in zip(measured.kind, sweep.diverged, sweep.dead_units(), strict=True):
            words = "diverged" if diverged else ("fitted", "one unit dead", "both units dead")[dead]
            assert KINDS[kind] == words
        assert sum(measured.shares.values()) == pytest.approx(1.0)

    def test_settled(self, ended):
        measured, _ = ended
        for settled, curve in zip(measured.settled, measured.curves, strict=True):
            last = curve[-1]
            if not np.isfinite(last):
                assert settled == np.inf
                continue
            epochs = [e for e in range(1, 7) if all(abs(c - last) <= 0.05 * last for c in curve[e - 1 :])]
            assert settled == epochs[0]

    def test_rises(self, ended):
        measured, _ = ended
        for rise, first, growth, curve in zip(
            measured.largest_rise, measured.rise_at_first, measured.growth, measured.curves, strict=True
        ):
            rises = [b / a - 1 for a, b in pairwise(curve) if np.isfinite(a)]
            assert rise == first  # there are fewer epochs than count as the first ones
            assert rise == max([*rises, *([0.0] if len(rises) < 5 else [])])
            assert growth == (curve[-1] / curve[0] - 1 if np.isfinite(curve[-1]) else np.inf)

    def test_negative_weights(self, ended):
        measured, sweep = ended
        for count, parameters in zip(measured.negative_weights, sweep.parameters, strict=True):
            assert count == sum(1 for weight in parameters[:6] if weight < 0)

    def test_several_sweeps_are_one_after_another(self, data):
        (one, first), (_, second) = outcomes(data), outcomes(data, seed=1)
        both = Outcomes((first, second))
        assert len(both) == 40
        assert np.array_equal(both.loss[:20], one.loss)
        assert np.array_equal(both.loss[20:], second.loss)


class TestExperiment:
    def test_trains_each_sweep_once(self, data):
        experiment = studies.Experiment(data, networks=4, epochs=2)
        assert experiment.plain() is experiment.plain(0.005, data.rows)
        assert experiment.near(report.ONES) is experiment.near(report.ONES)
        assert experiment.generated(report.WIDE) is experiment.generated(report.WIDE)
        assert experiment.scores(30) is experiment.scores(30)

    def test_lines_share_what_is_the_same(self, found):
        assert found["I0"].outcomes is found["I4"].outcomes is found["L2"].outcomes is found["N2"].outcomes

    def test_bar_ends_where_it_was_said_to(self, data):
        experiment = studies.Experiment(data, networks=5, epochs=2)
        visits = []
        experiment._after.append(visits.append)
        for train in experiment._everything():
            train()
        assert sum(visits) == experiment.visits()

    def test_one_epoch_is_refused_before_the_training(self, data):
        with pytest.raises(fastnn.InputError, match="epochs must be a whole number of at least 2; got 1"):
            studies.Experiment(data, networks=2, epochs=1)

    def test_starts_around_a_given_one(self, data):
        experiment = studies.Experiment(data, networks=2000, epochs=2)
        drawn = experiment.around(report.LARGE).draw(report.NETWORK, range(2000), 0)
        assert np.array_equal(drawn[0], report.LARGE)
        size = np.sqrt(np.mean(report.LARGE**2))
        away = np.sqrt(np.mean((drawn - report.LARGE) ** 2, axis=1)) / size
        assert experiment.distances[[0, -1]].tolist() == [0.0, 0.5]
        # Nine normal numbers: their root mean square is the sd, give or take a quarter of it.
        assert np.median(away[1:] / experiment.distances[1:]) == pytest.approx(0.96, abs=0.03)

    def test_generated_tables_share_the_starts_of_the_plain_lines(self, data):
        experiment = studies.Experiment(data, networks=45, epochs=2)
        ended = experiment.generated(report.SIMPLE)
        drawn = fastnn.normal(0, 1.5).draw(report.NETWORK, range(45), 0)
        first = ended.sweeps[0]
        assert len(ended) == 45
        assert len(ended.sweeps) == 20
        assert np.array_equal(first.start.draw(report.NETWORK, range(3), 0), drawn[:3])
        frame = fastnn.generate_train_data(100, seed=0, **report.SIMPLE)
        assert np.array_equal(first.plan.X, fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3").X)

    def test_scores_are_over_all_rows_and_the_worst_where_diverged(self, data):
        experiment = studies.Experiment(data, networks=5, epochs=2)
        (trained,) = experiment.plain(rows=30).sweeps
        assert np.array_equal(experiment.scores(30)["r2"], trained.score(data)["r2"])
        assert np.array_equal(experiment.scores(30)["mape"], trained.score(data)["mape"])

    def test_few_rows_are_all_rows(self):
        frame = fastnn.generate_train_data(25)
        experiment = studies.Experiment(fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3"), networks=3)
        assert experiment.row_counts == (25,)

    def test_estimate_is_in_proportion_to_the_visits(self, data, monkeypatch):
        trials = []

        def trial(self, networks, epochs):
            trials.append((networks, epochs))
            return 10.0 if len(trials) == 1 else 1e-3 * epochs  # the first one does not count

        monkeypatch.setattr(studies.Experiment, "_trial", trial)
        experiment = studies.Experiment(data, networks=2000, epochs=300)
        seconds = experiment.estimate()
        assert trials == [(512, 1), (512, 1), (512, 4), (512, 16), (512, 64), (512, 256)]
        assert seconds == pytest.approx(experiment.visits() * 0.256 / (512 * 256 * data.rows))

    def test_estimate_times_no_compiling(self, data, monkeypatch):
        """Where nothing is compiled yet, and a long trial is reduced to fewer units."""
        timed, original = [], studies.Experiment._trial

        class Clock(Progress):
            def begin(self):
                super().begin()
                self.compiled = len(compiling.COMPILED)

            def __exit__(self, *why):
                timed.append(len(compiling.COMPILED) - self.compiled)

        def trial(self, networks, epochs):
            original(self, networks, epochs)
            return float(epochs >= 256)  # a second: long enough, on any machine

        forget_kernels(monkeypatch)
        monkeypatch.setattr(sys.modules["fastnn.sweeping.sweep"], "Progress", Clock)
        monkeypatch.setattr(studies.Experiment, "_trial", trial)
        studies.Experiment(data, networks=2000).estimate()
        assert len(compiling.COMPILED) >= 2
        assert timed == [0] * 6

    def test_estimate_of_very_little_work(self, data):
        little = studies.Experiment(data, networks=2, epochs=2, engine="batched")  # which compiles nothing
        assert 0 < little.estimate() < 60

    def test_ctrl_c_is_passed_on(self, data, monkeypatch):
        def interrupted(*arguments, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr("fastnn.studies.experiment.sweep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            studies.run(studies.Experiment(data, networks=4, epochs=2), progress=False)

    @pytest.mark.parametrize("work", ["plain", "estimate"])
    def test_interrupted_sweep_is_not_taken_for_a_whole_one(self, data, monkeypatch, work):
        from dataclasses import replace

        monkeypatch.setattr(
            "fastnn.studies.experiment.sweep",
            lambda *a, **o: replace(fastnn.sweep(*a, **o), interrupted=True),
        )
        with pytest.raises(KeyboardInterrupt):
            getattr(studies.Experiment(data, networks=4, epochs=2), work)()

    @pytest.mark.parametrize(
        ("options", "refusal"),
        [
            ({"networks": 1}, "networks must be a whole number from 2 to 50000; got 1"),
            ({"networks": 50_001}, "networks must be a whole number from 2 to 50000"),
            ({"engine": "warp"}, "engine must be one of"),
            ({"epochs": 0}, "epochs must be a whole number"),
        ],
    )
    def test_refusals(self, data, options, refusal):
        with pytest.raises(fastnn.InputError, match=refusal):
            studies.Experiment(data, **options)

    def test_refuses_what_is_no_dataset_or_has_other_inputs(self):
        with pytest.raises(
            fastnn.InputError, match=r"data must be a fastnn.Dataset; got 'insurance'. Make one"
        ):
            studies.Experiment("insurance")
        wide = fastnn.load_insurance(simulated=True, inputs=("age", "bmi", "children"))
        with pytest.raises(
            fastnn.InputError, match=r"network's 2 inputs .* got 3 inputs .age, bmi, children. and"
        ):
            studies.Experiment(wide)


class TestLines:
    def test_are_those_of_the_report_in_its_order(self, found):
        assert [line.id for line in found.lines] == [line.id for line in report.LINES if line.id != "K1"]
        assert len(found.lines) == len(MAKERS) == 14

    def test_families_give_the_same_lines(self, found):
        families = (
            studies.generated_data,
            studies.starting_parameters,
            studies.learning_rates,
            studies.data_size,
        )
        lines = [line for family in families for line in family(found.experiment)]
        assert [line.id for line in lines] == [line.id for line in found.lines]
        assert [line.verdict for line in lines] == [line.verdict for line in found.lines]

    def test_report_s_own_starts_are_run(self, found, data):
        for line, start in (("I1", report.LARGE), ("I2", report.SMALL), ("I3", report.ONES)):
            run = fastnn.train(report.NETWORK, data.X, data.y, start, epochs=EPOCHS)
            assert found[line].claims[0].run == run.loss == found[line].outcomes.loss[0]

    def test_figures_are_the_report_s(self, found):
        for line in found.lines:
            said = line.claims[0]
            if said.number is not None and not said.says.startswith(("almost", "the same")):
                assert said.says in line.report.figure

    def test_comparisons_are_of_the_same_starts(self, found):
        higher = found["L3"].claims[1]
        at_05, at_10 = found["L2"].outcomes.loss, found["L3"].outcomes.loss
        assert np.array_equal(higher.values, at_10 / at_05 - 1)
        one, other = at_05[:-1], at_05[1:]
        assert np.array_equal(higher.unchanged[: FEW - 1], other / one - 1)
        assert np.array_equal(higher.unchanged[FEW:-1], one / other - 1)

    def test_symmetric_start_is_told(self, found):
        assert "begin equal and stay equal to the last bit" in " ".join(found.reasons["I3"])
        assert "begin equal" not in " ".join(found.reasons["I1"])

    def test_rate_of_1_is_explained(self, found):
        text = " ".join(found.reasons["L5"])
        assert "both units are dead in" in text.lower()
        assert "multiplies its distance from the row's target by -1" in text

    def test_no_rise_is_explained(self, found):
        assert found["L1"].verdict == "not reproduced"
        assert f"rises at first in none of the {FEW} starts" in " ".join(found.reasons["L1"])


class TestOtherData:
    """The report's figures are of the insurance table: nothing else is judged by them."""

    def other(self, zeros=0, **changes):
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.uniform(size=(60, 2)), columns=["age", "bmi"])
        frame["charges"] = np.where(np.arange(60) < zeros, 0.0, 1 + frame["age"] ** 2 + frame["bmi"])
        return fastnn.Dataset.from_frame(frame, ["age", "bmi"], "charges")

    def test_the_table_is_known_by_its_numbers(self):
        data = fastnn.load_insurance(simulated=True)
        assert report.is_of(data)
        assert not report.is_of(fastnn.load_insurance(simulated=True, inputs=("bmi", "age")))
        assert not report.is_of(fastnn.load_insurance(simulated=True, inputs=("age", "children")))
        assert not report.is_of(replace(data, y=data.y[::-1]))
        assert not report.is_of(replace(data, y=data.y**2))
        assert not report.is_of(self.other())

    def test_there_are_distributions_and_no_verdicts(self):
        found = studies.run(studies.Experiment(self.other(), networks=8, epochs=3), progress=False)
        claims = found.claims().set_index("line")
        generated = ["D1", "D2"]
        assert set(claims.loc[generated, "verdict"]) <= set(VERDICTS)
        rest = claims.drop(generated)
        assert rest[["verdict", "agree", "percentile_low", "percentile_high"]].isna().all(axis=None)
        assert set(rest["says"]) == {"loss", "R²", "MAPE"}
        assert claims.loc["I0", "median"] == np.sort(found["I0"].outcomes.loss)[3]
        assert claims.loc["I0", "changed"] == "nothing changed"
        assert not any("report printed" in text for each in found.reasons.values() for text in each)

    def test_no_mape_is_not_a_mape_of_infinity(self):
        experiment = studies.Experiment(self.other(zeros=40), networks=8, epochs=3)
        assert np.isnan(experiment.scores()["mape"]).all()
        found = studies.run(experiment, progress=False)
        assert list(found.claims().set_index("line").loc["N2", "says"]) == ["loss", "R²"]
        assert found.by_rows()["mape_p50"].isna().all()


class TestTables:
    def test_claims(self, found):
        table = found.claims()
        assert list(dict.fromkeys(table["line"])) == [line.id for line in found.lines]
        assert set(table["verdict"]) <= set(VERDICTS)
        row = table[table["line"] == "I0"].iloc[0]
        losses = np.sort(found["I0"].outcomes.loss)
        assert (row["p5"], row["median"], row["p95"]) == (losses[2], losses[29], losses[56])
        assert row["percentile_low"] == 100 * (losses < 0.031825).mean()
        assert row["verdict"] == found["I0"].verdict
        assert row["agree"] == ((losses >= 0.031825) & (losses < 0.035175)).mean()

    def test_a_sentence_says_the_share_that_the_table_says(self, found):
        shares = found.claims().drop_duplicates("line").set_index("line")["agree"]
        said = {
            id: match[1]
            for id, sentences in found.reasons.items()
            if (match := re.search(r"([\d.]+ %) of the starts agree with the figure", " ".join(sentences)))
        }
        assert {"I0", "L2"} <= set(said)
        assert said == {id: portion(shares[id]) for id in said}

    def test_lines_of_one_figure_and_one_sweep_are_judged_alike(self, found):
        alike = [found[id].claims[0] for id in ("I0", "I4", "L2")]
        assert len({(claim.agree, claim.verdict) for claim in alike}) == 1

    def test_outcomes(self, found):
        table = found.outcomes().set_index("line")
        assert (table["networks"] == FEW).all()
        assert np.allclose(table[list(KINDS)].sum(axis=1), 1.0)
        assert table.loc["I0", "both units dead"] == (found["I0"].outcomes.kind == 2).mean()

    def test_by_rows(self, found, data):
        table = found.by_rows().set_index("rows")
        assert list(table.index) == [30, 50, 100, 200, 400, 800, 1338]
        sweep = fastnn.sweep(report.NETWORK, data.X, data.y, networks=FEW, rows=30, epochs=EPOCHS)
        assert table.loc[30, "r2_p50"] == np.sort(sweep.score(data)["r2"])[FEW // 2 - 1]


@pytest.mark.slow
def test_on_the_published_data_every_figure_is_among_the_starts(real_insurance):
    """Fixed budget: 2 000 starts a line, which take 10 s with the engine `lanes` on two threads."""
    experiment = studies.Experiment(fastnn.load_insurance(real_insurance), networks=2000)
    expected = experiment.estimate()
    found = studies.run(experiment, progress=False)
    outside = [line.id for line in found.lines if not line.claims[0].within_percentiles]
    assert outside == ["L1"]
    assert "of the 2000 starts: a step this small" in " ".join(found.reasons["L1"])
    assert 1 / 3 < found.seconds / expected < 3
    # What the first sweep of sixty starts hinted at.
    for line, loss in (("I0", 0.0376), ("L3", 0.0378), ("L4", 0.0414)):
        ended = found[line].outcomes
        assert np.round(ended.loss[ended.kind == 2], 4).tolist() == [loss] * (ended.kind == 2).sum()
    assert found["L3"].verdict == "an effect of the start"
    assert found["L4"].claims[0].agreeing[found["L4"].outcomes.kind == 2].all()
