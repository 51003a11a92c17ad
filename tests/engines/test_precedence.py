"""Which kernel comes first, a network's own or the general one, and what takes over from it."""

from functools import cache
from math import inf

import numpy as np
import pytest
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, STATES, VALIDATION_LOSS, Rule
from fastnn.engines import load, precedence, takeover
from fastnn.engines.forms import known_form
from fastnn.engines.precedence import general_comes_first
from fastnn.engines.takeover import begun
from fastnn.system import background
from fastnn.training import jobs, kernels

SMALL, OTHER, LARGE = Network((2, 2, 1)), Network((3, 2, 1)), Network((3, 5, 4, 2))


@pytest.fixture
def ready(monkeypatch):
    """The sources whose kernels are in memory or on disk: none but those that a test adds."""
    found = set()
    monkeypatch.setattr(precedence, "is_ready", lambda source, dtype: source in found)
    monkeypatch.setattr(precedence, "MET", set())

    def add(engine, network, rule=PLAIN):
        found.add(load(engine).source(network, "float64", rule))

    return add


def first(engine, network, rule=PLAIN):
    return "general" if general_comes_first(engine, network, "float64", rule) else engine


class TestComesFirst:
    @pytest.mark.parametrize("engine", ["loop", "lanes", "units"])
    def test_what_is_ready(self, ready, engine):
        ready("general", SMALL)
        assert first(engine, OTHER) == "general"  # of whatever size
        ready("general", Network((2, 2, 2)))
        assert first(engine, LARGE) == "general"
        ready(engine, OTHER)
        assert first(engine, OTHER) == engine

    @pytest.mark.parametrize("engine", ["loop", "lanes", "units"])
    def test_with_none_ready_a_small_network_gets_its_own_and_the_next_one_a_kernel_for_all(
        self, ready, engine
    ):
        assert first(engine, SMALL) == engine
        assert first(engine, OTHER) == "general"
        tanh = Network((2, 2, 1), "tanh")
        assert first(engine, tanh) == engine  # the first of its kind
        assert first(engine, SMALL, Rule(weighted=True)) == engine

    def test_with_none_ready_a_large_network_does_not_wait_longer(self, ready):
        assert first("lanes", LARGE) == "general"
        assert first("units", Network((3, 5, 4, 2), "tanh")) == "general"
        assert first("units", Network((3, 50, 2), "sigmoid")) == "units"

    @pytest.mark.parametrize(
        ("engine", "wide", "wider"),
        [("loop", 40, 60), ("units", 40, 60), ("lanes", 300, 400)],
    )
    def test_never_for_a_network_so_large_that_compiling_takes_less_time(self, ready, engine, wide, wider):
        ready("general", Network((2, 300, 300, 1)))
        assert first(engine, Network((2, wide, wide, 1))) == "general"
        assert first(engine, Network((2, wider, wider, 1))) == engine

    def test_alone_in_batches_what_is_ready_has_one_register(self, ready):
        batches = Rule(batched=True)
        ready("general", SMALL, batches)
        assert first("lanes", OTHER, batches) == "general"
        assert first("units", OTHER, batches) == "units"  # the first that is trained alone
        assert (
            first("units", Network((2, 70, 70, 1)), batches) == "general"
        )  # the second, which may be larger

    def test_what_is_in_memory_while_another_kernel_is_compiled(self, ready, monkeypatch):
        of_all, own = (load(engine).source(OTHER, "float64") for engine in ("general", "lanes"))
        ready("lanes", OTHER)
        for loaded, busy, expected in (
            ({of_all}, True, "general"),
            ({of_all, own}, True, "lanes"),
            ({}, True, "lanes"),
            ({of_all}, False, "lanes"),
        ):
            monkeypatch.setattr(precedence, "is_loaded", lambda source, _, those=loaded: source in those)
            monkeypatch.setattr(precedence, "another_compiles", lambda busy=busy: busy)
            assert first("lanes", OTHER) == expected

    def test_never_where_nothing_is_compiled(self, ready):
        ready("general", SMALL)
        assert first("batched", OTHER) == "batched"

    @pytest.mark.parametrize("looks", [Rule(watched=STATES), Rule(validated=True, watched=VALIDATION_LOSS)])
    def test_what_looks_after_every_epoch_where_what_trains_is_ready(self, ready, looks):
        assert first("lanes", SMALL, looks) == "lanes"  # the first of its kind
        ready("general", LARGE)
        assert first("lanes", SMALL, looks) == "general"
        ready("lanes", SMALL, looks)
        assert first("lanes", SMALL, looks) == "lanes"


class TestBegun:
    @pytest.fixture(autouse=True)
    def as_plain_python(self, monkeypatch, ready):
        run_as_plain_python(monkeypatch)
        ready("general", SMALL)

    def test_who_waits_gets_the_engine_that_was_named(self):
        own = str(known_form(SMALL, "float64", PLAIN))
        assert begun("lanes", SMALL, "float64", PLAIN).forms == [own]
        assert begun("lanes", SMALL, "float64", PLAIN, waits=False).forms == ["general"]

    def test_the_own_kernel_takes_over_as_soon_as_it_is_read(self, ready, monkeypatch):
        of_all, own = load("general").source(SMALL, "float64"), str(known_form(SMALL, "float64", PLAIN))
        ready("lanes", SMALL)
        monkeypatch.setattr(precedence, "is_loaded", lambda source, dtype: source == of_all)
        monkeypatch.setattr(precedence, "another_compiles", lambda: True)
        found = begun("lanes", SMALL, "float64", PLAIN, waits=False)
        found.see(0.0)
        background.finish()
        assert found.forms == ["general", own]

    @pytest.mark.parametrize(("worth", "takes_over"), [(0.0, True), (inf, False)])
    def test_the_own_kernel_takes_over_where_that_is_worth_it(self, monkeypatch, worth, takes_over):
        monkeypatch.setattr(takeover, "WORTH_COMPILING", worth)
        monkeypatch.setattr(jobs, "FEWEST_SECONDS", 0.0)
        found = []

        @cache
        def looked_on(*arguments, **how):
            found.append(begun(*arguments, **how))
            see = found[-1].see
            found[-1].see = lambda seconds: (see(seconds), background.finish())
            return found[-1]

        monkeypatch.setattr(kernels, "begun", looked_on)
        random = np.random.default_rng(0)
        given = SMALL, random.random((9, 2)), random.random(9), random.normal(0, 1.5, (5, 9))
        run = fastnn.train(*given, epochs=30, learning_rate=0.05)
        own = str(known_form(SMALL, "float64", PLAIN))
        assert [one.forms for one in found] == [["general", own] if takes_over else ["general"]]
        assert run.engine == "lanes"
        expected = fastnn.train(*given, epochs=30, learning_rate=0.05, engine="batched")
        assert run.parameters.tobytes() == expected.parameters.tobytes()
        assert run.loss_curve.tobytes() == expected.loss_curve.tobytes()
