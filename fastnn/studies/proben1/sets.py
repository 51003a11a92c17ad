"""The files of the Proben1 sets: seven lines of counts, then rows of inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.data.reading.decoding import decoded
from fastnn.data.reading.files import content_of, existing_file
from fastnn.showing.lettering import counted
from fastnn.studies.proben1.published import PUBLISHED, Published

__all__ = ["BenchmarkSet", "read"]

Floats = NDArray[np.float64]
Part = tuple[Floats, Floats]

INPUTS, OUTPUTS = ("bool_in", "real_in"), ("bool_out", "real_out")
PARTS = ("training_examples", "validation_examples", "test_examples")
HEADER = (*INPUTS, *OUTPUTS, *PARTS)
MOST = 10**7  # of a count: far beyond any set


@dataclass(frozen=True, eq=False)
class BenchmarkSet:
    """One set, split as its file says.

    Attributes
    ----------
    name : str
        Such as "cancer1".
    training, validation, test : (X, Y)
        Inputs (N, D) and outputs (N, K) of the rows of each part, in the order of the file.
    published : Published
    """

    name: str
    training: Part
    validation: Part
    test: Part
    published: Published


def read(path: str | PathLike[str], name: str = "path") -> BenchmarkSet:
    """Read one of the sets in `PUBLISHED`, which the file's name tells.

    Raises
    ------
    InputError
        If the file cannot be read, its name or its counts are of no set that is known, or its rows are not as
        many finite numbers as its first lines say.
    """
    file = existing_file(path, name)
    if file.stem not in PUBLISHED:
        raise InputError(
            f"{name} must be a set with published errors: {', '.join(f'{each}.dt' for each in PUBLISHED)}; "
            f"got {file.name}. Name one of these files."
        )
    published = PUBLISHED[file.stem]
    lines = [line.strip() for line in decoded(content_of(file), None, file.name).splitlines()]
    counts = _counts(lines[: len(HEADER)], file.name)
    inputs, outputs = (sum(counts[each] for each in names) for names in (INPUTS, OUTPUTS))
    if (inputs, outputs) != (published.inputs, published.outputs):
        raise InputError(
            f"{file.name} must have {counted(published.inputs, 'input')} and "
            f"{counted(published.outputs, 'output')}; got {inputs} and {outputs}. Name the published file."
        )
    rows = _rows(lines[len(HEADER) :], inputs + outputs, file.name)
    lengths = [counts[each] for each in PARTS]
    if len(rows) != sum(lengths) or not all(lengths):
        raise InputError(
            f"{file.name} must have rows to train, to validate and to test, {sum(lengths)} by its first "
            f"lines ({', '.join(map(str, lengths))}); got {len(rows)}. Name the whole file."
        )
    parts = np.split(rows, np.cumsum(lengths[:-1]))
    training, validation, test = ((part[:, :inputs], part[:, inputs:]) for part in parts)
    return BenchmarkSet(file.stem, training, validation, test, published)


def _counts(lines: list[str], file: str) -> dict[str, int]:
    found = {}
    for number, (line, wanted) in enumerate(zip(lines, HEADER, strict=False), 1):
        name, _, value = (each.strip() for each in line.partition("="))
        if name != wanted or not (value.isascii() and value.isdigit()) or len(value) > 8 or int(value) > MOST:
            raise InputError(
                f"{file}, line {number}: must be {wanted}= and a count; got {shown(line)}. "
                "Name a file as it was published."
            )
        found[name] = int(value)
    if len(found) < len(HEADER):
        raise InputError(
            f"{file} must begin with {len(HEADER)} lines, from {HEADER[0]}= to {HEADER[-1]}=; "
            f"got {len(found)}. Name a file as it was published."
        )
    return found


def _rows(lines: list[str], columns: int, file: str) -> Floats:
    """The rows (N, D + K); blank lines are passed over."""
    rows = []
    for number, line in enumerate(lines, len(HEADER) + 1):
        if not line:
            continue
        try:
            row = [float(cell) for cell in line.split()]
        except ValueError:
            row = []
        if len(row) != columns or not np.isfinite(row).all():
            raise InputError(
                f"{file}, line {number}: must be {columns} finite numbers; got {shown(line)}. "
                "Mend the line, or take the file as it was published."
            )
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), columns)
