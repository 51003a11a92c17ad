"""Small stored sweeps that several test files share, and how to look at what a store holds."""

import atexit
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.sweeping.store import manifest
from fastnn.sweeping.store.folder import Store

NET = fastnn.Network((2, 2, 1))
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(12, 2))
Y = DRAW.normal(size=12)
SHARD = 16
GRID = {"rows": [3, 12], "learning_rate": [0.01, 9.0], "networks": 21, "epochs": 25}  # 84 networks, 8 shards
SHARDS = 8  # two for each cell, of 16 and of 5 networks


def swept(**changes):
    """A sweep of 84 networks, some of which diverge."""
    options = GRID | {"workers": 1, "progress": False} | changes
    return fastnn.sweep(options.pop("network", NET), options.pop("x", X), options.pop("y", Y), **options)


@cache
def usual_digest():
    """The digest of that sweep."""
    return swept().digest()


@cache
def usual_parameters():
    """The parameters of that sweep."""
    return swept().parameters


@cache
def _kept(**options):
    """A finished store of that sweep in small shards, kept until this process ends."""
    folder = tempfile.mkdtemp(prefix="fastnn-store-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with small_shards():
        swept(store=Path(folder) / "store", **options)
    return Path(folder) / "store"


def finished(folder, **options):
    """Put a finished store of that sweep at a path. It is a copy: making one takes ten times as long."""
    shutil.copytree(_kept(**options), folder)


def both_at_once(stores, networks):
    """The digests of two processes that sweep into stores at the same time, into one after the other.

    `stores` says for each store which statements the processes execute before.
    """
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from multiprocessing import get_context
from pathlib import Path
from small_sweeps import small_shards, swept
swept()  # by now everything is imported and compiled
both, number = get_context("fork").Barrier(2, timeout=60), os.fork()
for store, before in {[(str(path), before) for path, before in stores.items()]!r}:
    exec(before)
    both.wait()
    with small_shards():
        digest = swept(store=Path(store), networks={networks}).digest()
    os.write(1, (digest + "\\n").encode())  # at once: print may write the end of a line apart
    both.wait()
if not number:
    os._exit(0)
assert os.waitpid(number, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    digests = done.stdout.split()
    return [digests[place : place + 2] for place in range(0, len(digests), 2)]


@contextmanager
def small_shards(size=SHARD):
    """Within, new stores have shards of a given number of networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "MOST_NETWORKS", size)
        yield


@pytest.fixture
def store(tmp_path):
    """The path of a store that is not there yet; its shards will be small."""
    with small_shards():
        yield tmp_path / "store"


def files(folder, pattern="*/*.parquet"):
    """What a store holds, by path below it."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))


def faults(folder):
    """What is wrong in a store, in words."""
    return [f"{path.name} {reason}" for path, reason in Store.at(folder).faults()]


def leftovers(folder):
    """Temporary files in a store."""
    return sorted(path.name for path in folder.rglob(".*"))


def drop(folder, *shards):
    """Take shards away from a store."""
    for shard in shards:
        for path in folder.glob(f"shards/shard-{shard:08d}-*"):
            path.unlink()


def copied(folder, name):
    """A copy of a store beside it."""
    return shutil.copytree(folder, folder.with_name(name))
