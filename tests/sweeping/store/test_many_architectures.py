"""A stored sweep over many architectures, killed and gone on with, has one digest and replays every cell."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_sweeps import X, Y, faults, leftovers, store
from uncompiled import compile_nothing_unusual

import fastnn
from fastnn.sweeping.store.folder import Store

__all__ = ["store"]  # a fixture

NETWORKS = [
    fastnn.Network((2, 1)),
    fastnn.Network((2, 3, 1)),
    fastnn.Network((2, 2, 1), "tanh"),
    fastnn.Network((2, 3, 2, 1), "relu"),
]
CELLS = 4 * 2 * 2


def swept(**options):
    """A sweep over 4 architectures, 2 optimizers and 2 batch sizes, of 100 starts: 1600 networks."""
    varied = {"optimizer": ["sgd", "adam"], "batch_size": [1, 5]}
    fixed = {"networks": 100, "learning_rate": 0.01, "epochs": 2000, "engine": "loop", "progress": False}
    return fastnn.sweep(NETWORKS, X, Y, **varied, **fixed, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.slow
def test_killed_and_gone_on_with_it_has_one_digest(store, monkeypatch):
    """Most of the time is that of compiling; the killed process has done it."""
    script = f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}\n"
    script += f"from test_many_architectures import swept; swept(store={str(store)!r}, workers=1)"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        while len(list(store.glob("shards/*.parquet"))) < 3 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    done = len(Store.at(store).done())
    assert 3 <= done < CELLS
    found = swept(store=store)
    assert (len(found), found.ran) == (100 * CELLS, 100 * (CELLS - done))
    memory = swept()
    assert found.digest() == memory.digest() == fastnn.open(store).table_digest()
    assert (faults(store), leftovers(store)) == ([], [])
    assert [len(Store.at(store).manifest.numbers(shard)) for shard in range(CELLS)] == [100] * CELLS
    compile_nothing_unusual(monkeypatch.setattr)  # for one network of each cell
    for cell in found.grid.cells():
        number = cell.first + (7 * cell.first // 100) % 100
        again = found.replay(number)
        assert again.network == cell["network"]
        own = found.grid.networks.parameters_of(again.network, memory.parameters[[number]])[0]
        assert again.parameters.tobytes() == own.tobytes()
        assert np.array_equal(again.loss, memory.loss[number], equal_nan=True)
