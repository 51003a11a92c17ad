"""The continuation of a training: what a run hands to the one that goes on from its end."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown, whole_number
from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.core.rule import GIVEN, MOST_EPOCHS, SHUFFLED
from fastnn.showing.lettering import counted
from fastnn.training.beginnings import Beginning, Begun
from fastnn.training.plan import Plan
from fastnn.training.rates import Given, Rates
from fastnn.training.result import Training

__all__ = ["Continuation"]

RECIPE = {each.name for each in fields(Recipe)} - {"schedule"}
ANEW = "begin a new training there, with start=run.parameters"


@dataclass(frozen=True, eq=False)
class Continuation(Beginning):
    """The end of a run, from which training goes on: what is left out is the run's.

    The learning rates and the order of the rows may change on the way, and so may the rows. Everything else
    is one thing of the whole run.
    """

    run: Training

    def asked(self, network: Network, given: dict[str, Any]) -> dict[str, Any]:
        """What to ask of the further epochs. The size of batches and the schedule are left to `plan`."""
        run = self.run
        if run.foreign:
            raise InputError(
                f"start must be a run of this version's arithmetic; {run.foreign}. "
                f"Go on with the version of fastnn that wrote it, or {ANEW}."
            )
        if network != run.network:
            raise InputError(
                f"network must be the run's where training goes on, {run.network!r}; got {shown(network)}. "
                f"Give run.network, or {ANEW}."
            )
        return {"dtype": run.dtype, **run.recipe.asked, "batch_size": None} | given

    def plan(self, further: Plan, given: dict[str, Any]) -> Plan:
        """The plan of the longer run, from that of the further epochs and the settings that were given."""
        run = self.run
        self._refuse_other("dtype", run.dtype, further.dtype)
        if further.scaling and run.scaling and not run.scaling.same_as(further.scaling):
            raise InputError(
                "X must have the columns and the scaling of the run where training goes on; got a Dataset "
                "with columns or a scaling of its own. Give (run.scaling.apply(rows), "
                "run.scaling.y.apply(target)), with rows in their own units."
            )
        if None not in (run.named_classes, further.named) and run.named_classes != further.named:
            raise InputError(
                f"y must have the labels of the run where training goes on, {shown(run.named_classes)}; got "
                f"{shown(further.named)}. Give rows of every class, or a 1 for the class in each row of y."
            )
        recipe = replace(run.recipe, batch_size=self._size(len(further.X)))
        for name in RECIPE & given.keys():
            self._refuse_other(name, getattr(recipe, name), getattr(further.recipe, name))
        if given.get("schedule") is not None:
            recipe = replace(recipe, schedule=further.recipe.schedule)
        first = int(self._positions().max())
        epochs = whole_number(first + further.epochs, "epochs of the whole run", 1, MOST_EPOCHS)
        scaling, labels = further.scaling or run.scaling, further.labels or run.labels
        longer = replace(further, first=first, epochs=epochs)
        return replace(longer, recipe=recipe, scaling=scaling, labels=labels)

    def order(self, shuffle: Any, seed: Any, row_order: Any) -> tuple[Any, Any, Any]:
        """Whether to shuffle the rows, by which seed, or the order of the further epochs."""
        run = self.run
        if row_order is None and shuffle is None:
            if run.order == GIVEN:
                raise InputError(
                    "row_order must have the order of the further epochs, as the run had one of its own; got "
                    "none. Give one, or shuffle=False for the order of the file."
                )
            shuffle = run.order == SHUFFLED
        return super().order(shuffle, run.seed if seed is None else seed, row_order)

    def within(self, within: Any, *weights: Any) -> Any:
        """Within what the weights of rows count; refuse that they are left out if the run had some."""
        run = self.run
        if run.weights_within is not None and all(each is None for each in weights):
            raise InputError(
                "sample_weight or class_weight must be given with the rows again, as the run had weights; "
                "got none. Give sample_weight=numpy.ones(len(X)) for rows that count alike."
            )
        return super().within(run.weights_within if within is None else within, *weights)

    def rates(self, plan: Plan, learning_rate: Any, given: Any, networks: int) -> Rates:
        """The learning rates of the whole run; `given` are those of every further epoch, or None."""
        run = self.run
        if given is not None:
            further = plan.given_rates(given, learning_rate, networks).every
        else:
            found = plan.rates(self._rate(learning_rate), networks)
            alike = np.array_equal(found.base, np.full(networks, run.learning_rate), equal_nan=True)
            if alike and run.given_rates is None and found.schedule == run.recipe.schedule:
                return found
            further = np.stack([found.of(epoch) for epoch in range(plan.first, plan.epochs)], axis=1)
        earlier = np.atleast_2d(run.learning_rates)[:, : plan.first]
        return Given.of_all(np.concatenate([earlier, further], axis=1))

    def _rate(self, learning_rate: Any) -> Any:
        """The learning rate to ask for."""
        run = self.run
        if learning_rate is not None or run.optimizer.learning_rate is None:
            return learning_rate
        if run.given_rates is not None:
            raise InputError(
                "learning_rate must be given where training goes on, or schedule with the further rates: "
                "those of the run follow from no schedule; got none. Give one, such as 0.005."
            )
        return run.learning_rate

    def begun(self, plan: Plan, seed: int) -> list[Begun]:
        """What the run ended with, which goes on from the best epoch of each network."""
        positions = self._positions()
        together = [np.flatnonzero(positions == first) for first in np.unique(positions)]
        if len(together) == 1:
            return [self._begun(None, int(positions[0]))]
        return [self._begun(places, int(positions[places[0]])) for places in together]

    def _positions(self) -> NDArray[np.intp]:
        """The epoch from which each network goes on, (M,)."""
        run = self.run
        diverged, best = np.atleast_1d(run.diverged), np.atleast_1d(run.best_epoch)
        found = np.where(diverged == 0, best, diverged)
        dead = (diverged > 0) & ~self._overflowed()
        furthest = found[~dead].max(initial=0)  # with which those that diverged before stay together
        return np.where(dead, np.maximum(found, furthest), found)

    def _overflowed(self) -> NDArray[np.bool_]:
        """The networks that the last update made overflow: a longer run would have trained them on."""
        diverged, last = np.atleast_1d(self.run.diverged), np.atleast_1d(self.run.last_loss)
        return np.asarray((diverged > 0) & np.isfinite(last))

    def _begun(self, places: NDArray[np.intp] | None, first: int) -> Begun:
        """The networks at some places, or all, after their first epochs."""
        run, some = self.run, slice(None) if places is None else places
        over = slice(first)
        diverged, overflowed = np.array(np.atleast_1d(run.diverged)[some]), self._overflowed()[some]
        losses, last = np.atleast_2d(run.loss_curve)[some, over].copy(), np.atleast_1d(run.last_loss)[some]
        diverged[overflowed], losses[overflowed, -1] = 0, last[overflowed]
        further = run.validation_curve
        return Begun(
            run.start if places is None else run.start[places],
            np.atleast_2d(run.state)[some].copy(),
            diverged,
            losses,
            None if further is None else np.atleast_2d(further)[some, over],
            run.number if places is None or run.number is None else run.number[places],
            places,
        )

    def _size(self, rows: int) -> int | None:
        """The rows of a batch, of which there may be another number now: a batch of all rows stays one."""
        size, run = self.run.batch_size, self.run
        if size == run.rows and (size > 1 or run.optimizer.all_rows):
            return rows
        if size > rows:
            raise InputError(
                f"X must have at least the {counted(size, 'row')} of a batch where training goes on; got "
                f"{rows}. Give more rows, or {ANEW}."
            )
        return size

    def _refuse_other(self, name: str, ours: Any, given: Any) -> None:
        if given != ours:
            raise InputError(
                f"{name} must be the run's where training goes on, {ours!r}; got {given!r}. "
                f"Leave it out, or {ANEW}."
            )
