"""The choice among forms by the clock: some are timed on a small job, and how they did is remembered.

All forms give the same bits, so nothing but time hangs on the choice. Trials are kept beside the compiled
kernels, under the same checks, and named by all that they depend on. Any doubt, and they were never made.

``FASTNN_TUNE=0`` switches it off: the form known for a network is taken, and none is tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from math import inf
from pkgutil import get_data
from statistics import median
from time import get_clock_info, perf_counter, sleep, thread_time
from typing import NamedTuple

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import Kernel, kernel_files, lanes
from fastnn.engines.compiling import forget_file, is_compiled
from fastnn.engines.form import Form
from fastnn.engines.forms import forms
from fastnn.engines.self_check import checked_kernel, example
from fastnn.engines.watching import looks
from fastnn.system.floating_point import ieee
from fastnn.version import __version__

__all__ = ["VARIABLE", "Trial", "best_form", "in_words", "is_on", "remembered", "trials", "tune"]

VARIABLE = "FASTNN_TUNE"

FASTER = 0.97  # of the known form's time: with more, that is kept
ROUNDS = 9  # of which the median counts
NETWORKS, ROWS, CALL_SECONDS = 512, 128, 3e-3  # of the small job; the first and the last are the least
PARTS_OF_WORTH = 100  # trials are worth a hundredth of what is left to do
COMPILE_SECONDS, MOST_COMPILE_SECONDS = 0.1, 3.0  # to compile a kernel: for each parameter, and at most
LOOKS, LOOK_SECONDS = 40, 0.5  # for the trials of another process

# What is printed, besides the equations, depends on these modules.
MODULES = {
    "fastnn.engines": ("form", "forms", "traits", "straight_lines", "kept_groups", "unit_loops", "tiles"),
    "fastnn.printing": (
        *("infix", "scalars", "vectors", "softmax", "layer_by_layer", "outputs_along"),
        *("rows_together", "updates_with_rows"),
    ),
}

Times = dict[str, float]  # of forms, by name, in parts of the known one's

_KNOWN: dict[tuple[str | None, str], Times] = {}  # what was read or found in this process


class Trial(NamedTuple):
    """Forms to be tried once more than `worth` seconds of work are left.

    `run`, given a function that tells whether anybody still waits, returns the best form of all tried so far.
    """

    worth: float
    run: Callable[[Callable[[], bool]], Form]


def is_on() -> bool:
    """Whether forms may be tried, and what was found be used."""
    return os.environ.get(VARIABLE, "").strip() != "0"


def best_form(network: Network, dtype: str, rule: Rule) -> Form:
    """The best form of those tried before, on this machine; the known form if none was."""
    rule = rule.unwatched
    return _best(_candidates(network, dtype, rule), _times(network, dtype, rule) if is_on() else {})


def trials(network: Network, dtype: str, rule: Rule) -> Iterator[Trial]:
    """What a long training may try while it goes on: first the most promising form, then all others."""
    if not is_on() or looks(rule) or not network.n_inputs:
        return
    _, *others = _candidates(network, dtype, rule)
    seconds = min(COMPILE_SECONDS * network.n_parameters, MOST_COMPILE_SECONDS)
    before = _times(network, dtype, rule)
    for some in (others[:1], others):
        missing = [form for form in some if str(form) not in before]
        if missing:
            yield Trial(PARTS_OF_WORTH * seconds * len(missing), _trial(network, dtype, rule, missing))


def remembered() -> list[tuple[str, str, float]]:
    """What was tuned, in words; its best form, and that one's time in parts of the known one's."""
    found = []
    for path in kernel_files.held(kernel_files.TRIALS):
        content = kernel_files.read(path.stem, kernel_files.TRIALS)
        with suppress(ValueError, TypeError, KeyError):
            record = json.loads(content or b"")
            found.append(
                (str(record["network"]), str(record["best"]), float(record["times"][record["best"]]))
            )
    return sorted(found)


def tune(
    network: Network, dtype: str, rule: Rule, wanted: Callable[[], bool] = lambda: True
) -> dict[Form, float]:
    """Try all forms anew, and remember how they did.

    Returns
    -------
    dict
        Each form's time in parts of the known one's, which comes first.
    """
    candidates = _candidates(network, dtype, rule)
    found = _tried(network, dtype, rule, candidates[1:], wanted)
    _remember(network, dtype, rule, found)
    return {form: found[str(form)] for form in candidates if str(form) in found}


def _trial(
    network: Network, dtype: str, rule: Rule, missing: Sequence[Form]
) -> Callable[[Callable[[], bool]], Form]:
    """Try forms that are missing, unless another process does; it is waited for in the background."""
    candidates = _candidates(network, dtype, rule)

    def run(wanted: Callable[[], bool]) -> Form:
        for _ in range(LOOKS):
            before = _times(network, dtype, rule, anew=True)
            left = [form for form in missing if str(form) not in before]
            if not left or not wanted():
                break
            with kernel_files.claimed(_name(network, dtype, rule)) as ours:
                if ours:
                    found = _tried(network, dtype, rule, left, wanted)
                    _remember(network, dtype, rule, before | found)
                    break
            sleep(LOOK_SECONDS)
        return _best(candidates, _times(network, dtype, rule))

    return run


@cache
def _candidates(network: Network, dtype: str, rule: Rule) -> tuple[Form, ...]:
    """The forms of a network, kept: finding them takes 0.1 ms, and a sweep asks a dozen times."""
    return forms(network, dtype, rule)


def _best(candidates: Sequence[Form], times: Times) -> Form:
    known, *others = candidates
    best = min(others, key=lambda form: times.get(str(form), inf), default=known)
    return best if times.get(str(best), inf) < FASTER else known


@ieee
def _tried(
    network: Network, dtype: str, rule: Rule, others: Sequence[Form], wanted: Callable[[], bool]
) -> Times:
    """The times of the known form and of others; of fewer if nobody waits any more."""
    kernels: dict[Form, Kernel] = {}
    known, *_ = _candidates(network, dtype, rule)
    for form in (known, *others):
        if kernels and not wanted():
            break
        kernels[form] = checked_kernel("lanes", network, dtype, rule, form)
    seconds = _seconds(kernels, network, dtype, rule)
    times = {str(form): found / seconds[known] for form, found in seconds.items()}
    best = _best([*kernels], times)
    for form, kernel in kernels.items():
        if form not in (known, best) and is_compiled(kernel):
            forget_file(kernel)
    return times


def _seconds(kernels: dict[Form, Kernel], network: Network, dtype: str, rule: Rule) -> dict[Form, float]:
    """The median time of each kernel for one network, all in turns."""
    now = thread_time if get_clock_info("thread_time").resolution < 1e-5 else perf_counter
    epochs, sizes = 1, {form: lanes.call_sizes(network, dtype, rule, form) for form in kernels}

    def seconds(form: Form) -> float:
        networks = -(-NETWORKS // sizes[form].width) * sizes[form].width
        given, _ = example(network, networks, dtype, rule, ROWS, epochs)
        began = now()
        kernels[form](*given)
        return (now() - began) / networks

    known, *_ = kernels
    for _ in range(2):  # the first call is slower
        epochs = max(1, int(CALL_SECONDS / max(seconds(known) * NETWORKS / epochs, 1e-6)))
    found: dict[Form, list[float]] = {form: [] for form in kernels}
    for _ in range(ROUNDS):
        for form, times in found.items():
            times.append(seconds(form))
    return {form: median(times) for form, times in found.items()}


def _times(network: Network, dtype: str, rule: Rule, *, anew: bool = False) -> Times:
    """What is remembered of earlier trials; nothing where there is any doubt."""
    name = _name(network, dtype, rule)
    key = os.environ.get(kernel_files.VARIABLE), name
    if anew or key not in _KNOWN:
        found = _read(name, [str(form) for form in _candidates(network, dtype, rule)])
        _KNOWN[key] = found or _KNOWN.get(key, {})
    return _KNOWN[key]


def _read(name: str, names: Sequence[str]) -> Times:
    content = kernel_files.read(name, kernel_files.TRIALS)
    if content is None:
        return {}
    try:
        times = json.loads(content)["times"]
        sound = all(form in names and type(ratio) is float and ratio > 0 for form, ratio in times.items())
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return times if sound else {}


def _remember(network: Network, dtype: str, rule: Rule, times: Times) -> None:
    name = _name(network, dtype, rule)
    _KNOWN[os.environ.get(kernel_files.VARIABLE), name] = times
    best = _best(_candidates(network, dtype, rule), times)
    told = {"network": in_words(network, dtype, rule), "times": times, "best": str(best)}
    kernel_files.write(name, json.dumps(told).encode(), kernel_files.TRIALS)


def in_words(network: Network, dtype: str, rule: Rule) -> str:
    """What was tuned, in words: "2-2-1 (relu, identity), float64, sgd, squared"."""
    layers = "-".join(map(str, network.layers))
    words = [f"{layers} ({', '.join(network.activations)})", dtype, rule.optimizer.name, rule.loss.name]
    words += ["in batches"] * rule.batched + ["weighted"] * rule.weighted + [*rule.penalties]
    return ", ".join(words + ["clipped"] * rule.clipped)


@cache
def _name(network: Network, dtype: str, rule: Rule) -> str:
    """The name of what is remembered: a hash of everything that the times depend on."""
    from fastnn.engines.kernel_cache import name_of

    candidates = [str(form) for form in _candidates(network, dtype, rule)]
    return name_of(json.dumps([repr(network), dtype, repr(rule), candidates, __version__]), _printers())


@cache
def _printers() -> str:
    files = ((package, f"{name}.py") for package, names in MODULES.items() for name in names)
    return sha256(b"".join(get_data(*file) or b"" for file in files)).hexdigest()
