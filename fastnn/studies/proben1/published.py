"""The report's networks without shortcut connections, and their mean test errors over 60 runs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PUBLISHED", "SOURCE", "Published"]

SOURCE = 'Lutz Prechelt, "PROBEN1 - a set of neural network benchmark problems and benchmarking rules", 1994'


@dataclass(frozen=True)
class Published:
    """What the report says of one set.

    Attributes
    ----------
    inputs, outputs : int
    hidden : tuple of int
        The units of the hidden layers.
    error, misclassified : (mean, standard deviation)
        The squared error percentage and the share of wrongly classified rows, in per cent, on the test rows.
    """

    inputs: int
    outputs: int
    hidden: tuple[int, ...]
    error: tuple[float, float]
    misclassified: tuple[float, float]

    @property
    def layers(self) -> tuple[int, ...]:
        """Inputs, hidden units, outputs."""
        return (self.inputs, *self.hidden, self.outputs)


PUBLISHED = {
    "cancer1": Published(9, 2, (4, 2), (1.32, 0.13), (1.38, 0.49)),
    "diabetes1": Published(8, 2, (32,), (16.99, 0.91), (24.10, 1.91)),
    "glass1": Published(9, 6, (16, 8), (9.24, 0.32), (32.70, 5.34)),
    "heart1": Published(35, 2, (32,), (14.19, 0.64), (19.72, 0.96)),
    "horse1": Published(58, 3, (16, 8), (13.32, 0.48), (29.19, 2.62)),
}
