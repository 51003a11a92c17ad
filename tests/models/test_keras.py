"""What Keras is given and what it is not; carrying weights there and back is tested beside the comparison."""

import pytest

import fastnn
from fastnn.comparing import comparison
from fastnn.core.activations import ACTIVATIONS
from fastnn.models import keras, keras_activations


@pytest.mark.parametrize(
    "carry",
    [
        lambda network: fastnn.to_keras(network, [0.0] * network.n_parameters),
        lambda network: comparison.compare(network, fastnn.load_insurance(simulated=True)),
    ],
    ids=["to_keras", "compare"],
)
def test_an_activation_that_keras_lacks_is_refused_before_it_is_imported(monkeypatch, carry):
    monkeypatch.setattr(keras, "need_keras", None)
    with pytest.raises(fastnn.InputError, match=r"activations that Keras has, too .* got sine"):
        carry(fastnn.Network((2, 2, 1), "sine"))


def test_these_alone_are_not_shared():
    alone = set(ACTIVATIONS) - {*keras_activations.KNOWN}
    assert alone == {"sine", "gaussian", "square"}
