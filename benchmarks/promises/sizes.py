"""The cost of a network on a row, for few rows and many, for few networks and many."""

from functools import partial

import numpy as np

import fastnn
from promises.measuring import Line
from suite.common import CLASSROOM, CLASSROOM_START, LEARNING_RATE, START
from suite.timing import in_turns, seconds


def over_rows(data, rounds):
    """The same number of visits, spread over few rows and many epochs, or many rows and few epochs."""
    counts, networks = (10, 100, 1000, 10_000), 1000
    X, y = np.resize(data.X, (max(counts), 2)), np.resize(data.y, max(counts))

    def train(rows, visits=4_000_000):
        fastnn.train(
            CLASSROOM, X[:rows], y[:rows], CLASSROOM_START, learning_rate=LEARNING_RATE, epochs=visits // rows
        )

    def sweep(rows, visits=100_000):
        settings = {"start": START, "learning_rate": LEARNING_RATE, "epochs": visits // rows}
        fastnn.sweep(CLASSROOM, X[:rows], y[:rows], networks=networks, workers=1, progress=False, **settings)

    for title, job in (("train", train), (f"sweep of {networks}", sweep)):
        job(max(counts))
        timed = in_turns(rounds, **{str(rows): partial(seconds, job, rows) for rows in counts})
        # A sweep can leave out more or less work depending on its rows, so it promises nothing here.
        yield flatness(f"{title}, 10 to 10 000 rows", 1.1 if job is train else None, timed)


def over_networks(data, rounds):
    """The reference sweep of few networks and of many on one thread: processor seconds per network.

    Sweeps of few networks are repeated, with new starts each time. The sizes are measured from fewest to
    most and back again, since the largest takes minutes: a machine that slows down then favours no size.
    """
    epochs = 300
    sizes = (1000, 10_000, 100_000, 1_000_000) if rounds > 3 else (1000, 10_000)

    def sweep(networks, seed):
        settings = {"start": START, "learning_rate": LEARNING_RATE, "epochs": epochs}
        fastnn.sweep(
            CLASSROOM, data.X, data.y, networks=networks, seed=seed, workers=1, progress=False, **settings
        )

    def each(networks):
        seeds = range(max(1, 50_000 // networks))
        return np.mean([seconds(sweep, networks, seed) / networks for seed in seeds])

    sweep(min(sizes), 0)
    there = {size: each(size) for size in sizes}
    back = {size: each(size) for size in sizes[-2::-1]}
    timed = {str(size): np.array([time, back.get(size, time)]) for size, time in there.items()}
    named = f"{min(sizes):_} to {max(sizes):_}".replace("_", " ")
    yield flatness(f"sweep, {named} networks", 1.05, timed)
    yield Line("sweep", timed[str(max(sizes))] / len(data.X) / epochs * 1e9, unit="ns per network and row")


def flatness(what, promise, timed):
    """The slowest size divided by the fastest: medians of the times relative to the round's mean."""
    table = np.array(list(timed.values()))
    relative = np.median(table / table.mean(axis=0), axis=1)
    relative /= relative.min()
    by_size = ", ".join(f"{size}: {value:.2f}" for size, value in zip(timed, relative, strict=True))
    return Line(f"{what}, slowest : fastest", [relative.max()], promise, remark=by_size)
