"""How many threads a sweep takes: no more than the process may use processors."""

import os

import pytest

from fastnn.system import processors


@pytest.fixture
def cgroups(tmp_path, monkeypatch):
    """A stand-in for the system's files; returns a function that writes them."""
    monkeypatch.setattr(processors, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(processors, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("cpu_", "cpu.")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def test_affinity_alone(cgroups):
    assert processors.available_processors() == 8


@pytest.mark.parametrize(("limit", "expected"), [("max 100000", 8), ("250000 100000", 3), ("1000 100000", 1)])
def test_a_limit_of_version_2(cgroups, limit, expected):
    cgroups("0::/\n", cpu_max=limit)
    assert processors.available_processors() == expected


def test_the_tightest_of_nested_limits(cgroups):
    cgroups("0::/a/b\n", cpu_max="max 100000", a__cpu_max="200000 100000", a__b__cpu_max="500000 100000")
    assert processors.available_processors() == 2


def test_a_container_that_sees_its_own_cgroup_as_the_root(cgroups):
    cgroups("0::/elsewhere/not/mounted\n", cpu_max="400000 100000")
    assert processors.available_processors() == 4


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("150000", 2)])
def test_a_limit_of_version_1(cgroups, quota, expected):
    own = "5:cpuset:/\n4:cpu,cpuacct:/\n"
    cgroups(own, cpu__cpu_cfs_quota_us=quota, cpu__cpu_cfs_period_us="100000")
    assert processors.available_processors() == expected


@pytest.mark.parametrize("nonsense", ["", "many 100000", "1", "100000 0"])
def test_nonsense_is_no_limit(cgroups, nonsense):
    cgroups("0::/\n", cpu_max=nonsense)
    assert processors.available_processors() == 8
