"""The same classifiers by other libraries, from the same start on the same rows: a program of its own.

``python classifiers.py LIBRARY FOLDER``: TABLE.npz in the folder holds a problem, an array for each entry.
It gets the probabilities of the trained network for its rows: (N, K), or (N, 1) of the second of two classes.
"""

import os
import sys
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}

import numpy as np

TABLES = "iris", "wine", "breast_cancer", "digits"


def by_sklearn(X, y, layers, rate, batch, epochs):
    """An epoch is a call of partial_fit; two classes have one output."""
    from sklearn.neural_network import MLPClassifier

    starts = iter(layers)

    class Started(MLPClassifier):
        def _init_coef(self, fan_in, fan_out, dtype):
            W, b = next(starts)
            return W.T.copy(), b.copy()

    solver = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": rate, "alpha": 0.0}
    model = Started(hidden_layer_sizes=[len(layers[0][1])], batch_size=batch, shuffle=False, **solver)
    for _ in range(epochs):
        model.partial_fit(X, y, classes=np.unique(y))
    found = model.predict_proba(X)
    return found[:, 1:] if len(model.classes_) == 2 else found


def by_torch(X, y, layers, rate, batch, epochs):
    """Losses from logits."""
    import torch

    (W1, b1), (W2, b2) = [[torch.tensor(array, requires_grad=True) for array in layer] for layer in layers]
    two = len(b2) == 1
    lost = torch.nn.BCEWithLogitsLoss() if two else torch.nn.CrossEntropyLoss()
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y[:, None].astype(float) if two else y)
    optimizer = torch.optim.SGD([W1, b1, W2, b2], rate)

    def logits(rows):
        return torch.relu(rows @ W1.T + b1) @ W2.T + b2

    for _ in range(epochs):
        for first in range(0, len(X), batch):
            optimizer.zero_grad()
            lost(logits(inputs[first : first + batch]), targets[first : first + batch]).backward()
            optimizer.step()
    found = logits(inputs)
    return (torch.sigmoid(found) if two else torch.softmax(found, 1)).detach().numpy()


def by_keras(X, y, layers, rate, batch, epochs):
    """Losses from logits; the probabilities by NumPy, as predict would give float32.

    That of two classes is written out: measured on JAX, Keras's own ends 9e-10 away; some of it is float32.
    """
    import keras
    from jax.numpy import logaddexp, maximum, mean  # those of Keras give float32

    keras.config.set_floatx("float64")
    (_, b1), (_, b2) = layers
    hidden = keras.layers.Dense(len(b1), lambda z: maximum(z, 0.0))
    model = keras.Sequential([keras.layers.Input((X.shape[1],)), hidden, keras.layers.Dense(len(b2))])
    model.set_weights([array for W, b in layers for array in (W.T, b)])
    two = len(b2) == 1
    of_many = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    lost = (lambda y, z: mean(logaddexp(0.0, z) - y * z, axis=-1)) if two else of_many
    model.compile(keras.optimizers.SGD(rate), lost)
    targets = y[:, None].astype(float) if two else y
    model.fit(X, targets, batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    W1, c1, W2, c2 = [np.asarray(array, float) for array in model.get_weights()]
    z = np.maximum(X @ W1 + c1, 0.0) @ W2 + c2
    if two:
        return 1.0 / (1.0 + np.exp(-z))
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


LIBRARIES = {"sklearn": by_sklearn, "torch": by_torch, "keras": by_keras}


def main(library, folder):
    """Train on each table by one library."""
    for table in TABLES:
        file = Path(folder) / f"{table}.npz"
        with np.load(file) as held:
            kept = dict(held)
        layers = [(kept[f"W{n}"], kept[f"b{n}"]) for n in range(2)]
        rate, batch, epochs = float(kept["rate"]), int(kept["batch"]), int(kept["epochs"])
        np.savez(file, probabilities=LIBRARIES[library](kept["X"], kept["y"], layers, rate, batch, epochs))


if __name__ == "__main__":
    main(*sys.argv[1:])
