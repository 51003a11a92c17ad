"""The cost of a store beside the same sweep in memory, and the share of a sweep that checking takes."""

import shutil
import statistics
import tempfile
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from time import process_time, thread_time
from unittest.mock import patch

import fastnn
from fastnn.sweeping.store import folder
from fastnn.sweeping.work.expecting import Expected
from suite.common import CLASSROOM, LEARNING_RATE, insurance
from suite.timing import steady


class Store:
    """Short sweeps, for which a store costs most; the default sweep trains 100 times as long."""

    params = ("memory", "store")
    param_names = ("place",)
    timer = steady
    number = 1
    networks = 200_000

    def setup(self, place):
        self.data = insurance()
        self.folder = Path(tempfile.mkdtemp())
        self.run(10)
        in_memory = self.run(1000).digest()
        stored = self.run(1000, store=self.folder / "check")
        assert stored.digest() == in_memory
        self.at = self.folder / "store" if place == "store" else None

    def teardown(self, place):
        shutil.rmtree(self.folder)

    def run(self, networks, store=None):
        return fastnn.sweep(
            CLASSROOM,
            self.data.X,
            self.data.y,
            networks=networks,
            rows=30,
            epochs=10,
            store=store,
            progress=False,
        )

    def time_sweep(self, place):
        if self.at is not None:
            shutil.rmtree(self.at, ignore_errors=True)
        self.run(self.networks, self.at)

    def track_bytes_per_network(self, place):
        if place == "memory":
            return self.run(1000).parameters.nbytes / 1000
        self.run(self.networks, self.at)
        return sum(path.stat().st_size for path in self.at.glob("shards/*")) / self.networks


class Checks:
    """The share of the reference sweep that goes into checking its shards.

    It is measured in processor seconds within one run, so a busy machine hardly matters. It counts reading
    the shards back, comparing their digests and checking their columns. It should be at most 0.3 %.
    """

    params = (300, 1338)
    param_names = ("rows",)
    unit = "%"
    checks = ((Expected, "fault"), (folder, "check_results"), (folder.Store, "_fault"))

    def setup(self, rows):
        self.data = insurance()
        self.folder = Path(tempfile.mkdtemp())
        assert self.run(rows, 100).digest() == self.run(rows, 100, self.folder / "check").digest()

    def teardown(self, rows):
        shutil.rmtree(self.folder)

    def run(self, rows, networks=10_000, store=None):
        return fastnn.sweep(
            CLASSROOM,
            self.data.X,
            self.data.y,
            networks=networks,
            rows=rows,
            epochs=300,
            learning_rate=LEARNING_RATE,
            workers=1,
            store=store,
            progress=False,
        )

    def track_share(self, rows):
        return statistics.median(self.share(rows, self.folder / f"{k}") for k in range(5))

    def share(self, rows, store):
        spent = Spent()
        with ExitStack() as patched:
            for owner, name in self.checks:
                patched.enter_context(patch.object(owner, name, spent.within(getattr(owner, name))))
            began = process_time()
            self.run(rows, store=store)
            whole = process_time() - began
        assert spent.calls > 0
        return 100 * spent.seconds / whole


class Spent:
    """The processor time within some functions, which may call each other."""

    def __init__(self):
        self.seconds, self.calls, self.depth = 0.0, 0, 0

    def within(self, function):
        @wraps(function)
        def counted(*arguments, **options):
            self.depth += 1
            began = thread_time()
            try:
                return function(*arguments, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += thread_time() - began
                    self.calls += 1

        return counted
