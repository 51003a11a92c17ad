"""The arrows of the house, read from the imports: data flow one way, engines know nothing above them."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from each_of import each_of

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastnn"

# The rooms of the house on their floors: a module imports from its own room and from floors to the left.
FLOORS = (
    *(("version", "checking"), ("showing",), ("system",), ("files", "core"), ("printing", "data")),
    *(("engines", "models", "pages"), ("training",), ("sweeping", "explaining"), ("comparing", "plotting")),
    *(("studies",), ("reporting", "tutorial", "guide", "sklearn"), ("commands",)),
)
DOOR = {"__init__", "__main__"}  # import from any floor; nothing but the command line imports them
AT_THE_ROOT = {"__init__", "__main__", "version", "checking", "files"}
# Which libraries are known in which rooms and modules alone.
KNOWN_IN = {
    "numba": ("engines",),
    "llvmlite": ("engines",),
    "keras": ("models", "comparing"),
    "sklearn": ("sklearn", "models"),
    "torch": ("models", "comparing"),
    "scipy": ("sklearn",),
    "pyarrow": ("sweeping.store.parquet", "data.reading.tables"),
    "platformdirs": ("system.folders",),
    "sympy": ("explaining.algebra", "explaining.fused_definitions", "explaining.proving"),
    "pdoc": ("guide",),
    "matplotlib": ("plotting", "reporting", "tutorial"),
}
CALLS_KERNELS = {"training", "engines"}  # import `engines.self_check`, which hands out kernels

HEAVY = {"numba", "pandas", "matplotlib", "sympy", "tqdm", "pyarrow", "distributed", "platformdirs"}
LONGEST = 400

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
            ours = room(node.module) == "fastnn"
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


def room(name):
    """The room that a module is in: engines, for engines.loop."""
    return name.partition(".")[0]


def floors():
    """The floor of each room."""
    return {name: floor for floor, names in enumerate(FLOORS) for name in names}


def offences(sources):
    """What is wrong with the imports of these modules, in words: nothing, if the arrows hold."""
    inner = inner_imports(sources)
    # The command line may use the package as users do; nothing else may, so that `__init__` leads nowhere.
    graph = {name: found - {"__init__"} for name, found in inner.items()}
    return [
        *_upwards(graph),
        *_of_libraries(sources),
        *_of_kernels(graph),
        *_of_the_package(inner),
        *(f"{name} reaches itself" for name in graph if name in reached(name, graph)),
    ]


def _upwards(graph):
    floor = floors()
    unknown = [f"{name} is in no room" for name in graph if room(name) not in floor.keys() | DOOR]
    return unknown + [
        f"{name} imports {other}"
        for name, inner in graph.items()
        if room(name) in floor
        for other in sorted(inner)
        if room(other) != room(name) and floor.get(room(other), len(FLOORS)) >= floor[room(name)]
    ]


def _of_libraries(sources):
    return [
        f"{name} imports {library}"
        for name, source in sources.items()
        for library in sorted({room(module) for module in imports(source)} & KNOWN_IN.keys())
        if not any(name == place or name.startswith(f"{place}.") for place in KNOWN_IN[library])
    ]


def _of_kernels(graph):
    return [
        f"{name} imports engines.self_check"
        for name, inner in graph.items()
        if "engines.self_check" in inner and room(name) not in CALLS_KERNELS
    ]


def _of_the_package(graph):
    return [
        f"{name} imports the package's own names"
        for name, inner in graph.items()
        if "__init__" in inner and room(name) not in {"commands", "__main__"}
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


def test_nothing_that_prints_or_runs_numpy_needs_numba():
    names = ["core.network", "core.derivation", "engines.batched"]
    assert not loaded_by(f"import {', '.join(f'fastnn.{name}' for name in names)}") & HEAVY


@each_of("name, source", modules().items(), told=lambda case: case[0])
def test_module_is_short_and_says_what_it_is(name, source):
    assert len(source.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(source))


def test_the_root_holds_the_door_and_what_every_room_uses():
    assert {name for name in modules() if "." not in name and not (PACKAGE / name).is_dir()} == AT_THE_ROOT


def test_every_room_is_on_one_floor_and_says_what_it_is_for():
    names = [name for floor in FLOORS for name in floor]
    assert len(set(names)) == len(names)
    assert set(names) == {room(name) for name in modules()} - DOOR


def test_tests_have_the_rooms_of_the_package():
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert all((PACKAGE / folder).is_dir() for folder in folders)


# Made-up modules, whose arrows hold.
GOOD = {
    "__init__": "from fastnn.training.train import train",
    "checking": "import numpy",
    "core.network": "from fastnn.checking import InputError",
    "core.derivation": "from fastnn.core.network import Network",
    "data.metrics": "import numpy as np\nimport pandas as pd",
    "printing.infix": "from fastnn.core.derivation import derive",
    "engines": "from fastnn.core.network import Network",
    "engines.loop": "def kernel():\n    import numba\nfrom fastnn.printing import infix",
    "engines.self_check": "from fastnn.engines import loop",
    "training": "",
    "training.running": "from fastnn.engines import Kernel, loop, self_check",
    "training.train": "from fastnn.training import running\nfrom fastnn.data.metrics import mse",
    "sweeping.store.parquet": "import pyarrow",
    "sweeping.sweep": "from fastnn.sweeping.store import parquet",
    "plotting": "import matplotlib\nfrom fastnn.training.train import train",
    "plotting.tables": "from fastnn.training.train import train",
    "plotting.curves": "from fastnn.plotting import tables",
    "reporting": "from fastnn import plotting",
    "reporting.page": "from fastnn.plotting.curves import fan",
    "commands": "import fastnn\nfrom fastnn import __version__, reporting",
}


class TestChecksCanFail:
    def test_a_good_house(self):
        assert not offences(GOOD)

    @pytest.mark.parametrize(
        ("name", "line", "offence"),
        [
            ("core.network", "from fastnn.core.derivation import derive", "core.network reaches itself"),
            ("core.network", "from fastnn.data.metrics import mse", "core.network imports data.metrics"),
            ("printing.infix", "from fastnn.data.metrics import mse", "printing.infix imports data.metrics"),
            ("printing.infix", "import fastnn.data.metrics", "printing.infix imports data.metrics"),
            (
                "training.running",
                "from fastnn.training.train import train",
                "training.running reaches itself",
            ),
            (
                "data.metrics",
                "def f():\n    import fastnn.training",
                "data.metrics imports training",
            ),
            ("data.metrics", "from fastnn.commands import main", "data.metrics imports commands"),
            (
                "engines.loop",
                "from fastnn.training.running import run",
                "engines.loop imports training.running",
            ),
            ("training.train", "from fastnn.plotting import draw", "training.train imports plotting"),
            ("training.train", "from fastnn import plotting", "training.train imports plotting"),
            ("plotting.tables", "from fastnn.plotting import curves", "plotting.tables reaches itself"),
            ("training.train", "import numba", "training.train imports numba"),
            ("training.train", "from numba.core import types", "training.train imports numba"),
            ("sweeping.sweep", "import pyarrow.parquet", "sweeping.sweep imports pyarrow"),
            (
                "sweeping.sweep",
                "from fastnn.engines import self_check",
                "sweeping.sweep imports engines.self_check",
            ),
            ("data.metrics", "import keras", "data.metrics imports keras"),
            ("commands", "import pyarrow.parquet", "commands imports pyarrow"),
            ("training.train", "import fastnn", "training.train imports the package's own names"),
            (
                "training.train",
                "from fastnn import __version__",
                "training.train imports the package's own names",
            ),
        ],
    )
    def test_an_offence(self, name, line, offence):
        assert offence in offences({**GOOD, name: f"{GOOD[name]}\n{line}"})

    def test_a_module_outside_the_rooms(self):
        assert "attic is in no room" in offences({**GOOD, "attic": ""})

    def test_a_relative_import(self):
        with pytest.raises(AssertionError, match="relative"):
            offences({**GOOD, "core.network": "from .checking import InputError"})

    def test_a_heavy_import_is_seen(self):
        assert "tqdm" in loaded_by("import tqdm")

    def test_everything_below_may_be_reached(self):
        chain = {later[0]: f"import fastnn.{earlier[0]}" for earlier, later in pairwise(FLOORS)}
        assert not offences({"version": "", **chain})
