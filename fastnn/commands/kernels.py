"""``fastnn cache``: the compiled kernels on disk."""

from __future__ import annotations

from argparse import Namespace

from fastnn.engines import kernel_files
from fastnn.showing.lettering import counted
from fastnn.system.telling import give, say

__all__ = ["cache"]


def cache(options: Namespace) -> int:
    """``fastnn cache``."""
    place = kernel_files.folder()
    if place is None:
        give(f"no kernels are kept on disk: {kernel_files.VARIABLE}=0, or there is no home folder")
        return 0
    sizes = kernel_files.held().values()
    megabytes = f"{sum(sizes) / 1e6:.1f} MB"
    if options.action == "clear":
        say(f"{counted(kernel_files.clear(), 'kernel')} removed, {megabytes}, from {place}")
    else:
        give(f"{counted(len(sizes), 'kernel')}, {megabytes}, in {place}")
    problem = kernel_files.problem()
    if problem is not None:
        give(f"the folder cannot be used: {problem}\nkernels are compiled in every process")
    return 0
