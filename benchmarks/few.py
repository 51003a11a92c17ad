"""Few combinations of the parameters of each benchmark of the suite.

Prints a regular expression that asv's `--bench` takes, for `smoke.sh`.
"""

import re
import sys
from pathlib import Path

SUITE = Path(__file__).resolve().with_name("suite")
MOST = 5  # of a benchmark: each in a process of its own, most of which compile


def side_by_side(columns, most=MOST):
    """Rows of one value from each column, as many as the longest has or `most`; shorter ones begin again.

    >>> side_by_side([["a", "b", "c"], [1, 2]])
    [('a', 1), ('b', 2), ('c', 1)]
    """
    rows = min(max(map(len, columns), default=0), most)
    return [tuple(column[place % len(column)] for column in columns) for place in range(rows)]


def names(benchmark):
    """The names of a benchmark with such rows, as asv writes them; where all are sizes, with the first."""
    sizes = all(column[0][0].isdigit() for column in benchmark.params)
    rows = side_by_side(benchmark.params, most=1 if sizes else MOST)
    return [f"{benchmark.name}({', '.join(row)})" for row in rows] or [benchmark.name]


def main():
    from asv_runner.discovery import disc_benchmarks

    chosen = [re.escape(name) for benchmark in disc_benchmarks(str(SUITE)) for name in names(benchmark)]
    print(f"^({'|'.join(chosen)})$")


if __name__ == "__main__":
    sys.exit(main())
