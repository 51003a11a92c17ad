"""Fixtures that several test files share."""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
QUICK_OR_SLOW: set[Path] = set()  # files with a test of either kind, of those that this run has collected
NAMED = os.environ.get("FASTNN_DATA")  # as the test run was started; tests change it

# A test run keeps its kernels in a new folder, which its workers and the processes that tests start share.
if "PYTEST_XDIST_WORKER" not in os.environ:
    KERNELS = tempfile.TemporaryDirectory(prefix="fastnn-kernels-")
    os.environ["FASTNN_CACHE"] = KERNELS.name

os.environ["FASTNN_TUNE"] = "0"  # the same forms in every run; tests of tuning switch it on

# While tests are collected, the bytecode of what they import is kept, also where the environment says that
# none is: to compile it anew is half of collecting, and a fourth of each process that a test starts.
KEEPS_NONE = sys.dont_write_bytecode
sys.dont_write_bytecode = False

# A shell lets what it runs in the background ignore Ctrl-C, and so would the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("fastnn", deadline=None, derandomize=True)
settings.load_profile("fastnn")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what collecting made: thousands of tests, all of which stay."""
    sys.dont_write_bytecode = KEEPS_NONE
    gc.freeze()
    # For Numba, which makes many objects and keeps them: a tenth of its time.
    gc.set_threshold(20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as quick, in every file, the first test of each class and the first outside.

    Slow ones are left out, and those that are marked as long: they take more than a second or two each.
    """
    begun = set()
    for item in items:
        group = item.nodeid.partition("[")[0].rpartition("::")[0]
        if group not in begun and not (item.get_closest_marker("slow") or item.get_closest_marker("long")):
            begun.add(group)
            item.add_marker("quick")
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("quick"):
            QUICK_OR_SLOW.add(item.path)


@pytest.fixture
def real_insurance() -> Path:
    """The published insurance.csv, where FASTNN_DATA or ../shared has it; else the test is skipped."""
    named = Path(NAMED or ROOT.parent / "shared")
    path = named / "insurance.csv" if named.is_dir() else named
    if not path.is_file():
        pytest.skip("needs the published insurance.csv: set FASTNN_DATA to it or to its folder")
    return path


@pytest.fixture
def published_sets() -> Path:
    """The folder of the Proben1 sets, where FASTNN_DATA or ../shared has it; else the test is skipped."""
    folder = Path(NAMED or ROOT.parent / "shared") / "tables" / "proben1"
    if not folder.is_dir():
        pytest.skip("needs tables/proben1, which does not come with fastnn: set FASTNN_DATA to its folder")
    return folder


@pytest.fixture(scope="module")
def compiling_nothing_unusual() -> Iterator[None]:
    """For files that train on few rows by many rules: compiling a kernel for each takes up to 2 s."""
    from uncompiled import compile_nothing_unusual

    with pytest.MonkeyPatch.context() as patch:
        compile_nothing_unusual(patch.setattr)
        yield


@pytest.fixture
def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that do not ask about the page of a sweep, which takes 2 s: pages cannot be made."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of pages empty: drawing them takes 1 to 4 s a page."""
    from undrawn import leave_undrawn

    leave_undrawn(monkeypatch.setattr)


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the pictures of pages drawn as SVG alone, without layout: half the time."""
    from undrawn import leave_sketched

    leave_sketched(monkeypatch.setattr)


@pytest.fixture(autouse=True)
def no_figure_stays() -> Iterator[None]:
    """What a test draws through pyplot is closed after it: matplotlib warns of many that are open."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    """A headless Chromium, one for all tests; without Chromium they are skipped."""
    if browser.CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH, and not Windows")
    opened = browser.Page(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()
