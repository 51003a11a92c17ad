"""Measure how close the stand-in is to the published medical insurance table.

    python data/compare_insurance.py path/to/insurance.csv                        # the table of README.md
    python data/compare_insurance.py path/to/insurance.csv --choose-seed 20000    # the generator's SEED

Only properties of the whole tables are compared; no row of the published one is kept or shown.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import simulate_insurance
from numba import njit
from numpy.typing import NDArray

NETWORKS = 512
EPOCHS = 300
LEARNING_RATE = 0.005
QUANTILES = (5, 25, 50, 75, 95)

Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def read(path: Path) -> Columns:
    """Return age, bmi and charges of an insurance file, each (rows,), in their own units."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    age, bmi, charges = (np.array([float(row[name]) for row in rows]) for name in ("age", "bmi", "charges"))
    return age, bmi, charges


def scaled(columns: Columns) -> Columns:
    """Return the columns min-max scaled to [0, 1]."""
    age, bmi, charges = ((c - c.min()) / (c.max() - c.min()) for c in columns)
    return age, bmi, charges


def properties(columns: Columns) -> dict[str, float]:
    """Return what a straight line through the scaled table sees, and the ends of the charges."""
    age, bmi, charges = scaled(columns)
    design = np.column_stack([np.ones_like(age), age, bmi])
    line, *_ = np.linalg.lstsq(design, charges, rcond=None)
    residual = charges - design @ line
    return {
        "smallest charge": float(columns[2].min()),
        "largest charge": float(columns[2].max()),
        "scaled charges: mean": float(charges.mean()),
        "scaled charges: variance": float(charges.var()),
        "linear fit: R²": float(1 - residual.var() / charges.var()),
        "linear fit: constant": float(line[0]),
        "linear fit: per age": float(line[1]),
        "linear fit: per bmi": float(line[2]),
    }


@njit
def last_losses(
    age: NDArray[np.float64],
    bmi: NDArray[np.float64],
    charges: NDArray[np.float64],
    starts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Train 2-2-1 ReLU networks from `starts` (M, 9), row by row, and return their last losses (M,)."""
    losses = np.empty(len(starts))
    step = -2.0 * LEARNING_RATE
    for network in range(len(starts)):
        w1, w2, w3, w4, w5, w6, b1, b2, b3 = starts[network]
        total = 0.0
        for _ in range(EPOCHS):
            total = 0.0
            for x1, x2, y in zip(age, bmi, charges):  # noqa: B905 - Numba's zip knows no `strict`
                z1 = w1 * x1 + w2 * x2 + b1
                z2 = w3 * x1 + w4 * x2 + b2
                h1 = 0.0 if z1 <= 0.0 else z1
                h2 = 0.0 if z2 <= 0.0 else z2
                d = w5 * h1 + w6 * h2 + b3 - y
                total += d * d
                s = step * d
                s1 = s * w5 if z1 > 0.0 else 0.0
                s2 = s * w6 if z2 > 0.0 else 0.0
                w1, w2, b1 = w1 + s1 * x1, w2 + s1 * x2, b1 + s1
                w3, w4, b2 = w3 + s2 * x1, w4 + s2 * x2, b2 + s2
                w5, w6, b3 = w5 + s * h1, w6 + s * h2, b3 + s
        losses[network] = total / len(charges)
    return losses


def loss_quantiles(columns: Columns, networks: int = NETWORKS) -> dict[str, float]:
    """Return quantiles of the classroom sweep's last losses; its normal(0, 1.5) starts never change."""
    starts = np.random.RandomState(0).normal(0, 1.5, size=(networks, 9))
    losses = last_losses(*scaled(columns), starts)
    return {f"loss: {q} % quantile": float(np.percentile(losses, q)) for q in QUANTILES}


def share_explained(path: Path) -> float:
    """Return the share of an insurance file's rows whose charges are those of the generator's formula."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    charges = np.array([float(row["charges"]) for row in rows])
    explained = simulate_insurance.formula(
        np.array([int(row["age"]) for row in rows]),
        np.array([row["sex"] == "male" for row in rows]),
        np.array([float(row["bmi"]) for row in rows]),
        np.array([int(row["children"]) for row in rows]),
        np.array([row["smoker"] == "yes" for row in rows]),
        np.array([simulate_insurance.REGIONS.index(row["region"]) for row in rows]),
    )
    return float(np.mean(np.abs(charges - explained) < 1e-6))


def measured(path: Path) -> dict[str, float]:
    """Return everything that is compared of an insurance file."""
    columns = read(path)
    return (
        properties(columns)
        | loss_quantiles(columns)
        | {"share of rows the formula explains": share_explained(path)}
    )


def markdown(published: dict[str, float], stand_in: dict[str, float]) -> str:
    """Return the comparison as a Markdown table, one line a property."""
    lines = ["| property | published | stand-in | difference |", "|---|---|---|---|"]
    for name, value in published.items():
        lines.append(f"| {name} | {value:.5g} | {stand_in[name]:.5g} | {stand_in[name] / value - 1:+.1%} |")
    return "\n".join(lines)


def nearest_seed(published: Columns, seeds: int) -> int:
    """Return the seed below `seeds` whose worst property lies, relatively, nearest to the published one's."""
    wanted = np.array(list(properties(published).values()))
    worst = np.empty(seeds)
    for seed in range(seeds):
        drawn = simulate_insurance.table(seed)
        found = properties((drawn["age"], drawn["bmi"], drawn["charges"]))
        worst[seed] = np.abs(np.array(list(found.values())) / wanted - 1).max()
    return int(worst.argmin())


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Compare the simulated insurance table with the published one."
    )
    parser.add_argument("published", type=Path)
    parser.add_argument(
        "--choose-seed", type=int, metavar="N", help="print the nearest of seeds 0 .. N-1 instead"
    )
    arguments = parser.parse_args()
    if arguments.choose_seed:
        print(nearest_seed(read(arguments.published), arguments.choose_seed))
        return
    print(markdown(measured(arguments.published), measured(simulate_insurance.TARGET)))


if __name__ == "__main__":
    main()
