"""A tiny history is measured and published, and its pages are opened in a browser: the graphs are drawn."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow  # about 30 seconds

BENCHMARK = "bench_starts.Shuffle.time_orders_of_1338_rows_for_100_epochs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1200,800"),
    "--virtual-time-budget=10000",
)
BLUE = (31, 119, 180)  # of the first line of a graph, about


class Quiet(SimpleHTTPRequestHandler):
    """A web server that keeps its log to itself."""

    def log_message(self, *arguments):
        pass


def needed(name, found):
    if not found:
        pytest.skip(f"needs {name}")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """The address of a dashboard of two commits, on loopback."""
    needed("asv: pip install asv", importlib.util.find_spec("asv"))
    needed("git", shutil.which("git"))
    needed("npm, for the libraries that asv's pages load", shutil.which("npm"))
    needed("chromium", CHROMIUM)
    folder = published(tmp_path_factory.mktemp("history"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def published(repository):
    """Two commits of this checkout, one benchmark run once on each; return the folder of the pages."""
    ignored = shutil.ignore_patterns(".asv", "__pycache__")
    for name in ("fastnn", "benchmarks", "data"):
        shutil.copytree(ROOT / name, repository / name, ignore=ignored)
    home = repository / "home"  # where asv keeps what it knows of the machine
    home.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"HOME": str(home), "PATH": path, "PYTHONPATH": str(repository)}
    environment["ASV_PYTHONPATH"] = str(repository)

    def run(*command, folder=repository):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    git = partial(run, "git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    asv = partial(run, sys.executable, "-m", "asv", folder=repository / "benchmarks")
    git("init", "--quiet", "--initial-branch=main")
    asv("machine", "--yes")
    for message in ("one", "two"):
        git("add", "fastnn", "benchmarks", "data")
        git("commit", "--quiet", "--allow-empty", "--message", message)
        commit = git("rev-parse", "HEAD")
        asv("run", "--python=same", "--quick", f"--set-commit-hash={commit}", "--bench", BENCHMARK)
    run("./dashboard.sh", folder=repository / "benchmarks")
    return repository / "benchmarks" / ".asv" / "html"


def browsed(address, folder, *options):
    """What a browser prints that opens an address, with a profile of its own."""
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *options, address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def crossed(picture):
    """How many columns of a picture (height, width, 3 or 4), 0 to 1, the first line of a graph crosses.

    The line is thin and blended with the white behind it, the more the steeper it is: what counts is its
    hue. Left of 250 and above 110 are asv's menus, which share it.
    """
    from_white, line = 1 - picture[110:, 250:, :3].astype(float), 1 - np.array(BLUE) / 255
    strength = np.linalg.norm(from_white, axis=-1)
    likeness = from_white @ line / np.maximum(strength, 1e-9) / np.linalg.norm(line)
    return int(((strength > 0.15) & (likeness > 0.97)).any(axis=0).sum())


def test_counting_columns_that_a_line_crosses():
    picture = np.ones((400, 700, 4))
    assert crossed(picture) == 0
    picture[200] = (0.5, 0.5, 0.5, 1)
    picture[50:, :240, :3] = np.array(BLUE) / 255
    assert crossed(picture) == 0
    picture[300, 260:300, :3] = 1 - 0.4 * (1 - np.array(BLUE) / 255)  # two fifths of it, blended with white
    assert crossed(picture) == 40


def test_the_pages_ask_nothing_of_the_network(dashboard, tmp_path):
    page = browsed(dashboard, tmp_path, "--dump-dom")
    assert "bench_starts" in page
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"]+)"', page)
    assert len(loaded) > 10
    assert not [address for address in loaded if "//" in address]


def test_a_graph_is_drawn(dashboard, tmp_path):
    from matplotlib.image import imread

    def seen(name):
        page = browsed(f"{dashboard}#{name}", tmp_path, "--dump-dom")
        browsed(f"{dashboard}#{name}", tmp_path, f"--screenshot={tmp_path / 'page.png'}")
        return page.count('<canvas class="flot-base"'), crossed(imread(tmp_path / "page.png"))

    canvases, columns = seen(BENCHMARK)
    assert canvases >= 1
    assert columns > 600  # from side to side
    canvases, columns = seen("bench_quality.Quality.track_networks")  # known, and never run
    assert columns < 100
