"""Whole processes: what a first use takes, and how much memory a million networks."""

import os
import subprocess
import sys
from functools import partial
from tempfile import TemporaryDirectory
from time import perf_counter

from promises.measuring import Line, in_turns

from suite.bench_memory import peak_of

PROGRAMS = {
    "pass": ["-c", "pass"],
    "numpy": ["-c", "import numpy"],
    "fastnn": ["-c", "import fastnn"],
    "help": ["-m", "fastnn", "--help"],
}

A_MILLION = """
import fastnn
data = fastnn.load_insurance(simulated=True)
net = fastnn.Network((2, 2, 1))
swept = fastnn.sweep(net, data.X, data.y, networks=1_000_000, rows=10, epochs=2, progress=False)
assert len(swept.frame()) == 1_000_000
"""


def first_use(data, rounds):
    """Fresh processes, byte-compiled as an installed package is."""
    with TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(arguments):
            command = [sys.executable, *arguments]
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)

        def wall_and_processor(arguments):
            before, began = os.times(), perf_counter()
            run(arguments)
            elapsed, after = perf_counter() - began, os.times()
            used = after.children_user - before.children_user + after.children_system - before.children_system
            return elapsed, used

        for arguments in PROGRAMS.values():
            run(arguments)
        timed = in_turns(
            2 * rounds,
            **{name: partial(wall_and_processor, program) for name, program in PROGRAMS.items()},
        )
    wall, used = ({name: both[:, k] for name, both in timed.items()} for k in (0, 1))
    yield Line("import fastnn, seconds", wall["fastnn"], 0.25)
    yield Line("import numpy", wall["numpy"], unit="s")
    yield Line("the interpreter alone", wall["pass"], unit="s")
    yield Line("import fastnn, processor seconds", used["fastnn"])
    yield Line("fastnn --help, seconds", wall["help"], 0.4)


def memory(data, rounds):
    """Peak memory of a process that sweeps a million networks and makes their table."""
    if sys.platform == "win32":
        print("peak memory skipped on Windows")
        return
    yield Line("sweep of 1 000 000 networks, peak MB", [peak_of(A_MILLION) / 1e6], 500, digits=0)
