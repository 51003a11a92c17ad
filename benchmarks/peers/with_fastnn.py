"""fastnn at its public door: `train` with each engine, and `sweep` as users call it."""

import fastnn
from fastnn.training.tuned import tuned
from peers.forms import Form


def forms(problem, kind):
    """`kind` is "door" (train for one network, sweep for many) or the name of an engine."""
    if kind == "door":
        return [
            Form("fastnn.train", (1,), trained_by("auto")),
            Form("fastnn.sweep", (100, 1000, 10_000), swept, all_epochs=True),
        ]
    return [Form(f'engine="{kind}"', (1, 64, 1024, 8192), trained_by(kind))]


def ready(problem, engine="auto"):
    """Have all kernels compiled, and the fastest form known: neither is inside the clock."""
    rule = {"optimizer": problem.optimizer, "batch_size": problem.batch_size}
    fastnn.warmup(problem.network, engine, str(problem.dtype), **rule)
    if engine == "auto":
        list(tuned(problem.network, str(problem.dtype), weighted=False, **rule))


def trained_by(engine):
    def prepare(problem, networks):
        ready(problem, engine)

        def train(starts, epochs):
            return fastnn.train(
                problem.network,
                problem.X,
                problem.Y,
                starts,
                optimizer=problem.optimizer,
                learning_rate=problem.learning_rate,
                batch_size=problem.batch_size,
                epochs=epochs,
                engine=engine,
                dtype=str(problem.dtype),
            ).parameters

        return train

    return prepare


def swept(problem, networks):
    ready(problem)

    def train(starts, epochs):
        return fastnn.sweep(
            problem.network,
            problem.X,
            problem.Y,
            networks=networks,
            start=fastnn.given(starts),
            optimizer=problem.optimizer,
            learning_rate=problem.learning_rate,
            batch_size=problem.batch_size,
            epochs=epochs,
            dtype=str(problem.dtype),
            progress=False,
        ).parameters

    return train
