"""The callback between epochs: what it sees, what it stops, and what it cannot do."""

import numpy as np
import pytest

import fastnn

DRAW = np.random.default_rng(5)
X, Y = DRAW.normal(size=(10, 2)), DRAW.normal(size=10)
FURTHER = DRAW.normal(size=(4, 2)), DRAW.normal(size=4)
NET = fastnn.Network((2, 2, 1))
STARTS = DRAW.normal(size=(3, 9))


def train(start=STARTS, epochs=6, **settings):
    return fastnn.train(NET, X, Y, start, epochs=epochs, engine="batched", **settings)


class TestWhatItSees:
    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_every_epoch_of_several_networks(self, optimizer):
        seen = []
        settings = {"optimizer": optimizer, "shuffle": True, "validation": FURTHER}
        run = train(callback=seen.append, **settings)
        assert [each.epoch for each in seen] == [1, 2, 3, 4, 5, 6]
        assert np.array_equal(np.stack([each.loss for each in seen], axis=1), run.loss_curve)
        assert np.array_equal(np.stack([each.validation_loss for each in seen], axis=1), run.validation_curve)
        assert seen[0].training.tolist() == [True] * 3
        for each in seen:
            assert np.array_equal(each.parameters, train(epochs=each.epoch, **settings).parameters)
        assert np.array_equal(run.parameters, train(**settings).parameters)

    def test_one_network_without_the_axis(self):
        seen = []
        run = train(STARTS[1], 2, callback=seen.append)
        assert [each.loss for each in seen] == run.loss_curve.tolist()
        assert (seen[1].parameters == run.parameters).all()
        assert (type(seen[0].loss), seen[0].validation_loss, seen[0].training) == (float, None, True)

    def test_it_cannot_alter_the_training(self):
        def meddle(seen):
            for array in (seen.parameters, seen.loss):
                assert not array.flags.writeable
                array.flags.writeable = True
                array[:] = 0
            with pytest.raises(AttributeError):
                seen.epoch = 100

        assert np.array_equal(train(callback=meddle).parameters, train().parameters)

    def test_a_network_that_diverged(self):
        seen = []
        train(epochs=2, learning_rate=[1e30, 0.01, 0.01], callback=seen.append)
        assert np.isnan(seen[1].loss).tolist() == [True, False, False]
        assert seen[1].training.tolist() == [False, True, True]

    def test_networks_that_no_epoch_moves_are_still_seen(self):
        seen = []
        still = np.zeros((2, 9))  # of which the last bias alone moves, by nothing where y is 0
        fastnn.train(NET, X, 0 * Y, still, epochs=5, engine="batched", callback=seen.append)
        assert [each.epoch for each in seen] == [1, 2, 3, 4, 5]
        run = fastnn.train(
            NET, X, 0 * Y, still, epochs=5, engine="batched", callback=lambda seen: seen.epoch == 3
        )
        assert (run.ended.tolist(), run.trained_epochs.tolist()) == (["callback"] * 2, [3, 3])


class TestWhatItStops:
    def test_all(self):
        run, short = train(callback=lambda seen: seen.epoch == 4, validation=FURTHER), train(epochs=4)
        assert run.ended.tolist() == ["callback"] * 3
        assert (run.trained_epochs.tolist(), run.best_epoch.tolist()) == ([4] * 3, [4] * 3)
        assert np.array_equal(run.parameters, short.parameters)
        assert np.array_equal(run.loss, short.loss)
        assert np.array_equal(run.loss_curve[:, :4], short.loss_curve)
        assert np.isnan(run.loss_curve[:, 4:]).all()
        assert np.isnan(run.validation_curve[:, 4:]).all()

    def test_some(self):
        last = np.array([2, 6, 5])
        run = train(epochs=6, callback=lambda seen: last == seen.epoch)
        assert run.trained_epochs.tolist() == [2, 6, 5]
        for network, epochs in enumerate(last):
            assert np.array_equal(run.parameters[network], train(STARTS[network], epochs).parameters)
        assert "ended by callback" in repr(run)

    @pytest.mark.parametrize("answer", [None, False, np.False_, np.zeros(3, bool), [False] * 3])
    def test_what_lets_it_go_on(self, answer):
        assert train(callback=lambda seen: answer).ended.tolist() == ["epochs"] * 3

    @pytest.mark.parametrize("answer", [np.True_, np.ones(3, bool), [True] * 3])
    def test_other_ways_to_say_true(self, answer):
        assert train(callback=lambda seen: answer).trained_epochs.tolist() == [1] * 3


@pytest.mark.parametrize("answer", [1, "stop", [True], np.ones((3, 1), bool), [0, 0, 1], {}])
def test_another_answer_is_refused(answer):
    words = "callback must return None, True or False, or a bool for each of 3 networks; got "
    with pytest.raises(fastnn.InputError, match=words):
        train(callback=lambda seen: answer)


@pytest.mark.parametrize("callback", [True, "stop", [print]])
def test_what_cannot_be_called_is_refused(callback):
    with pytest.raises(fastnn.InputError, match="callback must be a function of what an epoch brought; got"):
        train(callback=callback)


def test_what_it_raises_comes_out():
    start, rows = STARTS.copy(), X.copy()

    def fail(seen):
        if seen.epoch == 3:
            raise ZeroDivisionError("three")

    with pytest.raises(ZeroDivisionError, match="three"):
        train(start, callback=fail)
    assert np.array_equal(start, STARTS)
    assert np.array_equal(rows, X)
