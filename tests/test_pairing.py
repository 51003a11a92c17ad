"""Rows with every pair hold every pair, and are fewer than all combinations."""

from itertools import combinations, product

import pytest
from pairing import in_squares, in_turns, later_but_pairs, pairwise


@pytest.mark.parametrize(
    "columns", ["ab cd", "abc de fg", "abcde abcde xy uvw", "abcde abcd abc ab a"], ids=str
)
def test_any_two_values_share_a_row(columns):
    columns = columns.split()
    rows = pairwise(*columns)
    for (one, first), (other, second) in combinations(enumerate(columns), 2):
        assert {(row[one], row[other]) for row in rows} == set(product(first, second))
    longest, next_longest = sorted(map(len, columns))[:-3:-1]
    assert longest * next_longest <= len(rows) <= longest * next_longest + 2


def test_one_column_is_left_as_it_is():
    assert sorted(pairwise("abc", "d")) == [("a", "d"), ("b", "d"), ("c", "d")]


def test_nothing_is_left_out_of_what_is_slow_in_part():
    rows = later_but_pairs("abc", "de", "fg")
    assert [row.values for row in rows] == [*product("abc", "de", "fg")]
    assert [row.values for row in rows if not row.marks] == sorted(pairwise("abc", "de", "fg"))
    assert [(*row.values, len(row.marks)) for row in in_turns(zip("abc"))] == [("a", 0), ("b", 1), ("c", 0)]
    quick = [row.values for row in in_squares(product("abc", "de")) if not row.marks]
    assert quick == [("a", "d"), ("b", "e"), ("c", "d")]
