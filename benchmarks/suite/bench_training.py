"""The public door: `train`, `sweep`, and the questions that a sweep answers."""

import fastnn
from fastnn.core.rule import DTYPES
from fastnn.engines import ENGINES
from fastnn.sweeping.sweep import available_processors
from suite.common import CLASSROOM, CLASSROOM_START, LEARNING_RATE, START, insurance
from suite.timing import steady


class Train:
    """One network, from checked arguments to a `Training`."""

    timer = steady
    rounds = 4  # what the door costs differs more from process to process than within one
    repeat = (5, 20, 2.0)

    def setup(self):
        self.data = insurance()
        self.train(epochs=1)

    def train(self, epochs, rows=None):
        X, y = self.data.X[:rows], self.data.y[:rows]
        return fastnn.train(CLASSROOM, X, y, CLASSROOM_START, learning_rate=LEARNING_RATE, epochs=epochs)

    def time_classroom_job(self):
        """300 epochs over 1338 rows."""
        assert self.train(epochs=300).status == "ok"

    def time_one_row_a_hundred_times(self):
        """The cost of the door: checking, planning, the result."""
        for _ in range(100):
            self.train(epochs=1, rows=1)


class Sweep:
    """Ten million visits of few networks or many, on one thread or two, so that 10 ms are 1 ns per visit.

    The times of two threads are added up: what they gain is among the promises.
    """

    params = (ENGINES, (1000, 100_000), DTYPES, (1, 2))
    param_names = ("engine", "networks", "dtype", "threads")
    timer = steady
    number = 1
    repeat = (4, 10, 2.0)

    def setup(self, engine, networks, dtype, threads):
        if threads > available_processors():
            raise NotImplementedError("needs a processor for each thread")
        self.data = insurance()
        self.sweep(10, 1, engine, dtype, threads)

    def sweep(self, networks, epochs, engine, dtype, threads):
        settings = {"start": START, "learning_rate": LEARNING_RATE, "rows": 100, "progress": False}
        settings |= {"engine": engine, "dtype": dtype, "workers": threads}
        X, y = self.data.X, self.data.y
        return fastnn.sweep(CLASSROOM, X, y, networks=networks, epochs=epochs, **settings)

    def time_ten_million_visits(self, engine, networks, dtype, threads):
        self.sweep(networks, 100_000 // networks, engine, dtype, threads)


class Questions:
    """The questions that a finished sweep answers."""

    timer = steady
    repeat = (4, 10, 2.0)

    def setup_cache(self):
        return {"many": self.sweep(100_000, rows=10), "thousand": self.sweep(1000, rows=1000)}

    def setup(self, swept):
        self.data = insurance()
        self.many, self.thousand = swept["many"], swept["thousand"]
        self.thousand.summary()

    def sweep(self, networks, rows):
        data = insurance()
        settings = {"start": START, "epochs": 2, "engine": "batched", "progress": False}
        return fastnn.sweep(CLASSROOM, data.X, data.y, networks=networks, rows=rows, **settings)

    def time_frame_of_100_000(self, swept):
        self.many.frame()

    def time_summary_of_100_000(self, swept):
        self.many.summary()

    def time_best_of_100_000(self, swept):
        self.many.best(5)

    def time_dead_units_million_visits(self, swept):
        self.thousand.dead_units()

    def time_predict_million_visits(self, swept):
        self.thousand.predict(self.data.X[:1000])

    def time_score_of_1000_on_1338_rows(self, swept):
        self.thousand.score(self.data)
