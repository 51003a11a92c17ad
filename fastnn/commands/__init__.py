"""What the commands of the command line do: each takes the parsed options and returns the exit code."""

from fastnn.commands.explaining import code, explain
from fastnn.commands.kernels import cache
from fastnn.commands.storing import store
from fastnn.commands.studying import compare, studies, tutorial
from fastnn.commands.sweeping import sweep
from fastnn.commands.training import predict, train

__all__ = [
    "cache",
    "code",
    "compare",
    "explain",
    "predict",
    "store",
    "studies",
    "sweep",
    "train",
    "tutorial",
]
