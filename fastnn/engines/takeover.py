"""A kernel that is ready, and those that take over from it between two calls.

Every kernel of a network, a rule and a dtype gives the same bits, so a run may change from one to another
after any call. It begins with one that it need not wait for. Another that may be faster is compiled
meanwhile, in `fastnn.system.background`, where enough work is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import NamedTuple
from weakref import ref

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import CallSizes, Kernel, general, lanes, load, tuning
from fastnn.engines.precedence import general_comes_first, own_is_ready
from fastnn.engines.self_check import checked_kernel
from fastnn.engines.tuning import Trial
from fastnn.system.background import ask

__all__ = ["Ready", "Successor", "Takeover", "begun", "general_for"]

# Seconds of work for a general kernel from which another one is compiled, in 0.5 to 4 s: that would save a
# third of it.
WORTH_COMPILING = 3.0


class Ready(NamedTuple):
    """A kernel that has been compiled and checked, how many networks its calls take, and its form's name."""

    kernel: Kernel
    sizes: CallSizes
    form: str = ""


@dataclass(frozen=True)
class Successor:
    """What may take over.

    Attributes
    ----------
    worth : float
        It is looked for once more work than this is left, in seconds of one core.
    find : callable
        Given a function that tells whether anybody still waits for it, returns what takes over, or None if
        the present kernel is to stay. It is called in the background.
    """

    worth: float
    find: Callable[[Callable[[], bool]], Ready | None]


class Takeover:
    """The kernels that train a network, one after the other.

    Parameters
    ----------
    first : Ready
    successors : sequence of Successor
        In the order in which they are looked for; each only after the one before it has been.

    Attributes
    ----------
    now : Ready
        What to call next. It may change at any time: read it once for each call.
    forms : list of str
        The names of the forms so far, the present one last.
    """

    def __init__(self, first: Ready, successors: Sequence[Successor] = ()) -> None:
        self.now, self.forms = first, [first.form]
        self._waiting, self._looking = [*successors], Lock()

    @property
    def looks_on(self) -> bool:
        """Whether there are successors that have not been looked for."""
        return bool(self._waiting)

    def see(self, seconds: float) -> None:
        """Look for the next successor if that much work, in seconds of one core, is worth it."""
        if not self._waiting or seconds < self._waiting[0].worth or not self._looking.acquire(blocking=False):
            return
        successor, this = self._waiting.pop(0), ref(self)  # the thread keeps no run alive
        ask(lambda: _look(successor, this))

    def _take(self, found: Ready | None) -> None:
        if found is not None and found.form != self.now.form:
            self.now = found
            self.forms.append(found.form)
        self._looking.release()


def _look(successor: Successor, this: ref[Takeover]) -> None:
    found = None
    try:
        if this() is not None:
            found = successor.find(lambda: this() is not None)
    finally:
        takeover = this()
        if takeover is not None:
            takeover._take(found)


def begun(engine: str, network: Network, dtype: str, rule: Rule, *, waits: bool = True) -> Takeover:
    """What trains a network with an engine: a kernel that is ready, and what may take over from it.

    Unless it `waits` for the engine's own kernel, a general one may come first.
    """
    first = partial(_ready, engine, network, dtype, rule)
    trials = tuning.trials(network, dtype, rule) if engine == "lanes" else ()
    successors = [Successor(trial.worth, partial(_tried, trial, first)) for trial in trials]
    if waits or not general_comes_first(engine, network, dtype, rule):
        return Takeover(first(), successors)
    worth = 0.0 if own_is_ready(engine, network, dtype, rule) else WORTH_COMPILING
    own = Successor(worth, lambda wanted: first())
    return Takeover(general_for(engine, network, dtype, rule), [own, *successors])


def general_for(engine: str, network: Network, dtype: str, rule: Rule) -> Ready:
    """The general kernel that trains a network until an engine has one for it."""
    form = general.form_for(engine, network, dtype, rule)
    kernel = checked_kernel("general", network, dtype, rule, form)
    return Ready(kernel, general.call_sizes(network, dtype, rule, form), "general")


def _tried(trial: Trial, ready: Callable[[], Ready], wanted: Callable[[], bool]) -> Ready | None:
    trial.run(wanted)
    return ready() if wanted() else None


def _ready(engine: str, network: Network, dtype: str, rule: Rule) -> Ready:
    """An engine's kernel, in the form that was the fastest so far."""
    if engine == "lanes":
        form = tuning.best_form(network, dtype, rule)
        kernel = checked_kernel(engine, network, dtype, rule, form)
        return Ready(kernel, lanes.call_sizes(network, dtype, rule, form), str(form))
    kernel = checked_kernel(engine, network, dtype, rule)
    return Ready(kernel, load(engine).call_sizes(network, dtype, rule), engine)
