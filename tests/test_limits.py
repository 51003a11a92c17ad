"""The limit of a processor: what is counted are the operations that run, and ports bound their time."""

from collections import Counter

import numpy as np
import pytest
from conftest import ROOT

import fastnn
from fastnn.core.losses import CrossEntropy
from fastnn.core.optimizers import Adam, Momentum, Nesterov, RMSProp
from fastnn.core.recipe import Recipe
from fastnn.engines import load
from fastnn.engines.compiling import run_source

NETWORK = fastnn.Network((2, 2, 1))
RECIPES = {
    "plain": Recipe(),
    "momentum": Recipe(optimizer=Momentum()),
    "rmsprop": Recipe(optimizer=RMSProp()),
    "adam": Recipe(optimizer=Adam()),
    "l2": Recipe(l2=0.1),
    "batches": Recipe(batch_size=3),
    "adam in batches": Recipe(optimizer=Adam(), batch_size=3),
}
ROWS = 6


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


DONE = Counter()  # operations of numbers, by kind


def noted(kind, name):
    """The operation of `float` with this name, noted as one of a kind."""

    def operation(*operands):
        DONE[kind] += 1
        return Number(getattr(float, name)(*operands))

    return operation


class Number(float):
    """A number that notes which operations it takes part in."""

    __mul__, __rmul__ = noted("multiply", "__mul__"), noted("multiply", "__rmul__")
    __add__, __radd__ = noted("add", "__add__"), noted("add", "__radd__")
    __sub__, __rsub__ = noted("add", "__sub__"), noted("add", "__rsub__")
    __truediv__, __rtruediv__ = noted("divide", "__truediv__"), noted("divide", "__rtruediv__")
    __pow__ = noted("root", "__pow__")


def executed(recipe):
    """The operations of a row of 2-2-1 with both units alive, as they run in what `loop` prints."""
    run = run_source(load("loop").source(NETWORK, "float64", recipe.rule))["advance"]
    run.__globals__.update(sqrt=lambda square: square**0.5, float64=Number)
    rows = np.linspace(0.1, 0.9, ROWS)
    X, Y, start = np.column_stack([rows, 1 - rows]), np.full((ROWS, 1), 0.5), np.full((1, 9), 0.3)
    state, settings = recipe.begun(start), recipe.settings(np.array([0.001]))
    arrays = [np.vectorize(Number, otypes=[object])(a) for a in (state, X, Y, settings, np.zeros((1, 1)))]
    DONE.clear()
    run(*arrays, *([recipe.batch_size] if recipe.batch_size > 1 else []))
    done = {kind: DONE[kind] / ROWS for kind in ("multiply", "add", "divide", "root")}
    if recipe.batch_size > 1:  # by its rows, the same in all batches but a short one
        done["divide"] -= 1 / recipe.batch_size
    return done


class TestOperations:
    def test_a_step_by_hand(self):
        from limits.operations import operations

        # z1 z2 yhat are 2 products and 2 sums each, d a difference, the loss a product and a sum,
        # s and the two deltas 3 products, the nine updates 6 products and 9 sums.
        plain = operations(NETWORK, RECIPES["plain"], "float64")
        assert plain == {"multiply": 16, "add": 17, "divide": 0, "root": 0}
        # The nine updates fall away. Of each parameter m takes 2 products and a sum, v 3 and a sum, the
        # update a product, a sum, a difference, a quotient and a root. The powers of beta and what comes of
        # them: 4 products, 2 differences, a quotient and a root.
        adam = operations(NETWORK, RECIPES["adam"], "float64")
        assert adam == {"multiply": 16 + 9 * 6 + 4, "add": 8 + 9 * 4 + 2, "divide": 9 + 1, "root": 9 + 1}

    def test_equal_operations_count_once(self):
        from limits.operations import operations

        # momentum*v + change twice for each parameter; the change, s*a, is the same in both.
        nesterov = operations(NETWORK, Recipe(optimizer=Nesterov()), "float64")
        assert nesterov == {"multiply": 16 + 2 * 9, "add": 17 + 2 * 9, "divide": 0, "root": 0}

    def test_what_is_counted_is_what_runs_and_a_wrong_count_is_told(self):
        from limits.operations import operations

        found = {name: executed(recipe) for name, recipe in RECIPES.items()}
        for name, recipe in RECIPES.items():
            counts = operations(NETWORK, recipe, "float64")
            assert counts == pytest.approx(found[name]), name
            others = [found[other] for other in found if other != name]
            assert all(counts != pytest.approx(other) for other in others), name

    def test_what_a_batch_does_once_is_shared_out_among_its_rows(self):
        from limits.operations import operations

        # 16 rows: z1 is a product and a sum, d, the loss two more, s one, the gradients one and two; after
        # them two updates by a sum each. What divides by the rows of a batch, no row changes.
        counts = operations(fastnn.Network((1, 1)), Recipe(batch_size=16), "float64")
        assert counts == {"multiply": 4, "add": 5 + 2 / 16, "divide": 0, "root": 0}

    def test_functions_count_by_their_own_equations(self):
        from limits.operations import of_function, operations

        networks = (fastnn.Network((2, 2, 1), name) for name in ("tanh", "relu"))
        tanh, relu = (operations(network, Recipe(), "float32") for network in networks)
        # Besides two of tanh, the slopes take two products and two differences.
        own = {kind: 2 * number for kind, number in of_function("tanh", "float32").items()}
        assert {kind: tanh[kind] - relu[kind] for kind in own} == own | {
            "multiply": own["multiply"] + 4,
            "add": own["add"] + 2,
        }
        assert of_function("tanh", "float32")["divide"] == 1
        assert sum(of_function("tanh", "float32").values()) < sum(of_function("tanh", "float64").values())

    def test_softmax_takes_one_exponential_less_than_it_has_outputs(self):
        from limits.operations import of_function, operations

        two, three = (
            operations(fastnn.Network((1, outputs), output="softmax"), Recipe(loss=CrossEntropy()), "float64")
            for outputs in (2, 3)
        )
        exp, log = of_function("exp_below_0", "float64"), of_function("log_from_1", "float64")
        assert two["divide"] == three["divide"] == 1 + log["divide"] == 2
        # Another output: z, its exponential with its argument, a term of the whole, p, d, s, two updates.
        assert three["multiply"] - two["multiply"] == exp["multiply"] + 1 + 1 + 1 + 1
        assert three["add"] - two["add"] == exp["add"] + 1 + 1 + 1 + 1 + 2


class TestPorts:
    def test_time_follows_the_busiest_ports(self):
        from limits.cores import ZEN_4, Costs

        counts = {"multiply": 16, "add": 24, "divide": 0, "root": 0}
        assert Costs(0.5, 0.5, 0.25).least(counts) == 12
        assert Costs(0.5, 0.5, 0.5).least(counts) == 20
        assert Costs(1.0, 0.25, 0.25).least(counts) == 16
        dividing = counts | {"divide": 3, "root": 2}
        assert ZEN_4.costs[256, "float64"].least(dividing) == 3 * 5 + 2 * 9
        assert ZEN_4.costs[512, "float64"].least(dividing) == 3 * 10 + 2 * 18
        assert Costs(0.5, 0.5, 0.25).least(dividing) == 12  # unknown, and so no limit

    def test_cores_are_known_by_their_numbers(self):
        from limits.cores import known

        names = {
            ("AuthenticAMD", 25, 0x01): "Zen 3",
            ("AuthenticAMD", 25, 0x11): "Zen 4",
            ("AuthenticAMD", 26, 0x02): "Zen 5",
            ("GenuineIntel", 6, 0x6A): "Skylake-X or Ice Lake",
        }
        assert {numbers: known(*numbers).name for numbers in names} == names
        assert known("GenuineIntel", 6, 1) is known(None, -1, -1) is None

    def test_the_limit_is_told_for_every_width_with_what_is_published(self):
        from limits.cores import ZEN_4
        from limits.light import Light

        costs = {key: cost.times(1e-9) for key, cost in ZEN_4.costs.items()}
        light = Light(costs, 2, 1.0, ZEN_4)
        assert light.widths == (256, 512)
        # 17 sums of half a cycle for four lanes, on two cores at 1 GHz; 512 bits in halves take as long.
        limits = [light.nanoseconds(NETWORK, Recipe(), "float64", bits) for bits in light.widths]
        assert limits == pytest.approx([17 / 2 / 4 / 2] * 2)
        # 10 quotients of 5 cycles and 10 roots of 9.
        adam = light.nanoseconds(NETWORK, RECIPES["adam"], "float64", 256)
        assert adam == pytest.approx((10 * 5 + 10 * 9) / 4 / 2)
        assert "published of Zen 4" in str(light)
        assert "512 bits, float64 1, 1, 0.5, 10, 18 (1, 1, 0.5, 10, 18)" in str(light)
        assert "published: this core is not known" in str(Light(costs, 1, 1.0))

    def test_the_loops_that_measure_do_what_they_say(self):
        from limits.measured import LOOPS, loop

        ends = {"multiply": (1.7,), "add": (1.7 + 1e-9 + 1e-9,), "together": (1.7, 1.7 + 1e-9 + 1e-9)}
        ends |= {"divide": (1.3 / (1.3 / 1.7),), "root": (np.sqrt(np.sqrt(1.7) + 1.3) + 1.3,)}
        for name, lines in LOOPS.items():
            run, memory = loop(lines, 3, 4, "float64")
            run(memory, 2)
            assert memory[:-3].tolist() == [[end] * 4 for end in ends[name]] * 3, name

    def test_a_clock_that_slips_and_a_busy_machine_are_left_out(self, monkeypatch):
        from limits import measured

        now = iter(np.cumsum([0.0] + [0.0, 1.0, 0.0] * 6 + [0.0, 0.1, 0.0] + [0.0, 9.0, 0.0] * 3))
        monkeypatch.setattr(measured, "process_time", lambda: next(now))
        assert measured.usual(lambda: None, seconds=15) == pytest.approx(1.0)
