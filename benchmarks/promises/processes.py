"""Whole processes: the time of a first use, and the memory of a million networks."""

import os
import subprocess
import sys
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import fastnn
from promises.measuring import Line
from suite.bench_memory import peak_of
from suite.timing import in_turns

PROGRAMS = {
    "pass": ["-c", "pass"],
    "numpy": ["-c", "import numpy"],
    "fastnn": ["-c", "import fastnn"],
    "all": ["-c", "from fastnn import *"],
    "help": ["-m", "fastnn", "--help"],
}
SWEEP = ["-m", "fastnn", "sweep", "--data", "simulated"]
# The most seconds to the table and to the page, by the number of networks and the kernel cache.
SWEEPS = {
    (100, "warm"): (1.0, 2.5),
    (100, "cold"): (5.0, None),
    (10_000, "warm"): (None, None),
    (10_000, "cold"): (4.0, None),
}

A_MILLION = """
import fastnn
data = fastnn.load_insurance(simulated=True)
net = fastnn.Network((2, 2, 1))
swept = fastnn.sweep(net, data.X, data.y, networks=1_000_000, rows=10, epochs=2, progress=False)
assert len(swept.frame()) == 1_000_000
"""


class Processes:
    """Fresh processes that run this checkout, byte-compiled as if installed, in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        checkout = str(Path(fastnn.__file__).parents[1])
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, [checkout, os.environ.get("PYTHONPATH")])),
            "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode")),
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds(self, arguments, **environment):
        """The wall-clock seconds from the start of a process to its end."""
        began = perf_counter()
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
        )
        return perf_counter() - began

    def printed(self, program, **environment):
        """The numbers that a program prints, one in each line."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return [float(line) for line in done.stdout.splitlines()]

    def sweep_seconds(self, arguments, **environment):
        """The seconds from the start of a sweep's process to its printed table, and to its end."""
        began = perf_counter()
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            # The table is complete when the blank line after its last part is printed.
            headings = (line for line in process.stdout if line.startswith("Best networks"))
            if next(headings, None) is None or "\n" not in process.stdout:
                raise RuntimeError("no table was printed")
            printed = perf_counter() - began
            process.stdout.read()
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}")
        return printed, perf_counter() - began


def first_use(data, rounds):
    """Importing fastnn, and asking for help."""
    with TemporaryDirectory() as folder:
        processes = Processes(folder)
        for arguments in PROGRAMS.values():
            processes.seconds(arguments)
        timed = in_turns(
            rounds, **{name: partial(processes.seconds, program) for name, program in PROGRAMS.items()}
        )
    yield Line("import fastnn : import numpy", timed["fastnn"] / timed["numpy"], 1.7)
    yield Line("with all its names", timed["all"] / timed["numpy"])
    yield Line("import numpy", timed["numpy"], unit="s")
    yield Line("the interpreter alone", timed["pass"], unit="s")
    yield Line("fastnn --help : import numpy", timed["help"] / timed["numpy"], 1.7)


def first_sweep(data, rounds):
    """Sweeps on the command line, with an empty kernel cache and with a filled one."""
    numbers = count()
    with TemporaryDirectory() as folder:
        processes = Processes(folder)
        processes.seconds(SWEEP, FASTNN_CACHE=str(Path(folder, "warm")))

        def sweep(networks, cache):
            where = Path(folder, "warm" if cache == "warm" else f"empty {next(numbers)}")
            arguments = [*SWEEP, "--networks", str(networks)]
            return processes.sweep_seconds(arguments, FASTNN_CACHE=str(where))

        timed = in_turns(
            max(2, rounds // 3),
            **{f"{networks} {cache}": partial(sweep, networks, cache) for networks, cache in SWEEPS},
        )
    for (networks, cache), (table, page) in SWEEPS.items():
        printed, ended = timed[f"{networks} {cache}"].T
        yield Line(f"sweep of {networks} to its table, {cache}, seconds", printed, table)
        yield Line(f"sweep of {networks} to its page, {cache}, seconds", ended, page)


def memory(data, rounds):
    """The peak memory of a process that sweeps a million networks and makes their table."""
    what, promise = "sweep of 1 000 000 networks, peak MB", 500
    if sys.platform == "win32":
        yield Line(what, promise=promise, remark="not measured on Windows")
        return
    yield Line(what, [peak_of(A_MILLION) / 1e6], promise, digits=0)
