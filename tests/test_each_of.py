"""Many cases as one test: all are tried, and the one that fails is named."""

import pytest
from each_of import each_of

TRIED = []


@each_of("number, word", [(1, "one"), (2, "two")])
def test_every_case_is_tried(number, word, tmp_path):
    TRIED.append((number, word))
    assert tmp_path.is_dir()
    assert TRIED[: len(TRIED)] == [(1, "one"), (2, "two")][: len(TRIED)]


@each_of("number", [(1,), (2,)])
class TestOfAClass:
    def test_fixtures_and_cases_come_together(self, number, tmp_path):
        assert number in (1, 2)
        assert tmp_path.is_dir()


def test_the_case_that_fails_is_named_and_none_at_all_fails():
    def small(number):
        assert number < 3

    each_of("number", [(1,), (2,)])(small)()
    with pytest.raises(AssertionError) as failed:
        each_of("number", [(1,), (3,), (4,)])(small)()
    assert failed.value.__notes__ == ["The case: (3,)"]
    with pytest.raises(AssertionError):
        each_of("number", [])(small)()
