"""All forms in which engines print a kernel, as plain Python: in loops, written out, for either processor."""

from itertools import product

import numpy as np
from comparing import quiet

from fastnn.engines import ENGINES, forms, lanes, load, loop
from fastnn.engines.compiling import run_source
from fastnn.engines.form import Form

LIMITS = {"in loops": 0, "written out": 10**6}
PROCESSORS = {"16 registers": forms.Registers(16, 32), "32 registers": forms.Registers(32, 64)}


def forms_of(monkeypatch, network, dtype, rule):
    """The sources of all engines, each once: what it is, and the source."""
    found = {}
    for limit, processor in product(LIMITS, PROCESSORS):
        with monkeypatch.context() as patch:
            patch.setattr(forms, "registers", lambda which=processor: PROCESSORS[which])
            patch.setattr(loop, "STRAIGHT_LINE_PARAMETERS", LIMITS[limit])
            patch.setattr(forms, "STRAIGHT_LINE_PARAMETERS", LIMITS[limit])
            patch.setattr(forms, "STRAIGHT_LINE_IN_BATCHES", LIMITS[limit])
            for engine in [each for each in ENGINES if each != "general"]:  # has tests of its own
                found.setdefault(load(engine).source(network, dtype, rule), (engine, limit, processor))
            if limit == "written out":  # as `lanes` is not by default where it works out functions
                source = lanes.source(network, dtype, rule, _written_out(network, dtype, rule))
                found.setdefault(source, ("lanes", limit, processor))
    assert {(engine, limit) for engine, limit, _ in found.values()} >= {*product(("loop", "lanes"), LIMITS)}
    return [(form, source) for source, form in found.items()]


def _written_out(network, dtype, rule):
    """The form of `lanes` in straight lines that is known, or else one with a register for every value."""
    known = forms.known_form(network, dtype, rule)
    tile = forms.STRAIGHT_LINE_TILE // known.size
    return known if known.straight else Form(True, known.size, registers=1, groups=tile)


def trained_by_form(source, recipe, starts, epochs, X, *given):
    """The bytes of parameters and losses of each start; `given` is what a kernel is given after X."""
    state, totals = recipe.begun(starts), np.zeros((len(starts), epochs), starts.dtype)
    advance = quiet(run_source(source)["advance"])
    size = [recipe.batch_size] if recipe.batch_size > 1 else []
    advance(state, X, *given, totals, *size)
    parameters = np.ascontiguousarray(state[:, : starts.shape[1]])
    losses = totals / starts.dtype.type(len(X))
    return [(one.tobytes(), curve.tobytes()) for one, curve in zip(parameters, losses, strict=True)]
