"""The engine `general`: one kernel for all sizes, with the bits of the kernels made for one."""

from functools import cache

import numpy as np
import pytest
from comparing import quiet
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.core.losses import CrossEntropy, Huber, LogCosh, Squared
from fastnn.core.network import Network, without_first
from fastnn.core.optimizers import SGD, Adam, IRpropMinus, Nesterov
from fastnn.core.rule import PLAIN, STEP, Rule
from fastnn.engines import batched, forms, general, self_check
from fastnn.engines.compiling import run_source
from fastnn.engines.self_check import checked_kernel
from fastnn.engines.told import Told

SOFTMAX, SIGMOID = "softmax", "sigmoid"
ACTIVATIONS = ["relu", "tanh", "leaky_relu(0.1)", "silu", "identity"]
RULES = [
    (PLAIN, "identity"),
    (Rule(Huber, Nesterov), "identity"),
    (Rule(LogCosh, Adam, weighted=True), "tanh"),
    (Rule(CrossEntropy, SGD), SOFTMAX),
    (Rule(CrossEntropy, Adam, batched=True, weighted=True), SOFTMAX),
    (Rule(Squared, IRpropMinus, batched=True), SIGMOID),
    (Rule(Huber, Adam, batched=True, penalties=("l2",), clipped=True), "relu"),
    (Rule(CrossEntropy, measuring=True), SIGMOID),
]
SHALLOW = [  # rules by which shallow networks have kernels of their kind
    PLAIN,
    Rule(LogCosh, Adam),
    Rule(Huber, Adam, weighted=True),
    Rule(Squared, Nesterov, penalties=("l2",)),
    Rule(Squared, batched=True),
    Rule(Huber, Adam, batched=True, weighted=True, penalties=("l2",), clipped=True),
]
ROWS = 13


@st.composite
def jobs(draw):
    """A network, a dtype, a rule, and how many networks there are."""
    layers = draw(st.lists(st.integers(1, 7), min_size=2, max_size=6))
    alike = draw(st.booleans())
    hidden = [draw(st.sampled_from(ACTIVATIONS)) for _ in layers[1:-1]]
    rule, output = draw(st.sampled_from(RULES))
    layers[-1] += output == SOFTMAX
    network = Network(layers, hidden[:1] * len(hidden) if alike else hidden, output)
    if len(layers) > 2 and draw(st.booleans()):
        network = without_first(network)
    return network, draw(st.sampled_from(["float64", "float32"])), rule, draw(st.integers(1, 9))


def trained(kernel, network, dtype, rule, networks):
    """The bytes of the states and the totals after two epochs from numbers that any kernel may be given."""
    draw = np.random.default_rng(7)
    state = draw.uniform(-0.9, 0.9, (networks, rule.state_size(network)))
    state[:, network.n_parameters :] = draw.uniform(0.1, 0.5, state[:, network.n_parameters :].shape)
    X, Y = draw.normal(size=(ROWS, network.n_inputs)), draw.random((ROWS, network.n_outputs))
    if network.output == SOFTMAX:
        Y = np.eye(network.n_outputs)[draw.integers(network.n_outputs, size=ROWS)]
    given = draw.uniform(0.01, 0.1, (networks, len(rule.given)))
    given[:, [symbol == STEP for symbol in rule.given]] *= -1
    weights = [draw.random(ROWS)] * rule.weighted
    arrays = [array.astype(dtype) for array in (state, X, Y, *weights, given, np.zeros((networks, 2)))]
    kernel(*arrays, *[5] * rule.batched)
    return arrays[0].tobytes(), arrays[-1].tobytes()


def plain(network, dtype, rule, engine="lanes"):
    """The engine's kernel as plain Python, as it stands in for that of another engine."""
    source = general.source(network, dtype, rule, general.form_for(engine, network, dtype, rule))
    return Told(quiet(run_source(source)["advance"]), network)


ANY = (jobs(), st.sampled_from([forms.Registers(16, 32), forms.Registers(32, 64)]))


@settings(max_examples=20)
@given(*ANY)
def test_bits_of_any_network_and_rule(job, registers):
    check_bits(job, registers)


@pytest.mark.slow
@settings(max_examples=100)
@given(*ANY)
def test_bits_of_many_more(job, registers):
    check_bits(job, registers)


def check_bits(job, registers):
    """The kernel has the bits of `batched`."""
    network, dtype, rule, networks = job
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(general, "registers", lambda: registers)
        engine = "units" if networks % 2 else "lanes"
        found = trained(plain(network, dtype, rule, engine), network, dtype, rule, networks)
    kernel = batched.kernel(network, dtype, rule)
    assert found == trained(quiet(kernel), network, dtype, rule, networks)


def test_alone_in_batches_a_network_fills_one_register(monkeypatch):
    monkeypatch.setattr(general, "registers", lambda: forms.Registers(32, 64))
    network, batches = Network((3, 5, 4, 2)), Rule(Squared, Adam, batched=True)
    for engine, rule, vector in (
        ("units", batches, 8),
        ("loop", batches, 8),
        ("lanes", batches, 32),
        ("units", PLAIN, 32),
        ("units", Rule(Squared, batched=True, validated=True), 32),
    ):
        form = general.form_for(engine, network, "float64", rule)
        assert general.call_sizes(network, "float64", rule, form).vector == vector


@pytest.mark.parametrize("rule", [PLAIN, Rule(Huber, Adam, batched=True)])
def test_one_source_serves_all_sizes_and_all_depths(rule):
    networks = [Network((2, 2, 2)), Network((3, 5, 4, 2)), Network((1, 1, 1, 1, 1, 1))]
    assert len({general.source(network, "float64", rule) for network in networks}) == 1


def test_other_activations_have_another_source():
    networks = [
        *(Network((2, 2, 1), hidden) for hidden in ("relu", "tanh")),
        *(Network((2, 1)), Network((2, 2, 1), output="tanh")),
        *(Network((2, 2, 2, 1), hidden) for hidden in (("relu", "tanh"), ("tanh", "relu"))),
    ]
    assert len({general.source(network, "float64") for network in networks}) == len(networks)


def test_to_train_shallow_networks_with_one_output_have_another_source():
    def sources(rule):
        return {general.source(Network(layers), "float64", rule) for layers in ((2, 2, 1), (2, 2, 2))}

    assert len(sources(PLAIN)) == len(sources(Rule(Squared, batched=True))) == 2
    assert len(sources(Rule(Squared, measuring=True))) == 1


@settings(max_examples=10)
@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(SHALLOW),
)
def test_bits_of_shallow_networks_with_one_output(layers, hidden, rule):
    network = Network((*layers, 1), hidden)
    assert general.form(network, "float64", rule).shallow
    check_bits((network, "float64", rule, 3), forms.Registers(32, 64))


class TestSelfCheck:
    """What is compiled is tried once, whatever the networks that it serves."""

    @pytest.fixture
    def run_as(self, monkeypatch):
        """Has sources run as plain Python once they are changed, and returns what was tried."""
        tried, rejected = [], []

        def run_as(change):
            made = cache(lambda source, dtype: quiet(run_source(change(source))["advance"]))
            monkeypatch.setattr(general, "compile_kernel", made)
            monkeypatch.setattr(self_check, "is_compiled", lambda kernel: tried.append(kernel) or True)
            monkeypatch.setattr(self_check, "reject", rejected.append)
            monkeypatch.setattr(self_check, "CHECKED", {})
            general.made.cache_clear()
            return tried, rejected

        yield run_as
        general.made.cache_clear()

    def test_once_for_all_sizes(self, run_as):
        tried, rejected = run_as(lambda source: source)
        kernels = [
            checked_kernel("general", Network(layers), "float64") for layers in ((2, 2, 2), (3, 5, 4, 2))
        ]
        assert [kernel.network.layers for kernel in kernels] == [(2, 2, 2), (3, 5, 4, 2)]
        assert len({kernel.function for kernel in kernels}) == len(tried) == 1
        assert not rejected

    @pytest.mark.parametrize(
        ("old", "new", "outputs"),
        [
            ("d = Yhat[0] - Y", "d = Yhat[0] + Y", 2),
            ("z1 += W_here[j, i]*", "z1 -= W_here[j, i]*", 2),
            ("z1 += W1[j, i]*", "z1 -= W1[j, i]*", 1),
        ],
        ids=["for all networks", "for deep ones alone", "for shallow ones"],
    )
    def test_one_that_is_wrong_serves_no_network(self, run_as, old, new, outputs):
        assert old in general.source(Network((2, 2, outputs)), "float64")
        tried, rejected = run_as(lambda source: source.replace(old, new))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self_check, "log", lambda *told: None)
            for layers in ((2, 2, outputs), (3, 2, outputs)):
                network = Network(layers)
                assert checked_kernel("general", network, "float64") is batched.kernel(network, "float64")
        assert len(tried) == 2
        assert len(rejected) == 2  # compiled anew in between
