"""Peak memory of whole processes."""

import subprocess
import sys

import fastnn
from suite.common import CLASSROOM, insurance

# Linux keeps ru_maxrss across fork and exec, so a child would report its parent's peak; VmHWM begins anew.
PRINT_PEAK = """
import sys
if sys.platform == "linux":
    status = open("/proc/self/status").read().split("VmHWM:")[1]
    print(int(status.split()[0]) * 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_of(program):
    """The peak memory, in bytes, of a fresh process that runs a program; on Linux and macOS only."""
    command = [sys.executable, "-c", program + PRINT_PEAK]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


class Import:
    """A process that only imports a package."""

    params = ("sys", "numpy", "fastnn")
    param_names = ("package",)
    unit = "bytes"

    def track_peak(self, package):
        return peak_of(f"import {package}")


class Sweep:
    """A sweep and its table, with asv's own memory: only the slope over networks matters."""

    params = (1000, 100_000, 1_000_000)
    param_names = ("networks",)

    def setup(self, networks):
        self.data = insurance()

    def peakmem_sweep_and_frame(self, networks):
        swept = fastnn.sweep(
            CLASSROOM, self.data.X, self.data.y, networks=networks, rows=10, epochs=2, progress=False
        )
        assert len(swept.frame()) == networks
