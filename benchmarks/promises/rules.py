"""The promises about optimizers and batches, and about units that die under momentum."""

from fastnn.core.rule import DTYPES
from promises.measuring import Line
from promises.ports import beside_plain
from suite.rules import NETWORKS, WAYS, times, times_of_dying

PROMISES = {
    ("momentum", "2-2-1"): 1.45,
    ("momentum", "4-16-1"): 1.65,
    ("batches of 32", "2-2-1"): 0.85,
    ("batches of 32", "4-16-1"): 0.85,
}


def versus_plain(data, rounds):
    """10 000 networks: the kernel of `lanes` for each way of training against that of the plain one."""
    for shape, network in NETWORKS.items():
        for dtype in DTYPES:
            timed = times(network, dtype, WAYS, data, rounds)
            for name in WAYS:
                ratio, promise = timed[name] / timed["plain"], PROMISES.get((name, shape))
                title = f"{name} : plain" if promise is None else f"{name} : plain, {shape}, {dtype}"
                rule = network, WAYS[name].recipe, dtype
                yield beside_plain(title, ratio, promise, timed["plain"], *rule)
            yield Line("plain", timed["plain"] * 1e9, unit="ns per network and row")


def dying(data, rounds):
    """Sweeps with momentum: units that die in mid-run, whose velocities become subnormal, against none."""
    for dtype in DTYPES:
        timed = times_of_dying(dtype, data, max(2, rounds // 3))
        what = f"momentum, units die : none dies, {dtype}"
        yield Line(what, timed["dying"] / timed["living"], 1.2)
        yield Line("none dies", timed["living"] * 1e9, unit="ns per network and row")
