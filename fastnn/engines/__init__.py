"""The engines: every way to run the equations of a training step, and the contract all of them keep.

An engine is a module with three functions:

``source(network, dtype, rule) -> str``
    The Python source of its kernel, printed from ``derived(network, rule)``: what runs is what is shown.
``kernel(network, dtype, rule) -> Kernel``
    That source, ready to call; `fastnn.engines.self_check` tries it before it is used.
``call_sizes(network, dtype, rule) -> CallSizes``
    How many networks one call of the kernel should take.

The functions that `general` prints have one more argument at the end, the sizes of a network's layers; its
kernels hold them: see `fastnn.engines.told`.

The contract of a kernel, ``advance(state, X, Y, settings, totals)``, or of one whose rule has batches,
``advance(state, X, Y, settings, totals, batch)``, or of one whose rows have weights,
``advance(state, X, Y, coefficients, settings, totals)``:

- It advances M networks by ``totals.shape[1]`` epochs over the rows of X and Y, in the order given.
- `state` (M, S), C-ordered, changes in place: P parameters, then P numbers of each state of the optimizer.
  To column e of `totals` (M, E), of any strides, it adds, row by row, what each row lost before its own
  update, summed over the outputs, times the row's coefficient.
  The caller clears `totals` where an epoch begins, divides by N where it ends, and may hand over the rows
  of one epoch in several calls, each of which ends where a batch ends. Every `batch` rows are a batch, from
  1 up to any number; fewer are left for the last one of a call. `X` (N, D), `Y` (N, K), `coefficients` (N,)
  and `settings` (M, C), C-ordered, are never touched; the columns of `settings` are what `Rule.given` names.
  All arrays are of the kernel's dtype and native.
- A rule that is validated has the arguments ``further_X, further_Y, further_settings, further_totals`` after
  them: to column e of `further_totals` (M, E) it adds what the rows of `further_X` and `further_Y` lose after
  epoch e, with the loss's `further_settings` (M, C'). Calls then take whole epochs.
- A rule by which `STATES` are watched has `course` at the end, (E, M, S) and C-ordered, filled with the
  states after every epoch. One by which a loss is watched, divided by its rows, has ``bars, until,
  best_epochs, best, epoch, patience, min_delta``, and a penalized loss ``half_l2, l1``, what multiplies the
  square and the size of each weight. `epoch` epochs are over. A network whose loss (float64) is below its
  `bars` (M,) float64, or where that is NaN, is better, unless a parameter or a total is not finite. Then its
  bar becomes the loss less `min_delta`, infinite for NaN; `best_epochs` (M,) int64 the epoch, from 1; `until`
  (M,) int64 that epoch and `patience` more; `best` (M, S) the state. A network is trained while `until` is to
  come and its total is finite; its totals are overwritten up to then, and later ones stay as they are. The
  bar of one that can no longer become better may be -infinity.
- No number given is -0.0 among the parameters, nor infinite among X, Y and coefficients. The targets are what
  the loss asks for: see `Loss.targets`.
- The bits of network m depend only on its own state, its own settings, X and Y: not on M, on its
  neighbours, on the call or the thread it ran in, nor on the engine. It computes the operations
  of the equations in their order, each rounded once.
- Nothing is raised. A network diverges in the first epoch whose total is not finite. From that epoch on
  the kernel may leave anything at all in its later totals and in its parameters; `fastnn.training.running`
  makes them NaN. Its neighbours are not disturbed.
- It holds no lock while it computes: threads may run the same kernel on different networks.

An engine imports NumPy, Numba, its neighbours here and what it is printed from (expressions,
elementary, network, derivation): nothing above.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, PLAIN, STATES, WATCHED, Rule
from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["ENGINES", "CallSizes", "EngineModule", "Kernel", "alone", "arguments", "choose", "load"]

ENGINES = ("loop", "batched", "lanes", "units", "general")
WATCH = ", bars, until, best_epochs, best, epoch, patience, min_delta"

SMALL, SMALL_IN_BATCHES = 30, 10  # parameters of a network for `loop`; without batches they compile sooner

Kernel = Callable[..., None]


_LOADED: dict[str, "EngineModule"] = {}  # so that none waits for what is being compiled


def arguments(rule: Rule) -> str:
    """The names of a kernel's arguments, as its source has them."""
    coefficients, batch = ", coefficients" * rule.weighted, ", batch" * rule.batched
    further = ", further_X, further_Y, further_settings, further_totals" * rule.validated
    watch = ", course" * (rule.watched == STATES) + WATCH * (rule.watched in WATCHED)
    penalty = ", half_l2, l1" * (rule.watched == PENALIZED_LOSS)
    if rule.tiled:
        return f"tiles, X, Y{coefficients}{batch}"
    return f"state, X, Y{coefficients}, settings, totals{batch}{further}{watch}{penalty}"


class CallSizes(NamedTuple):
    """How many networks a call should take: from `fewest` to `most`, best a multiple of `width`.

    `vector` networks fill a vector: a full one costs the same as one network. `seconds` is roughly the time
    in which one parameter meets one row, in a call of many networks.
    """

    fewest: int
    most: int
    width: int
    vector: int
    seconds: float

    def filled(self, networks: int) -> int:
        """How many networks have room in the vectors that some networks need."""
        return -(-networks // self.vector) * self.vector


class EngineModule(Protocol):
    """What an engine's module offers; see the contract above."""

    def source(self, network: Network, dtype: str, rule: Rule = PLAIN) -> str:
        """The source of the kernel."""

    def kernel(self, network: Network, dtype: str, rule: Rule = PLAIN) -> Kernel:
        """The kernel, ready to call."""

    def call_sizes(self, network: Network, dtype: str, rule: Rule = PLAIN) -> CallSizes:
        """How many networks one call should take."""


def choose(name: str, network: Network, dtype: str, networks: int, rule: Rule = PLAIN) -> str:
    """The engine that `name` means for this number of networks: "auto" means the fastest."""
    if name != "auto":
        return name
    many = networks > 1 and networks >= load("lanes").call_sizes(network, dtype, rule).fewest
    return "lanes" if many else alone(network, rule)


def alone(network: Network, rule: Rule) -> str:
    """The fastest engine for one network: `loop` for a small one, else `units`.

    Measured (`units` against `loop`, 32 registers): 2-2-1 x1.8, 2-4-1 x1.0, 3-5-1 and 4-8-1 x0.8, 2-16-1
    x0.4, 10-32-1 x0.2; with tanh 4-8-1 x0.6. Batches of 32 rows with Adam: 2-2-1 x1.0, 2-4-1 x0.5; one row
    at a time with Adam: x0.8, x0.5.
    """
    small = SMALL_IN_BATCHES if rule.batched or rule.states else SMALL
    return "loop" if network.n_parameters <= small else "units"


def load(name: str) -> EngineModule:
    """The engine's module, imported when it is first asked for: only some engines need Numba."""
    if name not in _LOADED:
        with ONE_AT_A_TIME:
            module: Any = import_module(f"fastnn.engines.{name}")
        _LOADED[name] = module
    return _LOADED[name]
