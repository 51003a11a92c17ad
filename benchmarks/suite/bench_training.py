"""The public door: `train`, `sweep`, and the questions a sweep answers."""

import fastnn
from fastnn.engines import ENGINES
from suite.common import CLASSROOM, CLASSROOM_START, LEARNING_RATE, START, insurance


class Train:
    """One network, from checked arguments to a `Training`."""

    repeat = (5, 30, 2.0)

    def setup(self):
        self.data = insurance()
        self.train(epochs=1)

    def train(self, epochs, rows=None):
        X, y = self.data.X[:rows], self.data.y[:rows]
        return fastnn.train(CLASSROOM, X, y, CLASSROOM_START, learning_rate=LEARNING_RATE, epochs=epochs)

    def time_classroom_job(self):
        """300 epochs over 1338 rows."""
        assert self.train(epochs=300).status == "ok"

    def time_one_row_once(self):
        """What the door costs: checking, planning, the result."""
        self.train(epochs=1, rows=1)


class Sweep:
    """Ten million visits on all processors, spread over few networks or many: 10 ms are 1 ns per visit."""

    params = (ENGINES, (1000, 100_000))
    param_names = ("engine", "networks")
    number = 1
    repeat = (3, 10, 3.0)

    def setup(self, engine, networks):
        self.data = insurance()
        self.sweep(engine, 10, 1)

    def sweep(self, engine, networks, epochs):
        X, y = self.data.X, self.data.y
        settings = {"initial": START, "learning_rate": LEARNING_RATE, "rows": 100, "progress": False}
        return fastnn.sweep(CLASSROOM, X, y, networks=networks, epochs=epochs, engine=engine, **settings)

    def time_ten_million_visits(self, engine, networks):
        self.sweep(engine, networks, epochs=100_000 // networks)


class Questions:
    """What is asked of a sweep afterwards."""

    repeat = (3, 10, 2.0)

    def setup_cache(self):
        return {"many": self.sweep(100_000, rows=10), "thousand": self.sweep(1000, rows=1000)}

    def setup(self, swept):
        self.data = insurance()
        self.many, self.thousand = swept["many"], swept["thousand"]
        self.thousand.summary()

    def sweep(self, networks, rows):
        data = insurance()
        settings = {"initial": START, "epochs": 2, "engine": "batched", "progress": False}
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
