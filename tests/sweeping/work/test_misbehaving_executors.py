"""Executors that misbehave, in memory and with a store: what is done and what failed add up."""

import re
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import numpy as np
import pytest
from small_sweeps import files, store, swept, usual_digest, usual_parameters

import fastnn
from fastnn.sweeping import accounts
from fastnn.sweeping.work import executing, packing, places, tasks
from fastnn.training import identity

__all__ = ["store"]  # a fixture

TOTAL = 84
ONE_CELL = {"rows": 12, "learning_rate": 1.0, "networks": TOTAL}  # in memory one shard; some diverge


PLACES = ("memory", "store")


@pytest.fixture(params=PLACES)
def place(request, store, monkeypatch):
    """Where the results go, in shards of 16 networks."""
    monkeypatch.setattr(places, "SHARD", 16)
    monkeypatch.setattr(executing, "POLL_SECONDS", 0.002)
    return {} if request.param == "memory" else {"store": store}


def done(call, *arguments):
    """A future that is finished, as `call` is."""
    future = Future()
    try:
        future.set_result(call(*arguments))
    except BaseException as error:
        future.set_exception(error)
    return future


def failing(error):
    future = Future()
    future.set_exception(error)
    return future


class Here:
    """Works at once, in `submit`, one shard at a time; `wrong` says how it does so instead, or None."""

    _max_workers = 2

    def __init__(self, wrong=lambda calls, *arguments: None):
        self.wrong, self.calls = wrong, 0

    def submit(self, call, *arguments):
        self.calls += 1
        return self.wrong(self.calls, call, *arguments) or done(call, *arguments)

    def shutdown(self, **options):
        """As all executors."""


def raises(error):
    raise error


def changed(change):
    """A worker whose answer is changed and sealed again."""

    def submitted(calls, call, *arguments):
        values, arrays = packing.unpack(call(*arguments))
        arrays = {name: array.copy() for name, array in arrays.items()}
        values, arrays = change(values, arrays)
        return done(packing.pack, values, arrays)

    return submitted


def without(name):
    return lambda values, arrays: (values, {kept: arrays[kept] for kept in arrays if kept != name})


def with_array(name, make):
    return lambda values, arrays: (values, arrays | {name: make(arrays)})


def with_value(name, value):
    return lambda values, arrays: (values | {name: value}, arrays)


def put(name, place, value):
    def change(values, arrays):
        arrays[name][place] = value
        return values, arrays

    return change


HEALTHY = np.s_[0]  # trained with a learning rate of 0.01: it does not diverge
CHANGES = {
    "no loss": without("loss"),
    "no parameters": without("parameters"),
    "no loss_all_rows": without("loss_all_rows"),
    "another array": with_array("extra", lambda arrays: arrays["loss"]),
    "curves not asked for": with_array("curves", lambda arrays: arrays["parameters"]),
    "other dtype of losses": with_array("loss", lambda arrays: arrays["loss"].astype(np.float32)),
    "other dtype of parameters": with_array("parameters", lambda arrays: arrays["parameters"].astype("f4")),
    "other dtype of diverged": with_array("diverged", lambda arrays: arrays["diverged"].astype(float)),
    "short losses": with_array("loss", lambda arrays: arrays["loss"][:-1]),
    "short diverged": with_array("diverged", lambda arrays: arrays["diverged"][:-1]),
    "short parameters": with_array("parameters", lambda arrays: arrays["parameters"][:-1]),
    "few parameters": with_array("parameters", lambda arrays: arrays["parameters"][:, :-1]),
    "no networks": lambda values, arrays: (values, {name: array[:0] for name, array in arrays.items()}),
    "losses of two dimensions": with_array("loss", lambda arrays: arrays["loss"][:, None]),
    "diverged before the first epoch": put("diverged", HEALTHY, -1),
    "diverged after the last epoch": put("diverged", HEALTHY, 26),
    "diverged, and finite": with_array("diverged", lambda arrays: (arrays["diverged"] == 0).astype("i4")),
    "a loss that is not finite": with_array("loss", lambda arrays: np.where(arrays["loss"] > 0, np.nan, 1)),
    "a loss that is infinite": put("loss", HEALTHY, np.inf),
    "a loss below 0": put("loss", HEALTHY, -1e-9),
    "a parameter that is finite among NaN": put("parameters", (0, slice(2)), [np.nan, 1.0]),
    "an infinite loss on all rows": put("loss_all_rows", HEALTHY, np.inf),
    "other networks": lambda values, arrays: (
        values | {"edges": [edge + 16 for edge in values["edges"]]},
        arrays,
    ),
    "no networks named": lambda values, arrays: ({}, arrays),
    "other curves": with_value("every", 3),
    "another value": with_value("more", 1),
    "another arithmetic": with_value("identity", identity.identity() | {"arithmetic": "another"}),
    "other random numbers": with_value("identity", identity.identity() | {"random_numbers": "others"}),
    "another version": with_value("identity", identity.identity() | {"fastnn": "0.0.1"}),
    "other bits": with_value("identity", identity.identity() | {"computed": "0" * 64}),
    "no identity": lambda values, arrays: ({name: values[name] for name in ("edges", "every")}, arrays),
}
ANSWERS = {
    "nothing": lambda calls, *_: done(lambda: None),
    "text": lambda calls, *_: done(lambda: "done"),
    "an empty answer": lambda calls, *_: done(lambda: b""),
    "other bytes": lambda calls, *_: done(lambda: bytes(100)),
    "an exception": lambda calls, *_: failing(ValueError("lost")),
    "an end": lambda calls, *_: failing(SystemExit(3)),
    "an interruption that is not ours": lambda calls, *_: failing(KeyboardInterrupt()),
    "out of memory": lambda calls, *_: failing(MemoryError()),
    "another shard": lambda calls, call, task, first, *rest: done(call, task, first + 1, *rest),
    **{name: changed(change) for name, change in CHANGES.items()},
}


def in_turns(turn):
    """Every answer in both places, where every third one is a quick test, in memory or with a store in turns.

    So one of three tests, whose turns are 0, 1 and 2, is quick for each answer.
    """
    ways = [
        pytest.param(
            place,
            wrong,
            marks=() if n % 3 == turn and (n // 3 + m) % 2 == 0 else pytest.mark.slow,
            id=f"{place}-{name}",
        )
        for n, (name, wrong) in enumerate(ANSWERS.items())
        for m, place in enumerate(PLACES)
    ]
    return pytest.mark.parametrize(("place", "wrong"), ways, indirect=["place"])


def counted(sweep):
    """How many networks the failures of a sweep tell of."""
    found = 0
    for failure in sweep.failures:
        count = re.match(r"([\d\s]+) networks: ", failure)
        first_and_last = re.match(r"networks ([\d to and]+): ", failure)
        if count:
            found += int("".join(count[1].split()))
        else:
            pairs = re.findall(r"(\d+) to (\d+)", first_and_last[1])
            found += sum(int(last) - int(first) + 1 for first, last in pairs)
    return found


def checked(place, **options):
    """A sweep whose numbers add up; its rows are right, and resumed it is that of an undisturbed one."""
    with pytest.warns(RuntimeWarning, match="could not be computed"):
        sweep = swept(**options, **place)
    assert not sweep.interrupted
    assert len(sweep) + counted(sweep) == TOTAL
    assert sweep.parameters.tobytes() == usual_parameters()[sweep.numbers].tobytes()
    if place:
        assert swept(**place).digest() == usual_digest()
    return sweep


class TestWrongAnswers:
    @in_turns(0)
    def test_now_and_then_are_done_again(self, place, wrong):
        executor = Here(lambda calls, *arguments: wrong(calls, *arguments) if calls % 3 == 1 else None)
        sweep = swept(executor=executor, **place)
        assert (sweep.digest(), sweep.failures, len(sweep)) == (usual_digest(), (), TOTAL)

    @in_turns(1)
    def test_of_one_shard_are_a_failure(self, place, wrong):
        executor = Here(lambda calls, *arguments: wrong(calls, *arguments) if arguments[2] == 21 else None)
        sweep = checked(place, executor=executor)
        assert [failure.partition(":")[0] for failure in sweep.failures] == ["networks 21 to 36"]

    @in_turns(2)
    def test_always_end_in_words(self, place, wrong):
        with pytest.raises(accounts.NothingDoneError, match="none could be"):
            swept(executor=Here(wrong), **place)
        if place:
            assert files(place["store"], "shards/*") == []
            assert swept(**place).digest() == usual_digest()

    def test_a_short_answer_with_curves(self, place):
        for name in ("curves", "loss"):
            short = changed(lambda values, arrays, name=name: (values, arrays | {name: arrays[name][:-1]}))
            executor = Here(
                lambda calls, *arguments, short=short: short(calls, *arguments) if calls == 1 else None
            )
            options = {"store": place["store"].with_name(name)} if place else {}
            assert swept(executor=executor, curves=5, **options).digest() == usual_digest()

    @pytest.mark.parametrize(
        ("number", "epoch", "value"),
        [(0, 2, np.nan), (0, 2, -1.0), (0, 2, np.inf), (0, 4, 0.5), (9, 4, 1.0)],
    )
    def test_curves_that_cannot_be(self, number, epoch, value):
        sweep = swept(curves=5, **ONE_CELL)
        number = number or int(np.flatnonzero(sweep.diverged == 0)[0])
        number = int(np.flatnonzero(sweep.diverged)[0]) if number == 9 else number
        answer = changed(put("curves", (number, epoch), value))
        with pytest.raises(RuntimeError, match="DamageError: the answer is no result of the sweep: curves"):
            swept(executor=Here(answer), curves=5, **ONE_CELL)

    def test_they_say_what_was_wrong(self):
        with pytest.raises(RuntimeError, match=r"loss is float64 of shape \(83,\), not float64"):
            swept(executor=Here(changed(CHANGES["short losses"])), **ONE_CELL)
        with pytest.raises(RuntimeError, match="arithmetic is 'another' at the worker and 'fastnn 1: IEEE"):
            swept(executor=Here(changed(CHANGES["another arithmetic"])))

    def test_a_worker_of_another_version_refuses_the_task(self, monkeypatch):
        task = executing.task(swept().design, 0, "float64")
        tasks._design.cache_clear()
        monkeypatch.setattr(identity, "__version__", "9.9")
        values, _ = packing.unpack(executing.compute(task, 0, 3))
        assert values["error"].startswith(
            "InputError: a worker must compute as the sweeping process does; fastnn is '0.1.0' where"
        )

    def test_one_future_for_two_shards(self, place):
        kept = []

        def same(calls, call, *arguments):
            kept.append(kept[-1] if calls == 2 else Late(call, *arguments))
            return kept[-1]

        class Late(Future):
            """Finished when it is asked."""

            def __init__(self, *work):
                super().__init__()
                pool.submit(lambda: self.set_result(work[0](*work[1:])))

        with ThreadPoolExecutor(1) as pool:
            sweep = swept(executor=Here(same), **place)
        assert (sweep.digest(), sweep.failures) == (usual_digest(), ())


class TestBreaking:
    def broken(self, place, make, **options):
        made = []
        return checked(place, executor=make_counted(make, made), **options), len(made)

    @pytest.mark.parametrize("error", [BrokenExecutor("gone"), RuntimeError("no futures after shutdown")])
    @pytest.mark.parametrize("when", ["submit", "result"])
    def test_before_any_answer(self, place, when, error):
        if when == "result":
            error = BrokenExecutor("gone")
        wrong = {"submit": lambda *_: raises(error), "result": lambda *_: failing(error)}[when]
        words = (
            r"none could be: 84 networks: the executor broke before it answered anything .*, twice in a row"
        )
        with pytest.raises(RuntimeError, match=words):
            swept(executor=make_counted(lambda count: Here(wrong), made := []), **place)
        assert len(made) == 2
        if place:
            assert swept(**place).digest() == usual_digest()

    def test_what_was_finished_before_is_kept(self, place):
        def make(count):
            return Here(lambda calls, *_: failing(BrokenExecutor("gone")) if calls > 2 or count else None)

        sweep, made = self.broken(place, make)
        # Two shards: a store's of 16 and 5 networks; in memory the long ones come first, of 16 each.
        assert (len(sweep), made) == (21 if place else 32, 3)
        assert sweep.failures[0].startswith(f"{TOTAL - len(sweep)} networks: the executor broke before it")

    def test_after_every_answer(self, place):
        def make(count):
            return Here(lambda calls, *_: failing(BrokenExecutor("gone")) if calls > 1 else None)

        with pytest.warns(
            RuntimeWarning, match=r"the executor broke .*; so did \d+ before it, for \d+ answers"
        ):
            sweep = swept(executor=make_counted(make, made := []), networks=500, **place)
        assert len(sweep) + counted(sweep) == 2000
        assert len(made) <= 6 + 125 // 4

    @pytest.mark.parametrize(
        ("second", "words"),
        [
            (lambda: 1 / 0, "it could not be replaced: ZeroDivisionError: division by zero"),
            (lambda: None, "it could not be replaced: InputError: a function given as executor must make"),
            (lambda: 7, "it could not be replaced: InputError: a function given as executor must make"),
            (lambda: raises(OSError("no more processes")), "it could not be replaced: OSError: no more"),
        ],
    )
    def test_one_that_cannot_be_made_again(self, place, second, words):
        def make(count):
            if count:
                return second()
            return Here(lambda calls, *_: failing(BrokenExecutor("gone")) if calls > 2 else None)

        sweep, _ = self.broken(place, make)
        assert 0 < len(sweep) <= 32
        assert words in sweep.failures[0]

    def test_the_same_broken_one_again(self, place):
        one = Here(lambda calls, *_: failing(BrokenExecutor("gone")) if calls > 2 else None)
        sweep, made = self.broken(place, lambda count: one)
        assert made == 2
        assert "the function gave the same one again" in sweep.failures[0]

    def test_one_shard_that_breaks_every_executor(self, place):
        def gone(calls, call, task, first, *rest):
            return failing(BrokenExecutor("gone")) if first == 21 else None

        sweep, made = self.broken(place, lambda count: Here(gone))
        assert sweep.failures == ("networks 21 to 36: BrokenExecutor: gone",)
        assert made <= 5


def make_counted(make, made):
    def counting():
        made.append(make(len(made)))
        return made[-1]

    return counting


class TestBusy:
    @pytest.mark.parametrize("times", [1, 2, 4])
    def test_for_a_while_nothing_is_lost(self, place, times):
        executor = Here(lambda calls, *_: raises(RuntimeError("busy")) if calls <= times else None)
        sweep = swept(executor=executor, **place)
        assert (sweep.digest(), sweep.failures) == (usual_digest(), ())

    def test_every_second_time(self, place):
        executor = Here(lambda calls, *_: raises(ValueError("busy")) if calls % 2 else None)
        assert swept(executor=executor, **place).digest() == usual_digest()

    def test_with_one_place_alone(self, place):
        hand = []

        def one(calls, call, *arguments):
            if hand and not hand[0].done():
                raise RuntimeError("full")
            hand[:] = [pool.submit(call, *arguments)]
            return hand[0]

        with ThreadPoolExecutor(1) as pool:
            sweep = swept(executor=Here(one), **place)
        assert (sweep.digest(), sweep.failures) == (usual_digest(), ())

    def test_for_ever(self, place):
        with pytest.raises(RuntimeError, match="refused work 6 times in a row: RuntimeError: busy"):
            swept(executor=Here(lambda *_: raises(RuntimeError("busy"))), **place)

    def test_for_one_shard(self, place):
        busy = Here(lambda calls, call, task, first, *_: raises(OSError("no")) if first == 21 else None)
        sweep = checked(place, executor=busy)
        assert (len(sweep), counted(sweep)) == (68, 16)
        assert "refused work 6 times in a row: OSError: no" in sweep.failures[0]


class TestNoFuture:
    def test_at_first_it_is_refused(self, place):
        class Actors:
            def submit(self, *arguments):
                return None

        with pytest.raises(fastnn.InputError, match=r"submit must return a .*Future; got None"):
            swept(executor=Actors(), **place)

    def test_later_what_was_finished_is_kept(self, place):
        class Tired(Here):
            def submit(self, *arguments):
                future = super().submit(*arguments)
                return None if self.calls > 2 else future

        sweep = checked(place, executor=Tired())
        assert 0 < len(sweep) <= 32
        assert "submit must return a concurrent.futures.Future; got None" in sweep.failures[0]


class TestCounting:
    def test_shards_that_vanish_are_done_again(self, store):
        emptied = []

        def empty(calls, *_):
            if calls == 4:
                emptied.extend(store.glob("shards/*"))
                for path in emptied:
                    path.unlink()

        sweep = swept(executor=Here(empty), workers=1, store=store)
        assert emptied
        assert (sweep.digest(), len(sweep), sweep.failures) == (usual_digest(), TOTAL, ())

    def test_on_threads_too(self, store, monkeypatch):
        keep, calls = places.Stored.keep, []

        def emptied(place, results):
            keep(place, results)
            calls.append(1)
            if len(calls) == 4:
                for path in store.glob("shards/*"):
                    path.unlink()

        monkeypatch.setattr(places.Stored, "keep", emptied)
        sweep = swept(store=store)
        assert len(calls) == 12  # 8 shards, and 4 again
        assert (sweep.digest(), len(sweep), sweep.failures) == (usual_digest(), TOTAL, ())

    def test_those_that_never_stay_are_told_of(self, store, monkeypatch):
        keep = places.Stored.keep

        def forgetful(place, results):
            keep(place, results)
            for path in store.glob("shards/shard-00000002-*"):
                path.unlink()

        monkeypatch.setattr(places.Stored, "keep", forgetful)
        with pytest.warns(RuntimeWarning, match="16 networks: they were finished, but have disap"):
            sweep = swept(store=store)
        assert (len(sweep), counted(sweep)) == (68, 16)

    def test_if_nothing_stays_it_is_an_error(self, store, monkeypatch):
        monkeypatch.setattr(places.Stored, "keep", lambda place, results: None)
        with pytest.raises(RuntimeError, match="84 networks: they were finished, but have disap"):
            swept(store=store)

    def test_a_store_that_has_rows_is_not_nothing(self, store):
        some = Here(lambda calls, *_: failing(ValueError("lost")) if calls > 2 else None)
        with pytest.warns(RuntimeWarning, match="could not be computed"):
            before = len(swept(executor=some, store=store))
        with pytest.warns(RuntimeWarning, match="could not be computed"):
            sweep = swept(executor=Here(lambda *_: failing(ValueError("lost"))), store=store)
        assert (len(sweep), counted(sweep)) == (before, TOTAL - before)

    def test_an_interruption_is_no_error_where_something_failed_before(self, place, monkeypatch):
        calls = []

        def wait(pending, *_):
            calls.append(1)
            if len(calls) > 5:
                raise KeyboardInterrupt
            return {next(iter(pending))}, set()

        monkeypatch.setattr(executing, "wait", wait)
        with pytest.warns(RuntimeWarning, match="could not be computed: networks"):
            sweep = swept(executor=Here(lambda *_: failing(ValueError("lost"))), workers=1, **place)
        assert sweep.interrupted
        assert (len(sweep), len(sweep.failures)) == (0, 1)
