"""Many networks: `batched` against NumPy, `lanes` and a sweep against a handwritten loop, two threads."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import fastnn
from fastnn.engines import load
from fastnn.sweeping.sweep import available_processors
from hand_written import numpy_loop
from promises.measuring import Line, refuse_far, refuse_other_bits
from suite.common import CLASSROOM, LEARNING_RATE, START, Arrays, checked_kernel
from suite.timing import in_turns, seconds, wall_seconds

DTYPES = ("float64", "float32")
# The yardstick fuses and reorders operations; after one epoch parameters differ by at most this.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
LANES = {"float64": 0.85, "float32": 0.9}
SWEEP = 1.55
QUARTILES = (0.25, 0.5, 0.75)
# Two threads are asked to be nearly twice as fast for any number of networks, where bare kernels are.
THREADED, EPOCHS_OF_ALL, BARE_KERNELS = (1000, 1500, 3000, 6144, 20_000), 1_200_000, 1.95


def versus_numpy(data, rounds):
    """16 000 networks: the engine `batched` against NumPy that allocates its temporaries."""
    networks, rows = 16_000, 200
    kernel = load("batched").kernel(CLASSROOM, "float64")

    def fresh():
        return Arrays.fresh(CLASSROOM, "float64", networks, rows, 1, data)

    def batched(arrays):
        arrays.advance(kernel, at_once=networks)

    def plain(arrays):
        columns = np.ascontiguousarray(arrays.parameters.T)
        numpy_loop(columns, arrays.X, arrays.Y, arrays.settings[:, 0], arrays.totals)
        arrays.parameters[:] = columns.T

    found, other = fresh(), fresh()
    batched(found)
    plain(other)
    refuse_other_bits((found.parameters, other.parameters), (found.totals, other.totals))
    timed = in_turns(rounds, batched=lambda: seconds(batched, fresh()), plain=lambda: seconds(plain, fresh()))
    yield Line("batched : plain NumPy, 16 000 networks", timed["batched"] / timed["plain"], 0.8)
    yield Line("batched", timed["batched"] / networks / rows * 1e9, unit="ns per network and row")


class Yardstick:
    """Many networks of 2-2-1, trained by a handwritten loop that is kept outside this project.

    Its folder holds ``yardstick.py`` with two functions, ``build(dtype)`` and ``dense(built, columns,
    parameters, epochs, learning_rate)``. The latter trains parameters (9, M) in place on three columns; M is
    a multiple of 16.
    """

    def __init__(self, folder, data, dtype):
        path = Path(folder) / "yardstick.py"
        spec = importlib.util.spec_from_file_location("yardstick", path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.built = self.module.build(np.dtype(dtype).type)
        self.columns = [np.ascontiguousarray(column, dtype) for column in (*data.X.T, data.y)]

    def train(self, parameters, epochs):
        """Train parameters (9, M) in place; return the last epoch's losses (M,)."""
        return self.module.dense(self.built, self.columns, parameters, epochs, LEARNING_RATE)[1]


def versus_yardstick(folder):
    """The measurement that makes both comparisons with the yardstick in a folder."""

    def measure(data, rounds):
        if folder is None:
            remark = "needs --yardstick FOLDER"
            yield from (
                Line(f"lanes : yardstick, {each}", promise=LANES[each], remark=remark) for each in DTYPES
            )
            yield Line("yardstick : sweep", promise=SWEEP, at_least=True, remark=remark)
            return
        for dtype in DTYPES:
            yardstick = Yardstick(folder, data, dtype)
            yield from lanes_by(yardstick, data, dtype, rounds)
            yield from sweep_by(yardstick, data, dtype, max(2, rounds // 5))

    return measure


def lanes_by(yardstick, data, dtype, rounds, networks=1024, epochs=40):
    """The kernel of `lanes`, without elimination, against the yardstick, on one thread."""
    what, promise = f"lanes : yardstick, {dtype}", LANES[dtype]
    if "lanes" not in fastnn.ENGINES:
        yield Line(what, promise=promise, remark="there is no engine of this name")
        return
    kernel = checked_kernel("lanes", CLASSROOM, dtype)

    def fresh(epochs):
        return Arrays.fresh(CLASSROOM, dtype, networks, len(data.X), epochs, data)

    def columns(arrays):
        return np.ascontiguousarray(arrays.parameters.T)

    ours, theirs = fresh(1), columns(fresh(1))
    ours.advance(kernel, networks)
    yardstick.train(theirs, 1)
    refuse_far(ours.parameters.T, theirs, TOLERANCE[dtype])
    timed = in_turns(
        rounds,
        lanes=lambda: seconds(fresh(epochs).advance, kernel, networks),
        yardstick=lambda: seconds(yardstick.train, columns(fresh(epochs)), epochs),
    )
    remark = "the yardstick: a loop by hand for AVX2, multiplications and additions fused"
    yield Line(what, timed["lanes"] / timed["yardstick"], promise, remark=remark)
    visits = networks * len(data.X) * epochs
    for name, values in timed.items():
        yield Line(name, values / visits * 1e9, unit="ns per network and row")


def sweep_by(yardstick, data, dtype, rounds, epochs=300):
    """The reference sweep, from its starts to its table on one thread, against the yardstick's loop alone."""
    networks = 10_000 if rounds > 2 else 2000
    starts = Arrays.fresh(CLASSROOM, dtype, networks, 1, 1, data).parameters.T
    sweep = partial(fastnn.sweep, CLASSROOM, data.X, data.y, start=START, learning_rate=LEARNING_RATE)
    sweep = partial(sweep, networks=networks, epochs=epochs, dtype=dtype, workers=1, progress=False)
    sweep(networks=16, epochs=1)
    losses = {}

    def ours():
        losses["ours"] = sweep().frame().loss

    def theirs():
        losses["theirs"] = yardstick.train(np.ascontiguousarray(starts), epochs)

    timed = in_turns(rounds, sweep=lambda: seconds(ours), yardstick=lambda: seconds(theirs))
    # If a gate opens one row earlier, two trainings part for good: compare quantiles, not single networks.
    refuse_far(np.quantile(losses["ours"], QUARTILES), np.quantile(losses["theirs"], QUARTILES), 1e-4)
    yield Line(f"yardstick : sweep, {dtype}", timed["yardstick"] / timed["sweep"], SWEEP, at_least=True)
    yield Line("sweep", timed["sweep"] / networks / len(data.X) / epochs * 1e9, unit="ns per network and row")


def versus_one_thread(data, rounds):
    """Sweeps of any number of networks on two threads against one, by the wall clock."""
    what, promise = "sweep of {}: one thread : two threads", 1.9
    if available_processors() < 2:
        yield Line(what.format("any number"), promise=promise, remark="needs two processors")
        return

    def sweep(workers, networks, epochs):
        settings = {"start": START, "learning_rate": LEARNING_RATE, "progress": False}
        fastnn.sweep(CLASSROOM, data.X, data.y, networks=networks, epochs=epochs, workers=workers, **settings)

    def kernels(threads, parts=8):
        """The bare kernel on parts that share nothing: the best that this machine can do."""
        kernel = load("lanes").kernel(CLASSROOM, "float64")
        arrays = [Arrays.fresh(CLASSROOM, "float64", 1024, len(data.X), 30, data) for _ in range(parts)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: part.advance(kernel, at_once=1024), arrays))

    sweep(2, networks=16, epochs=1)
    for networks in THREADED:
        epochs = max(60, min(300, EPOCHS_OF_ALL // networks))
        timed = in_turns(
            rounds,
            one=partial(wall_seconds, sweep, 1, networks, epochs),
            two=partial(wall_seconds, sweep, 2, networks, epochs),
            bare_one=lambda: wall_seconds(kernels, 1),
            bare_two=lambda: wall_seconds(kernels, 2),
        )
        reach = float(np.median(timed["bare_one"] / timed["bare_two"]))
        remark = f"bare kernels that share nothing: {reach:.2f} on this machine"
        ratio, beyond = timed["one"] / timed["two"], reach < BARE_KERNELS
        yield Line(what.format(networks), ratio, promise, at_least=True, remark=remark, out_of_reach=beyond)
