"""The cost of a first use: importing, compiling, the first answer of a fresh process."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import fastnn
from fastnn.engines import ENGINES, load
from suite.common import SHAPES


class Import:
    """Imports in fresh processes, without the interpreter's own start."""

    repeat = 10

    def timeraw_import_fastnn(self):
        return "import fastnn"

    def timeraw_import_numpy_for_comparison(self):
        return "import numpy"


class FirstAnswer:
    """A fresh process that imports fastnn and trains one network for one epoch.

    The kernel cache on disk is switched off, empty or filled.
    """

    params = (ENGINES, ("off", "empty", "filled"))
    param_names = ("engine", "cache")
    repeat = 3

    def setup(self, engine, cache):
        self.folder = TemporaryDirectory()
        if cache == "filled":
            statement, before = self.timeraw_first_answer(engine, cache)
            subprocess.run([sys.executable, "-c", f"{before}\n{statement}"], check=True)

    def teardown(self, engine, cache):
        self.folder.cleanup()

    def timeraw_first_answer(self, engine, cache):
        kept = {
            "off": "'0'",
            "empty": f"tempfile.mkdtemp(dir={self.folder.name!r})",  # a new folder for every process
            "filled": repr(self.folder.name),
        }[cache]
        before = f"import os, tempfile; os.environ['FASTNN_CACHE'] = {kept}"
        statement = (
            "import fastnn; data = fastnn.load_insurance(simulated=True); "
            f"fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, epochs=1, engine={engine!r})"
        )
        return statement, before


class CommandLine:
    """The whole process, interpreter included."""

    number = 1
    repeat = (3, 10, 10.0)

    def setup(self):
        self.folder = TemporaryDirectory()
        self.run("sweep", "--networks", "100")  # fills the kernel cache

    def teardown(self):
        self.folder.cleanup()

    def run(self, *arguments):
        command = [sys.executable, "-m", "fastnn", *arguments]
        environment = os.environ | {"FASTNN_CACHE": str(Path(self.folder.name, "kernels"))}
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder.name, env=environment)

    def time_help(self):
        self.run("--help")

    def time_sweep_of_100(self):
        """With a filled kernel cache, over 1338 rows and 300 epochs, with its table and page."""
        self.run("sweep", "--networks", "100", "--data", "simulated")


class Compile:
    """Compiling a kernel in a process that has compiled before; nothing is kept on disk."""

    params = (ENGINES, tuple(SHAPES))
    param_names = ("engine", "shape")
    number = 1
    repeat = 3
    warmup_time = 0

    def setup(self, engine, shape):
        os.environ["FASTNN_CACHE"] = "0"
        self.kernel = load(engine).kernel
        self.kernel(fastnn.Network((1, 1)), "float64")
        load(engine).made.cache_clear()

    def time_compile(self, engine, shape):
        self.kernel(SHAPES[shape], "float64")
