"""Commands in odd environments: the bits of an ordinary one, or a refusal in words before any work.

Each environment is one process that runs the commands one after the other; what they leave is compared with
what they leave in the ordinary environment, byte for byte.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastnn

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

# float32 near its smallest numbers, and a target that ends in subnormal numbers: where any mode shows.
PROGRAM = """
import json, sys
{before}
from fastnn.__main__ import main

common = ["--data=data.csv", "--inputs=x1,x2", "--target=y", "--epochs=4"]
small = ["--dtype=float32", "--start=normal:0,1e-21", "--networks=50"]
commands = [
    ["train", *common, "--save=model.npz"],
    ["sweep", *common, *small, "--out=swept"],
    ["sweep", *common, *small, "--store=stored", "--out=of-store"],
    ["store", "verify", "stored"],
    ["explain", "--csv=step.csv", "--out=explained.txt"],
    *([["studies", "--networks=20"]] if {studies} else []),
]
with open("codes.json", "w") as file:
    json.dump([main(command) for command in commands], file)
"""


@dataclass(frozen=True)
class Place:
    """An environment: what runs before fastnn, variables, and what the shell does with the streams."""

    before: str = ""
    variables: dict = field(default_factory=dict)
    streams: str = ""
    umask: str = "022"
    codes: tuple = (0,)
    studies: bool = False  # which take as long as all the others


def raising():
    return "import warnings, numpy\nnumpy.seterr(all='raise')\nwarnings.simplefilter('error')"


NOWHERE = {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere", "FASTNN_CACHE": None}
# What has nothing to do with each other is odd at once: each environment takes about ten seconds.
PLACES = {
    "NumPy raises, warnings are errors": Place(before=raising(), studies=True),
    "streams that are None": Place(before="sys.stdout = sys.stderr = None", codes=(0, 1)),
    "streams that know only write, optimised": Place(
        before="class Only:\n    def write(self, text): pass\nsys.stdout, sys.stderr = Only(), Only()",
        variables={"PYTHONOPTIMIZE": "2"},
    ),
    "no standard streams": Place(streams="<&- >&- 2>&-", codes=(0, 1)),
    "standard error is full, nobody else may read, decimal commas in C": Place(
        before="import locale\n"
        "for name in ('de_DE.UTF-8', 'de_DE'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name)\n"
        "    except locale.Error: pass",
        streams="2>/dev/full",
        umask="077",
    ),
    "standard output is full": Place(streams=">/dev/full", codes=(0, 1)),
    "ASCII, no home that can be written": Place(
        variables={"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C", "PYTHONUTF8": "0"}
        | {"HOME": "/proc/self", "XDG_CACHE_HOME": None, "FASTNN_CACHE": None, "MPLCONFIGDIR": None}
    ),
    "Japanese encoding, home is no folder": Place(
        variables={"PYTHONIOENCODING": "cp932", "HOME": "/dev/null", "MPLCONFIGDIR": None}
        | {"FASTNN_CACHE": None}
    ),
    "no locale, no home": Place(variables={"LC_ALL": "xx_XX.nothing", "LANG": "xx", **NOWHERE}),
    "no variables": Place(
        variables={"HOME": None, "PATH": None, "LANG": None, "TMPDIR": None, "USER": None}
        | {"XDG_CACHE_HOME": None, "FASTNN_CACHE": None}
    ),
}


def run(folder, place, more=None):
    """Run the commands in a folder of their own; return what they print."""
    folder.mkdir()
    table().to_csv(folder / "data.csv", index=False)
    changed = {"MPLBACKEND": None, **place.variables, **(more or {})}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, **{k: v for k, v in changed.items() if v is not None}}
    environment = {name: value for name, value in environment.items() if changed.get(name, "") is not None}
    (folder / "program.py").write_text(
        PROGRAM.format(before=place.before, studies=place.studies), encoding="utf-8"
    )
    line = f"umask {place.umask}; exec '{sys.executable}' program.py {place.streams}"
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, env=environment, capture_output=True, timeout=300
    )


def table():
    """Rows in their own unit, from numbers that are the same everywhere."""
    random = np.random.RandomState(0)
    x1, x2 = random.randint(0, 100, (2, 24))
    return pd.DataFrame({"x1": x1, "x2": x2, "y": x1 * 3 - x2 + random.randint(0, 9, 24)})


def left_by(folder):
    """The numbers that the commands have left, as bytes."""
    run = fastnn.Training.load(folder / "model.npz")
    swept = pd.read_parquet(folder / "swept" / "sweep.parquet")
    return {
        "codes": json.loads((folder / "codes.json").read_text()),
        "model": run.parameters.tobytes() + run.loss_curve.tobytes(),
        "swept": swept.to_numpy(object).tolist().__repr__(),
        "stored": fastnn.open(folder / "stored").table_digest(),
        "step": (folder / "step.csv").read_bytes(),
        "page": (folder / "swept" / "index.html").is_file(),
        "explained": len((folder / "explained.txt").read_text(encoding="utf-8").splitlines()),
    }


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ordinary") / "work"
    done = run(folder, Place())
    assert done.returncode == 0, done.stderr.decode()
    found = left_by(folder)
    assert found["codes"] == [0] * 5
    return found


def same(found, expected, codes=(0,)):
    """Compare what was left; a command that could not print what was asked for may say so."""
    assert set(found["codes"]) <= set(codes)
    assert {**found, "codes": 0} == {**expected, "codes": 0}


@pytest.mark.skipif(os.name != "posix", reason="closes and redirects streams as POSIX shells do")
@pytest.mark.parametrize("name", PLACES)
def test_same_bits_in_odd_environments(name, tmp_path, ordinary):
    place = PLACES[name]
    done = run(tmp_path / "work", place)
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    same(left_by(tmp_path / "work"), ordinary, place.codes)


LIBRARY = """
#include <fenv.h>
#include <xmmintrin.h>
__attribute__((constructor)) static void bend(void) { %s; }
"""

BENT = {
    "rounded up": "fesetround(FE_UPWARD)",
    "subnormals flushed, rounded down": "fesetround(FE_DOWNWARD); _mm_setcsr(_mm_getcsr() | 0x8040)",
}


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64" or shutil.which("cc") is None,
    reason="needs Linux on x86-64 and a C compiler, for a library that changes the floating-point mode",
)
@pytest.mark.parametrize("how", BENT)
def test_same_bits_beside_a_library_that_bends_arithmetic(how, tmp_path, ordinary):
    source, library = tmp_path / "bend.c", tmp_path / "bend.so"
    source.write_text(LIBRARY % BENT[how])
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True, timeout=60)
    loaded = Place(before=f"import ctypes\nctypes.CDLL({str(library)!r})")
    done = run(tmp_path / "work", loaded)
    assert done.returncode == 0, done.stderr.decode()
    same(left_by(tmp_path / "work"), ordinary)


def test_comparison_can_reject(ordinary):
    with pytest.raises(AssertionError):
        same({**ordinary, "stored": "0" * 64}, ordinary)
    with pytest.raises(AssertionError):
        same({**ordinary, "codes": [0, 1, 0, 0, 0]}, ordinary)
