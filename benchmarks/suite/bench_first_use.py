"""The cost of a first use: importing, compiling, the first answer of a fresh process."""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import fastnn
from fastnn.engines import ENGINES, load
from fastnn.engines.compiling import COMPILED
from suite.common import SHAPES
from suite.timing import steady

rounds = 4  # what a process takes differs more from one to the next than within one, on a busy machine


def run(*arguments, folder=None, **environment):
    """Run Python in a fresh process, in a folder, wait for it, and return what it printed."""
    command, environment = [sys.executable, *arguments], os.environ | environment
    return subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment).stdout


class Import:
    """Imports in fresh processes, the interpreter's own start included."""

    params = ("sys", "numpy", "fastnn")
    param_names = ("package",)
    timer = steady
    number = 1
    repeat = (5, 8, 2.0)

    def time_import(self, package):
        run("-c", f"import {package}")


class FirstAnswer:
    """A fresh process that imports fastnn and trains one network for one epoch.

    The kernel cache on disk is switched off, empty or filled.
    """

    params = (ENGINES, ("off", "empty", "filled"))
    param_names = ("engine", "cache")
    timer = steady
    number = 1
    repeat = (2, 4, 10.0)
    warmup_time = 0

    def setup(self, engine, cache):
        self.folder = TemporaryDirectory()
        self.program = (
            "import fastnn; data = fastnn.load_insurance(simulated=True); "
            f"fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, epochs=1, engine={engine!r})"
        )
        self.kept = "0" if cache == "off" else self.folder.name
        if cache == "filled":
            run("-c", self.program, FASTNN_CACHE=self.kept)

    def teardown(self, engine, cache):
        self.folder.cleanup()

    def time_first_answer(self, engine, cache):
        run("-c", self.program, FASTNN_CACHE=self.kept)


class NeverMet:
    """A network of a shape never met, in a process that has trained another. General kernels are on disk."""

    unit = "seconds"
    program = """
from time import thread_time
import fastnn, numpy
from suite.timing import SteadyClock
X, Y = numpy.random.default_rng(0).random((2, 100, 3))
fastnn.train(fastnn.Network((2, 2, 1)), X[:, :2], Y[:, :1])
clock = SteadyClock(thread_time)
began = clock()
fastnn.train(fastnn.Network((3, 5, 4, 2)), X, Y[:, :2])
print(clock() - began)
"""

    def setup(self):
        self.folder = TemporaryDirectory()
        run("-c", "import fastnn; fastnn.warmup(fastnn.Network((2, 2, 1)))", FASTNN_CACHE=self.folder.name)

    def teardown(self):
        self.folder.cleanup()

    def track_train(self):
        """The median of nine processes; what is compiled beside, in another thread, does not count."""
        suite = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [suite, os.environ.get("PYTHONPATH")]))
        told = [run("-c", self.program, FASTNN_CACHE=self.folder.name, PYTHONPATH=path) for _ in range(9)]
        return statistics.median(map(float, told))


class CommandLine:
    """The whole process, interpreter included."""

    timer = steady
    number = 1
    repeat = (2, 8, 4.0)

    def setup_cache(self):
        """Fill the kernel cache, in the folder that asv makes for this and removes."""
        kernels = str(Path("kernels").resolve())
        self.setup(kernels)
        self.time_sweep_of_100(kernels)
        self.teardown(kernels)
        return kernels

    def setup(self, kernels):
        self.folder = TemporaryDirectory()

    def teardown(self, kernels):
        self.folder.cleanup()

    def time_help(self, kernels):
        run("-m", "fastnn", "--help", folder=self.folder.name, FASTNN_CACHE=kernels)

    def time_sweep_of_100(self, kernels):
        """With a filled kernel cache, over 1338 rows and 300 epochs, with its table and page."""
        command = ("sweep", "--networks", "100", "--data", "simulated")
        run("-m", "fastnn", *command, folder=self.folder.name, FASTNN_CACHE=kernels)


class Compile:
    """Compiling a kernel in a process that has compiled before; nothing is kept on disk."""

    params = (ENGINES, tuple(SHAPES))
    param_names = ("engine", "shape")
    timer = steady
    number = 1
    repeat = 3
    warmup_time = 0

    def setup(self, engine, shape):
        os.environ["FASTNN_CACHE"] = "0"
        self.kernel = load(engine).kernel
        self.kernel(fastnn.Network((1, 1)), "float64")
        if not COMPILED:
            raise NotImplementedError(f"{engine} compiles nothing")
        load(engine).made.cache_clear()
        COMPILED.clear()

    def time_compile(self, engine, shape):
        self.kernel(SHAPES[shape], "float64")
        assert COMPILED
