"""Forms tried by the clock: what is taken, what is remembered, and that nothing but time hangs on it."""

import json
import os

import numpy as np
import pytest

import fastnn
from fastnn.commands.cli import main
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import forms, kernel_files, takeover, tuning
from fastnn.engines.kernel_files import CLAIM, TRIALS
from fastnn.system import background
from fastnn.training import jobs

NET = fastnn.Network((2, 2, 1))
CASE = (NET, "float64", PLAIN)
KNOWN, *OTHERS = forms.forms(*CASE)
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.random((40, 2)), RANDOM.random(40)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """A cache folder of its own, with tuning switched on."""
    monkeypatch.setenv("FASTNN_TUNE", "1")
    monkeypatch.setenv("FASTNN_CACHE", str(tmp_path))
    monkeypatch.setattr(tuning, "_KNOWN", {})
    return tmp_path / "kernels"


@pytest.fixture
def timed(monkeypatch):
    """Have the clock find given times for forms, in parts of the known one's; no kernel is compiled."""
    asked = []

    def timed(**parts):
        def tried(network, dtype, rule, others, wanted):
            asked.append([str(form) for form in others])
            of_names = {name: parts.get(f"form_{place}", 1.1) for place, name in enumerate(asked[-1])}
            return {str(forms.known_form(network, dtype, rule)): 1.0, **of_names}

        monkeypatch.setattr(tuning, "_tried", tried)
        return asked

    return timed


class TestRemembering:
    def test_the_fastest_is_taken_in_the_next_process_too(self, kept, timed, monkeypatch):
        timed(form_2=0.9, form_1=0.8)
        times = tuning.tune(*CASE)
        assert [*times] == [KNOWN, *OTHERS]
        assert tuning.best_form(*CASE) == OTHERS[1]
        monkeypatch.setattr(tuning, "_KNOWN", {})  # as in another process
        assert tuning.best_form(*CASE) == OTHERS[1]
        assert len(kernel_files.held(TRIALS)) == 1

    def test_of_kernels_that_look_it_is_that_of_the_training_alone(self, kept, timed):
        timed(form_0=0.8)
        tuning.tune(*CASE)
        assert tuning.best_form(NET, "float64", Rule(validated=True)) == OTHERS[0]

    def test_little_faster_is_not_taken(self, kept, timed):
        timed(form_0=0.98)
        tuning.tune(*CASE)
        assert tuning.best_form(*CASE) == KNOWN

    def test_networks_rules_and_precisions_have_their_own(self, kept, timed):
        timed(form_0=0.5)
        tuning.tune(*CASE)
        for other in (
            (fastnn.Network((2, 1, 1)), "float64", PLAIN),
            (fastnn.Network((2, 2, 1), "tanh"), "float64", PLAIN),
            (NET, "float32", PLAIN),
            (NET, "float64", Rule(weighted=True)),
        ):
            assert tuning.best_form(*other) == forms.known_form(*other)

    @pytest.mark.parametrize(("variable", "value"), [("FASTNN_TUNE", "0"), ("FASTNN_CACHE", "0")])
    def test_switched_off(self, kept, timed, monkeypatch, variable, value):
        timed(form_0=0.5)
        tuning.tune(*CASE)
        monkeypatch.setenv(variable, value)
        assert tuning.best_form(*CASE) == KNOWN
        if variable == "FASTNN_TUNE":
            assert not [*tuning.trials(*CASE)]

    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"[]", b"{}", b'{"times": 3}', b"\xff", b'{"times": {"another form": 0.5}}'),
            json.dumps({"times": {str(OTHERS[0]): "0.5"}}).encode(),
            json.dumps({"times": {str(OTHERS[0]): -0.5}}).encode(),
        ],
    )
    def test_any_doubt_is_as_if_nothing_was_tried(self, kept, content):
        kernel_files.write(tuning._name(*CASE), content, TRIALS)
        assert tuning.best_form(*CASE) == KNOWN
        assert len([*tuning.trials(*CASE)]) == 2
        assert tuning.remembered() == []

    def test_a_file_that_was_altered(self, kept, timed, monkeypatch):
        timed(form_0=0.5)
        tuning.tune(*CASE)
        (path,) = kernel_files.held(TRIALS)
        content = path.read_bytes()
        path.write_bytes(content.replace(b"0.5", b"0.4"))
        monkeypatch.setattr(tuning, "_KNOWN", {})
        assert tuning.best_form(*CASE) == KNOWN


class TestTrials:
    """What a long training tries while it goes on."""

    def test_the_most_promising_first_and_alone(self, kept, timed):
        asked = timed(form_0=0.9)
        first, others = tuning.trials(*CASE)
        assert 10 < first.worth < others.worth / 2
        assert first.run(lambda: True) == OTHERS[0]
        assert asked == [[str(OTHERS[0])]]
        assert others.run(lambda: True) == OTHERS[0]
        assert asked[1] == [str(form) for form in OTHERS[1:]]
        assert not [*tuning.trials(*CASE)]

    def test_nobody_waits(self, kept, timed):
        asked = timed(form_0=0.5)
        assert [trial.run(lambda: False) for trial in tuning.trials(*CASE)] == [KNOWN, KNOWN]
        assert asked == []

    def test_another_process_is_at_it(self, kept, timed, monkeypatch):
        """It is waited for, and what it found is taken without another trial."""
        asked = timed()

        def sleep(seconds):
            times = {str(form): 0.5 if form == OTHERS[2] else 1.0 for form in (KNOWN, *OTHERS)}
            tuning._remember(*CASE, times)

        monkeypatch.setattr(tuning, "sleep", sleep)
        with kernel_files.claimed(tuning._name(*CASE)) as ours:
            assert ours
            assert next(tuning.trials(*CASE)).run(lambda: True) == OTHERS[2]
        assert asked == []

    def test_a_claim_ends_with_its_work_or_with_time(self, kept, timed):
        with kernel_files.claimed("work") as ours, kernel_files.claimed("work") as theirs:
            assert (ours, theirs) == (True, False)
        with kernel_files.claimed("work") as ours:
            assert ours
            path = kept / f"work{CLAIM}"
            long_ago = path.stat().st_mtime - kernel_files.CLAIM_SECONDS - 1
            os.utime(path, (long_ago, long_ago))
            with kernel_files.claimed("work") as theirs:
                assert theirs

    def test_a_training_changes_over(self, kept, timed, monkeypatch):
        """The same bits, model file and digest as without tuning; which forms ran is told."""
        monkeypatch.setenv("FASTNN_TUNE", "0")
        how = {"networks": 300, "epochs": 3, "engine": "lanes", "workers": 1, "progress": False}
        expected = fastnn.sweep(NET, X, Y, **how)
        assert expected.form == str(KNOWN)
        monkeypatch.setenv("FASTNN_TUNE", "1")
        monkeypatch.setattr(jobs, "FEWEST_SECONDS", 0.0)
        monkeypatch.setattr(tuning, "PARTS_OF_WORTH", 0)
        timed(form_0=0.9)
        took = jobs.Done.took

        def and_waits(*arguments):
            took(*arguments)
            background.finish()

        monkeypatch.setattr(jobs.Done, "took", and_waits)
        found = fastnn.sweep(NET, X, Y, **how)
        assert found.form == f"{KNOWN}, then {OTHERS[0]}"
        assert found.digest() == expected.digest()
        assert found.parameters.tobytes() == expected.parameters.tobytes()
        assert str(OTHERS[0]) in found._repr_html_()

    @pytest.mark.slow
    def test_kernels_that_are_compiled_take_over(self, kept, monkeypatch):
        how = {"networks": 3000, "epochs": 300, "engine": "lanes", "workers": 1, "progress": False}
        rows = np.random.default_rng(1).random((1000, 2))
        expected = fastnn.sweep(NET, rows, rows[:, 0], **how | {"engine": "batched", "networks": 64})
        monkeypatch.setattr(tuning, "PARTS_OF_WORTH", 0)
        monkeypatch.setattr(tuning, "FASTER", 10.0)
        monkeypatch.setattr(jobs, "FEWEST_SECONDS", 0.0)
        took = jobs.Done.took

        def and_waits(*arguments):
            took(*arguments)
            background.finish()

        monkeypatch.setattr(jobs.Done, "took", and_waits)
        found = fastnn.sweep(NET, rows, rows[:, 0], **how)
        assert found.form.startswith(f"{KNOWN}, then ")
        assert found.parameters[:64].tobytes() == expected.parameters.tobytes()
        assert tuning.best_form(*CASE) != KNOWN

    def test_a_model_file_does_not_tell(self, kept, timed, tmp_path):
        timed(form_0=0.9)
        files = []
        for name in ("before", "after"):
            run = fastnn.train(NET, X, Y, [[0.5] * 9] * 3, epochs=2, engine="lanes")
            files.append(tmp_path / f"{name}.npz")
            run.save(files[-1])
            assert run.form == str(KNOWN if name == "before" else OTHERS[0])
            tuning.tune(*CASE)
        assert files[0].read_bytes() == files[1].read_bytes()


class TestClock:
    def test_all_forms_are_timed_in_turns(self, kept, monkeypatch):
        """With a slow kernel among them, as plain functions."""
        slow, called = OTHERS[0], []

        def checked(engine, network, dtype, rule, form):
            def kernel(state, *arguments):
                called.append(form)
                sum(range(20_000 if form == slow else 10))

            return kernel

        monkeypatch.setattr(tuning, "checked_kernel", checked)
        monkeypatch.setattr(tuning, "CALL_SECONDS", 0.0)
        times = tuning.tune(*CASE)
        assert times[KNOWN] == 1.0
        assert times[slow] > 5
        rounds = called[2:]
        assert rounds == [KNOWN, *OTHERS] * tuning.ROUNDS

    def test_nobody_waits_any_more(self, kept, monkeypatch):
        compiled = []

        def checked(engine, network, dtype, rule, form):
            compiled.append(form)
            return lambda *arguments: None

        monkeypatch.setattr(tuning, "checked_kernel", checked)
        assert [*tuning.tune(*CASE, wanted=lambda: len(compiled) < 2)] == [KNOWN, OTHERS[0]]
        assert compiled == [KNOWN, OTHERS[0]]


class TestCommands:
    def test_what_was_tried_and_taken(self, kept, timed, capsys):
        timed(form_1=0.8)
        assert main(["tune", "--layers", "2,1,1"]) == 0
        out, err = capsys.readouterr()
        tried = len(forms.forms(fastnn.Network((2, 1, 1)), "float64", PLAIN))
        assert err == f"2-1-1 (relu, identity), float64, sgd, squared: {tried} forms are tried\n"
        lines = out.splitlines()
        assert lines[0] == "2-1-1 (relu, identity), float64, sgd, squared"
        assert lines[2].startswith("1.00  straight lines, ")
        assert lines[2].endswith(": known")
        assert lines[4].startswith("0.80  straight lines, ")
        assert lines[4].endswith(": taken")
        assert max(map(len, lines)) <= 80

    def test_the_cache_shows_and_forgets_it(self, kept, timed, capsys):
        timed(form_1=0.8)
        tuning.tune(*CASE)
        assert main(["cache"]) == 0
        told = f"2-2-1 (relu, identity), float64, sgd, squared:\n  0.80  {OTHERS[1]}\n"
        assert capsys.readouterr().out == f"0 kernels, 0.0 MB, in {kept}\n{told}"
        assert main(["cache", "clear"]) == 0
        assert capsys.readouterr().out == (
            f"0 kernels removed, 0.0 MB, from {kept}, and the forms found for 1 network\n"
        )
        assert tuning.remembered() == []

    def test_reduced_networks_have_their_own(self, kept, timed, capsys):
        asked = timed()
        assert main(["tune", "--dtype", "float32", "--batch-size", "8"]) == 0
        assert len(asked) == 2
        assert [name for name, _, _ in tuning.remembered()] == [
            f"{layers} (relu, identity), float32, sgd, squared, in batches" for layers in ("2-1-1", "2-2-1")
        ]

    def test_it_is_told_where_nothing_is_used(self, timed, monkeypatch, capsys):
        timed()
        monkeypatch.setenv("FASTNN_TUNE", "0")
        monkeypatch.setenv("FASTNN_CACHE", "0")
        assert main(["tune", "--layers", "1,1"]) == 0
        *_, remembered, taken = capsys.readouterr().out.splitlines()
        assert remembered.startswith("nothing is remembered: no kernels are kept on disk: FASTNN_CACHE=0")
        assert taken == "the known forms are taken, whatever was found: FASTNN_TUNE=0"


def test_engines_of_one_form_have_none_to_try(monkeypatch):
    monkeypatch.setenv("FASTNN_TUNE", "1")
    assert takeover.begun("batched", *CASE).forms == ["batched"]
    assert fastnn.train(NET, X, Y, [0.5] * 9, epochs=1, engine="batched").form == "batched"
