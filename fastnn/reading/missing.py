"""Marks that stand for a missing cell in a text file."""

__all__ = ["is_missing_among_numbers"]

MARKS = """
#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null ? - -- . ..
"""
MISSING = frozenset(("", "#N/A N/A", *MARKS.split()))


def is_missing_among_numbers(cell: str) -> bool:
    """Whether the cell is a mark of something missing where the other cells are numbers."""
    return cell in MISSING
