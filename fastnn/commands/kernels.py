"""``fastnn cache``, ``warmup`` and ``tune``: the compiled kernels on disk, and the forms that are fastest."""

from __future__ import annotations

from argparse import Namespace

import fastnn
from fastnn.commands.choice_options import training_of
from fastnn.commands.options import network_of
from fastnn.engines import kernel_files, tuning
from fastnn.showing.lettering import counted
from fastnn.system.telling import give, say, tell
from fastnn.training.tuned import Tuned, tuned

__all__ = ["cache", "tune", "warmup"]

NOT_KEPT = f"no kernels are kept on disk: {kernel_files.VARIABLE}=0, or there is no home folder"


def cache(options: Namespace) -> int:
    """``fastnn cache``."""
    place = kernel_files.folder()
    if place is None:
        give(NOT_KEPT)
        return 0
    forms = tuning.remembered()
    if options.action == "clear":
        also = f", and the forms found for {counted(len(forms), 'network')}" if forms else ""
        megabytes = _megabytes()
        say(f"{counted(kernel_files.clear(), 'kernel')} removed, {megabytes}, from {place}{also}")
    else:
        _give_number()
        for name, form, part in forms:
            give(f"{name}:\n  {part:.2f}  {form}")
    _give_problem()
    return 0


def warmup(options: Namespace) -> int:
    """``fastnn warmup``."""
    network = network_of(options, "2,2,1")
    how = {"weighted": options.weighted, **training_of(options)}
    fastnn.warmup(network, options.engine, options.dtype, **how)
    if kernel_files.folder() is None:
        give(NOT_KEPT)
    else:
        _give_number()
        _give_problem()
    return 0


def tune(options: Namespace) -> int:
    """``fastnn tune``."""
    network = network_of(options, "2,2,1")
    for found in tuned(network, options.dtype, weighted=options.weighted, **training_of(options)):
        if isinstance(found, Tuned):
            _give_times(found)
        else:
            tell(found)
    if kernel_files.folder() is None or kernel_files.problem() is not None:
        give(f"nothing is remembered: {kernel_files.problem() or NOT_KEPT}")
    if not tuning.is_on():
        give(f"the known forms are taken, whatever was found: {tuning.VARIABLE}=0")
    return 0


def _give_number() -> None:
    """Print how many kernels are kept, and where."""
    give(f"{counted(len(kernel_files.held()), 'kernel')}, {_megabytes()}, in {kernel_files.folder()}")


def _megabytes() -> str:
    return f"{sum(kernel_files.held().values()) / 1e6:.1f} MB"


def _give_problem() -> None:
    """Print why kernels cannot be kept, if anything stands in the way."""
    problem = kernel_files.problem()
    if problem is not None:
        give(f"the folder cannot be used: {problem}\nkernels are compiled in every process")


def _give_times(found: Tuned) -> None:
    """Print a table of forms: their times in parts of the known one's."""
    known, *_ = found.times
    lines = [found.name, "time  form"]
    for form, part in found.times.items():
        told = [*["known"] * (form == known), *["taken"] * (form == found.best)]
        lines.append(f"{part:.2f}  {form}{': ' * bool(told)}{', '.join(told)}")
    give("\n".join([*lines, ""]))
