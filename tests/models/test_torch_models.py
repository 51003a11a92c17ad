"""Weights carried to PyTorch and back."""

import numpy as np
import pytest

import fastnn
from fastnn.core.activations import ACTIVATIONS
from fastnn.models.torch import KNOWN

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(scale=3, size=(50, 3))


@pytest.mark.parametrize("hidden", [*KNOWN[:-1], "leaky_relu(0.3)", "elu(0.5)"])
@pytest.mark.parametrize("output", ["identity", "softmax"])
def test_outputs_agree_there_and_back(hidden, output):
    network = fastnn.Network((3, 6, 2), hidden, output)
    parameters = RANDOM.normal(scale=4, size=network.n_parameters)
    Y = np.eye(2)[RANDOM.integers(2, size=50)]
    run = fastnn.train(network, X, Y, parameters, epochs=1, learning_rate=1e-9, engine="batched")
    model = fastnn.to_torch(network, run.parameters)
    found = model(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(found, run.predict(X), rtol=1e-12, atol=1e-12)
    again, there_and_back = fastnn.from_torch(model)
    assert again == network
    np.testing.assert_array_equal(there_and_back, run.parameters)


def test_these_alone_are_not_shared():
    assert set(ACTIVATIONS) - {*KNOWN} == {"sine", "gaussian", "square", "exponential"}
    with pytest.raises(fastnn.InputError, match=r"activations that PyTorch has as modules .* got sine"):
        fastnn.to_torch(fastnn.Network((2, 2, 1), "sine"), np.zeros(9))


def test_a_model_in_float32_is_copied_exactly():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    network, parameters = fastnn.from_torch(model)
    assert network == fastnn.Network((2, 3, 1), "tanh")
    assert parameters[:6].tolist() == model[0].weight.detach().double().flatten().tolist()


@pytest.mark.parametrize(
    "model",
    [
        3,
        nn.Sequential(),
        nn.Sequential(nn.ReLU(), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(2, 1, bias=False)),
        nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Tanh()),
        nn.Sequential(nn.Linear(2, 2), nn.Softplus()),
        nn.Sequential(nn.Linear(2, 2), nn.GELU()),
        nn.Sequential(nn.Linear(2, 2), nn.Dropout()),
    ],
)
def test_other_models_are_refused(model):
    with pytest.raises(fastnn.InputError, match=r"must be a torch.nn.Sequential of Linear layers"):
        fastnn.from_torch(model)
