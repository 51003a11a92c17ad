"""The losses that are fused with the outputs' activation, in sympy: by definition, with their derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from fastnn.core.activations import SOFTMAX

__all__ = ["FusedDefinition"]


class FusedDefinition:
    """What a row loses by the definition of the probabilities, as a function of the outputs' weighted sums.

    Attributes
    ----------
    predictions : list of sympy expressions
        The outputs, by the definition of their activation.
    loss : sympy expression
    proved : bool
        Whether sympy finds that the derivative by each sum is prediction minus target; with softmax for
        targets that add up to 1.
    """

    def __init__(self, output: str, sums: Sequence[Any], targets: Sequence[Any]) -> None:
        import sympy

        self.sympy, self.sums = sympy, sums
        y, log = targets, sympy.log
        if output == SOFTMAX.name:
            whole = sum(map(sympy.exp, sums))
            self.predictions = [sympy.exp(z) / whole for z in sums]
            terms = [-t * log(p) for t, p in zip(y, self.predictions, strict=True)]
        elif output == "sigmoid":
            self.predictions = [1 / (1 + sympy.exp(-z)) for z in sums]
            terms = [-t * log(p) - (1 - t) * log(1 - p) for t, p in zip(y, self.predictions, strict=True)]
        else:
            self.predictions = [sympy.exp(z) for z in sums]
            terms = [p - t * log(p) for t, p in zip(y, self.predictions, strict=True)]
        self.loss = sum(terms)
        one_class = {y[-1]: 1 - sum(y[:-1])} if output == SOFTMAX.name else {}
        self.proved = all(
            self._vanishes((sympy.diff(self.loss, z) - (p - t)).subs(one_class))
            for z, p, t in zip(sums, self.predictions, y, strict=True)
        )

    def is_prediction(self, value: Any, unit: int) -> bool:
        """Whether an expression of the sums is the output of a unit."""
        return self._vanishes(value - self.predictions[unit])

    def is_loss(self, value: Any, gates: Iterable[Any], shift: Any) -> bool:
        """Whether an expression of the sums, and of a number that has no effect, is what the row loses.

        It is if the difference is 0 where they all are 0, and has no derivative by any of them, for each way
        in which the gates can stand.
        """
        sympy, difference = self.sympy, value - self.loss
        by, found = [*self.sums, shift], sorted(set(gates) & difference.free_symbols, key=str)
        for way in product((0, 1), repeat=len(found)):
            taken = difference.subs(dict(zip(found, way, strict=True)))
            at_zero = taken.subs(dict.fromkeys(by, 0))
            if sympy.expand(sympy.expand_log(at_zero, force=True)) != 0:
                return False
            if not all(self._vanishes(sympy.diff(taken, z)) for z in by):
                return False
        return True

    def _vanishes(self, difference: Any) -> bool:
        """Whether a quotient of sums of exponentials is 0: exp(a - b) is taken as A / B."""
        sympy = self.sympy
        powers = difference.replace(sympy.exp, self._as_powers)
        numerator, _ = sympy.fraction(sympy.together(powers))
        return bool(sympy.expand(numerator) == 0)

    def _as_powers(self, exponent: Any) -> Any:
        parts = exponent.as_coefficients_dict().items()
        return self.sympy.prod(self.sympy.Symbol(f"exp({z})", positive=True) ** n for z, n in parts)
