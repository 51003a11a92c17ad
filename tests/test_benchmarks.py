"""The benchmarks' own helpers: comparisons that refuse, verdicts, and a writer that keeps to its place."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

from fastnn.engines import load

TEXT = """# Title

<!-- ratios: written by ratios.py -->
old
<!-- end of ratios -->

between

<!-- peers: written by peers -->
<!-- end of peers -->
last
"""


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


class TestResults:
    def test_a_section_is_written_between_its_markers_and_nowhere_else(self):
        from results import written_between

        written = written_between(TEXT, "ratios", "| a | b |\n")
        assert written == TEXT.replace("old\n", "\n| a | b |\n\n")
        assert written_between(written, "ratios", "| a | b |") == written
        other = written_between(written, "peers", "| c |")
        assert other.endswith("<!-- peers: written by peers -->\n\n| c |\n\n<!-- end of peers -->\nlast\n")
        assert other.startswith(written.partition("<!-- peers")[0])

    @pytest.mark.parametrize(
        "text",
        [
            "nothing",
            TEXT + TEXT,
            TEXT.replace("<!-- end of ratios -->", ""),
            "<!-- end of ratios --> <!-- ratios: written -->",
        ],
    )
    def test_without_markers_in_order_nothing_is_written(self, text):
        from results import written_between

        with pytest.raises(ValueError, match=r"must hold '<!-- ratios: \.\.\. -->' and then"):
            written_between(text, "ratios", "new")

    def test_the_results_have_a_place_for_every_table(self):
        import results

        text = results.RESULTS.read_text(encoding="utf-8")
        for name in ("ratios", "limits", "peers"):
            assert "new words" in results.written_between(text, name, "new words")


class TestReadme:
    """What the README shows is some rows of the results, and a picture that a script draws."""

    def test_its_table_is_that_of_the_results(self):
        import readme
        from results import RESULTS, between

        shown = between(readme.README.read_text(encoding="utf-8"), "speed")
        assert shown == readme.table_of(between(RESULTS.read_text(encoding="utf-8"), "peers"))
        assert len([line for line in shown.splitlines() if line.startswith("|")]) == 2 + 6

    def test_the_first_table_counts_and_a_missing_row_is_named(self):
        import readme

        heads = "| a | b | c | d | e | f |\n|---|--:|--:|--:|--:|---|"
        rows = [f"| {name} | {i} | 2 | 3 | 4 | 5 |" for i, name in enumerate(readme.ROWS)]
        others = [f"| {name} | 9 |" for name in readme.ROWS]
        section = "\n".join(["About; ×: kept; ÷: not here.", "", heads, *reversed(rows), "", *others])
        lines = readme.table_of(section).splitlines()
        assert lines[0] == "| a | b | c | d | e |"
        assert lines[2:8] == [f"| {name} | {i} | 2 | 3 | 4 |" for i, name in enumerate(readme.ROWS)]
        assert lines[8:] == ["", "About; ×: kept."]
        with pytest.raises(ValueError, match=r"it lacks \{'plain Python'\}"):
            readme.table_of(section.replace("| plain Python |", "| other |"))

    def test_its_picture_is_drawn_and_told_of(self, tmp_path):
        import fastnn
        import picture

        data = fastnn.load_insurance(simulated=True)
        sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), data, networks=1000, epochs=2)
        picture.draw(sweep, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
        told = picture.caption(sweep)
        losses = sweep.frame()["loss"]
        assert f"from 1 000 starts ends at losses from {losses.min():.4f} to {losses.max():.4f}" in told
        numbers = re.findall(r"(\d[\d ]*)[,.]", told.split(": ")[-1])
        assert sum(int(number.replace(" ", "")) for number in numbers) == 1000

    @pytest.mark.slow  # the sweep of the picture, whole
    def test_its_caption_is_what_the_script_writes(self):
        import fastnn
        import picture

        data = fastnn.load_insurance(simulated=True)
        sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), data, networks=picture.NETWORKS)
        assert picture.caption(sweep) in (ROOT / "README.md").read_text(encoding="utf-8")


class TestLine:
    """A promise is judged by the median of what was measured."""

    @pytest.mark.parametrize(
        ("values", "promise", "at_least", "out_of_reach", "verdict"),
        [
            ([1.0, 1.1, 9.0], 1.1, False, False, "kept"),
            ([1.0, 1.2, 1.2], 1.1, False, False, "BROKEN"),
            ([1.0, 2.0, 2.0], 1.9, True, False, "kept"),
            ([1.0, 1.8, 2.0], 1.9, True, False, "BROKEN"),
            ([1.0, 1.8, 2.0], 1.9, True, True, "missed"),
            ([1.0, 2.0, 2.0], 1.9, True, True, "kept"),
            ([], 1.9, True, False, "skipped"),
            ([5.0], None, False, False, ""),
        ],
    )
    def test_verdict(self, values, promise, at_least, out_of_reach, verdict):
        from promises.measuring import Line

        assert Line("x", values, promise, at_least, out_of_reach=out_of_reach).verdict == verdict

    def test_the_tables_show_promises_details_and_remarks(self):
        import ratios
        from promises.measuring import Line

        lines = [
            Line("first", [1.0, 2.0, 3.0], 1.9, at_least=True, remark="why"),
            Line("detail", [7.0], unit="ns"),
            Line("second", promise=1.5, remark="needs more"),
        ]
        assert ratios.as_markdown(lines).splitlines()[2:] == [
            "| first | ≥ 1.9 | 2.00 | kept | why; detail 7.00 ns |",
            "| second | ≤ 1.5 |  | skipped | needs more |",
        ]
        printed = "\n".join(map(ratios.as_text, lines))
        for shown in (">= 1.9", "kept", "why", "detail, ns", "7.00", "skipped"):
            assert shown in printed


class TestComparisons:
    """Nothing is timed that does not agree: each comparison has to refuse what is a little off."""

    def test_other_bits_are_refused(self):
        from promises.measuring import refuse_other_bits

        right = np.array([1.0, 2.0, -0.0])
        refuse_other_bits((right, right.copy()))
        for wrong in (np.nextafter(right, 9), right[::-1].copy(), np.zeros(3), np.abs(right)):
            with pytest.raises(AssertionError, match="results differ"):
                refuse_other_bits((right, right), (right, wrong))

    def test_numbers_far_apart_are_refused(self):
        from promises.measuring import refuse_far

        right = np.array([1.0, 2.0, np.nan])
        refuse_far(right, right * (1 + 1e-10), 1e-9)
        for wrong in (right * (1 + 1e-8), np.nan_to_num(right), right[[1, 0, 2]]):
            with pytest.raises(AssertionError):
                refuse_far(right, wrong, 1e-9)

    def test_other_parameters_are_refused(self):
        from peers.forms import DisagreementError, refuse_other_parameters

        right = np.array([[1.0, 200.0], [-3.0, 0.0]])
        refuse_other_parameters(right * (1 + 1e-10), right, 1e-9)
        for wrong in (np.zeros_like(right), right[::-1], right * (1 + 1e-8), right + np.nan, right[:1]):
            with pytest.raises(DisagreementError, match="parameters"):
                refuse_other_parameters(wrong, right, 1e-9)

    def test_a_peer_that_slips_is_found_out(self):
        """A form is refused that updates in another order, touches the starts, or forgets the last row."""
        from peers import problems, with_python
        from peers.forms import DisagreementError, Form, checked
        from suite.common import insurance

        problem = problems.problems(insurance())[problems.REFERENCE].first(50)
        prepare = with_python.prepare
        checked(Form("right", (1,), prepare), problem, 3)

        def forgetful(problem, networks):
            return prepare(problem.first(49), networks)

        def greedy(problem, networks):
            def train(starts, epochs):
                starts[:] = prepare(problem, networks)(starts, epochs)
                return starts

            return train

        def backwards(problem, networks):
            return prepare(replace(problem, X=problem.X[::-1], Y=problem.Y[::-1]), networks)

        for wrong in (forgetful, greedy, backwards):
            with pytest.raises(DisagreementError):
                checked(Form("wrong", (1,), wrong), problem, 3)


class TestRules:
    """What momentum and batches cost: the kernels are checked, and units that die are told from others."""

    def test_the_reference_tells_the_ways_apart(self):
        import fastnn
        from suite.common import PLAIN, Arrays, expected, refuse_disagreement
        from suite.rules import WAYS

        network, size = fastnn.Network((2, 2, 1)), {"networks": 5, "rows": 43, "epochs": 2}
        ways = [PLAIN, *WAYS.values()]
        found = []
        for way in ways:
            arrays = Arrays.fresh(network, "float64", **size, way=way)
            arrays.advance(load("batched").kernel(network, "float64", way.rule), at_once=5)
            found.append(arrays)
        for way, arrays in zip(ways, found, strict=True):
            right = expected(network, "float64", **size, way=way)
            refuse_disagreement(arrays, *right, network)
            for other in found:
                if other is not arrays:
                    with pytest.raises(AssertionError):
                        refuse_disagreement(other, *right, network)

    def test_every_promise_is_of_something_measured(self):
        from promises.rules import PROMISES
        from suite.rules import NETWORKS, WAYS

        assert {way for way, _ in PROMISES} <= set(WAYS)
        assert {network for _, network in PROMISES} == set(NETWORKS)

    def test_every_further_promise_is_of_something_measured(self):
        from promises.further_rules import PROMISES, RULES
        from suite.rules import NETWORKS

        assert {rule for rule, _, _ in PROMISES} == set(RULES)
        assert {network for _, network, _ in PROMISES} == set(NETWORKS)

    def test_every_promise_of_one_network_is_of_something_measured(self):
        from promises.alone import PROMISES
        from suite.alone import NETWORKS

        assert [*PROMISES] == [*NETWORKS]

    def test_no_kernel_is_timed_that_differs(self):
        import fastnn
        from fastnn.core.losses import CrossEntropy
        from fastnn.core.optimizers import Adam
        from fastnn.core.recipe import Recipe
        from suite.common import insurance
        from suite.kernels import Job, refuse_other_kernel

        adam = Job(fastnn.Network((2, 2, 1)), Recipe(optimizer=Adam(), batch_size=32))
        softmax = Job(fastnn.Network((4, 2, 3), output="softmax"), Recipe(loss=CrossEntropy()))
        for job in (adam, softmax):
            right = load("batched").kernel(job.network, "float32", job.recipe.rule)
            refuse_other_kernel(right, job, "float32", insurance())

            def wrong(state, *given, right=right):
                right(state, *given)
                state[0, 0] = np.nextafter(state[0, 0], np.float32(np.inf))

            with pytest.raises(AssertionError, match="differ"):
                refuse_other_kernel(wrong, job, "float32", insurance())

    def test_a_ratio_is_of_each_round(self, monkeypatch):
        import fastnn
        from suite import rules
        from suite.common import insurance
        from suite.rules import WAYS, checked_kernel, times

        # Which compiles nothing; what is timed is no question here.
        monkeypatch.setattr(rules, "checked_kernel", lambda engine, *rest: checked_kernel("batched", *rest))
        ways = {"momentum": WAYS["momentum"]}
        found = times(fastnn.Network((1, 1, 1)), "float64", ways, insurance(), 2, networks=9, repeat=1)
        assert {name: seconds.shape for name, seconds in found.items()} == {"plain": (2,), "momentum": (2,)}
        assert min(map(min, found.values())) > 0

    def test_units_that_die_are_told_from_those_that_were_shut(self):
        import fastnn
        from suite.common import insurance
        from suite.rules import CLASSROOM, groups_of, shut_units

        data = insurance()
        shut, open_ = [-1, -1, 1, 1, 1, 1, -1, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0, 0]
        assert shut_units(np.array([shut, open_, np.zeros(9)]), data.X).tolist() == [1, 0, 2]

        dies = [0.1, 0.1, 1, 1, 1, 1, 0, 0, 50]  # far above every target: one row shuts both units
        starts = np.array([shut, dies, open_], float)

        def sweep(**settings):
            return fastnn.sweep(CLASSROOM, data, engine="batched", epochs=1, progress=False, **settings)

        found = groups_of(starts, sweep, data)
        assert found["dying"].tolist() == [dies]
        assert found["living"].tolist() == [open_]
        with pytest.raises(ValueError, match="of 2 networks none is dying"):
            groups_of(starts[[0, 2]], sweep, data)


class TestTables:
    """Rows that fastnn loses stay in, and so do those that could not run."""

    def test_the_report_shows_every_row_and_goal(self):
        from limits.cores import Costs
        from limits.light import Light
        from peers import problems, tables
        from suite.common import insurance

        def many(*values):
            return {
                "many": dict(zip(("form", "networks", "rows", "nanoseconds", "ratio"), values, strict=True))
            }

        missing = {"error": "not installed: jax"}
        results = {
            "2-2-1": {
                "slow": many("a", 1, 500, 2e4, 1e4),
                "JAX, fast": many("b", 64, 1338, 1, 0.5),
                "absent": {"one": missing, "many": missing},
                "fastnn": many("c", 9, 1338, 2, 1.0),
            }
        }
        # A nanosecond for four lanes or for eight: the 17 additions of 2-2-1 take 4.25 or 2.125.
        light = Light(
            {(256, "float64"): Costs(1e-9, 1e-9, 0), (512, "float64"): Costs(1e-9, 1e-9, 0)}, 1, 1.0
        )
        text = tables.report(results, light, problems.problems(insurance()), insurance())
        assert "| slow |  |  | 20 000 | 10 000 | 4 710 | 9 410 | 1 | a |" in text
        assert "| JAX, fast |  |  | 1 | 0.5 | 0.24 | 0.47 | 64 | b |" in text
        assert "| absent | not installed: jax |  |  |  |  |  |  |  |" in text
        assert "| the limit of 256 bits |  |  | 4.2 | 2.1 | 1 | 2 |  |" in text
        assert "| the limit of 512 bits |  |  | 2.1 | 1.1 | 0.5 | 1 |  |" in text
        assert "| 2-2-1: than the best of JAX | 15 | 0.5 | missed, by JAX, fast | 0.24 | 0.47 |" in text
        assert "slow: 500" in text

    def test_a_goal_is_held_against_the_fastest_of_its_peers(self):
        from peers.goals import Goal

        results = {
            "JAX, a": {"many": {"ratio": 20.0}},
            "JAX, b": {"many": {"ratio": 16.0}},
            "JAX, c": {"many": {"error": "failed"}},
            "Keras on JAX": {"many": {"ratio": 1.0}},
        }
        assert Goal("2-2-1", 15, "JAX", "JAX").best(results) == ("JAX, b", {"ratio": 16.0})
        assert Goal("2-2-1", 15, "Torch", "Torch").best(results) is None


class TestFew:
    def test_values_are_chosen_side_by_side(self):
        from few import side_by_side

        assert side_by_side([["a", "b", "c"], [1, 2], [5]]) == [("a", 1, 5), ("b", 2, 5), ("c", 1, 5)]
        assert side_by_side([["a", "b", "c"], [1, 2]], most=2) == [("a", 1), ("b", 2)]
        assert side_by_side([]) == []

    def test_every_benchmark_is_chosen_by_its_name(self):
        from types import SimpleNamespace

        from few import names

        assert names(SimpleNamespace(name="a.b", params=[["'x'", "'y'"], ["1"]])) == [
            "a.b('x', 1)",
            "a.b('y', 1)",
        ]
        assert names(SimpleNamespace(name="a.b", params=[["10", "1000"]])) == ["a.b(10)"]
        assert names(SimpleNamespace(name="a.c", params=[])) == ["a.c"]


@pytest.mark.alone
@pytest.mark.slow  # half a minute: a process on each processor for each peer
def test_peers_run_in_turns_and_the_missing_are_named():
    from limits.light import Light
    from peers import problems, rounds, tables
    from peers.roster import FASTNN, Peer
    from suite.common import insurance

    jobs = problems.problems(insurance())
    problem = replace(jobs[problems.REFERENCE].first(500), epochs=60)  # of 20, half is the call
    peers = [
        Peer("plain Python", "with_python"),
        Peer("plain NumPy", "with_numpy"),
        Peer("nobody", "with_nothing", packages=("a_package_nobody_has",)),
    ]
    told = []
    with rounds.Pool() as pool:
        found = rounds.compare(problem, peers, pool, 2, 0.01, told.append)
        light = Light.measured(len(pool.processors))
    assert found["nobody"]["many"] == {"error": "not installed: a_package_nobody_has"}
    for name in ("plain Python", "plain NumPy", FASTNN.name):
        assert all(len(found[name][kind]["rounds"]) == 2 for kind in ("one", "many")), name
    assert found[FASTNN.name]["one"]["ratio"] == found[FASTNN.name]["many"]["ratio"] == 1
    assert found["plain Python"]["one"]["ratio"] > 3
    assert found["plain Python"]["many"]["ratio"] > 20
    assert found["plain NumPy"]["many"]["networks"] > 1
    text = tables.report({problems.REFERENCE: found}, light, jobs, insurance())
    assert all(f"| {name} |" in text for name in found)
