"""Write insurance_simulated.csv, the stand-in for the medical insurance table, byte for byte.

    python data/simulate_insurance.py

Nothing here is read from the published table: each constant below is a property of the whole of it
(a share, a mean, a coefficient), and every row is drawn. README.md says how close the result is.

Random numbers come from `numpy.random.RandomState`, whose stream NumPy has promised never to change
(NEP 19), and every drawn value is rounded before it is used, so that the file does not depend on the
last digit of a machine's logarithm.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 7365  # the nearest to the published table of 0 .. 19 999, as compare_insurance.py finds it
ROWS = 1338
HEADER = "age,sex,bmi,children,smoker,region,charges"
TARGET = Path(__file__).with_name("insurance_simulated.csv")

REGIONS = ("northeast", "northwest", "southeast", "southwest")
REGION_SHARES = (0.242, 0.243, 0.272, 0.243)
BMI_MEANS = np.array([29.17, 29.20, 33.36, 30.60])  # by region
BMI_DEVIATIONS = np.array([5.94, 5.14, 6.48, 5.69])

# Children: 0 .. 5, in four stages of life. The young and the old insure few.
STAGE_STARTS = (20, 26, 56)  # ages 18-19, 20-25, 26-55, 56-64
CHILDREN_SHARES = np.array(
    [
        [0.737, 0.146, 0.080, 0.022, 0.008, 0.007],
        [0.586, 0.166, 0.118, 0.089, 0.024, 0.017],
        [0.283, 0.300, 0.233, 0.147, 0.020, 0.017],
        [0.662, 0.144, 0.093, 0.088, 0.013, 0.000],
    ]
)

# Smokers: more of them in the southeast and among men.
SMOKER_SHARES = np.array([0.205, 0.178, 0.250, 0.178])
SMOKER_BY_SEX = 0.03

# The published charges are an exact formula in nine rows of ten: these are its coefficients.
BASE = 1072.0
PER_SQUARED_YEAR = 3.363
PER_CHILD = 589.0
MALE = -489.0
REGION_CHARGES = np.array([0.0, -200.0, -583.0, -583.0])
PER_BMI = 1.39
SMOKER_BASE = 1500.0
SMOKER_PER_BMI = 490.39
SMOKER_ABOVE_BMI_30 = 15_000.0

# The tenth row carries a large bill that none of the columns explain.
EXTRA_SHARES = (0.093, 0.069)  # non-smokers, smokers
EXTRA_MEAN, EXTRA_DEVIATION = 14_500.0, 4_900.0
EXTRA_BOUNDS = (2_400.0, 25_700.0)


def ages(random: np.random.RandomState, rows: int) -> NDArray[np.int64]:
    """Draw ages 18 .. 64: even but for 18 and 19, which are met two and a half times as often."""
    weights = np.ones(47)
    weights[:2] = 2.5
    years = random.choice(47, size=rows, p=weights / weights.sum())
    return years.astype(np.int64) + 18


def body_mass_indices(
    random: np.random.RandomState, age: NDArray[np.int64], region: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Draw bmi on a grid of 0.005: a slightly skewed normal, by region, rising 0.05 a year."""
    normal = random.normal(size=len(age))
    skewed = normal + 0.047 * (normal**2 - 1)
    bmi = BMI_MEANS[region] + BMI_DEVIATIONS[region] * skewed + 0.05 * (age - 39)
    on_grid: NDArray[np.float64] = np.round(np.clip(bmi, 16.0, 53.0) * 200) / 200
    return on_grid


def children_of(random: np.random.RandomState, age: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw 0 .. 5 children by stage of life."""
    reached = np.cumsum(CHILDREN_SHARES[np.searchsorted(STAGE_STARTS, age, side="right")], axis=1)
    count: NDArray[np.int64] = (random.uniform(size=(len(age), 1)) > reached[:, :-1]).sum(axis=1)
    return count


def extra_bills(random: np.random.RandomState, smoker: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Draw the unexplained bills: 0 for most rows, about 14 500 for one in eleven."""
    billed = random.uniform(size=len(smoker)) < np.where(smoker, EXTRA_SHARES[1], EXTRA_SHARES[0])
    bills = np.clip(random.normal(EXTRA_MEAN, EXTRA_DEVIATION, size=len(smoker)), *EXTRA_BOUNDS)
    return np.where(billed, np.round(bills, 4), 0.0)


def formula(
    age: NDArray[np.int64],
    male: NDArray[np.bool_],
    bmi: NDArray[np.float64],
    children: NDArray[np.int64],
    smoker: NDArray[np.bool_],
    region: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the charges that the columns explain; the smoker's step is taken above, not at, bmi 30."""
    of_smokers = SMOKER_BASE + SMOKER_PER_BMI * bmi + SMOKER_ABOVE_BMI_30 * (bmi > 30)
    explained: NDArray[np.float64] = (
        BASE
        + PER_SQUARED_YEAR * age**2
        + PER_CHILD * children
        + MALE * male
        + REGION_CHARGES[region]
        + np.where(smoker, of_smokers, PER_BMI * bmi)
    )
    return explained


def table(seed: int = SEED, rows: int = ROWS) -> dict[str, NDArray[Any]]:
    """Draw the columns of the stand-in, each of shape (rows,), in the order of the file."""
    random = np.random.RandomState(seed)
    age = ages(random, rows)
    male = random.uniform(size=rows) < 0.505
    region = random.choice(4, size=rows, p=REGION_SHARES)
    bmi = body_mass_indices(random, age, region)
    children = children_of(random, age)
    smoker = random.uniform(size=rows) < SMOKER_SHARES[region] + np.where(male, SMOKER_BY_SEX, -SMOKER_BY_SEX)
    charges = formula(age, male, bmi, children, smoker, region) + extra_bills(random, smoker)
    return {
        "age": age,
        "sex": np.where(male, "male", "female"),
        "bmi": bmi,
        "children": children,
        "smoker": np.where(smoker, "yes", "no"),
        "region": np.array(REGIONS)[region],
        "charges": charges,
    }


def shortest(number: float, decimals: int) -> str:
    """Write a number with at most so many decimals and no trailing zeros, as the published file does."""
    return f"{number:.{decimals}f}".rstrip("0").rstrip(".")


def csv_text(columns: dict[str, NDArray[Any]]) -> str:
    """Return the file's text: the header, then one line a row, each closed by a line feed."""
    lines = [HEADER]
    for age, sex, bmi, children, smoker, region, charges in zip(*columns.values(), strict=True):
        lines.append(f"{age},{sex},{shortest(bmi, 3)},{children},{smoker},{region},{shortest(charges, 6)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_bytes(csv_text(table()).encode("ascii"))
    print(f"wrote {TARGET.name}: {ROWS} rows, seed {SEED}")
