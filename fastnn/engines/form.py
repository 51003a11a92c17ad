"""What a form is in which the engine `lanes` prints a kernel. See `fastnn.engines.forms`."""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.showing.lettering import counted

__all__ = ["Form"]


@dataclass(frozen=True)
class Form:
    """How a kernel is printed.

    Attributes
    ----------
    straight : bool
        Whether every equation has a line of its own; else loops run over the units of layers.
    size : int
        The bytes of a register.
    registers : int
        How many of them each value has: all networks of a group.
    groups : int
        Groups in a tile, which take turns.
    reads : int
        How often a row reads the parameters: once, or again on the way back.
    rows : int
        How many rows of a batch are worked on side by side.
    stores_last : bool
        Whether what a group has is stored after the row, and not where it was computed.
    ahead : bool
        Whether a group's way back comes after the following group's forward pass.
    together : int
        How many values take turns in functions and, in loops, units; so that none waits for its own result.
    updates_back : bool
        Whether loops update weights on the way back, and not with the following row's forward pass.
    outputs_along : bool
        Whether the loop over hidden units works out the outputs, too.
    kept : bool
        Whether the groups of a tile keep their state in registers for all rows of an epoch.
    """

    straight: bool
    size: int
    registers: int
    groups: int
    reads: int = 1
    rows: int = 1
    stores_last: bool = False
    ahead: bool = False
    together: int = 1
    updates_back: bool = False
    outputs_along: bool = False
    kept: bool = False

    def __str__(self) -> str:
        """Its name, as it is told: "straight lines, 3 x 64 bytes, 3 groups, read twice"."""
        parts = [
            "straight lines" if self.straight else "loops",
            f"{self.registers} x {counted(self.size, 'byte')}",
        ]
        if not self.straight and self.together > 1:
            parts.append(f"{self.together} together")
        if self.straight:
            parts.append(counted(self.groups, "group"))
        if self.reads > 1:
            parts.append("read twice")
        if self.rows > 1:
            parts.append(counted(self.rows, "row"))
        if self.stores_last:
            parts.append("stored last")
        if self.ahead:
            parts.append("one group ahead")
        if self.updates_back:
            parts.append("updated on the way back")
        if self.outputs_along:
            parts.append("outputs along")
        if self.kept:
            parts.append("kept in registers")
        return ", ".join(parts)
