"""Pairwise coverage: few rows of a table in which any two values of two columns meet in some row."""

from itertools import combinations, product

import pytest


def pairwise(*columns):
    """Rows of one value from each column, so that every two values of different columns share a row.

    Always the same rows; about as many as the two longest columns have pairs.
    """
    places = [range(len(column)) for column in columns]
    pairs = {row: frozenset(pairs_of(row)) for row in product(*places)}
    missing = {pair for some in pairs.values() for pair in some}
    rows = []
    while missing:
        best = max(pairs, key=lambda row: len(pairs[row] & missing))
        missing -= pairs[best]
        rows.append(tuple(column[place] for column, place in zip(columns, best, strict=True)))
    return rows


def later_but_pairs(*columns):
    """Every combination; those that `pairwise` does not choose are slow tests."""
    chosen = pairwise(*columns)
    return [pytest.param(*row, marks=() if row in chosen else pytest.mark.slow) for row in product(*columns)]


def in_turns(rows):
    """These rows; every second one is a slow test."""
    return [pytest.param(*row, marks=pytest.mark.slow if n % 2 else ()) for n, row in enumerate(rows)]


def in_squares(rows):
    """Rows whose last column has two values in turn; half of them are slow tests, of each value as many."""
    return [
        pytest.param(*row, marks=pytest.mark.slow if n % 4 in (1, 2) else ()) for n, row in enumerate(rows)
    ]


def pairs_of(row):
    """Every two values of a row, with the columns that they stand in."""
    return list(combinations(enumerate(row), 2))


def with_the_next(values):
    """Each value with the one after it, the last one with the first: each is first once and second once."""
    several = [*values]
    return [*zip(several, [*several[1:], several[0]], strict=True)]
