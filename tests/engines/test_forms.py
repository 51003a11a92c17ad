"""The forms of kernels of `lanes`: all give the same bits, and the known one is printed by default."""

import re
from dataclasses import replace

import numpy as np
import pytest
from comparing import DTYPES, quiet
from pairing import in_turns, pairwise
from rules import OPTIMIZERS

from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.core.rule import PLAIN
from fastnn.engines import batched, forms, general, lanes, self_check, traits, units
from fastnn.engines.compiling import CALLED, INLINED, _of_functions, compile_kernel, run_source
from fastnn.engines.form import Form

NETWORKS = [
    Network((2, 2, 1)),
    Network((3, 1), output="tanh"),
    Network((2, 2, 3), output="softmax"),
    Network((2, 2, 2, 1), ("tanh", "elu(0.5)")),
    Network((4, 9, 2), "leaky_relu"),
    Network((3, 9, 5, 2), ("relu", "tanh"), "sigmoid"),
]
PROCESSORS = [forms.Registers(16, 32), forms.Registers(32, 64), forms.Registers(32, 64, halves=True)]
WAYS = [
    {},
    {"optimizer": OPTIMIZERS["adam"]},
    {"optimizer": OPTIMIZERS["nesterov"], "l2": 0.1, "l1": 0.01},
    {"optimizer": OPTIMIZERS["irprop-"], "batch_size": 1},
    {"batch_size": 5},
    {"optimizer": OPTIMIZERS["nesterov"], "l2": 0.1, "l1": 0.01, "batch_size": 5},
    {"optimizer": OPTIMIZERS["adam"], "batch_size": 5, "clip": 0.1},
]


@pytest.mark.parametrize(
    ("core", "avx512", "expected"),
    [
        ("znver4", True, forms.Registers(32, 64, halves=True)),
        ("znver5", True, forms.Registers(32, 64, halves=False)),
        ("znver3", False, forms.Registers(16, 32)),
        ("znver4", False, forms.Registers(16, 32)),  # where a virtual machine hides them
    ],
)
def test_registers_are_those_of_the_core(core, avx512, expected, monkeypatch):
    import llvmlite.binding

    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_name", lambda: core)
    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_features", lambda: {"avx512f": avx512})
    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
    assert forms.registers.__wrapped__() == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"NUMBA_CPU_NAME": "generic"}, forms.Registers(16, 32)),
        ({"NUMBA_CPU_NAME": "znver5"}, forms.Registers(32, 64)),  # with the features of the one at work
        ({"NUMBA_CPU_NAME": "znver3", "NUMBA_CPU_FEATURES": "+avx2,-avx512f"}, forms.Registers(16, 32)),
        ({"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+avx512f,+avx2"}, forms.Registers(32, 64)),
    ],
)
def test_registers_are_those_that_numba_is_told_to_compile_for(told, expected, monkeypatch):
    import llvmlite.binding

    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_name", lambda: "znver4")
    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_features", lambda: {"avx512f": True})
    for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert forms.registers.__wrapped__() == expected


@pytest.mark.parametrize(
    ("network", "dtype", "way", "weighted", "processor"),
    in_turns(pairwise(NETWORKS, DTYPES, WAYS, [False, True], PROCESSORS)),
)
def test_every_form_gives_the_bits_of_batched(network, dtype, way, weighted, processor, monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: processor)
    rule = replace(Recipe.of(network, **way).rule, weighted=weighted)
    known, candidates = batched.kernel(network, dtype, rule), forms.forms(network, dtype, rule)
    assert candidates[0] == forms.known_form(network, dtype, rule)
    assert 2 <= len({*candidates}) == len(candidates) <= 8
    for form in candidates:
        assert_the_bits(known, network, dtype, rule, form)


def assert_the_bits(known, network, dtype, rule, form):
    advance = quiet(run_source(lanes.source(network, dtype, rule, form))["advance"])
    sizes = lanes.call_sizes(network, dtype, rule, form)
    for several in (1, min(sizes.width, 2 * sizes.vector) + 3):
        with np.errstate(all="ignore"):
            expected = self_check._computed(known, network, several, dtype, rule)
            found = self_check._computed(advance, network, several, dtype, rule)
        for one, other in zip(found, expected, strict=True):
            assert one.tobytes() == other.tobytes(), form


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "dtype", "size"),
    [(NETWORKS[0], "float64", 1), (NETWORKS[4], "float32", 1), (NETWORKS[0], "float32", 5)],
)
def test_every_compiled_form_passes_the_self_check(network, dtype, size, caplog):
    rule = Recipe.of(network, batch_size=size).rule
    for form in forms.forms(network, dtype, rule):
        kernel = self_check.checked_kernel("lanes", network, dtype, rule, form)
        assert kernel is lanes.kernel(network, dtype, rule, form)
    assert not caplog.records


def test_no_two_forms_are_printed_alike():
    for size in (1, 5):
        for network in NETWORKS:
            rule = Recipe.of(network, batch_size=size).rule
            candidates = forms.forms(network, "float64", rule)
            assert len({lanes.source(network, "float64", rule, form) for form in candidates}) == len(
                candidates
            )
            assert len({str(form) for form in candidates}) == len(candidates)


def test_the_known_form_is_the_default():
    network = NETWORKS[0]
    known = forms.known_form(network, "float64", PLAIN)
    assert lanes.source(network, "float64") == lanes.source(network, "float64", PLAIN, known)
    assert lanes.call_sizes(network, "float64") == lanes.call_sizes(network, "float64", PLAIN, known)


def test_call_sizes_are_those_of_the_form():
    form = Form(straight=True, size=64, registers=3, groups=5)
    width, vector = lanes.call_sizes(NETWORKS[0], "float32", PLAIN, form)[2:4]
    assert (width, vector) == (5 * 3 * 16, 3 * 16)


def test_a_form_that_is_stored_last_stores_each_number_once():
    form = Form(straight=True, size=64, registers=1, groups=8, stores_last=True)
    lines = [line.strip() for line in lanes.source(NETWORKS[0], "float64", PLAIN, form).splitlines()]
    stored = [line for line in lines if line.startswith("flat[group, ")]
    names = [*NETWORKS[0].parameter_names, "total"]
    places = [*range(9), 10]  # place 9 is the step's, which is only read
    assert stored == [f"flat[group, {k}] = {name}" for k, name in zip(places, names, strict=True)]


def test_one_group_ahead_its_forward_pass_comes_before_the_way_back():
    form = Form(straight=True, size=64, registers=2, groups=8, ahead=True)
    text = lanes.source(NETWORKS[0], "float64", PLAIN, form)
    loop = text[text.index("for group in range(groups - 1):") :]
    assert (
        loop.index("z1 = w1*x1") < loop.index("s = flat[group, 9]*d_now") < loop.index("group = groups - 1")
    )
    assert "w1 = flat[group + 1, 0]" in loop


def test_functions_are_worked_out_in_loops_with_many_registers_a_value():
    known = {values: forms.known_form(Network((2, values, 1), "tanh"), "float64", PLAIN) for values in (2, 5)}
    assert [(form.straight, form.registers, form.together) for form in known.values()] == [
        (False, 8, 1),
        (False, 4, 1),
    ]
    outputs = [Network((2, 5, 1), output=output) for output in ("identity", "sigmoid")]
    assert [forms.known_form(network, "float64", PLAIN).straight for network in outputs] == [True, False]


def test_weights_are_updated_where_they_carry_deltas_back_if_several_layers_outgrow_the_cache():
    network = Network((4, 20, 20, 1))
    assert forms.known_form(network, "float64", PLAIN).updates_back
    assert not forms.known_form(Network((4, 40, 1)), "float64", PLAIN).updates_back
    text = lanes.source(network, "float64")
    row = text[text.index("for row in range(rows):") :]
    assert row.index("S1[i] = accumulated") < row.index("z1 = W1[j, 0]*X[following, 0]")
    back, forward = row.split("# forward with the following row, layer 2")
    assert "W2[0, i] += s1*H1[i]" in back
    assert "W2[0, i] +=" not in forward
    assert "now" not in text  # what the following row needs takes the place of what this one needed


def test_one_group_ahead_what_the_loss_is_given_is_read_with_the_parameters():
    network = NETWORKS[0]
    rule = Recipe.of(network, loss="huber", optimizer=OPTIMIZERS["momentum"]).rule
    form = Form(straight=True, size=64, registers=1, groups=8, ahead=True)
    assert_the_bits(batched.kernel(network, "float64", rule), network, "float64", rule, form)


def test_with_outputs_along_a_weight_to_an_output_is_read_once_for_a_row(monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: PROCESSORS[1])
    network = Network((4, 16, 2))
    assert forms.known_form(network, "float64", PLAIN) == Form(
        False, 64, 2, 1, together=2, outputs_along=True
    )
    text = lanes.source(network, "float64")
    row = text[text.index("for row in range(rows):") :]
    assert row.count("= W2[0, j]\n") == row.count("W2[0, j] = w1_1\n") == 1
    assert row.count("W2[0, j]") == 2
    places = [*map(row.index, ("s1 = back1*w1_1", "w1_1 += back1*h1", "out1 += w1_1*next_h1"))]
    assert places == sorted(places)


def test_weights_are_updated_with_the_last_rows_of_a_batch_once_their_deltas_are_known():
    network = Network((4, 20, 20, 1))
    text = lanes.source(network, "float64", Recipe.of(network, batch_size=5).rule)
    blocks, _ = text.split("for row in range(end_of_blocks, stop):")
    ends, goes_on = blocks[blocks.index(" == stop:") :].split("else:")
    assert "# updates" not in text
    assert "W2[k, j] += g" in ends
    assert "Gw2[k, j] = g" not in ends
    assert ends.index("s = choose(H1[j] > 0.0, s, 0.0)") < ends.index("W2[k, j] += g")
    assert "Gw2[k, j] = g" in goes_on
    assert "W2[k, j] +=" not in goes_on


def test_weights_are_updated_after_all_rows_if_that_takes_the_gradients_of_all():
    network = Network((4, 20, 20, 1))
    text = lanes.source(network, "float64", Recipe.of(network, batch_size=5, clip=0.1).rule)
    assert text.index("Gw1[j, i] = g") < text.index("# updates")


@pytest.mark.parametrize(("optimizer", "loops"), [("adam", 1), ("momentum", 0)])
def test_in_batches_small_networks_are_tried_in_loops_if_their_updates_divide(optimizer, loops):
    rule = Recipe.of(NETWORKS[0], optimizer=OPTIMIZERS[optimizer], batch_size=5).rule
    known, *others = forms.forms(NETWORKS[0], "float64", rule)
    assert known.straight
    assert sum(not form.straight for form in others) == loops


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_groups_kept_in_registers_give_the_same_bits_for_any_number_of_them(groups, rows):
    network = NETWORKS[0]
    rule = replace(Recipe.of(network, optimizer=OPTIMIZERS["momentum"]).rule, weighted=True)
    form = Form(straight=True, size=64, registers=1, groups=groups, kept=True)
    advance = quiet(run_source(lanes.source(network, "float64", rule, form))["advance"])
    for several in (1, 8 * groups, 8 * groups + 9):  # with one, all, and some groups left over
        (state, X, *given, totals), _ = self_check.example(network, several, "float64", rule, rows, 2)
        expected = state.copy(), totals.copy()
        batched.kernel(network, "float64", rule)(expected[0], X, *given, expected[1])
        advance(state, X, *given, totals)
        assert (state.tobytes(), totals.tobytes()) == tuple(each.tobytes() for each in expected)


def test_groups_kept_in_registers_are_read_and_stored_outside_the_loop_over_rows():
    network, rule = NETWORKS[0], Recipe.of(NETWORKS[0], optimizer=OPTIMIZERS["momentum"]).rule
    form = Form(straight=True, size=64, registers=1, groups=2, kept=True)
    text = lanes.source(network, "float64", rule, form)
    assert "        w1_1 = flat[1, 0]\n" in text
    assert text.index("for i in range(1, rows)") < text.index("flat[1, 17] = vb3_1\n")
    loop = text[text.index("for i in range(1, rows)") : text.index("flat[0, 0] = w1_0")]
    assert set(re.findall(r"flat\[\d, \d+\] \+?=", loop)) == {"flat[0, 20] +=", "flat[1, 20] +="}
    assert loop.index("z1_0 = ") < loop.index("s_1 = ") < loop.index("z1_1 = ") < loop.index("s_0 = ")


def test_a_processor_that_works_in_halves_has_forms_of_its_own(monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: PROCESSORS[2])
    moving = Recipe.of(NETWORKS[0], optimizer=OPTIMIZERS["momentum"]).rule
    adam = Recipe.of(NETWORKS[0], optimizer=OPTIMIZERS["adam"]).rule
    known = {rule: forms.known_form(NETWORKS[0], "float64", rule) for rule in (PLAIN, moving, adam)}
    assert (known[PLAIN].size, known[PLAIN].registers, known[PLAIN].ahead) == (32, 2, True)
    assert (known[moving].size, known[moving].groups, known[moving].kept) == (64, 2, True)
    assert (known[adam].size, known[adam].registers, known[adam].ahead) == (64, 2, True)
    batches = {
        name: forms.known_form(NETWORKS[0], "float64", Recipe.of(NETWORKS[0], batch_size=5, **given).rule)
        for name, given in {"sgd": {}, "adam": {"optimizer": OPTIMIZERS["adam"]}}.items()
    }
    assert {name: (form.rows, form.registers) for name, form in batches.items()} == {
        "sgd": (4, 2),
        "adam": (2, 1),
    }


def test_where_a_processor_works_in_halves_loops_have_forms_of_their_own(monkeypatch):
    monkeypatch.setattr(forms, "registers", lambda: PROCESSORS[2])
    moving = Recipe.of(NETWORKS[0], optimizer=OPTIMIZERS["momentum"]).rule
    one, two = Network((4, 16, 1)), Network((4, 16, 2))
    found = [forms.known_form(network, "float64", rule) for network in (one, two) for rule in (PLAIN, moving)]
    assert [(form.size, form.registers) for form in found] == [(32, 4), (32, 2), (64, 2), (64, 2)]
    classifiers = [Network((4, 5, 3), hidden, "softmax") for hidden in ("relu", "tanh")]
    classifiers.append(Network((4, 6, 3), output="softmax"))
    rule = Recipe.of(classifiers[0]).rule
    found = [forms.known_form(network, "float64", rule) for network in classifiers]
    assert [(form.registers, form.together) for form in found] == [(4, 4), (4, 1), (4, 2)]
    deep, wide = Network((10, 32, 32, 1)), Network((30, 64, 1))
    adam = Recipe.of(deep, optimizer=OPTIMIZERS["adam"]).rule
    found = [
        forms.known_form(*which)
        for which in ((deep, "float64", PLAIN), (deep, "float64", adam), (wide, "float64", PLAIN))
    ]
    assert [(form.size, form.updates_back) for form in found] == [(32, True), (64, True), (64, False)]


DEEP = {(5, 6, 6, 1): 4, (2, 8, 8, 1): 2, (4, 10, 10, 1): 1, (4, 16, 16, 1): 1}


@pytest.mark.parametrize("layers", DEEP)
def test_where_a_processor_works_in_halves_the_deeper_networks_are_the_fewer_registers_they_have(
    monkeypatch, layers
):
    monkeypatch.setattr(forms, "registers", lambda: PROCESSORS[2])
    form = forms.known_form(Network(layers), "float64", PLAIN)
    assert (form.size, form.registers, form.updates_back) == (64, DEEP[layers], DEEP[layers] <= 2)


@pytest.mark.parametrize(
    ("hidden", "output", "size"),
    [("relu", "identity", 32), ("relu", "sigmoid", 32), ("tanh", "identity", 64), ("tanh", "softmax", 64)],
)
def test_layers_of_functions_have_whole_registers(monkeypatch, hidden, output, size):
    monkeypatch.setattr(forms, "registers", lambda: PROCESSORS[2])
    network = Network((10, 32, 32, 3), hidden, output)
    assert forms.known_form(network, "float64", Recipe.of(network).rule).size == size


@pytest.mark.parametrize("engine", [lanes, units, general], ids=lambda engine: engine.__name__.split(".")[-1])
@pytest.mark.parametrize(
    ("hidden", "few", "called"), [("tanh", True, True), ("tanh", False, False), ("silu", True, False)]
)
def test_functions_are_called_with_few_registers_unless_deltas_need_them(
    engine, hidden, few, called, monkeypatch
):
    for module in (forms, traits, general):
        monkeypatch.setattr(module, "registers", lambda: PROCESSORS[0 if few else 1])
    source = engine.source(Network((2, 3, 1), hidden), "float64")
    assert _of_functions(source) == (CALLED if called else INLINED)


def test_called_functions_give_the_same_bits(monkeypatch):
    network, found = Network((2, 3, 1), "tanh"), []
    for few in (True, False):
        monkeypatch.setattr(traits, "registers", lambda few=few: PROCESSORS[0 if few else 1])
        given, ends = self_check.example(network, 20, "float64", PLAIN)
        source = lanes.source(network, "float64")
        assert _of_functions(source) == (CALLED if few else INLINED)
        compile_kernel(source, "float64")(*given)
        found.append([end.tobytes() for end in ends])
    assert found[0] == found[1]
