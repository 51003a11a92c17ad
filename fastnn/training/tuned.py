"""Forms of kernels tried ahead of training: ``fastnn tune``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Unpack

from fastnn.core.network import Network
from fastnn.core.recipe import Asked, Recipe
from fastnn.engines.form import Form
from fastnn.engines.forms import forms
from fastnn.engines.tuning import best_form, in_words, tune
from fastnn.training.reducing import reduced_networks

__all__ = ["Tuned", "tuned"]


class Tuned(NamedTuple):
    """What the trials for a network came to.

    `times` are the forms' times in parts of the known one's, which comes first; `best` is the one to take.
    """

    name: str
    times: dict[Form, float]
    best: Form


def tuned(
    network: Network, dtype: str, *, weighted: bool, **training: Unpack[Asked]
) -> Iterator[Tuned | str]:
    """Try the forms for a network, and for those without some of its units; first tell of each what it is."""
    rule = replace(Recipe.of(network, **training).rule, weighted=weighted)
    for one in (network, *reduced_networks(network, rule)):
        if one.n_inputs:
            name = in_words(one, dtype, rule)
            yield f"{name}: {len(forms(one, dtype, rule))} forms are tried"
            yield Tuned(name, tune(one, dtype, rule), best_form(one, dtype, rule))
