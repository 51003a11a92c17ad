"""What the first use costs: importing, compiling, the first answer of a fresh process."""

import subprocess
import sys
from importlib.util import find_spec

import fastnn
from fastnn.engines import ENGINES, load
from suite.common import SHAPES


class Import:
    """Fresh processes, without the interpreter's own start."""

    repeat = 10

    def timeraw_import_fastnn(self):
        return "import fastnn"

    def timeraw_import_numpy_for_comparison(self):
        return "import numpy"


class FirstAnswer:
    """A fresh process imports fastnn and trains one network for one epoch; nothing is kept on disk."""

    params = ENGINES
    param_names = ("engine",)
    env = {"FASTNN_CACHE": "0"}  # noqa: RUF012 - read by asv
    repeat = 3

    def timeraw_first_answer(self, engine):
        return f"""
        import fastnn
        data = fastnn.load_insurance(simulated=True)
        fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, epochs=1, engine="{engine}")
        """


class CommandLine:
    """The whole process, interpreter included."""

    number = 1
    repeat = 10

    def setup(self):
        if find_spec("fastnn.__main__") is None:
            raise NotImplementedError("fastnn has no command line yet")

    def time_help(self):
        subprocess.run([sys.executable, "-m", "fastnn", "--help"], check=True, stdout=subprocess.DEVNULL)


class Compile:
    """A kernel from its network, in a process that has compiled before."""

    params = (ENGINES, tuple(SHAPES))
    param_names = ("engine", "shape")
    number = 1
    repeat = 3
    warmup_time = 0

    def setup(self, engine, shape):
        self.kernel = load(engine).kernel
        self.kernel(fastnn.Network((1, 1)), "float64")
        self.kernel.cache_clear()

    def time_compile(self, engine, shape):
        self.kernel(SHAPES[shape], "float64")
