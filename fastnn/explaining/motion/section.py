"""A network in motion as one ``<section>`` of HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown
from fastnn.core.activations import activation
from fastnn.core.derivation import derived
from fastnn.core.equations import BEGIN, GRADIENTS, Stage
from fastnn.core.losses import need_targets
from fastnn.core.network import Network, checked_network
from fastnn.core.recipe import CONSTANT, DEFAULT, Asked, Recipe
from fastnn.core.rule import COEFFICIENT
from fastnn.core.schedules import ALWAYS, Schedule
from fastnn.data.arrays import finite_array
from fastnn.data.classes import classes_of, refuse_unmet
from fastnn.data.datasets import Dataset
from fastnn.data.rows import labelled_rows
from fastnn.explaining.limits import need_written_out, rate_of, trained_with
from fastnn.explaining.motion.drawing import network_drawing
from fastnn.explaining.motion.equations import live_equations
from fastnn.explaining.motion.regions import Regions
from fastnn.pages.blocks import Fragment, Section
from fastnn.pages.html import html_page, style
from fastnn.printing.javascript import javascript, javascript_answers
from fastnn.showing.lettering import counted, plain, shape, shortened
from fastnn.training.starts import DEFAULT_START
from fastnn.training.weights import Weights, class_weights_of, weights_of, weights_told

__all__ = ["Motion", "motion"]

RANDOM_STARTS = 10
MOST_EPOCHS = 10_000  # whose learning rates a page knows, where they go on changing

USUAL_SPEED = "1 epoch a second"
SPEEDS = {
    "1 row a second": (1, "rows"),
    "10 rows a second": (10, "rows"),
    "1 epoch a second": (1, "epochs"),
    "10 epochs a second": (10, "epochs"),
    "as fast as it goes": (1e9, "epochs"),
}

STEP_ONE_BATCH = '<button type="button" data-part="batch">Step one batch</button>\n'
RATE = '<label>Learning rate <input data-part="rate" type="number" min="0" step="any" value="{!r}"></label>\n'
SHARED = """<table><thead><tr><th scope="col">of the whole network</th>
<th scope="col" class="number">at the start</th><th scope="col" class="number">now</th></tr>
</thead><tbody>
{}
</tbody></table>"""
GATES = " Where a circle is dashed, the unit's gate is shut."


class Motion:
    """A network that trains before the reader's eyes, as a part of an HTML page.

    It shows itself in a notebook. After any number of epochs its parameters are the same
    as from ``fastnn.train`` with the same rows, start, learning rate, optimizer and batch size, to the last
    bit.

    Attributes
    ----------
    network : Network
    X, Y : (N, D), (N, K)
        The rows, in the order in which they are visited.
    starts : dict of str to (P,)
    learning_rate : float, or None where the optimizer has none
    recipe : Recipe
    regions : Regions, or None
        What the picture of classes shows, where the network tells classes apart.
    weights : Weights, or None
        Those of the rows; None if all count alike.
    names : mapping of str to str
        What the data call the inputs and the targets: {"x1": "age", ..., "y": "charges"}; or empty.
    """

    def __init__(
        self,
        network: Network,
        rows: tuple[NDArray[Any], NDArray[Any]],
        starts: Mapping[str, NDArray[np.float64]],
        learning_rate: float | None,
        names: Sequence[str] = (),
        recipe: Recipe = DEFAULT,
        regions: Regions | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.network = network
        self.X, self.Y = rows
        self.starts = starts
        self.learning_rate = learning_rate
        self.recipe = recipe
        self.regions = regions
        self.weights = weights
        self.derivation = derived(network, replace(recipe.rule, weighted=weights is not None))
        self.names = dict(zip(self._columns, map(plain, names), strict=True)) if names else {}

    def __repr__(self) -> str:
        starts = counted(len(self.starts), "start")
        with_it = "".join(f", {told}" for told in [*self.recipe.told, *self._on_weights])
        return f"<Motion of {self.network!r}{with_it}: {counted(len(self.X), 'row')}, {starts}>"

    def html(self) -> str:
        """An HTML page that needs nothing else."""
        title = f"A {self._layers} network in motion{trained_with(self.derivation.rule)}"
        return html_page(title, "", [Section("", [self.block])])

    @property
    def block(self) -> Fragment:
        """The same as a block of pages."""
        return Fragment(self.fragment)

    def _repr_html_(self) -> str:
        return self.fragment

    @cached_property
    def fragment(self) -> str:
        """The ``<section>`` that can stand in any page, once or several times, and needs nothing else."""
        code = javascript(self.derivation)
        if self.regions is not None:
            code += f"\n{javascript_answers(self.derivation)}"
        html = _file("section.html").substitute(
            layers=self._layers,
            trained_with=trained_with(self.derivation.rule),
            training=self._training(),
            batch=STEP_ONE_BATCH if self.derivation.rule.batched else "",
            own_update="the update of its batch" if self.derivation.rule.batched else "its own update",
            style=style() + _file("section.css").template,
            speeds=_options(
                {name: f"{number:g} {unit}" for name, (number, unit) in SPEEDS.items()}, USUAL_SPEED
            ),
            rate="" if self.learning_rate is None else RATE.format(self.learning_rate),
            starts=_options({name: name for name in self.starts}),
            drawing=network_drawing(self.derivation, self.names),
            regions="" if self.regions is None else f"{self.regions.figure()}\n",
            row=self._row(),
            gates=GATES if any(map(self._dies, range(1, len(self.network.layers)))) else "",
            equations=live_equations(self.derivation),
            remembered="".join(map(_remembered, self.derivation.rule.states)),
            parameters="\n".join(map(self._parameter_row, self.network.parameter_names)),
            shared=self._shared(),
            code=code,
            code_shown=escape(code),
            data=self._data(),
            script=_file("section.js").template
            + ("" if self.regions is None else _file("regions.js").template),
        )
        return plain(html)

    @property
    def _columns(self) -> list[str]:
        """What the equations call the numbers of a row: x1, x2, y."""
        inputs, outputs = self.network.n_inputs, self.network.n_outputs
        targets = ["y"] if outputs == 1 else [f"y{k + 1}" for k in range(outputs)]
        return [*(f"x{i + 1}" for i in range(inputs)), *targets]

    def _training(self) -> str:
        """How the parameters move, where it is not by plain gradient descent row by row."""
        recipe, size = self.recipe, self.recipe.batch_size
        if recipe == DEFAULT and self.weights is None:
            return ""
        told = [f"{name} {value!r}" for name, value in recipe.named.items()]
        told.insert(0, recipe.optimizer.name)
        if self.derivation.rule.l2_on_sum:
            told.append("l2 on the sum of a batch's losses")
        if size is not None and size > 1:
            short = len(self.X) % size
            last = f" (the last one of an epoch has {short})" if short else ""
            told.append(f"in batches of {counted(size, 'row')}{last}")
        told += [] if recipe.schedule == CONSTANT else [repr(recipe.schedule)]
        told += self._on_weights
        return f"<p>Trained with {escape(', '.join(told))}.</p>\n"

    @property
    def _on_weights(self) -> list[str]:
        return weights_told(None if self.weights is None else self.weights.within)

    def _parameter_row(self, name: str) -> str:
        """A row of the table of parameters: at the start, now, and what the optimizer remembers now."""
        places = [("start", name), ("now", name)]
        places += [("kept", letter + name) for letter in self.derivation.rule.states]
        cells = (f'<td class="number"><data data-{key}="{of}"></data></td>' for key, of in places)
        return f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>'

    def _row(self) -> str:
        """The numbers of a row by their names, with places for them."""
        parts = []
        for column in self._columns:
            name = f"{escape(shortened(self.names[column]))} " if column in self.names else ""
            parts.append(f'{name}<i>{column}</i> = <span data-taken="{column}">–</span>')
        if self.weights is not None:
            parts.append(
                f'coefficient <i>{COEFFICIENT.family}</i> = <span data-taken="{COEFFICIENT.family}">–</span>'
            )
        scaled = " (scaled)" if self.names else ""
        return f'<span data-part="which">Row 1</span>{scaled}: {", ".join(parts)}.'

    @property
    def _layers(self) -> str:
        return shape(self.network.layers)

    def _gated(self) -> list[str]:
        """The units with a gate, by the name of what they pass on."""
        written = (e for e in self.derivation.scalar if e.kind == "activation")
        gated = (e.target for e in written if self._dies(e.layer))
        return [*map(self.derivation.name, gated)]

    def _zeros(self, stage: Stage) -> dict[str, float]:
        """A zero for each thing that a stage computes and no state holds: what it begins with."""
        targets = [e.target for e in self.derivation.scalar if e.stage == stage]
        return {self.derivation.name(s): 0.0 for s in targets if s not in self.derivation.rule.shared}

    def _dies(self, layer: int) -> bool:
        return activation(self.network.activations[layer - 1]).dies

    def _remembered(self) -> dict[str, float]:
        """What the optimizer begins with, by name."""
        names = map(self.derivation.name, self.derivation.state)
        begun = self.recipe.begun(np.zeros((1, self.network.n_parameters)))
        return dict(list(zip(names, begun[0].tolist(), strict=True))[self.network.n_parameters :])

    def _shared(self) -> str:
        """The table of what the optimizer remembers once for the whole network, if it does."""
        first = self._remembered()
        rows = (
            f'<tr><th scope="row">{name}</th><td class="number">{first[name]:g}</td>'
            f'<td class="number"><data data-kept="{name}"></data></td></tr>'
            for name in map(self.derivation.name, self.derivation.rule.shared)
        )
        return SHARED.format("\n".join(rows)) if self.derivation.rule.shared else ""

    def _data(self) -> str:
        """What the script is given, as JSON; its decimals are the shortest that give the same doubles."""
        rule = self.derivation.rule
        values = {
            "parameters": self.network.parameter_names,
            "remembered": self._remembered(),
            "settings": self.recipe.named,
            "batch_size": self.recipe.batch_size,
            "prepared": self._zeros(BEGIN) if rule.batched else {},
            "sums": self._zeros(GRADIENTS),
            "columns": self._columns,
            "rows": np.hstack([self.X, self.Y]).tolist(),
            "gated": self._gated(),
            "starts": {name: start.tolist() for name, start in self.starts.items()},
        }
        if self.regions is not None:
            values["regions"] = self.regions.given
        if self.weights is not None:
            size = self.recipe.batch_size or len(self.X)
            values["coefficients"] = self.weights.coefficients(None, size).tolist()
        if self.recipe.schedule != CONSTANT:
            values["factors"] = _factors(self.recipe.schedule)
        # A < in a start's name could otherwise end the script.
        return json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")


def motion(
    network: Network,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    starts: Mapping[str, ArrayLike] | None = None,
    *,
    learning_rate: float | None = None,
    schedule: str | Schedule | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    weights_within: str = "epoch",
    **training: Unpack[Asked],
) -> Motion:
    """Set a network in motion: a part of a page in which it trains in the browser, with live equations.

    Parameters
    ----------
    network : Network
        Of at most 64 parameters.
    X : array_like (N, D), or Dataset
        A Dataset also names the inputs and the targets.
    y : array_like (N,) or (N, K), optional
        Not needed with a Dataset.
    starts : mapping of str to array_like (P,), optional
        Starting parameters by the names under which the reader chooses; the first is there at first.
        Without, the first ten networks of ``fastnn.sweep``.
    learning_rate : float, optional
        There at first; the reader may change it. Without, the optimizer's own. iRprop- has none.
    schedule : str or Schedule, optional
        By what the learning rate is multiplied in each epoch, as in `fastnn.train`.
    sample_weight : array_like (N,), optional
    class_weight : "balanced", or mapping of class to float, optional
    weights_within : str
        The weights of rows, as in `fastnn.train`.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`.

    Returns
    -------
    Motion
        Shows itself in a notebook; ``.html()`` is a page of its own, ``.fragment`` a part for any page.

    Raises
    ------
    InputError
        For anything that does not fit, and for a network too large to write out.
    """
    need_written_out(network, Recipe.of(checked_network(network), **training).rule)
    inputs, targets, labels = labelled_rows(network, X, y, "float64")
    recipe = Recipe.of(network, rows=len(inputs), **training).scheduled(schedule)
    need_targets(type(recipe.loss), network.output, targets)
    rate = rate_of(recipe.optimizer, learning_rate)
    named = X.classes if isinstance(X, Dataset) else labels
    classes = classes_of(network, type(recipe.loss), named)
    if classes is not None:
        refuse_unmet(targets, classes)
    called = X.inputs if isinstance(X, Dataset) else [f"x{i + 1}" for i in range(network.n_inputs)]
    regions = None if classes is None else Regions(network, classes, X, inputs, targets, called)
    by_class = class_weights_of(class_weight, targets, named)
    weights = weights_of(sample_weight, weights_within, len(inputs), of_classes=by_class)
    weights = None if weights is None else weights.first(len(inputs))
    found = _checked_starts(network, starts)
    names = (*X.inputs, *X.scaling.labels_of(network)) if isinstance(X, Dataset) else ()
    return Motion(network, (inputs, targets), found, rate, names, recipe, regions, weights)


def _factors(schedule: Schedule) -> list[tuple[int, float | None]]:
    """What the learning rate is multiplied by, and from which epoch on; None where nothing is known."""
    found: list[tuple[int, float | None]] = []
    epoch: float = 0
    while epoch < MOST_EPOCHS:
        found.append((int(epoch), schedule.factor(int(epoch))))
        epoch = schedule.until(int(epoch))
    return found if epoch == ALWAYS else [*found, (int(epoch), None)]


def _checked_starts(network: Network, starts: Any) -> dict[str, NDArray[np.float64]]:
    if starts is None:
        drawn = DEFAULT_START.draw(network, range(RANDOM_STARTS), 0)
        return {f"network {number}": start for number, start in enumerate(drawn)}
    if not isinstance(starts, Mapping) or not starts or not all(isinstance(name, str) for name in starts):
        raise InputError(
            f"starts must be a mapping of at least one name to parameters; got {shown(starts)}. "
            f'Give one such as {{"all ones": [1.0] * {network.n_parameters}}}.'
        )
    found = {name: finite_array(start, f"starts[{name!r}]", (1,)) for name, start in starts.items()}
    for name, start in found.items():
        if len(start) != network.n_parameters:
            raise InputError(
                f"starts[{name!r}] must hold {network.n_parameters} numbers for {network!r}; "
                f"got {len(start)}. Give all weights first, then all biases."
            )
    return found


def _file(name: str) -> Template:
    """One of the files beside this module."""
    return Template(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _options(values: Mapping[str, str], chosen: str = "") -> str:
    """The choices of a ``<select>``: a value for each text, one of them chosen at first."""
    options = (
        (escape(value), " selected" if text == chosen else "", escape(text)) for text, value in values.items()
    )
    return "".join(f'<option value="{value}"{mark}>{text}</option>' for value, mark, text in options)


def _remembered(letter: str) -> str:
    """The head of a column of what an optimizer remembers."""
    return f'<th scope="col" class="number">{letter} now</th>'
