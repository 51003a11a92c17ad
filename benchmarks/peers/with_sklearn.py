"""scikit-learn: MLPRegressor, one row at a time. Its loss is halved, so its learning rate is twice ours."""

import warnings

import numpy as np

from peers.forms import Form


def forms(problem, kind):
    return [Form("MLPRegressor", (1,), prepare, rows=1000)]


def prepare(problem, networks):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    warnings.simplefilter("ignore", ConvergenceWarning)
    y = problem.Y[:, 0] if problem.Y.shape[1] == 1 else problem.Y
    model = MLPRegressor(
        hidden_layer_sizes=problem.layers[1:-1],
        activation="relu",
        solver="sgd",
        alpha=0.0,
        batch_size=1,
        learning_rate_init=2 * problem.learning_rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        warm_start=True,
        tol=0.0,
        max_iter=1,
        n_iter_no_change=10**9,
    )
    model.fit(problem.X[:1], y[:1])  # makes the model's arrays, which `one` then sets to the starts

    def one(start, epochs):
        pairs = problem.network.split(start)
        model.coefs_ = [W.T.copy() for W, _ in pairs]
        model.intercepts_ = [b.copy() for _, b in pairs]
        model.set_params(max_iter=epochs).fit(problem.X, y)
        trained = zip(model.coefs_, model.intercepts_, strict=True)
        return problem.network.join([(W.T, b) for W, b in trained])

    return lambda starts, epochs: np.array([one(start, epochs) for start in starts])
