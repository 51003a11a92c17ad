"""What the processor's ports allow for each rule, and what `lanes` makes of it: one command, one table.

    python -m limits [--data insurance.csv] [--write] [--quick]

`--write` puts the table into RESULTS.md.
"""

import argparse
from dataclasses import dataclass

import numpy as np

import fastnn
from fastnn.core.losses import CrossEntropy
from fastnn.core.recipe import Recipe
from fastnn.core.rule import DTYPES
from limits.light import WHAT, Light
from limits.operations import ADD, DIVIDE, MULTIPLY, ROOT, operations
from promises.further_rules import RULES
from results import RESULTS, about, write
from suite.kernels import Job, times
from suite.rules import NETWORKS, WAYS

PACKAGES = ("numpy", "numba")
SIGNS = {MULTIPLY: "×", ADD: "+", DIVIDE: "/", ROOT: "√"}
RECIPES = {"plain": Recipe(), **{name: way.recipe for name, way in WAYS.items()}, **RULES}
CLASSIFIERS = {
    f"4-5-3, {hidden}, softmax": fastnn.Network((4, 5, 3), hidden, "softmax") for hidden in ("relu", "tanh")
}
JOBS = {
    f"{shape}: {name}": Job(net, recipe)
    for shape, net in NETWORKS.items()
    for name, recipe in RECIPES.items()
}
JOBS |= {name: Job(network, Recipe(loss=CrossEntropy())) for name, network in CLASSIFIERS.items()}


@dataclass(frozen=True)
class Row:
    """A job in one dtype: its operations, the limit for each width and the time of `lanes`, both in ns."""

    name: str
    counts: dict
    limits: list
    lanes: float

    @property
    def markdown(self):
        counts = ", ".join(
            f"{self.counts[kind]:.4g} {sign}" for kind, sign in SIGNS.items() if self.counts[kind]
        )
        limits = [f"{limit:.2g}" for limit in self.limits]
        shares = [f"{limit / self.lanes:.2f}" for limit in self.limits]
        return f"| {' | '.join([self.name, counts, *limits, f'{self.lanes:.2g}', *shares])} |"


def main():
    arguments = parsed_arguments()
    data = fastnn.load_insurance(arguments.data, simulated=arguments.data is None)
    light = Light.measured(1)
    rows = [row for dtype in DTYPES for row in measured(dtype, data, light, 3 if arguments.quick else 11)]
    section = "\n\n".join([f"{about(PACKAGES, data)} {WHAT}", table(rows, light.widths), f"{light}."])
    print(section)
    if arguments.write:
        write(RESULTS, "limits", section)


def measured(dtype, data, light, rounds):
    """The rows of all jobs in a dtype: 10 000 networks in the engine `lanes`, on one thread, in turns."""
    found = times(JOBS, dtype, data, rounds)
    for name, job in JOBS.items():
        limits = [light.nanoseconds(job.network, job.recipe, dtype, bits) for bits in light.widths]
        lanes = float(np.median(found[name])) * 1e9
        yield Row(f"{name}, {dtype}", operations(job.network, job.recipe, dtype), limits, lanes)


def table(rows, widths):
    """The table in Markdown."""
    limits = [f"limit, {bits} bits" for bits in widths]
    heads = ["", "operations of a row", *limits, "`lanes`", *(f"{limit} : `lanes`" for limit in limits)]
    lines = [f"| {' | '.join(heads)} |", "|---|---|" + "--:|" * (len(heads) - 2)]
    return "\n".join([*lines, *(row.markdown for row in rows)])


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="limits", description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the published insurance.csv; without it the simulated stand-in")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a look, not for a claim")
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("--write needs all rounds: leave out --quick")
    return arguments


if __name__ == "__main__":
    main()
