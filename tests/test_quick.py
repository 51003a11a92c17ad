"""The quick tests: which they are."""

import conftest
from conftest import QUICK_OR_SLOW, pytest_collection_modifyitems


class Item:
    """As much of a test as the rule looks at."""

    def __init__(self, nodeid, *marks):
        self.nodeid, self.marks, self.path = nodeid, set(marks), nodeid.partition("::")[0]

    def get_closest_marker(self, name):
        return name in self.marks

    def add_marker(self, name):
        self.marks.add(name)


def test_they_are_the_first_of_every_class_but_for_slow_and_long_ones():
    names = {
        "a.py::test_long": {"slow"},
        "a.py::test_one[x::y]": {"quick"},
        "a.py::test_one[z]": set(),
        "a.py::TestA::test_one": {"quick"},
        "a.py::TestA::test_two": set(),
        "a.py::TestB::test_one": {"quick"},
        "b.py::test_minutes": {"long"},
        "b.py::test_one": {"quick"},
        "c.py::test_long": {"slow"},
    }
    items = [Item(name, *marks & {"slow", "long"}) for name, marks in names.items()]
    pytest_collection_modifyitems(items)
    assert {item.nodeid: item.marks for item in items} == names


def test_every_file_that_is_collected_has_some_unless_all_of_it_is_slow(request):
    """Of the whole suite where that is run, else of this file."""
    assert {item.path for item in request.session.items} <= QUICK_OR_SLOW


def test_a_file_that_has_none_is_seen(monkeypatch):
    monkeypatch.setattr(conftest, "QUICK_OR_SLOW", set())
    items = [Item("a.py::test_minutes", "long"), Item("b.py::test_one"), Item("c.py::test_hours", "slow")]
    pytest_collection_modifyitems(items)
    assert {"b.py", "c.py"} == conftest.QUICK_OR_SLOW
