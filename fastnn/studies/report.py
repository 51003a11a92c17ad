"""The classroom report that fastnn repeats: what each of its lines changed, measured and concluded.

Network 2-2-1, ReLU, per-sample gradient descent, 300 epochs, min-max scaled data; learning rate 0.005 unless
a line says otherwise. Each line is one run of the report's author; the figures are the report's, never
fastnn's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.core.network import Network

__all__ = [
    "EPOCHS",
    "LEARNING_RATE",
    "LEARNING_RATES",
    "LINES",
    "NETWORK",
    "REPORT",
    "ROWS",
    "START",
    "ReportLine",
    "is_of",
]

NETWORK = Network((2, 2, 1))
EPOCHS = 300
LEARNING_RATE = 0.005
START = 1.5
"""Standard deviation of the normal distribution from which the report draws its new weights."""
LEARNING_RATES = (0.00005, 0.005, 0.01, 0.1, 1.0)
ROWS = (30, 50, 100, 200, 400, 800)
"""The numbers of rows to train on, besides all rows."""

SIMPLE = {"n1": (0, 5), "n2": (0, 5), "noise": (0, 5)}
WIDE = {"n1": (0, 20), "n2": (0, 50), "noise": (0, 10)}

LARGE = np.array([2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3])
SMALL = np.array([0.002, 0.0025, 0.003, -0.002, -0.0025, 0.0035, -0.003, 0.002, 0.003])
ONES = np.ones(9)


@dataclass(frozen=True)
class ReportLine:
    """One line of the report, in its own words."""

    id: str
    changed: str
    figure: str
    reading: str


LINES = (
    ReportLine("D1", "generated data, all ranges 0-5", "loss 0.0109", "baseline"),
    ReportLine("D2", "n1 0-20, n2 0-50, noise 0-10", "loss 0.0047", "a wider range gives a smaller loss"),
    ReportLine("I0", "insurance data, nothing changed", "loss 0.0335", "stable"),
    ReportLine(
        "I1",
        "start 2, 2.5, 3, -2, -2.5, 3.5; -3, 2, 3",
        "almost the same loss",
        "large starts do not matter",
    ),
    ReportLine("I2", "the same start, divided by 1000", "same loss", "slower"),
    ReportLine("I3", "every weight and bias exactly 1", "loss 0.0335", "faster"),
    ReportLine("I4", "start from normal(0, 1.5)", "almost the same", "new weights on the same scale"),
    ReportLine("L1", "learning rate 0.00005", "loss rises a little at first", "slower, more stable"),
    ReportLine("L2", "learning rate 0.005", "loss 0.0335", "faster, stable"),
    ReportLine("L3", "learning rate 0.01", "loss 0.038", "stable, slightly higher"),
    ReportLine("L4", "learning rate 0.1", "loss 0.041", "higher; nearly all weights negative"),
    ReportLine("L5", "learning rate 1", "loss increases", "horrible"),
    ReportLine("N1", "30 rows", "R² 0.05, MAPE 189 %", "learns slowly, higher loss"),
    ReportLine(
        "N2",
        "all rows",
        "best MAPE 125 %, R² near 0",
        "more rows: MAPE falls slowly, R² does not move",
    ),
    ReportLine("K1", "Keras / TensorFlow instead", "-", "less code, well optimised, no derivation by hand"),
)
INPUTS, TARGET = ("age", "bmi"), "charges"
# The mean and variance of charges in the insurance table, min-max scaled, and their linear fit.
PROPERTIES = {"mean": 0.19392, "variance": 0.037337, "constant": 0.033875, "age": 0.17764, "bmi": 0.19755}
TABLE_ROWS = 1338
ALIKE = 0.03  # the simulated stand-in differs by 1.8 % at most


def is_of(data: Any) -> bool:
    """Whether a Dataset is the insurance table of the report, or its stand-in.

    The numbers and the names of the columns decide, not the name of the file.
    """
    if (data.inputs, data.target) != (INPUTS, TARGET) or data.rows != TABLE_ROWS:
        return False
    columns = np.column_stack([np.ones(data.rows), data.X])
    fit = np.linalg.lstsq(columns, data.y, rcond=None)[0]
    found = np.array([data.y.mean(), data.y.var(), *fit])
    return np.allclose(found, list(PROPERTIES.values()), rtol=ALIKE, atol=0.0)


REPORT = {line.id: line for line in LINES}
