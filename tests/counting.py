"""A worker that counts: what it computes goes into a file, a line for each shard, whoever it is for."""

import os
import time

from fastnn.sweeping.work.orders import compute as real_compute

FILE = "FASTNN_TEST_COUNT"
SECONDS = "FASTNN_TEST_SECONDS"  # that a shard takes at least


def compute(order, *edges):
    """`fastnn.sweeping.work.executing.compute`, counted where it begins."""
    with open(os.environ[FILE], "a") as file:  # noqa: PTH123 - appended to by many processes
        file.write(f"{edges[0]} {os.getpid()}\n")
    time.sleep(float(os.environ.get(SECONDS, "0")))
    return real_compute(order, *edges)


def wrong(order, *edges):
    """A worker whose answer has a flipped bit."""
    answer = bytearray(real_compute(order, *edges))
    answer[-5] ^= 1
    return bytes(answer)


def other(order, *edges):
    """A worker that sends back another shard."""
    return real_compute(order, edges[0] + 1, *edges[1:])
