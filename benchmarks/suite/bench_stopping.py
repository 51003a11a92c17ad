"""Early stopping and validation: what a look after every epoch costs, and whether stopped networks do."""

from functools import partial

import numpy as np

import fastnn
from suite.common import CLASSROOM, LEARNING_RATE, START, insurance
from suite.timing import in_turns, seconds, steady

NETWORKS, EPOCHS, ROUNDS = 10_000, 100, 5


class Stopping:
    """Sweeps of one thread on some rows, as ratios to plain ones that train as many epochs, in turns."""

    params = (100, 1003)
    param_names = ("rows",)
    unit = "times an epoch of the plain sweep"
    timeout = 300

    def setup(self, rows):
        data = insurance()
        self.rows, self.further = (data.X[:rows], data.y[:rows]), (data.X[-rows // 4 :], data.y[-rows // 4 :])
        self.swept(epochs=2)
        self.swept(epochs=2, patience=5, watch="training_loss")
        self.swept(epochs=2, validation=self.further, patience=5)

    def swept(self, **options):
        settings = {"start": START, "learning_rate": LEARNING_RATE, "networks": NETWORKS, "workers": 1}
        return fastnn.sweep(CLASSROOM, *self.rows, progress=False, **settings | {"epochs": EPOCHS} | options)

    def ratio(self, against=None, **options):
        """The time of sweeps, to that of others of as many epochs as they trained: the median.

        `against` is what those others are given besides.
        """
        trained = self.swept(**options).trained_epochs.mean()
        others = partial(self.swept, epochs=round(trained), **against or {})
        found = in_turns(
            ROUNDS,
            stopped=lambda: seconds(partial(self.swept, **options)),
            others=lambda: seconds(others) * trained / round(trained),
        )
        return float(np.median(found["stopped"] / found["others"]))

    def track_of_an_epoch_stopping_by_the_training_loss(self, rows):
        """The promise: at most 1.12."""
        return self.ratio(patience=5, min_delta=1e-4, watch="training_loss")

    def track_of_an_epoch_with_validation(self, rows):
        """The promise, with validation rows a quarter as many: at most 1.33."""
        return self.ratio(validation=self.further, patience=EPOCHS)

    def track_of_an_epoch_stopping_by_validation(self, rows):
        """Against epochs that are validated; the promise: at most 1.12."""
        validated = {"validation": self.further, "patience": EPOCHS}
        return self.ratio(validated, validation=self.further, patience=5, min_delta=1e-4)


class Iris:
    """Ten thousand classifiers of a table of the shape of iris; the promise: under 5 s on two threads."""

    timer, number, repeat, timeout = steady, 1, (4, 5, 30.0), 300

    def setup(self):
        draw = np.random.default_rng(0)
        self.rows = draw.random((150, 4)), np.eye(3)[np.repeat([0, 1, 2], 50)]
        self.sweep(networks=100, epochs=1)

    def sweep(self, networks, epochs):
        network = fastnn.Network((4, 8, 3), output="softmax")
        settings = {"optimizer": "adam", "batch_size": 16, "progress": False}
        return fastnn.sweep(network, *self.rows, networks=networks, epochs=epochs, **settings)

    def time_ten_thousand_classifiers(self):
        self.sweep(networks=10_000, epochs=100)
