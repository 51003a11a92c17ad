"""The quick tests: which they are."""

import re
import subprocess
import sys

from conftest import ROOT, pytest_collection_modifyitems


class Item:
    """As much of a test as the rule looks at."""

    def __init__(self, nodeid, *marks):
        self.nodeid, self.marks = nodeid, set(marks)

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


def test_every_file_has_some_unless_all_of_it_is_slow():
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-n", "0", "-m", "quick or slow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = set(re.findall(r"^tests/(?:\w+/)*(test_\w+)\.py::", done.stdout, re.MULTILINE))
    assert found == {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
