"""The README's table: six lines of the peers' table in RESULTS.md.

    python benchmarks/readme.py

`benchmarks/peers --write` does the same once it has written RESULTS.md.
"""

import re
from pathlib import Path

from results import RESULTS, between, write

README = Path(__file__).resolve().parents[1] / "README.md"

ROWS = (
    "plain Python",
    "scikit-learn, MLPRegressor",
    "Keras on JAX, fit",
    "PyTorch, step by hand",
    "JAX, step by hand in a scan",
    "**fastnn as it is called**",
)
COLUMNS = 5  # the name; one network and many networks, each in nanoseconds and relative to fastnn


def main():
    section = between(RESULTS.read_text(encoding="utf-8"), "peers")
    write(README, "speed", table_of(section))


def table_of(section):
    """Return the table of the peers `ROWS` with its first columns, and the sentence on the machine below it.

    Raises
    ------
    ValueError
        If the section lacks one of them.
    """
    lines = section.strip().splitlines()
    table = [cells(line) for line in lines if line.startswith("|")]
    found = {row[0]: row for row in reversed(table)}  # the first table wins
    if missing := set(ROWS) - set(found):
        raise ValueError(f"the peers' table must have the rows {', '.join(ROWS)}; it lacks {missing}.")
    chosen = [*table[:2], *(found[name] for name in ROWS)]
    about = re.sub(r"; ÷: [^.]*", "", lines[0])  # of columns that are left out
    return "\n".join(["| " + " | ".join(row[:COLUMNS]) + " |" for row in chosen] + ["", about])


def cells(line):
    """The cells of a line of a table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


if __name__ == "__main__":
    main()
