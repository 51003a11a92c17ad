"""What the axes of losses say: the loss by which the networks were trained."""

import numpy as np
import pytest

import fastnn
from fastnn import plotting

NET, X, Y = fastnn.Network((1, 2, 1)), np.linspace(0, 1, 6)[:, None], np.linspace(0, 1, 6)
LABELS = {
    "squared": "loss (mean squared error, scaled)",
    "absolute": f"loss (mean {fastnn.losses.Absolute.words}, scaled)",
}


def swept(loss):
    return fastnn.sweep(
        NET, X, Y, networks=3, epochs=2, engine="batched", loss=loss, curves=True, progress=False
    )


@pytest.mark.parametrize("loss", LABELS)
def test_of_one_loss(loss):
    sweep = swept(loss)
    run = fastnn.train(NET, X, Y, epochs=2, engine="batched", loss=loss)
    drawn = [plotting.loss_curves(run), plotting.loss_curves(sweep), plotting.fan(sweep)]
    for ax in drawn:
        assert ax.get_ylabel().startswith(LABELS[loss])
    assert plotting.sweep_histogram(sweep).get_xlabel().startswith(f"last epoch's {LABELS[loss]}")


def test_of_networks_that_stop():
    stopping = {"patience": 1, "watch": "training_loss"}
    sweep = fastnn.sweep(NET, X, Y, networks=3, epochs=2, engine="batched", progress=False, **stopping)
    drawn = plotting.sweep_histogram(sweep).get_xlabel()
    assert drawn.startswith(f"best epoch's {LABELS['squared']}")
    assert "loss of the best epoch, of" in sweep._repr_html_()


def test_of_a_fused_loss():
    network = fastnn.Network((1, 2, 2), output="softmax")
    run = fastnn.train(network, X, np.eye(2)[[0, 1, 0, 1, 1, 0]], epochs=2, engine="batched")
    assert plotting.loss_curves(run).get_ylabel() == "loss (mean cross-entropy)"


def test_of_several():
    assert plotting.fan(swept(["squared", "absolute"])).get_ylabel() == "loss"
