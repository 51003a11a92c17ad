"""What single networks of a sweep answer: surfaces and drawings."""

from __future__ import annotations

from functools import partial

from fastnn import plotting
from fastnn.data.datasets import Dataset
from fastnn.pages.tables import per_cent, written
from fastnn.plotting import tables
from fastnn.plotting.surfaces import draw_surface
from fastnn.reporting.pictures import Picture
from fastnn.showing.lettering import shortened
from fastnn.training.result import Training

__all__ = ["MAPS_OF_CLASSES", "MAPS_OF_NUMBERS", "drawing", "surface"]

LETTERS, HELD = 60, 8  # of a name in a caption; further inputs named there
MAPS_OF_NUMBERS = (
    "The maps are coloured by what the network answers, the rows by how far their targets lie from that: a "
    "white dot is fitted well."
)
MAPS_OF_CLASSES = (
    "The maps are coloured by the class that the network predicts, the rows by the class that they have; a "
    "ring is around a misclassified row."
)


def surface(what: str, run: Training, data: Dataset) -> Picture:
    """The answers of a network over two inputs, and the rows it was trained on."""
    numbers = tables.surface(run, data)
    classes = numbers.attrs.get("classes", [])
    fitted = numbers[numbers.iloc[:, 0] == "fitted"]
    named = [shortened(name, LETTERS) for name in numbers.columns[1 : -len(classes) - 1 if classes else -1]]
    *inputs, target = named
    over = " and ".join(inputs)
    held = ", ".join(shortened(one, LETTERS) for one in numbers.attrs["held"][:HELD])
    more = " and others" if len(numbers.attrs["held"]) > HELD else ""
    if classes:
        shares = {name: (fitted.iloc[:, len(named) + 1] == name).mean() for name in classes}
        told = ", ".join(f"{shortened(name, LETTERS)} {per_cent(share)}" for name, share in shares.items())
        about = f"regions of {told}"
        seen = ", by their class, with a ring around those that it misclassifies."
    else:
        answers = fitted.iloc[:, len(named)]
        about = f"from {written(answers.min())} to {written(answers.max())}"
        seen = ": a red dot's target lies above the answer, a blue one's below."
    return Picture(
        f"surface-{what}",
        partial(draw_surface, table=numbers, title=f"the {what} network"),
        f"{target} as the {what} network has it, over {over}: {about}, with the rows trained on.",
        f"{target} over {over}, as the {what} network answers, and the rows it was trained on{seen}"
        + (f" Further inputs are held at {held}{more}." if held else ""),
        numbers,
    )


def drawing(what: str, run: Training, data: Dataset, when: str) -> Picture:
    """A network as circles and lines, before or after training."""
    numbers = tables.network(run)
    values = zip(numbers["parameter"], numbers[when], strict=True)
    told = ", ".join(f"{name} {written(value)}" for name, value in values) if len(numbers) <= 30 else ""
    return Picture(
        f"network-{what}-{when}",
        partial(plotting.network, run, when=when, X=data),
        f"The {what} network {when} training. {told}",
        f"The {what} network {when} training; wide lines are large weights.",
        numbers,
    )
