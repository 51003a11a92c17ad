"""What fastnn promises about its speed and memory, measured side by side in one process.

    python benchmarks/ratios.py [--data insurance.csv] [--quick]

Prints a table of ratios: on a shared machine times drift by a factor of two, ratios of what ran in
turns hardly. Times are those of the processor, without waiting for one; only for whole processes are
they the clock's. Results are compared, to the last bit, before anything is timed. Exits with 1 if a
promise is not kept.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
from peers import compiled_c, numpy_loop, python_loop
from suite.bench_memory import peak_of
from suite.common import CLASSROOM, CLASSROOM_START, LEARNING_RATE, START, Arrays

import fastnn
from fastnn.engines import load

STARTS = 32
EPOCHS = 300
STEP = -2 * LEARNING_RATE

A_MILLION = """
import fastnn
data = fastnn.load_insurance(simulated=True)
net = fastnn.Network((2, 2, 1))
swept = fastnn.sweep(net, data.X, data.y, networks=1_000_000, rows=10, epochs=2, progress=False)
assert len(swept.frame()) == 1_000_000
"""


@dataclass(frozen=True)
class Line:
    """One line of the table: a promise and the values measured, the median of which has to keep it."""

    what: str
    values: np.ndarray | list[float]
    promise: float | None = None
    at_least: bool = False
    digits: int = 2

    @property
    def kept(self):
        if self.promise is None:
            return True
        median = float(np.median(self.values))
        return median >= self.promise if self.at_least else median <= self.promise

    def __str__(self):
        low, median, high = (f"{q:.{self.digits}f}" for q in np.quantile(self.values, (0.05, 0.5, 0.95)))
        promise = f"{'>=' if self.at_least else '<='} {self.promise:g}" if self.promise is not None else ""
        verdict = ("kept" if self.kept else "BROKEN") if promise else ""
        return f"{self.what:<42}{promise:>8}{median:>8}  {f'{low} .. {high}':<14}{verdict:>6}"


def main():
    arguments = parsed_arguments()
    data = fastnn.load_insurance(arguments.data, simulated=arguments.data is None)
    rounds = 3 if arguments.quick else 15
    print(about(data), "", f"{'':<42}{'promise':>8}{'median':>8}  {'5 % .. 95 %':<14}", sep="\n")
    broken = 0
    for measure in (versus_python, versus_c, versus_numpy, over_rows, over_networks, first_use, memory):
        for line in measure(data, rounds):
            print(line, flush=True)
            broken += not line.kept
    return 1 if broken else 0


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the published insurance.csv; without it the simulated stand-in")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a look, not for a claim")
    return parser.parse_args()


def about(data):
    """The machine, the versions, the date, the data."""
    versions = [f"{package} {version(package)}" for package in ("numpy", "numba", "pandas")]
    return "\n".join(
        [
            f"fastnn {fastnn.__version__}, {datetime.now(UTC):%Y-%m-%d}",
            f"{processor()}, {os.cpu_count()} processors, {platform.system()}",
            f"Python {platform.python_version()}, {', '.join(versions)}",
            f"{data.source}: {len(data.X)} rows",
        ]
    )


def processor():
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def in_turns(rounds: int, **timed: Callable[[], float]) -> dict[str, np.ndarray]:
    """Call each once per round, every other round in reverse order; return what they returned, by name."""
    found = {name: [] for name in timed}
    for number in range(rounds):
        for name in list(timed)[:: 1 if number % 2 else -1]:
            found[name].append(timed[name]())
    return {name: np.array(values) for name, values in found.items()}


def seconds(function, *arguments):
    """Processor seconds of a call: all calls here keep one thread busy; waiting for a turn is not theirs."""
    began = process_time()
    function(*arguments)
    return process_time() - began


def same_bits(*pairs):
    for found, expected in pairs:
        assert found.tobytes() == np.asarray(expected, found.dtype).tobytes(), (
            "results differ: nothing to compare"
        )


class Starts:
    """Networks of 2-2-1, each trained alone, by `loop` and by something else right after it."""

    def __init__(self, data):
        self.data = data
        self.kernel = load("loop").kernel(CLASSROOM, "float64")

    def fresh(self, epochs):
        """New arrays, network by network."""
        together = Arrays.fresh(CLASSROOM, "float64", STARTS, len(self.data.X), epochs, self.data)
        return [together.alone(m) for m in range(STARTS)]

    def loop(self, arrays):
        arrays.advance(self.kernel, at_once=1)

    def against(self, other, rounds, epochs=EPOCHS):
        """Check that the bits agree; return nanoseconds per row of loop and of the other: (rounds, starts).

        The other trains so few epochs that both take milliseconds, and neither meets more of what else
        runs on the machine.
        """
        for ours, theirs in zip(self.fresh(epochs), self.fresh(epochs), strict=True):
            self.loop(ours)
            other(theirs)
            same_bits((ours.parameters, theirs.parameters), (ours.totals, theirs.totals))
        found = []
        for _ in range(rounds):
            pairs = zip(self.fresh(EPOCHS), self.fresh(epochs), strict=True)
            found.append([(seconds(self.loop, ours), seconds(other, theirs)) for ours, theirs in pairs])
        visits = len(self.data.X) * np.array([EPOCHS, epochs])
        return np.moveaxis(np.array(found) / visits * 1e9, 2, 0)


def versus_python(data, rounds):
    """One network at a time: fastnn's loop and the same loop in plain Python."""
    starts = Starts(data)
    plain = list(zip(*data.X.T.tolist(), data.y.tolist(), strict=True))
    scalars = list(zip(*data.X.T, data.y, strict=True))

    def trainer(rows):
        def train(arrays):
            start, totals = arrays.parameters[0], arrays.totals[0]
            start[:], totals[:] = python_loop(start.tolist(), rows, STEP, len(totals))

        return train

    loop, python = starts.against(trainer(plain), rounds, epochs=4)
    yield Line("plain Python : loop", over_starts(python, loop), 80, at_least=True, digits=0)
    yield Line("  plain Python, ns per row", np.median(python, axis=0), digits=0)
    loop, python = starts.against(trainer(scalars), max(1, rounds // 5), epochs=2)
    yield Line("  Python on rows of a NumPy array : loop", over_starts(python, loop), digits=0)


def versus_c(data, rounds):
    """One network at a time: fastnn's loop and the same loop in C."""
    in_c = compiled_c()
    if in_c is None:
        print("loop : C skipped, no g++ found")
        return

    def train(arrays):
        in_c(arrays.parameters[0], arrays.X, arrays.Y, STEP, arrays.totals[0])

    loop, c = Starts(data).against(train, rounds)
    yield Line("loop : C", over_starts(loop, c), 1.1)
    yield Line("  start by start", np.median(loop / c, axis=0))
    yield Line("  loop, ns per row", np.median(loop, axis=0))


def over_starts(above, below):
    """The ratio of what all starts took together, round by round."""
    return above.sum(axis=1) / below.sum(axis=1)


def versus_numpy(data, rounds):
    """16 000 networks: the batched engine and NumPy that allocates its temporaries."""
    networks, rows = 16_000, 200
    kernel = load("batched").kernel(CLASSROOM, "float64")

    def fresh():
        return Arrays.fresh(CLASSROOM, "float64", networks, rows, 1, data)

    def batched(arrays):
        arrays.advance(kernel, at_once=networks)

    def plain(arrays):
        columns = np.ascontiguousarray(arrays.parameters.T)
        numpy_loop(columns, arrays.X, arrays.Y, arrays.steps, arrays.totals)
        arrays.parameters[:] = columns.T

    found, other = fresh(), fresh()
    batched(found)
    plain(other)
    same_bits((found.parameters, other.parameters), (found.totals, other.totals))
    timed = in_turns(
        2 * rounds, batched=lambda: seconds(batched, fresh()), plain=lambda: seconds(plain, fresh())
    )
    yield Line("batched : plain NumPy, 16 000 networks", timed["batched"] / timed["plain"], 0.8)
    yield Line("  batched, ns per network and row", timed["batched"] / networks / rows * 1e9)


def over_rows(data, rounds):
    """The same number of visits, spread over few rows and many epochs or the other way round."""
    counts = (10, 100, 1000, 10_000)
    X, y = np.resize(data.X, (max(counts), 2)), np.resize(data.y, max(counts))

    def train(start, visits, rows):
        settings = {"learning_rate": LEARNING_RATE, "epochs": visits // rows}
        return seconds(lambda: fastnn.train(CLASSROOM, X[:rows], y[:rows], start, **settings))

    many = START.draw(CLASSROOM, range(64), 0)
    for title, start, visits in (("one network", CLASSROOM_START, 4_000_000), ("64 networks", many, 60_000)):
        train(start, visits, max(counts))
        timed = in_turns(rounds, **{str(rows): partial(train, start, visits, rows) for rows in counts})
        yield from flatness(f"train, {title}", "rows", timed)


def over_networks(data, rounds):
    """Sweeps of few networks and of many on one thread: seconds per network."""
    repeats = {1000: 50, 10_000: 5, 100_000: 1}

    def sweep(networks, epochs=50):
        settings = {"initial": START, "learning_rate": LEARNING_RATE, "rows": 100, "epochs": epochs}
        fastnn.sweep(
            CLASSROOM, data.X, data.y, networks=networks, workers=1, engine="loop", progress=False, **settings
        )

    def mean(networks):
        return np.mean([seconds(sweep, networks) / networks for _ in range(repeats[networks])])

    sweep(10, epochs=1)
    timed = in_turns(max(3, rounds // 3), **{str(size): partial(mean, size) for size in repeats})
    yield from flatness("sweep", "networks", timed)


def flatness(what, axis, timed):
    """The slowest size by the fastest, by the medians of each round's times relative to the round's mean."""
    table = np.array(list(timed.values()))
    relative = np.median(table / table.mean(axis=0), axis=1)
    spread = ", ".join(
        f"{size}: {value / relative.min():.2f}" for size, value in zip(timed, relative, strict=True)
    )
    yield Line(f"{what}: slowest : fastest size", [relative.max() / relative.min()], 1.1)
    print(f"  by {axis}  {spread}")


def first_use(data, rounds):
    """Fresh processes, byte-compiled as an installed package is."""
    programs = {"pass": ["-c", "pass"], "numpy": ["-c", "import numpy"], "fastnn": ["-c", "import fastnn"]}
    if find_spec("fastnn.__main__"):
        programs["help"] = ["-m", "fastnn", "--help"]
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

        for arguments in programs.values():
            run(arguments)
        timed = in_turns(
            2 * rounds,
            **{name: partial(wall_and_processor, program) for name, program in programs.items()},
        )
    wall, used = ({name: both[:, k] for name, both in timed.items()} for k in (0, 1))
    yield Line("import fastnn, seconds", wall["fastnn"], 0.25)
    if "help" in programs:
        yield Line("fastnn --help, seconds", wall["help"], 0.4)
    yield Line("  import numpy", wall["numpy"])
    yield Line("  nothing: the interpreter alone", wall["pass"])
    yield Line("  import fastnn, processor seconds", used["fastnn"])


def memory(data, rounds):
    """Peak memory of a process that sweeps a million networks and makes their table."""
    if sys.platform == "win32":
        print("peak memory skipped on Windows")
        return
    yield Line("sweep of 1 000 000 networks, peak MB", [peak_of(A_MILLION) / 1e6], 500, digits=0)


if __name__ == "__main__":
    sys.exit(main())
