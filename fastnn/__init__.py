"""Train very small neural networks very fast on a CPU: one of them, or ten million in a sweep."""

import typing as _typing

from fastnn.version import __version__ as __version__

__all__ = [
    "ENGINES",
    "Dataset",
    "DivergenceError",
    "InputError",
    "MetricNote",
    "ModelFileError",
    "Network",
    "ScaleWarning",
    "SimulatedDataNote",
    "StoreError",
    "Sweep",
    "Training",
    "accuracy",
    "code",
    "confusion_matrix",
    "constant",
    "derive",
    "explain",
    "f1",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "generate_train_data",
    "given",
    "glorot",
    "he",
    "load_csv",
    "load_insurance",
    "log_loss",
    "losses",
    "mape",
    "mse",
    "normal",
    "open",
    "optimizers",
    "r2",
    "report",
    "schedules",
    "sweep",
    "to_keras",
    "to_sklearn",
    "to_torch",
    "train",
    "uniform",
    "warmup",
]

# The module of each name, imported at the name's first use: `import fastnn` alone does not import NumPy.
_HOMES = {
    "ENGINES": "fastnn.engines",
    "Dataset": "fastnn.data.datasets",
    "DivergenceError": "fastnn.sweeping.design",
    "InputError": "fastnn.checking",
    "MetricNote": "fastnn.data.metrics",
    "ModelFileError": "fastnn.checking",
    "Network": "fastnn.core.network",
    "ScaleWarning": "fastnn.checking",
    "SimulatedDataNote": "fastnn.data.insurance",
    "StoreError": "fastnn.sweeping.store",
    "Sweep": "fastnn.sweeping.results",
    "Training": "fastnn.training.result",
    "accuracy": "fastnn.data.class_metrics",
    "code": "fastnn.training.plan",
    "confusion_matrix": "fastnn.data.class_metrics",
    "constant": "fastnn.training.starts",
    "derive": "fastnn.core.derivation",
    "explain": "fastnn.explaining.explanation",
    "f1": "fastnn.data.class_metrics",
    "from_keras": "fastnn.models.keras",
    "from_sklearn": "fastnn.models.sklearn",
    "from_torch": "fastnn.models.torch",
    "generate_train_data": "fastnn.data.datasets",
    "given": "fastnn.training.starts",
    "glorot": "fastnn.training.starts",
    "he": "fastnn.training.starts",
    "load_csv": "fastnn.data.loading",
    "load_insurance": "fastnn.data.insurance",
    "log_loss": "fastnn.data.class_metrics",
    "mape": "fastnn.data.metrics",
    "mse": "fastnn.data.metrics",
    "normal": "fastnn.training.starts",
    "open": "fastnn.sweeping.store.opening",
    "losses": "fastnn.core.losses",
    "optimizers": "fastnn.core.optimizers",
    "r2": "fastnn.data.metrics",
    "report": "fastnn.reporting.report",
    "schedules": "fastnn.core.schedules",
    "sweep": "fastnn.sweeping.sweep",
    "to_keras": "fastnn.models.keras",
    "to_sklearn": "fastnn.models.sklearn",
    "to_torch": "fastnn.models.torch",
    "train": "fastnn.training.train",
    "uniform": "fastnn.training.starts",
    "warmup": "fastnn.training.plan",
}

if _typing.TYPE_CHECKING:  # the same names for type checkers and editors, which do not run __getattr__
    from fastnn.checking import InputError, ModelFileError, ScaleWarning
    from fastnn.core import losses, optimizers, schedules
    from fastnn.core.derivation import derive
    from fastnn.core.network import Network
    from fastnn.data.class_metrics import accuracy, confusion_matrix, f1, log_loss
    from fastnn.data.datasets import Dataset, generate_train_data
    from fastnn.data.insurance import SimulatedDataNote, load_insurance
    from fastnn.data.loading import load_csv
    from fastnn.data.metrics import MetricNote, mape, mse, r2
    from fastnn.engines import ENGINES
    from fastnn.explaining.explanation import explain
    from fastnn.models.keras import from_keras, to_keras
    from fastnn.models.sklearn import from_sklearn, to_sklearn
    from fastnn.models.torch import from_torch, to_torch
    from fastnn.reporting.report import report
    from fastnn.sweeping.design import DivergenceError
    from fastnn.sweeping.results import Sweep
    from fastnn.sweeping.store import StoreError
    from fastnn.sweeping.store.opening import open
    from fastnn.sweeping.sweep import sweep
    from fastnn.training.plan import code, warmup
    from fastnn.training.result import Training
    from fastnn.training.starts import constant, given, glorot, he, normal, uniform
    from fastnn.training.train import train
else:  # if type checkers saw __getattr__, they would accept every name, even a misspelt one

    def __getattr__(name: str) -> _typing.Any:
        """Import a public name and keep it in the module."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        from fastnn.system.floating_point import ieee
        from fastnn.system.forking import ONE_AT_A_TIME

        with ONE_AT_A_TIME:
            home = ieee(importlib.import_module)(_HOMES[name])  # Python also reads a source's numbers exactly
            found = globals()[name] = getattr(home, name, home)  # `losses` and its like are modules
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
