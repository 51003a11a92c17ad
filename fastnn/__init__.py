"""Train very small neural networks very fast on a CPU: one of them, or ten million in a sweep."""

import typing as _typing

from fastnn.checking import InputError, ModelFileError
from fastnn.datasets import Dataset, generate_train_data, load_csv
from fastnn.derivation import derive
from fastnn.designing import DivergenceError
from fastnn.engines import ENGINES
from fastnn.initial import constant, given, glorot, he, normal, uniform
from fastnn.insurance import SimulatedDataNote, load_insurance
from fastnn.metrics import mape, mse, r2
from fastnn.network import Network
from fastnn.planning import code, warmup
from fastnn.storing import StoreError
from fastnn.storing.opening import open
from fastnn.sweep_results import Sweep
from fastnn.sweeping import sweep
from fastnn.training import Training, train
from fastnn.version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from fastnn.explaining.explanation import explain

__all__ = [
    "ENGINES",
    "Dataset",
    "DivergenceError",
    "InputError",
    "ModelFileError",
    "Network",
    "SimulatedDataNote",
    "StoreError",
    "Sweep",
    "Training",
    "code",
    "constant",
    "derive",
    "explain",
    "generate_train_data",
    "given",
    "glorot",
    "he",
    "load_csv",
    "load_insurance",
    "mape",
    "mse",
    "normal",
    "open",
    "r2",
    "sweep",
    "train",
    "uniform",
    "warmup",
]


def __getattr__(name: str) -> _typing.Any:
    """`explain` when it is first asked for: without it the import takes 0.88 of the time."""
    if name != "explain":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastnn.explaining.explanation import explain

    globals()[name] = explain
    return explain


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
