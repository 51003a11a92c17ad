"""The arrows of the house, read from the imports: data flow one way, engines know nothing above them."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastnn"

# A module imports, directly or through others, only what stands to the left of it.
ORDER = (
    *(("checking",), ("network",), ("expressions",), ("elementary", "derivation"), ("engines",)),
    *(("running",), ("training", "explaining"), ("storing",), ("sweeping",)),
    *(("studies",), ("reporting",), ("cli",)),
)
COMMAND_LINE = {"cli", "commands", "__main__"}
DOOR = {"__init__"}  # imports a name when it is first asked for
# Imported by the command line, by the user and by each other.
OUTERMOST = {"plotting", "reporting", "estimator", "exporting", "studies", "study_reports"}
# What an engine is printed from; `checking` reaches it through `network`.
BEHIND_ENGINES = {
    "expressions",
    "elementary",
    "network",
    "derivation",
    "folders",
    "telling",
    "floating_point",
    "forking",
}
LIBRARIES_OF_ENGINES = {"numpy", "numba", "llvmlite"}

HEAVY = {"numba", "pandas", "matplotlib", "sympy", "tqdm", "pyarrow", "distributed", "jinja2"}
LONGEST = 450

# Use the package as users do; no module imports them.
SCRIPTS = {PACKAGE / "tutorial" / "from_one_run_to_ten_thousand.py"}


def modules():
    """Every module of fastnn by its name below the package: {"engines.loop": its source}."""
    found = {}
    for path in sorted(set(PACKAGE.rglob("*.py")) - SCRIPTS):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__") or "__init__"] = path.read_text(encoding="utf-8")
    return found


def imports(source):
    """The modules that a source imports, wherever in it: {"numpy", "fastnn.core.network", ...}."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports would escape this test"
            # What is taken from a module of fastnn may itself be a module: `_known` tells.
            ours = top(node.module) == "fastnn"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if ours else {node.module}
    return found


def inner_imports(sources):
    """Which modules of fastnn each module imports; `__init__` stands for the package's own names."""
    found = {}
    for name, source in sources.items():
        inner = {module for module in imports(source) if module.partition(".")[0] == "fastnn"}
        found[name] = {_known(module.removeprefix("fastnn").lstrip("."), sources) for module in inner}
    return found


def _known(name, sources):
    """The module that a dotted name lies in: itself, or the one that holds it."""
    while name not in sources:
        name = name.rpartition(".")[0] or "__init__"
    return name


def reached(name, graph):
    """All modules that one imports, directly or through others."""
    found, waiting = set(), [name]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def top(name):
    """The part of fastnn that a module belongs to: engines, for engines.loop."""
    return name.partition(".")[0]


def places():
    """The place of each module in `ORDER`."""
    return {name: place for place, names in enumerate(ORDER) for name in names}


def offences(sources):
    """What is wrong with the imports of these modules, in words: nothing, if the arrows hold."""
    # The command line may use the package as users do; nothing else may, so that `__init__` leads nowhere.
    graph = {name: inner - {"__init__"} for name, inner in inner_imports(sources).items()}
    return [
        *_against_the_order(graph),
        *_of_engines(sources, graph),
        *_of_the_outermost(graph),
        *_of_the_package(inner_imports(sources)),
        *(f"{name} reaches itself" for name in graph if name in reached(name, graph)),
    ]


def _against_the_order(graph):
    place = places()
    return [
        f"{name} reaches {other}"
        for name in graph
        if top(name) in place
        for other in sorted(reached(name, graph))
        if top(other) in place and top(other) != top(name) and place[top(other)] >= place[top(name)]
    ]


def _of_engines(sources, graph):
    allowed = LIBRARIES_OF_ENGINES | set(sys.stdlib_module_names) | {"fastnn"}
    engines = [name for name in graph if top(name) == "engines"]
    outside = [
        f"{name} imports {module}"
        for name in engines
        for module in sorted(imports(sources[name]))
        if top(module) not in allowed
    ]
    above = [
        f"{name} imports {other}"
        for name in engines
        for other in sorted(graph[name])
        if top(other) != "engines" and other not in BEHIND_ENGINES
    ]
    return outside + above


def _of_the_outermost(graph):
    return [
        f"{name} imports {other}"
        for name, inner in graph.items()
        for other in sorted(inner)
        if top(other) in OUTERMOST and top(name) not in OUTERMOST | COMMAND_LINE | DOOR
    ]


def _of_the_package(graph):
    return [
        f"{name} imports the package's own names"
        for name, inner in graph.items()
        if "__init__" in inner and top(name) not in COMMAND_LINE
    ]


def loaded_by(statement):
    """The modules that a fresh Python has loaded after a statement."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_arrows():
    assert not offences(modules())


def test_importing_fastnn_loads_nothing_heavy():
    loaded = loaded_by("import fastnn")
    assert "fastnn" in loaded
    assert not loaded & (HEAVY | {"numpy", "importlib.metadata"})


def test_what_the_door_leads_to_is_light():
    loaded = loaded_by("from fastnn import *")
    assert "fastnn.training.train" in loaded
    assert not loaded & (HEAVY | {"importlib.metadata"})


@pytest.mark.parametrize("name", ["network", "derivation", "engines.batched"])
def test_nothing_that_prints_or_runs_numpy_needs_numba(name):
    assert not loaded_by(f"import fastnn.{name}") & HEAVY


@pytest.mark.parametrize("name", modules())
def test_module_is_short_and_says_what_it_is(name):
    source = modules()[name]
    assert len(source.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(source))


def test_every_module_in_the_order_is_named_once():
    names = [name for level in ORDER for name in level]
    assert len(set(names)) == len(names)
    assert {"checking", "network", "derivation", "engines", "running"} <= {top(name) for name in modules()}


# Made-up modules, whose arrows hold.
GOOD = {
    "__init__": "from fastnn.training.train import train",
    "checking": "import numpy",
    "network": "from fastnn.checking import InputError",
    "derivation": "from fastnn.core.network import Network",
    "metrics": "import numpy as np",
    "engines": "from fastnn.core.network import Network",
    "engines.printing": "from fastnn.core.derivation import derive",
    "engines.loop": "def kernel():\n    import numba\nfrom fastnn.engines import printing, Kernel",
    "running": "from fastnn.engines import Kernel, loop",
    "training": "from fastnn import running\nfrom fastnn.data.metrics import mse",
    "plotting": "import matplotlib\nfrom fastnn.training.train import Training",
    "plotting.tables": "from fastnn.training.train import Training",
    "plotting.curves": "from fastnn.plotting import tables",
    "reporting": "from fastnn import plotting",
    "reporting.page": "from fastnn.plotting.curves import fan",
    "cli": "import fastnn\nfrom fastnn import __version__, reporting",
}


class TestChecksCanFail:
    def test_a_good_house(self):
        assert not offences(GOOD)

    @pytest.mark.parametrize(
        ("name", "line", "offence"),
        [
            ("network", "from fastnn.core.derivation import derive", "network reaches derivation"),
            ("running", "from fastnn.training.train import train", "running reaches training"),
            ("running", "import fastnn.training.train", "running reaches training"),
            ("running", "def f():\n    from fastnn import training", "running reaches training"),
            ("metrics", "from fastnn.training.train import train", "metrics reaches itself"),
            (
                "metrics",
                "from fastnn.training.running import run\nfrom fastnn.commands.cli import main",
                "training reaches cli",
            ),
            ("engines.loop", "import pandas as pd", "engines.loop imports pandas"),
            ("engines.loop", "from matplotlib.pyplot import plot", "engines.loop imports matplotlib.pyplot"),
            ("engines.loop", "from fastnn.data.metrics import mse", "engines.loop imports metrics"),
            ("engines.loop", "from fastnn.checking import one_of", "engines.loop imports checking"),
            ("engines", "from fastnn.training.running import run", "engines imports running"),
            ("training", "from fastnn.plotting import draw", "training imports plotting"),
            ("training", "from fastnn import plotting", "training imports plotting"),
            ("training", "from fastnn.plotting import tables", "training imports plotting.tables"),
            ("plotting.tables", "from fastnn.plotting import curves", "plotting.tables reaches itself"),
            ("running", "from fastnn.reporting.page import x", "running imports reporting.page"),
            ("metrics", "def f():\n    import fastnn.reporting", "metrics imports reporting"),
            ("training", "import fastnn", "training imports the package's own names"),
            ("training", "from fastnn import __version__", "training imports the package's own names"),
        ],
    )
    def test_an_offence(self, name, line, offence):
        assert offence in offences({**GOOD, name: f"{GOOD[name]}\n{line}"})

    def test_a_relative_import(self):
        with pytest.raises(AssertionError, match="relative"):
            offences({**GOOD, "network": "from .checking import InputError"})

    def test_a_heavy_import_is_seen(self):
        assert "tqdm" in loaded_by("import tqdm")

    def test_everything_in_order_may_be_reached(self):
        chain = {later[0]: f"import fastnn.{earlier[0]}" for earlier, later in pairwise(ORDER)}
        chain["engines"] = "from fastnn.core.derivation import derive"
        assert not offences({"checking": "", "elementary": "", "derivation": "", **chain})
