"""The kernels of a job: those that are ready, and those that are compiled while the others train."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from threading import Lock
from weakref import ref

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import choose
from fastnn.engines.precedence import own_is_ready
from fastnn.engines.takeover import Takeover, begun
from fastnn.system.background import ask

__all__ = ["Kernels"]

Which = tuple[str, Network]  # an engine, and what it trains


class Kernels:
    """What trains networks by one rule in one precision, with an engine or "auto"."""

    def __init__(self, engine: str, dtype: str, rule: Rule) -> None:
        self.engine, self.dtype, self.rule = engine, dtype, rule
        self.known: dict[Which, Takeover] = {}
        self.awaited: set[Which] = set()  # compiled in the background
        self.patient, self.compiles = False, False
        self.asking = Lock()  # or a thread that asks late would find ready what another asked for

    def takeover(self, network: Network, networks: int) -> Takeover:
        """The kernels for some networks, one after the other.

        The first is compiled and checked when it is first asked for. But after `ask` it is compiled in the
        background, or not at all, if another kernel can train the networks.
        """
        which = self._which(network, networks)
        if which not in self.known:
            others = [known for (_, of), known in [*self.known.items()] if of == network]
            if others and self.patient:
                self.ask((network, networks), compiles=self.compiles)
                if which in self.awaited:
                    return others[0]
                return self.known.setdefault(which, others[0])
            self._begin(which, waits=self.engine != "auto")
        return self.known[which]

    def ask(self, *wanted: tuple[Network, int], compiles: bool = True) -> None:
        """Have the own kernels for some networks compiled in the background, but for those that are ready.

        Unless it `compiles`, no further ones are compiled where others can train their networks.
        """
        self.patient, self.compiles = True, compiles
        every = dict.fromkeys(self._which(network, networks) for network, networks in wanted)
        with self.asking:
            self._ask(every, compiles=compiles)

    def _ask(self, every: Iterable[Which], *, compiles: bool) -> None:
        missing = [which for which in every if which not in self.known and which not in self.awaited]
        ready = [which for which in missing if own_is_ready(*which, self.dtype, self.rule)]
        for which in ready:
            self._begin(which, waits=True)
        for which in missing:  # only now: to ask the compiler anything takes turns with its work
            if compiles and which not in ready:
                self.awaited.add(which)
                ask(partial(_compile, ref(self), which))  # the thread keeps no run alive

    def is_awaited(self, network: Network) -> bool:
        """Whether a kernel for a network is compiled in the background."""
        return any(of == network for _, of in [*self.awaited])

    def _which(self, network: Network, networks: int) -> Which:
        return choose(self.engine, network, self.dtype, networks, self.rule), network

    def _begin(self, which: Which, *, waits: bool) -> None:
        self.known.setdefault(which, begun(*which, self.dtype, self.rule, waits=waits))


def _compile(this: ref[Kernels], which: Which) -> None:
    kernels = this()
    if kernels is not None:
        try:
            kernels._begin(which, waits=True)  # nobody does: no general one need come first
        finally:
            kernels.awaited.discard(which)
