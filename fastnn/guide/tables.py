"""The tables of the guide that are made from the code: ``<!-- table: activations -->`` holds their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from fastnn.core.activations import ACTIVATIONS
from fastnn.core.choices import settings_of
from fastnn.core.derivation import derive
from fastnn.core.expressions import Call, Number, Select, Symbol, substitute
from fastnn.core.loss import Output
from fastnn.core.losses import LOSSES
from fastnn.core.network import Network
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.core.rule import STEP
from fastnn.core.schedules import SCHEDULES
from fastnn.guide.chapters import chapters
from fastnn.guide.references import REFERENCES, summary
from fastnn.printing.notation import Text

__all__ = ["TABLES", "filled"]

PLACE = re.compile(r"^<!-- table: (\w+) -->$", re.MULTILINE)

D = Symbol("d")
SIZE = Select(D, "<", Number(0.0), -1.0 * D, D)


def filled(text: str) -> str:
    """A text with its tables in their places."""
    return PLACE.sub(lambda place: TABLES[place[1]](), text)


def activations() -> str:
    """Every activation: its value, its unit's delta, whether it dies, and what is said of its kink."""
    spelled = Text(derive(Network((1, 1))))
    g, z, h = Symbol("g"), Symbol("z"), Symbol("h")
    return _table(
        ("activation", "h = f(z)", "g times the slope", "can die", "at its kink"),
        (
            (
                f"`{entry.name}`",
                f"`{spelled(entry.value(z))}`",
                f"`{spelled(entry.slope(g, z, h))}`",
                "yes" if entry.dies else "no",
                entry.kink,
            )
            for entry in ACTIVATIONS.values()
        ),
    )


def optimizers() -> str:
    """Every optimizer: its settings, its learning rate, and the equations of an update of w."""
    spelled = Text(derive(Network((1, 1))))
    rows = []
    for kind in OPTIMIZERS.values():
        named = {name: Symbol(name) for name in (*kind.settings(), *kind.shared, *kind.prepared)}
        given = named | {name: Symbol(name) for name in kind.columns(STEP, Symbol("rate"), named)}
        states = {letter: Symbol(letter) for letter in kind.states}
        w, change = Symbol("w"), Symbol("g" if kind.needs_gradient else "change")
        equations = kind.prepares(given) | kind.moves(w, change, states, given)
        written = ", ".join(f"`{target or 'w'} = {spelled(value)}`" for target, value in equations.items())
        settings = ", ".join(f"{name} {value!r}" for name, value in settings_of(kind()).items())
        rows.append((f"`{kind.name}`", settings or "none", repr(kind.learning_rate), written))
    return _table(("optimizer", "settings", "learning rate", "an update"), rows)


def losses() -> str:
    """Every loss, with each kind of outputs that it has equations of its own for."""
    spelled = Text(derive(Network((1, 1))))
    rows = []
    for kind in LOSSES.values():
        given = {name: Symbol(name) for name in kind.settings()}
        settings = ", ".join(f"{name} {value!r}" for name, value in settings_of(kind()).items())
        for outputs in kind.outputs or ("any but softmax",):
            output = Output(Symbol("z"), Symbol("yhat"), Symbol("y"), D, outputs)
            slope = kind.slope(output, given)
            slope = slope if kind.factor == 1 else kind.factor * slope
            term, slope = (
                substitute(node, SIZE, Call("abs", D)) for node in (kind.term(output, given), slope)
            )
            equations = (f"`{spelled(term)}`", f"`{spelled(slope)}`")
            rows.append((f"`{kind.name}`", settings or "none", outputs, *equations, kind.kink))
    return _table(("loss", "settings", "outputs", "an output adds", "its derivative", "at its kink"), rows)


def schedules() -> str:
    """Every schedule: its settings, and the factor of an epoch."""
    rows = []
    for kind in SCHEDULES.values():
        settings = ", ".join(f"{name} {value:g}" for name, value in settings_of(kind()).items())
        rows.append((f"`{kind.name}`", settings or "none", f"`{kind.words}`"))
    return _table(("schedule", "settings", "factor"), rows)


def list_of_chapters() -> str:
    """Every chapter, with what it is about."""
    rows = ((f"[{chapter.title}]({chapter.name}.md)", chapter.summary) for chapter in chapters())
    return _table(("chapter", "what it tells"), rows)


def list_of_references() -> str:
    """Every module that has a page, with what it is."""
    rows = ((f"`{name}`", summary(name)) for name in REFERENCES)  # pdoc makes a link of such a name
    return _table(("module", "what it is"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "activations": activations,
    "chapters": list_of_chapters,
    "losses": losses,
    "optimizers": optimizers,
    "references": list_of_references,
    "schedules": schedules,
}


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
