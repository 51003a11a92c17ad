"""What a store costs in time and memory, measured; all of it slow."""

import subprocess
import sys
import time

import pytest
from small_sweeps import faults

import fastnn
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.work.places import Stored

pytestmark = pytest.mark.slow

SOAK = """
import sys, threading
from pathlib import Path
import numpy as np
import fastnn

x = np.linspace(0, 1, 20).reshape(10, 2)
sizes, over, kept = [], threading.Event(), []
hoard = sys.argv[2] == "hoarding"


def watch():
    while not over.wait(0.05):
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]))


if hoard:
    from fastnn.sweeping.store.folder import Store
    keep = Store.keep
    Store.keep = lambda store, results: (kept.append(results), keep(store, results))
thread = threading.Thread(target=watch)
network, total = fastnn.Network((2, 2, 1)), int(sys.argv[3])
thread.start()
sweep = fastnn.sweep(network, x, x[:, 0], networks=total, epochs=1, store=sys.argv[1], progress=False)
over.set()
thread.join()
assert len(sweep) == total
quarter = len(sizes) // 4
second, last = (sum(sizes[q * quarter : (q + 1) * quarter]) / quarter for q in (1, 3))
print(last / second)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
class TestSoak:
    def growth(self, store, variant, networks):
        """Resident memory in the last quarter of a sweep over that in the second."""
        command = [sys.executable, "-c", SOAK, str(store), variant, str(networks)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def test_memory_stays_flat_over_four_million_networks(self, tmp_path):  # 8 s, 0.4 GB on the disk
        assert self.growth(tmp_path / "store", "honest", 4_000_000) < 1.15  # 0.98 to 1.08 in six runs
        assert faults(tmp_path / "store") == []

    def test_a_sweep_that_hoards_is_found_out(self, tmp_path):
        assert self.growth(tmp_path / "store", "hoarding", 4_000_000) > 1.15  # 1.39


@pytest.fixture
def spent(monkeypatch):
    """Seconds spent in making the store, keeping shards and the digest, by name."""
    found = {}

    def timed(owner, name):
        original = getattr(owner, name)

        def call(*arguments):
            began = time.perf_counter()
            try:
                return original(*arguments)
            finally:
                found[name] = found.get(name, 0.0) + time.perf_counter() - began

        monkeypatch.setattr(owner, name, call)

    timed(Store, "keep")
    timed(Stored, "__init__")
    timed(Stored, "_keep_digest")
    return found


@pytest.mark.alone
def test_durability_costs_at_most_2_percent(tmp_path, spent):
    """Of the default sweep, as long as it takes to fill two shards of the default size."""
    data = fastnn.load_insurance(simulated=True)
    network = fastnn.Network((2, 2, 1))
    small = {"networks": 16384, "epochs": 1, "progress": False}  # compiles and imports everything
    fastnn.sweep(network, data.X, data.y, store=tmp_path / "small", **small)
    spent.clear()
    began = time.perf_counter()
    sweep = fastnn.sweep(
        network, data.X, data.y, networks=2 * 16384, store=tmp_path / "store", workers=2, progress=False
    )
    total = time.perf_counter() - began
    assert Store.at(tmp_path / "store").manifest.shard_size == 16384
    assert len(sweep) == 2 * 16384
    cost = spent["keep"] / 2 + spent["__init__"] + spent["_keep_digest"]
    assert set(spent) == {"keep", "__init__", "_keep_digest"}
    assert 0 < cost / total < 0.02, spent
