"""What is said beside the equations of a training step, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastnn.core.equations import BEGIN, DELTAS, ERROR, GRADIENTS, UPDATES, Derivation, Stage
from fastnn.core.expressions import Expression, Select, SquareRoot, nodes
from fastnn.core.optimizers import Optimizer
from fastnn.core.rule import FACTOR
from fastnn.explaining.chain_rule import DERIVATIVES, kinks_of, worked_out_before

__all__ = ["notes_of"]

ON_DERIVATIVES = "By the chain rule. Equation n' is the derivative that equation n, below, descends."
ON_THEIR_GRADIENTS = "By the chain rule. Equation n' is the derivative that belongs to equation n, below."
ON_ONE_ROW = "They are those of one row's loss."
ON_DELTAS = (
    "What runs has the learning rate folded in: {}, computed once. So a delta s is -learning_rate times the "
    "derivative of the same number."
)
ON_DELTAS_OF_A_BATCH = (
    "What runs has the learning rate and the rows of the batch folded in: {}, computed once, and {}, once a "
    "batch. So a delta s is -learning_rate/n times the derivative of the same number."
)
ON_SLOPES = "What runs is the derivative itself: a delta s is that of the same number."
ON_SLOPES_OF_A_BATCH = (
    "What runs has the rows of the batch folded in: {}, once a batch. So a delta s is 1/n times the "
    "derivative of the same number."
)
ON_A_BATCH = "A batch has n rows: the batch size, or what is left of them at the end of an epoch."
ON_A_ROW = "Each row is a batch of its own: this comes before it, once for all parameters."
ON_SHARED = (
    "What {} remembers of the whole network, {}, is {} before the first batch and is kept from one to the "
    "next."
)
ON_GRADIENTS = (
    "Σ is the sum over the rows of the batch. It begins at 0, and each row adds its own, in their order. "
    "After the last row each g is {}the derivative of the batch's mean loss."
)
ON_MATRICES_OF_A_BATCH = (
    "Of all rows at once it is a product of matrices, in capitals, with a column for each row of the batch."
)
ON_UPDATES_OF_A_BATCH = (
    "They come once, after the last row of the batch: all its rows use the parameters as they were before."
)
ON_UPDATES = "All deltas are taken before the first update: they use the parameters as they were before."
ON_OWN_GRADIENTS = "Each g is the derivative of the row's loss by the parameter that it has in its name."
ON_PENALTIES = (
    "To the g of a weight {}the derivative of its penalty, {}, is added. Biases have none, and L does not "
    "have it in it."
)
ON_DECAY = "A weight loses the part shrink of itself before it moves; a bias does not."
ON_CLIPPING = (
    "The g of all parameters, penalties included, are one vector, and squares becomes the sum of their "
    "squares. Where the norm is above clip, the vector is made as long as clip; its direction stays as it is."
)
ON_COEFFICIENTS = "c is the row's coefficient, its weight divided by the mean weight of all rows."
ON_SETTINGS = "{}, computed once."
ON_STATE = (
    "What {} remembers of a parameter has the letter {} with the parameter's name: {} is that of {}. It "
    "begins at {} and is kept from step to step. The parameter's own update takes it as it has just become."
)
ON_STATES = (
    "What {} remembers of a parameter has the letters {} with the parameter's name: {} are those of {}. They "
    "begin at {} and are kept from step to step. The parameter's own update takes them as they have just "
    "become."
)
ON_ELEMENTS = "{} of matrices are taken element by element."
BY_ELEMENTS: dict[str, type[Expression]] = {"Roots and quotients": SquareRoot, "Choices": Select}


def notes_of(derivation: Derivation, optimizer: Optimizer, *, in_matrices: bool) -> dict[Stage, str]:
    """The words over the equations of each section that needs some."""
    sections = {
        BEGIN: _on_the_begin(derivation, optimizer),
        ERROR: [ON_COEFFICIENTS] if derivation.rule.weighted else [],
        DERIVATIVES: _on_derivatives(derivation),
        DELTAS: _on_deltas(derivation),
        GRADIENTS: _on_gradients(derivation, in_matrices),
        UPDATES: _on_updates(derivation, optimizer, in_matrices),
    }
    found = {section: " ".join(filter(None, words)) for section, words in sections.items()}
    return {section: words for section, words in found.items() if words}


def _on_the_begin(derivation: Derivation, optimizer: Optimizer) -> Iterator[str]:
    yield ON_A_BATCH if derivation.rule.batched else ON_A_ROW
    if names := optimizer.shared:
        yield ON_SHARED.format(optimizer.name, _listed(names), _firsts(optimizer, names))


def _on_derivatives(derivation: Derivation) -> Iterator[str]:
    yield ON_THEIR_GRADIENTS if derivation.rule.needs_gradient else ON_DERIVATIVES
    yield ON_ONE_ROW if derivation.rule.batched else ""
    yield kinks_of(derivation)


def _on_deltas(derivation: Derivation) -> Iterator[str]:
    needs_gradient, batched = derivation.rule.needs_gradient, derivation.rule.batched
    factor = "".join(f"({e.number})" for e in derivation.of("factor") if e.target == FACTOR)
    if needs_gradient:
        yield ON_SLOPES_OF_A_BATCH.format(factor) if batched else ON_SLOPES
    else:
        before = _before(derivation)
        yield ON_DELTAS_OF_A_BATCH.format(before, factor) if batched else ON_DELTAS.format(before)


def _on_gradients(derivation: Derivation, in_matrices: bool) -> Iterator[str]:
    yield ON_GRADIENTS.format("" if derivation.rule.needs_gradient else "-learning_rate times ")
    yield ON_MATRICES_OF_A_BATCH if in_matrices else ""


def _on_updates(derivation: Derivation, optimizer: Optimizer, in_matrices: bool) -> Iterator[str]:
    batched = derivation.rule.batched
    yield ON_UPDATES_OF_A_BATCH if batched else ON_UPDATES
    if derivation.rule.needs_gradient:
        yield "" if batched else ON_OWN_GRADIENTS
        yield ON_SETTINGS.format(before) if (before := _before(derivation)) else ""
    yield _on_penalties(derivation)
    yield ON_CLIPPING if derivation.rule.clipped else ""
    if letters := optimizer.states:
        first = derivation.network.parameter_names[0]
        named = _listed([letter + first for letter in letters])
        told = ON_STATE if len(letters) == 1 else ON_STATES
        yield told.format(optimizer.name, _listed(letters), named, first, _firsts(optimizer, letters))
    moves = [node for e in derivation.of("gradient", "penalty", "update") for node in nodes(e.expression)]
    for what, kind in BY_ELEMENTS.items():
        yield ON_ELEMENTS.format(what) if in_matrices and any(isinstance(n, kind) for n in moves) else ""


def _on_penalties(derivation: Derivation) -> str:
    """What is said of the penalties; nothing without any."""
    rule, said = derivation.rule, []
    if rule.penalises_gradients:
        times = "" if rule.needs_gradient else "-learning_rate times "
        l2 = "l2/n/2*w*w" if rule.l2_on_sum else "l2/2*w*w"
        terms = [text for name, text in (("l2", l2), ("l1", "l1*abs(w)")) if name in rule.penalties]
        said.append(ON_PENALTIES.format(times, " + ".join(terms)))
    if "decay" in rule.penalties:
        said.append(ON_DECAY)
    return " ".join(said)


def _firsts(optimizer: Optimizer, names: Sequence[str]) -> str:
    """What the optimizer begins with: one number, where it is the same for all."""
    return _listed([*dict.fromkeys(f"{optimizer.firsts().get(name, 0.0):g}" for name in names)])


def _before(derivation: Derivation) -> str:
    """What is computed from the settings, as a sentence has it; it may be nothing."""
    return _listed([*worked_out_before(derivation).values()])


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: one, two and three."""
    *first, last = names or ("",)
    return f"{', '.join(first)} and {last}" if first else last
