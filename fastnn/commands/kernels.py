"""``fastnn cache``: the compiled kernels on disk."""

from __future__ import annotations

from argparse import Namespace

from fastnn.engines import kernel_files

__all__ = ["cache"]


def cache(options: Namespace) -> int:
    """``fastnn cache``."""
    place = kernel_files.folder()
    if place is None:
        print(f"no kernels are kept on disk: {kernel_files.VARIABLE}=0, or there is no home folder")
        return 0
    sizes = kernel_files.held().values()
    megabytes = f"{sum(sizes) / 1e6:.1f} MB"
    if options.action == "clear":
        print(f"{kernel_files.clear()} kernels removed, {megabytes}, from {place}")
    else:
        print(f"{len(sizes)} kernels, {megabytes}, in {place}")
    problem = kernel_files.problem()
    if problem is not None:
        print(f"it cannot be used: {problem}", "kernels are compiled in every process", sep="\n")
    return 0
