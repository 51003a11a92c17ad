"""One network alone, from 4-16-1 to 30-64-1: `units` against `loop`."""

from promises.measuring import Line
from suite.alone import NETWORKS, WAYS, times

PROMISES = {"4-16-1": 0.5, "10-32-1": 0.33, "10-100-1": 0.3, "10-32-32-1": 0.27, "30-64-1": 0.22}


def versus_loop(data, rounds):
    """The kernels of both engines in float64; promises are for one row at a time."""
    for shape, network in NETWORKS.items():
        for name, way in WAYS.items():
            timed = times(network, "float64", way, data, rounds)
            ratio, promised = timed["units"] / timed["loop"], way.batch_size == 1
            title = f"units : loop, one {shape}" if promised else f"units : loop, {name}"
            yield Line(title, ratio, PROMISES[shape] if promised else None)
            yield Line("units", timed["units"] * 1e9, unit="ns per row")
