"""The README's picture: the losses that one network ends at, from many starts.

    python benchmarks/picture.py

Draws `picture.png` beside this file and writes the sentence below it into the README.
"""

from pathlib import Path

import fastnn
from fastnn import plotting
from readme import README
from results import write

PICTURE = Path(__file__).resolve().with_name("picture.png")
NETWORKS = 10_000
WIDTH, HEIGHT = 6.4, 3.0  # inches


def main():
    data = fastnn.load_insurance(simulated=True)
    sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), data, networks=NETWORKS)
    draw(sweep, PICTURE)
    link = f"![{ALTERNATIVE}]({PICTURE.relative_to(README.parent).as_posix()})"
    write(README, "picture", f"{link}\n\n{caption(sweep)}")


ALTERNATIVE = "A histogram of the last losses: two heaps, coloured by how many hidden units are dead"


def draw(sweep, path):
    """Draw the histogram into a file."""
    figure, ax = plotting.new_figure(WIDTH, HEIGHT)
    plotting.sweep_histogram(sweep, ax)
    plotting.save(figure, path)


def caption(sweep):
    """The sentence below the picture: its numbers."""
    table = plotting.tables.dead_units(sweep)
    counts = table.iloc[:, 3:].sum()
    modes = ", ".join(f"{name} {count:,}".replace(",", " ") for name, count in counts.items() if count)
    low, high = sweep.loss_quantiles((0.0, 1.0))
    return (
        f"The same network from {len(sweep):,} starts".replace(",", " ")
        + f" ends at losses from {low:.4f} to {high:.4f}: {modes}. One run shows one of them."
    )


if __name__ == "__main__":
    main()
