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
    "report",
    "sweep",
    "train",
    "uniform",
    "warmup",
]

# Where each name comes from when it is first asked for: the import itself does without NumPy.
_HOMES = {
    "ENGINES": "fastnn.engines",
    "Dataset": "fastnn.datasets",
    "DivergenceError": "fastnn.designing",
    "InputError": "fastnn.checking",
    "MetricNote": "fastnn.metrics",
    "ModelFileError": "fastnn.checking",
    "Network": "fastnn.network",
    "ScaleWarning": "fastnn.checking",
    "SimulatedDataNote": "fastnn.insurance",
    "StoreError": "fastnn.storing",
    "Sweep": "fastnn.sweep_results",
    "Training": "fastnn.training_results",
    "code": "fastnn.planning",
    "constant": "fastnn.initial",
    "derive": "fastnn.derivation",
    "explain": "fastnn.explaining.explanation",
    "generate_train_data": "fastnn.datasets",
    "given": "fastnn.initial",
    "glorot": "fastnn.initial",
    "he": "fastnn.initial",
    "load_csv": "fastnn.loading",
    "load_insurance": "fastnn.insurance",
    "mape": "fastnn.metrics",
    "mse": "fastnn.metrics",
    "normal": "fastnn.initial",
    "open": "fastnn.storing.opening",
    "r2": "fastnn.metrics",
    "report": "fastnn.reporting.report",
    "sweep": "fastnn.sweeping",
    "train": "fastnn.training",
    "uniform": "fastnn.initial",
    "warmup": "fastnn.planning",
}

if _typing.TYPE_CHECKING:  # the same for type checkers and editors, which do not run it
    from fastnn.checking import InputError, ModelFileError, ScaleWarning
    from fastnn.datasets import Dataset, generate_train_data
    from fastnn.derivation import derive
    from fastnn.designing import DivergenceError
    from fastnn.engines import ENGINES
    from fastnn.explaining.explanation import explain
    from fastnn.initial import constant, given, glorot, he, normal, uniform
    from fastnn.insurance import SimulatedDataNote, load_insurance
    from fastnn.loading import load_csv
    from fastnn.metrics import MetricNote, mape, mse, r2
    from fastnn.network import Network
    from fastnn.planning import code, warmup
    from fastnn.reporting.report import report
    from fastnn.storing import StoreError
    from fastnn.storing.opening import open
    from fastnn.sweep_results import Sweep
    from fastnn.sweeping import sweep
    from fastnn.training import train
    from fastnn.training_results import Training
else:  # of a module with __getattr__ they would believe every name, a misspelt one too

    def __getattr__(name: str) -> _typing.Any:
        """A public name, imported and kept."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        from fastnn.floating_point import ieee
        from fastnn.forking import ONE_AT_A_TIME

        with ONE_AT_A_TIME:
            home = ieee(importlib.import_module)(_HOMES[name])  # numbers in the source are read right, too
            found = globals()[name] = getattr(home, name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
