"""The confusion matrix of a network of classes: how many rows of each class, by the class predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.class_metrics import confusion_matrix
from fastnn.data.classes import class_names
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_rows
from fastnn.showing.lettering import distinct, shortened
from fastnn.training.result import Training

__all__ = ["confusion", "confusion_counts"]

LETTERS = 20  # of a class's name


def confusion_counts(run: Training, data: Dataset) -> NDArray[np.int64]:
    """The rows of true class i that class j is predicted for, at [i, j]: (K, K)."""
    _, Y = checked_rows(run.network, data, None, "float64", known=run.classes)
    true = class_names(run.network, Y if Y.shape[1] > 1 else Y[:, 0], run.classes)
    return confusion_matrix(true, run.predict_classes(data), run.classes)


def confusion(run: Training, data: Dataset) -> list[dict[str, Any]]:
    """The same as the rows of a table: a class in each, and the classes predicted across."""
    names = distinct(shortened(name, LETTERS) for name in run.classes or ())
    headings = distinct(["class", *names])
    lines = confusion_counts(run, data).tolist()
    return [dict(zip(headings, [name, *line], strict=True)) for name, line in zip(names, lines, strict=True)]
