"""Kills sweeps: at every step of publishing and at random moments. Run as a program, prints what it found.

A process without threads forks a child that runs a small stored sweep; the child's calls of the operating
system are counted, and at one of them it kills itself with SIGKILL, before or after the call, or in the
middle of a write. Then the store is looked at, and the next child goes on with it.
"""

import contextlib
import errno
import gc
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from small_sweeps import GRID, X, Y, faults, leftovers, small_shards, swept

from fastnn import files
from fastnn.checking import InputError
from fastnn.sweeping.store.folder import Store

STEPS = ("open", "write", "fsync", "replace", "link", "close", "unlink")
MOMENTS = ("before", "after", "within")
MOST_KILLS = 8
LONGEST = 0.06  # seconds that a child runs before it is killed at a random moment


class TracedOS:
    """The module `os`, whose calls count, and one of which is the last."""

    def __init__(self, last, moment):
        self.left, self.moment = last, moment

    def __getattr__(self, name):
        call = getattr(os, name)
        return self.traced(name, call) if name in STEPS else call

    def traced(self, name, call):
        def step(*arguments):
            self.left -= 1
            if self.left == 0 and self.moment == "before":
                die()
            if self.left == 0 and self.moment == "within" and name == "write":
                call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                die()
            found = call(*arguments)
            if self.left == 0:
                die()
            return found

        return step


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def refused_link(*arguments):
    """What `os.link` does on a disk without hard links."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def undefended(path, content, *, replace=True):
    """Publishing with the defence removed: straight into the file of the final name."""
    if replace or not path.exists():
        descriptor = files.os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        half = len(content) // 2
        for part in (content[:half], content[half:]):
            files.os.write(descriptor, part)
        files.os.close(descriptor)


sizes = [GRID["networks"]]  # that a child's store grows to, one after the other
stops = {}  # what networks stop by
STOPS = {"validation": (X[:4] + 1, Y[:4]), "patience": 3, "min_delta": 1e-3}


def child(folder, prepare, seed):
    """Fork a child that runs the sweep after `prepare`; return its process number."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        prepare()
        with small_shards():
            for networks in sizes:
                with contextlib.suppress(InputError):  # it has grown further before
                    swept(store=folder, curves=5, workers=1 + seed % 2, networks=networks, **stops)
        code = 0
    finally:
        os._exit(code)


def ended(number):
    """How a child ended: True if it was killed by SIGKILL, False if it finished."""
    _, status = os.waitpid(number, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the sweep failed of itself"
    return False


def killed_at(folder, step, moment, seed):
    """Kill a child at a step."""

    def prepare():
        files.os = TracedOS(step, moment)

    return ended(child(folder, prepare, seed))


def killed_after(folder, seconds, seed):
    """Kill a child after some time, wherever it is then."""
    number = child(folder, lambda: None, seed)
    time.sleep(seconds)
    os.kill(number, signal.SIGKILL)
    return ended(number)


class Trials:
    """What the trials found."""

    def __init__(self, base, digest, harmless, seed):
        self.base, self.digest, self.harmless = base, digest, harmless
        self.seed = seed
        self.kills = self.finished = 0
        self.lost, self.by = [], {}
        self.random = random.Random(seed)  # noqa: S311 - no secret

    def run(self, trials, seconds):
        """Until the trials are done or the time is up: sweeps that are killed until they end."""
        deadline = time.monotonic() + seconds
        # Each of two processes takes every other step, in any order: few trials take few of them.
        systematic = [(step, moment) for step in range(1 + self.seed, 150, 2) for moment in MOMENTS]
        self.random.shuffle(systematic)
        while self.kills < trials and time.monotonic() < deadline:
            self.one_sweep(systematic)

    def one_sweep(self, systematic):
        folder = self.base / "store"
        shutil.rmtree(folder, ignore_errors=True)
        done: set[str] = set()
        for attempt in range(MOST_KILLS):
            killed = self.kill(folder, systematic, first=attempt == 0)
            done = self.look(folder, done)
            if not killed:  # it came to its end
                break
            self.kills += 1
        assert not ended(child(folder, lambda: None, 0))
        self.look(folder, done)
        kept = Store.at(folder).kept_digest()
        if kept != self.digest or leftovers(folder) or faults(folder):
            self.lost.append(f"after {self.kills} kills: {kept}, {leftovers(folder)}, {faults(folder)}")
        self.finished += 1

    def kill(self, folder, systematic, first):
        if self.harmless:
            return ended(child(folder, lambda: None, 0))
        if first and systematic:  # every step of a whole sweep, before, after and within
            step, moment = systematic.pop(0)
        elif self.random.random() < 0.5:
            step, moment = self.random.randint(1, 60), self.random.choice(MOMENTS)
        else:
            kind = killed_after(folder, self.random.uniform(0, LONGEST), self.kills)
            self.by["random"] = self.by.get("random", 0) + kind
            return kind
        kind = killed_at(folder, step, moment, self.kills)
        self.by[moment] = self.by.get(moment, 0) + kind
        return kind

    def look(self, folder, before):
        """What is counted as done is whole, and what was done before still is."""
        if not (folder / "manifest.json").exists():
            return before
        try:
            store = Store.at(folder)
            wrong = [reason for path, reason in store.faults()]
            done = {path.name for path in folder.glob("*/*.parquet")}
        except OSError as error:
            wrong, done = [str(error)], before
        if wrong or before - done:
            self.lost.append(f"after {self.kills} kills: {wrong}, gone: {sorted(before - done)}")
            shutil.rmtree(folder)  # a test of undefended publishing goes on with another store
            return set()
        return done


def main(base, trials, seconds, variant, seed):
    if variant == "stopping":
        stops.update(STOPS)
    with small_shards(), tempfile.TemporaryDirectory() as folder:
        digest = swept(
            store=Path(folder) / "store", **stops
        ).digest()  # and everything is compiled and imported
    gc.freeze()  # a fork copies less
    if variant == "growing":
        sizes[:] = [4, 9, GRID["networks"]]
    if variant == "without links":
        os.link = refused_link
    if variant == "undefended":
        from fastnn.sweeping.store import folder

        folder.publish = undefended
    found = Trials(Path(base), digest, variant == "harmless", int(seed))
    found.run(int(trials), float(seconds))
    report = {"kills": found.kills, "finished": found.finished, "lost": found.lost[:5], "by": found.by}
    print(json.dumps(report | {"failures": len(found.lost)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
