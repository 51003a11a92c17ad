"""Settings that change with the epochs are worked out once for all groups of networks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from fastnn.core.recipe import DEFAULT
from fastnn.core.schedules import Cosine, Step
from fastnn.training import given_settings
from fastnn.training.given_settings import GivenSettings
from fastnn.training.rates import Given, Rates

BASE = np.array([0.1, 0.2, 0.4])


class Counting(Rates):
    """Rates that count how often they are asked for."""

    asked = 0

    def of(self, epoch):
        type(self).asked += 1
        return super().of(epoch)


def test_groups_share_them_and_get_those_of_each_epoch():
    for schedule, spans in ((Cosine(horizon=12), 12), (Step(every=5), 3)):
        recipe, rates = replace(DEFAULT, schedule=schedule), Counting(BASE, schedule)
        Counting.asked = 0
        settings, other = GivenSettings(recipe, rates), Rates(BASE, schedule)
        for first, stop in pairwise((0, 7, 12)):
            for _group in range(3):
                settings.forget(first)
                for epoch in range(first, stop):
                    expected = recipe.settings(other.of(epoch))
                    assert settings.of(epoch).tobytes() == expected.tobytes(), (schedule, epoch)
        assert Counting.asked == spans


def test_few_are_kept_and_any_epoch_may_be_asked_for(monkeypatch):
    monkeypatch.setattr(given_settings, "MOST", 3)
    every = np.arange(1.0, 31.0).reshape(3, 10)
    settings = GivenSettings(DEFAULT, Given.of_all(every))
    for epoch in [*range(10), 4, 2, 9, 0]:
        assert (settings.of(epoch)[:, 0] == -2 * every[:, epoch]).all()
        assert len(settings.spans) <= 3
