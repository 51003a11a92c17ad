"""What a store costs beside the same sweep in memory."""

import shutil
import tempfile
from pathlib import Path

import fastnn
from suite.common import CLASSROOM, insurance


class Store:
    """Short jobs, for which a store costs most; the default sweep trains 100 times as long."""

    params = ("memory", "store")
    param_names = ("place",)
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
