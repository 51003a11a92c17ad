"""fastnn beside Keras: without Keras, with a broken one, and, where it is installed, to the last digits."""

import importlib
import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from alone import measure_briefly
from pairing import in_turns

import fastnn
from fastnn.commands.study_reports import comparison_report
from fastnn.comparing import comparison, process
from fastnn.comparing.comparison import Comparison, Result, compare
from fastnn.comparing.programs import lines_of_code, source_lines, with_fastnn, with_keras
from fastnn.core.optimizers import SGD
from fastnn.core.recipe import Recipe
from fastnn.models import keras as keras_weights
from fastnn.models.keras import installed_backends
from fastnn.models.keras_training import need_shared_rule
from fastnn.studies.keras_line import keras_claims
from fastnn.training.scoring import SCORES

NET = fastnn.Network((2, 2, 1))
SAME = 1e-12  # in float64 Keras on JAX differs in the last bits only: it sums in another order
# Keras 3.15 computes tanh in float32, whatever it is told, and on torch some more.
SAME_IN_FLOAT32 = 1e-6

needs_keras = pytest.mark.skipif(
    not installed_backends(), reason='needs Keras and a backend: pip install "fastnn-sweep[peers]"'
)


@pytest.fixture(scope="module")
def data():
    """Forty rows of the stand-in."""
    frame = fastnn.generate_train_data(40, seed=2)
    return fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3")


def without_keras(monkeypatch):
    """Make Keras missing, also to those who ask whether it is there."""
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setattr(keras_weights, "_is_installed", lambda name: False)


# Of Keras, how it takes its backend: from its file, which it writes unasked, and from the environment.
MADE_UP_KERAS = """
import json, os, pathlib
file = pathlib.Path(os.environ["KERAS_HOME"], "keras.json")
try:
    backend = json.loads(file.read_text())["backend"]
except (OSError, ValueError, TypeError, KeyError):
    backend = "tensorflow"
    file.write_text(json.dumps({"backend": backend}))
backend = os.environ.get("KERAS_BACKEND") or backend
"""
# A process in which only the packages of a folder are installed, whatever this environment has. It is asked
# again and again, and forgets between two questions what it had imported.
NEED_KERAS = """
import importlib.util, json, os, sys
from fastnn.models import keras as keras_weights

here = lambda name: os.path.isdir(os.path.join(folder, name))

class Others:
    def find_spec(self, name, path=None, target=None):
        if name in ("jax", "torch", "tensorflow") and not here(name):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Others())
keras_weights.find_spec = lambda name: importlib.util.find_spec(name) if here(name) else None
modules, path, environment = set(sys.modules), list(sys.path), dict(os.environ)
for question in sys.stdin:
    folder, before, changes = json.loads(question)
    sys.path[:] = [folder, *path]
    importlib.invalidate_caches()
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment | changes)
    exec(before)
    try:
        print(keras_weights.need_keras().config.backend, os.environ.get("KERAS_BACKEND"), flush=True)
    except keras_weights.InputError as refusal:
        print(refusal, flush=True)
"""


@pytest.fixture(scope="module")
def forgetful():
    """That process."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", NEED_KERAS], env=plain, **pipes) as opened:
        yield opened
        opened.stdin.close()
        assert opened.wait(60) == 0


class TestTheBackendThatIsInstalled:
    @pytest.fixture
    def imported(self, tmp_path, forgetful):
        """Import a made-up Keras: the backend that it took, or the refusal."""
        files = {
            "keras/config.py": MADE_UP_KERAS,
            "keras/__init__.py": "import importlib\nfrom keras import config\n"
            "importlib.import_module(config.backend)",
        }

        def imported(installed, before="", **environment):
            for name, text in (files | {f"{name}/__init__.py": "" for name in installed}).items():
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text)
            question = (str(tmp_path), before, {"KERAS_HOME": str(tmp_path), **environment})
            forgetful.stdin.write(json.dumps(question) + "\n")
            forgetful.stdin.flush()
            return forgetful.stdout.readline().strip()

        return imported

    @pytest.mark.parametrize(
        ("installed", "taken"),
        [
            (["jax"], "jax"),
            (["torch"], "torch"),
            (["tensorflow"], "tensorflow"),
            (["jax", "tensorflow"], "tensorflow"),
            (["jax", "torch"], "jax"),
        ],
    )
    def test_is_taken_where_nobody_says_otherwise(self, imported, installed, taken):
        assert imported(installed) == f"{taken} None"
        assert imported(installed) == f"{taken} None"  # with the file that Keras wrote

    def test_the_environment_and_the_user_s_file_come_first(self, imported, tmp_path):
        assert imported(["jax", "torch"], KERAS_BACKEND="torch") == "torch torch"
        (tmp_path / "keras.json").write_text('{"backend": "torch"}')
        assert imported(["jax", "torch"]) == "torch None"

    @pytest.mark.parametrize("content", ["", "[]", '{"backend": 3}', '{"backend": "a.b"}'])
    def test_a_damaged_file_chooses_nothing(self, imported, tmp_path, content):
        (tmp_path / "keras.json").write_text(content)
        assert imported(["jax"]) == "jax None"

    def test_after_an_import_that_failed(self, imported):
        failed = "try:\n    import keras\nexcept ImportError:\n    pass"
        assert imported(["jax"], failed) == "jax None"

    def test_refusals_name_what_is_missing(self, imported):
        assert "got none of them. Run: pip install" in imported([])
        asked = imported(["jax", "torch"], KERAS_BACKEND="tensorflow")
        assert "got No module named 'tensorflow'" in asked
        assert "KERAS_BACKEND=tensorflow asks for another; unset it, or set it to jax or torch." in asked


@pytest.mark.long
class TestWithoutKeras:
    def test_says_what_to_install_and_goes_on(self, data, monkeypatch):
        without_keras(monkeypatch)
        measure_briefly(monkeypatch)
        told, start = [], np.linspace(-1, 1, 9)
        rule = {"optimizer": "nesterov", "batch_size": 7}
        found = compare(NET, data, start, learning_rate=0.01, epochs=3, told=told.append, **rule)
        assert told == ["fastnn"]
        assert keras_claims(found) == []
        assert found.missing == ['Keras is not installed with a backend: pip install "fastnn-sweep[peers]"']
        assert [result.name for result in found.results] == ["fastnn"]

        # fastnn's own row
        run = fastnn.train(NET, data.X, data.y, start, learning_rate=0.01, epochs=3, **rule)
        row = found.frame().iloc[0]
        assert np.array_equal(found.results[0].parameters, run.parameters)
        assert (row["loss"], row["apart"]) == (run.loss, 0.0)
        with pytest.warns(fastnn.MetricNote, match="1 with target 0"):
            score = run.score(data)
        assert {"r2": row["r2"], "mape": row["mape"]}.items() <= score.items()
        assert row["first"] > row["per_epoch"] > 0
        assert list(found.weights()["start"]) == start.tolist()

    @pytest.mark.parametrize(
        "carry", [lambda: fastnn.to_keras(NET, np.ones(9)), lambda: fastnn.from_keras(3)]
    )
    def test_weights_cannot_be_carried(self, monkeypatch, carry):
        without_keras(monkeypatch)
        with pytest.raises(fastnn.InputError, match=r'needs Keras .* pip install "fastnn-sweep\[peers\]"'):
            carry()

    def test_importing_looks_for_nothing(self):
        code = "import sys, fastnn.comparing; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        assert not {"keras", "jax", "torch", "tensorflow"} & set(done.stdout.split())


@pytest.mark.long
def test_a_backend_that_fails_is_told_with_its_reason(data, monkeypatch, tmp_path):
    run, ours = comparison._run, Result("fastnn", 4, 1.0, 0.001, 0.1, np.zeros(9))
    monkeypatch.setattr(comparison, "_run", lambda name, *of: ours if name == "fastnn" else run(name, *of))
    (tmp_path / "keras.py").write_text('raise RuntimeError("this Keras is broken")')
    environment = comparison._environment
    monkeypatch.setattr(
        comparison,
        "_environment",
        lambda name: {**environment(name), "PYTHONPATH": f"{tmp_path}:{environment(name)['PYTHONPATH']}"},
    )
    found = compare(NET, data, epochs=2, backends=["jax"])
    assert [result.name for result in found.results] == ["fastnn"]
    assert found.missing == ["keras (jax) failed: RuntimeError: this Keras is broken"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1; got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive finite number; got -1.0"),
        ({"start": [1.0, 2.0]}, "start must hold 9 numbers"),
        ({"optimizer": "momentun"}, "optimizer must be one of 'sgd', 'momentum'"),
        ({"batch_size": 41}, "batch_size must be a whole number from 1 to 40; got 41"),
        ({"start": [np.nan] * 9}, "start must be finite"),
        (
            {"backends": ["theano"]},
            "each of backends must be one of 'jax', 'tensorflow', 'torch'; got 'theano'",
        ),
    ],
)
def test_refusals_come_before_any_work(data, monkeypatch, change, refusal):
    monkeypatch.setattr(comparison, "_run", lambda *arguments: pytest.fail("it began"))
    with pytest.raises(fastnn.InputError, match=refusal):
        compare(NET, data, **change)
    with pytest.raises(fastnn.InputError, match=r"data must be a fastnn\.Dataset"):
        compare(NET, [1, 2])


def test_an_optimizer_that_keras_lacks_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Signs(SGD):
        name = "signs"

    with pytest.raises(fastnn.InputError, match=r"Keras has alike \(sgd, .* eps up to 1e-30\); got a Signs"):
        need_shared_rule(Recipe(optimizer=Signs()), 40)


@pytest.mark.parametrize(
    ("optimizer", "why"),
    [
        ("adam", r"corrected for the first steps. Use eps_hat=True, whose eps is Keras's, or eps=1e-30\."),
        ("rmsprop", r"Keras adds eps inside the root, fastnn outside\. Use eps=1e-30: there it does not"),
        ("adagrad", r"Keras adds eps inside the root, fastnn outside\. Use eps=1e-30: there it does not"),
        (fastnn.optimizers.RMSProp(eps=2e-30), "Use eps=1e-30"),
        ("irprop-", r"Keras has none of that kind\. Use one of these\."),
    ],
)
def test_a_rule_that_keras_has_otherwise_is_refused_with_the_reason(data, optimizer, why):
    with pytest.raises(fastnn.InputError, match=why):
        compare(NET, data, optimizer=optimizer)


@pytest.mark.parametrize(
    ("rule", "refusal"),
    [
        (
            {"l2": 0.1, "l2_on": "sum", "batch_size": 7},
            "got 'sum' with 40 rows in batches of 7. Choose a batch",
        ),
        (
            {"loss": "cross_entropy"},
            "loss must go with the network's outputs; got cross_entropy with identity",
        ),
        ({"schedule": "cosine"}, "what is asked of a step must be among loss, optimizer, batch_size"),
    ],
)
def test_what_else_is_refused_before_any_work(data, monkeypatch, rule, refusal):
    monkeypatch.setattr(comparison, "_run", lambda *arguments: pytest.fail("it began"))
    with pytest.raises(fastnn.InputError) as refused:
        compare(NET, data, **rule)
    assert refusal in str(refused.value)


def test_targets_that_do_not_fit_are_refused_before_any_work(data, monkeypatch):
    monkeypatch.setattr(comparison, "_run", lambda *arguments: pytest.fail("it began"))
    frame = fastnn.generate_train_data(40, seed=2).assign(n4=0.5)
    two = fastnn.Dataset.from_frame(frame, ["n1", "n2"], ["n3", "n4"])
    with pytest.raises(fastnn.InputError, match="y must be one 1 in each row"):
        compare(fastnn.Network((2, 2, 2), output="softmax"), two)


def test_the_scores_are_those_of_the_loss(data):
    rule = Recipe(loss=fastnn.losses.CrossEntropy())
    answers = fastnn.Network((2, 2, 1), output="sigmoid")
    result = Result("fastnn", 4, 1.0, 0.001, 0.1, np.zeros(9))
    for network, recipe, names in (
        (NET, Recipe(), ("r2", "mape")),
        (answers, rule, ("accuracy", "log_loss")),
    ):
        found = Comparison(network, data, np.zeros(9), 0.005, 1, [result], [], by_hand=52, recipe=recipe)
        assert found.scores == names
        assert list(found.frame().columns[5:7]) == list(names)
        said = comparison_report(found).text
        assert all(SCORES[name] in said for name in names)
        assert max(map(len, said.splitlines())) <= 80


def test_one_epoch_that_seems_longer_the_second_time(monkeypatch, tmp_path):
    """Its time is the difference of runs of different length: a clock that jumps changes nothing."""
    ticks = itertools.accumulate(itertools.count())
    monkeypatch.setattr(process, "perf_counter", lambda: float(next(ticks)))
    np.savez(tmp_path / "arrays.npz", X=np.ones((2, 2)), Y=np.ones((2, 1)), start=np.ones(9))
    task = {"program": "fastnn", "layers": NET.layers, "hidden": NET.hidden, "output": NET.output}
    task |= {"recipe": Recipe().plain, "learning_rate": 0.01, "epochs": 1}
    (tmp_path / "task.json").write_text(json.dumps(task))
    process.main(tmp_path)
    found = json.loads((tmp_path / "result.json").read_text())
    run = fastnn.train(NET, np.ones((2, 2)), np.ones(2), np.ones(9), learning_rate=0.01, epochs=1)
    assert found["parameters"] == run.parameters.tolist()
    assert found["per_epoch"] > 0


class TestLinesOfCode:
    def test_counts_neither_blanks_nor_comments_nor_docstrings(self):
        source = '"""One\n\nand two."""\n\n# a comment\nx = 1  # a line\n\ny = """text\nthat counts"""\n'
        assert lines_of_code(source) == 3

    def test_of_the_programs_that_run(self):
        assert source_lines(with_fastnn) < source_lines(with_keras) < lines_of_code(fastnn.code(NET, "loop"))


class TestKerasClaims:
    """K1 judged, with made-up results."""

    @staticmethod
    def judged(data, **theirs):
        ours = Result("fastnn", 4, 1.0, 0.001, 0.1, np.zeros(9))
        keras = Result("keras (x)", **{"lines": 11, "per_epoch": 0.1, "parameters": np.zeros(9), **theirs},
                       first=1.0, loss=0.1)  # fmt: skip
        found = Comparison(NET, data, np.zeros(9), 0.005, 1, [ours, keras], [], by_hand=52)
        return {claim.says: claim.verdict for claim in keras_claims(found)}

    def test_each_can_be_confirmed_and_not(self, data):
        first = self.judged(data)
        assert first == {
            "less code": "confirmed",
            "well optimised": "not reproduced",
            "no derivation": "confirmed",
        }
        second = self.judged(data, lines=52, per_epoch=0.001, parameters=np.full(9, 1e-5))
        assert list(second.values()) == ["not reproduced", "confirmed", "not reproduced"]


def same(network, backend=""):
    """How far Keras may be from fastnn."""
    return SAME_IN_FLOAT32 if backend == "torch" or "tanh" in network.activations else SAME


RULES = [
    {"loss": "absolute"},
    {"loss": fastnn.losses.Huber(delta=0.25)},
    {"loss": "log_cosh"},
    {"loss": fastnn.losses.Quantile(tau=0.3)},
    {"loss": "poisson", "output": "exponential"},
    {"loss": "cross_entropy", "output": "sigmoid"},
    {"output": "softmax"},
    {"l2": 0.1},
    {"l2": 0.1, "l2_on": "sum", "batch_size": 5},
    {"l1": 0.05},
    {"decay": 0.1, "optimizer": "momentum"},
    {"clip": 0.5, "l2": 0.1, "batch_size": 4},
    {"optimizer": fastnn.optimizers.Adam(eps=1e-30)},
    {"optimizer": fastnn.optimizers.RMSProp(eps=1e-30)},
    {"optimizer": fastnn.optimizers.Adagrad(eps=1e-30, initial_sum=0.5), "batch_size": 3},
]

OPTIMIZERS = [  # each with the batches of its quick test; of forty rows, 7 leave a short batch
    ("sgd", 7),
    ("momentum", 1),
    (fastnn.optimizers.Nesterov(momentum=0.5), 40),
    (fastnn.optimizers.Adam(beta1=0.8, beta2=0.97, eps=0.01, eps_hat=True), 7),
]


@needs_keras
@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")  # its own business with NumPy
@pytest.mark.long
class TestWithKeras:
    NETWORKS = (
        NET,
        fastnn.Network((2, 3, 4, 1), ("tanh", "sigmoid"), "tanh"),
        fastnn.Network((2, 1), output="sigmoid"),
        fastnn.Network((2, 3, 2, 4, 2, 3, 1), ("elu", "selu", "softplus", "silu", "softsign")),
        fastnn.Network((2, 3, 2, 2, 1), ("leaky_relu", "leaky_relu(0.3)", "elu(0.5)"), "exponential"),
        fastnn.Network((2, 3, 1), "gelu_tanh"),
    )

    @pytest.fixture(autouse=True)
    def _keras_in_float64(self, monkeypatch):
        monkeypatch.setenv("JAX_ENABLE_X64", "1")
        if "jax" in sys.modules:  # another test imported it, and it reads the variable no more
            sys.modules["jax"].config.update("jax_enable_x64", True)
        monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", installed_backends()[0]))
        keras = importlib.import_module("keras")
        before = keras.config.floatx()
        keras.config.set_floatx("float64")
        yield
        keras.config.set_floatx(before)

    @pytest.mark.parametrize("network", NETWORKS, ids=repr)
    def test_weights_there_and_back_are_the_same_bits(self, network):
        parameters = fastnn.normal(0, 1).draw(network, [0], 0)[0]
        again, found = fastnn.from_keras(fastnn.to_keras(network, parameters))
        assert again == network
        assert np.array_equal(found, parameters)

    @pytest.mark.parametrize("network", NETWORKS, ids=repr)
    def test_model_predicts_what_the_network_does(self, network, data):
        parameters = fastnn.normal(0, 1).draw(network, [0], 0)[0]
        run = fastnn.train(
            network, data.X, data.y, parameters, learning_rate=1e-300, epochs=1, engine="batched"
        )
        predicted = fastnn.to_keras(network, parameters).predict(data.X, verbose=0)
        assert np.abs(predicted[:, 0] - run.predict(data.X)).max() < same(network)

    def test_models_that_do_not_fit(self):
        keras = importlib.import_module("keras")
        layers = keras.layers
        for model, reason in [
            ("model", "got 'model'"),
            (keras.Sequential([layers.Dense(2)]), "got"),
            (
                keras.Sequential([layers.Input((2,)), layers.Dense(2), layers.Dropout(0.5)]),
                "the layer 'dropout",
            ),
            (keras.Sequential([layers.Input((2,)), layers.Dense(2, use_bias=False)]), "give it biases"),
            (
                keras.Sequential([layers.Input((2,)), layers.Dense(2, activation="gelu")]),
                "activations that fastnn has .relu, elu, .*got <function gelu",
            ),
            (
                keras.Sequential([layers.Input((2,)), layers.Dense(2), layers.ReLU(max_value=6)]),
                "activations that fastnn has .*got <ReLU",
            ),
            (
                keras.Sequential([layers.Input((2,)), layers.Dense(2, "tanh"), layers.ReLU()]),
                "each with one activation; got the layer 're_lu",
            ),
            (
                keras.Sequential([layers.Input((2,)), layers.Dense(2), layers.PReLU()]),
                "got the layer 'p_re_lu",
            ),
        ]:
            with pytest.raises(fastnn.InputError, match=reason):
                fastnn.from_keras(model)

    def test_activations_as_keras_has_them(self, tmp_path):
        keras = importlib.import_module("keras")
        layers, functions = keras.layers, keras.activations
        given = [
            *(layers.Dense(2), layers.LeakyReLU(negative_slope=0.25), layers.Dense(2, "leaky_relu")),
            *(layers.Dense(2), layers.Activation("tanh"), layers.Dense(2), layers.ReLU()),
            *(layers.Dense(2, partial(functions.elu, alpha=0.5)), layers.Dense(2), layers.ELU(alpha=1.0)),
            *(layers.Dense(2, partial(functions.gelu, approximate=True)), layers.Dense(2), layers.Softmax()),
        ]
        network, _ = fastnn.from_keras(keras.Sequential([layers.Input((2,)), *given]))
        named = ("leaky_relu(0.25)", "leaky_relu(0.2)", "tanh", "relu", "elu(0.5)", "elu", "gelu_tanh")
        assert network == fastnn.Network((2,) * 9, named, "softmax")
        model = fastnn.to_keras(network, np.zeros(network.n_parameters))
        model.save(tmp_path / "model.keras")
        assert fastnn.from_keras(keras.models.load_model(tmp_path / "model.keras"))[0] == network

    @pytest.mark.slow  # a process of Keras's own: 6 s
    @pytest.mark.parametrize("backend", installed_backends())
    def test_same_training_ends_at_the_same_weights(self, data, backend, monkeypatch):
        measure_briefly(monkeypatch)
        rule = {"optimizer": fastnn.optimizers.Momentum(momentum=0.5), "batch_size": 7}
        found = compare(NET, data, epochs=3, backends=[backend], **rule)
        assert found.missing == []
        assert found.recipe == Recipe(**rule)
        row = found.frame().iloc[1]
        assert row["program"] == f"keras ({backend})"
        assert row["apart"] < same(NET, backend)
        assert row["loss"] == pytest.approx(found.results[0].loss, rel=SAME_IN_FLOAT32)
        turned = fastnn.train(
            NET, data.X[::-1], data.y[::-1], found.start, epochs=3, engine="batched", **rule
        )
        another_order = np.abs(found.results[1].parameters - turned.parameters).max()
        assert another_order > 1e-4  # would show

    @pytest.mark.parametrize(
        ("optimizer", "batch_size"),
        [
            pytest.param(optimizer, size, marks=() if size == quick else pytest.mark.slow)
            for optimizer, quick in OPTIMIZERS
            for size in (1, 7, 40)
        ],
    )
    def test_so_it_does_by_every_rule(self, data, optimizer, batch_size):
        start, Y = np.linspace(-1, 1, 9), data.y.reshape(-1, 1)
        rule = {"optimizer": optimizer, "batch_size": batch_size}
        parameters, loss = with_keras(data.X, Y, NET, start, 0.01, 3, Recipe.of(NET, **rule))
        how = {"start": start, "learning_rate": 0.01, "epochs": 3, "engine": "batched"}
        run = fastnn.train(NET, data, **how, **rule)
        assert np.abs(parameters - run.parameters).max() < SAME
        assert loss == pytest.approx(run.loss, rel=SAME_IN_FLOAT32)
        others = [
            {"batch_size": batch_size % 40 + 3},
            {"optimizer": "momentum" if optimizer == "sgd" else "sgd"},
        ]
        for other in others:  # would show
            another = fastnn.train(NET, data, **how, **(rule | other))
            assert np.abs(parameters - another.parameters).max() > 1e-5

    @pytest.mark.parametrize("rule", in_turns([(rule,) for rule in RULES]), ids=repr)
    def test_so_it_does_by_every_loss_and_penalty(self, rule):
        keras = importlib.import_module("keras")
        output = rule.get("output", "identity")
        asked = {name: value for name, value in rule.items() if name != "output"}
        draw, network = np.random.default_rng(1), fastnn.Network((2, 3, 2), "softsign", output)
        X, Y, start = draw.normal(size=(10, 2)), draw.normal(size=(10, 2)), draw.normal(size=17)
        if output != "identity":
            Y = np.eye(2)[(Y[:, 0] > 0).astype(int)]
        parameters, _ = with_keras(X, Y, network, start, 0.05, 5, Recipe.of(network, rows=10, **asked))
        options = {"learning_rate": 0.05, "epochs": 5, "engine": "batched"}
        run = fastnn.train(network, X, Y, start, **options, **asked)
        near = SAME if keras.config.backend() == "jax" else SAME_IN_FLOAT32
        assert np.abs(parameters - run.parameters).max() < near
        if output != "softmax":  # which has no other loss
            other = fastnn.train(network, X, Y, start, **options, loss="squared")
            assert np.abs(parameters - other.parameters).max() > 1e-4  # would show

    def test_so_does_that_of_a_deeper_network(self, data):
        network = self.NETWORKS[1]
        start = fastnn.normal(0, 1.5).draw(network, [0], 0)[0]
        Y = data.y.reshape(-1, 1)
        run = fastnn.train(network, data.X, data.y, start, learning_rate=0.005, epochs=3, engine="batched")
        parameters, loss = with_keras(data.X, Y, network, start, 0.005, 3, Recipe())
        assert np.abs(parameters - run.parameters).max() < same(network)
        assert loss == pytest.approx(run.loss, rel=SAME_IN_FLOAT32)
