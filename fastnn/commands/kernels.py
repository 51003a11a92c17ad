"""``fastnn cache`` and ``fastnn tune``: the compiled kernels on disk, and the forms that are fastest."""

from __future__ import annotations

from argparse import Namespace

from fastnn.commands.choice_options import training_of
from fastnn.commands.options import network_of
from fastnn.engines import kernel_files, tuning
from fastnn.showing.lettering import counted
from fastnn.system.telling import give, say, tell
from fastnn.training.tuned import Tuned, tuned

__all__ = ["cache", "tune"]

NOT_KEPT = f"no kernels are kept on disk: {kernel_files.VARIABLE}=0, or there is no home folder"


def cache(options: Namespace) -> int:
    """``fastnn cache``."""
    place = kernel_files.folder()
    if place is None:
        give(NOT_KEPT)
        return 0
    sizes, forms = kernel_files.held().values(), tuning.remembered()
    megabytes = f"{sum(sizes) / 1e6:.1f} MB"
    if options.action == "clear":
        also = f", and the forms found for {counted(len(forms), 'network')}" if forms else ""
        say(f"{counted(kernel_files.clear(), 'kernel')} removed, {megabytes}, from {place}{also}")
    else:
        give(f"{counted(len(sizes), 'kernel')}, {megabytes}, in {place}")
        for name, form, part in forms:
            give(f"{name}:\n  {part:.2f}  {form}")
    problem = kernel_files.problem()
    if problem is not None:
        give(f"the folder cannot be used: {problem}\nkernels are compiled in every process")
    return 0


def tune(options: Namespace) -> int:
    """``fastnn tune``."""
    network = network_of(options, options.layers or "2,2,1")
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


def _give_times(found: Tuned) -> None:
    """Print a table of forms: their times in parts of the known one's."""
    known, *_ = found.times
    lines = [found.name, "time  form"]
    for form, part in found.times.items():
        told = [*["known"] * (form == known), *["taken"] * (form == found.best)]
        lines.append(f"{part:.2f}  {form}{': ' * bool(told)}{', '.join(told)}")
    give("\n".join([*lines, ""]))
