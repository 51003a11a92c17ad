"""Ctrl-C and SIGTERM: what is finished is kept, one line is said, and no process is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


def begun(*arguments):
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "fastnn", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def offspring(process, fewest=1):
    """The processes that one has started, once there are so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = psutil.Process(process.pid).children(recursive=True)
        if len(found) >= fewest:
            return found
        time.sleep(0.05)
    raise AssertionError("no process was started")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", [0, 2])
def test_the_tutorial_ends_in_one_line_and_leaves_no_kernel(number, code, moment):
    with begun("tutorial", "--networks", "50000") as process:
        kernels = offspring(process)
        time.sleep(moment)
        # As a terminal does: to the whole group, of which a kernel is not.
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert err.splitlines()[-1] == "fastnn: interrupted"
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 3
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert alive == []
    assert list(Path().iterdir()) == []
