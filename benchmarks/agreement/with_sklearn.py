"""scikit-learn: an epoch is a call of partial_fit, alpha is on the sum of a batch's losses."""

from sklearn.neural_network import MLPRegressor


def train(problem):
    starts = iter(problem.layers)

    class Started(MLPRegressor):
        def _init_coef(self, fan_in, fan_out, dtype):
            W, b = next(starts)
            return W.T.copy(), b.copy()

    model = Started(
        hidden_layer_sizes=[len(b) for _, b in problem.layers[:-1]],
        activation="tanh",
        alpha=problem.scaled("l2"),
        batch_size=problem.batch,
        shuffle=False,
        learning_rate_init=problem.rate,
        **solver_of(problem),
    )
    for _ in range(problem.epochs):
        model.partial_fit(problem.X, problem.Y, sample_weight=problem.weights)
    return [(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]


def solver_of(problem):
    given = problem.given
    if problem.optimizer == "adam":
        numbers = {"beta_1": given["beta1"], "beta_2": given["beta2"], "epsilon": problem.scaled("eps")}
        return {"solver": "adam", **numbers}
    solver = {"solver": "sgd", "momentum": given.get("momentum", 0.0)}
    if problem.schedule == "inverse_scaling":
        assert given["scale"] == len(problem.X)  # it counts rows
        solver |= {"learning_rate": "invscaling", "power_t": given["power"]}
    return solver | {"nesterovs_momentum": problem.optimizer == "nesterov"}
