"""A worker that counts: it writes a line to a file for each shard, whichever sweep asks."""

import os
import time

from fastnn.sweeping.work.tasks import compute as real_compute

FILE = "FASTNN_TEST_COUNT"
SECONDS = "FASTNN_TEST_SECONDS"  # the least time of a shard


def compute(task, *edges):
    """`fastnn.sweeping.work.executing.compute`, counted where it begins."""
    with open(os.environ[FILE], "a") as file:  # noqa: PTH123 - appended to by many processes
        file.write(f"{edges[0]} {os.getpid()}\n")
    time.sleep(float(os.environ.get(SECONDS, "0")))
    return real_compute(task, *edges)


def wrong(task, *edges):
    """A worker whose answer has a flipped bit."""
    answer = bytearray(real_compute(task, *edges))
    answer[-5] ^= 1
    return bytes(answer)


def other(task, *edges):
    """A worker that sends back another shard."""
    return real_compute(task, edges[0] + 1, *edges[1:])
