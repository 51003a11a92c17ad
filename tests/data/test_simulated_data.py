"""The stand-in is what its generator writes, close to the published table, and copies no row of it."""

import csv
import importlib.util
import re
import subprocess
import sys

import pytest
from conftest import ROOT

CLOSE = 0.05
"""Every compared property of the stand-in lies within this fraction of the published table's."""


def script(name):
    """Import a script of data/ without running it."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, ROOT / "data" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def simulate():
    return script("simulate_insurance")


@pytest.fixture(scope="module")
def compare(simulate):
    return script("compare_insurance")


@pytest.fixture(scope="module")
def stand_in(compare, simulate):
    """All compared properties of the stand-in; about 3 s, for its 512 networks."""
    return compare.measured(simulate.TARGET)


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_in_common(left, right):
    """The rows that two tables share, however their numbers are written; charges are not compared."""

    def keys(rows):
        return {
            (int(r["age"]), r["sex"], round(float(r["bmi"]), 3), int(r["children"]), r["smoker"], r["region"])
            for r in rows
        }

    return keys(left) & keys(right)


def far(properties, others):
    """The names of properties that differ by more than CLOSE."""
    return [name for name, value in properties.items() if not abs(others[name] - value) <= CLOSE * abs(value)]


def test_the_checks_can_reject(simulate):
    rows = table(simulate.TARGET)
    assert rows_in_common(rows, [dict(rows[7], bmi=rows[7]["bmi"] + "0", charges="1")])
    assert not rows_in_common(rows[:1], [dict(rows[0], age="99")])
    assert far({"a": 1.0, "b": -1.0}, {"a": 1.06, "b": -1.0}) == ["a"]
    assert far({"a": 1.0}, {"a": float("nan")}) == ["a"]


def test_the_file_is_what_the_generator_writes(simulate):
    content = simulate.TARGET.read_bytes()
    assert content == simulate.csv_text(simulate.table()).encode("ascii")
    assert content != simulate.csv_text(simulate.table(seed=1)).encode("ascii")
    assert b"\r" not in content


def test_the_script_rewrites_the_file(simulate, tmp_path):
    copy = tmp_path / "simulate_insurance.py"
    copy.write_bytes((ROOT / "data" / "simulate_insurance.py").read_bytes())
    subprocess.run([sys.executable, copy], check=True, capture_output=True)
    assert (tmp_path / "insurance_simulated.csv").read_bytes() == simulate.TARGET.read_bytes()


def test_the_file_looks_like_the_published_one(simulate):
    lines = simulate.TARGET.read_text(encoding="ascii").splitlines()
    assert lines[0] == "age,sex,bmi,children,smoker,region,charges"
    assert len(lines) == 1339
    row = re.compile(
        r"(1[89]|[2-5]\d|6[0-4]),(fe)?male,\d\d(\.\d{1,3})?,[0-5],(yes|no),(north|south)(east|west),\d+(\.\d{1,6})?"
    )
    assert [line for line in lines[1:] if not row.fullmatch(line)] == []
    assert 240 <= sum(",yes," in line for line in lines) <= 310


@pytest.mark.slow
def test_the_readme_s_figures_of_the_stand_in_are_measured(stand_in):
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name, value in stand_in.items():
        assert re.search(rf"\| {re.escape(name)} \| [^|]+ \| {value:.5g} \|", readme), name


@pytest.mark.slow
def test_the_readme_s_table_is_measured_and_everything_is_close(compare, stand_in, real_insurance):
    published = compare.measured(real_insurance)
    assert far(published, stand_in) == []
    assert compare.markdown(published, stand_in) in (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_no_row_is_copied(simulate, real_insurance):
    assert rows_in_common(table(simulate.TARGET), table(real_insurance)) == set()
