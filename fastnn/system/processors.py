"""The number of processors that this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["available_processors"]

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def available_processors() -> int:
    """The number of processors that this process's affinity and cgroups allow, at least 1."""
    has_affinity = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota())))


def _quota() -> float:
    """The number of processors that this process's cgroups allow; infinite without a limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        for line in OWN_CGROUP.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":  # version 2
                return min(map(_of_version_2, _upwards(CGROUPS, path)))
            if "cpu" in controllers.split(","):
                return min(map(_of_version_1, _upwards(CGROUPS / "cpu", path)))
    return math.inf


def _upwards(root: Path, path: str) -> list[Path]:
    """A cgroup's folder and all folders above it, up to `root`; a container may mount the cgroup as root."""
    own = root / path.lstrip("/")
    return [own, *(folder for folder in own.parents if folder.is_relative_to(root))]


def _of_version_2(folder: Path) -> float:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (folder / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    return math.inf


def _of_version_1(folder: Path) -> float:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return math.inf if quota < 0 else quota / int((folder / "cpu.cfs_period_us").read_text())
    return math.inf
