"""The public door: its names, its documentation, and the example of the design."""

import ast
import doctest
import importlib
import inspect
import operator
import pickle
import pkgutil
import pydoc
import re
import subprocess
import sys
from importlib import resources
from importlib.util import find_spec

import numpy as np
import pytest
from each_of import each_of

import fastnn
from fastnn.engines import choose, load
from fastnn.engines.compiling import run_source
from fastnn.training import plan

NET = fastnn.Network((2, 2, 1))
FUNCTIONS = [name for name in fastnn.__all__ if inspect.isfunction(getattr(fastnn, name))]
CLASSES = [name for name in fastnn.__all__ if inspect.isclass(getattr(fastnn, name))]


def undocumented(function):
    """The parameters of a function that its docstring has no line for."""
    text = inspect.getdoc(function) or ""
    names = [
        str(p).partition(":")[0].partition("=")[0] for p in inspect.signature(function).parameters.values()
    ]
    of_lines = (rf"^(\w+, )*{re.escape(name)}(, \w+)*( : |$)" for name in names)
    return [
        name for name, line in zip(names, of_lines, strict=True) if not re.search(line, text, re.MULTILINE)
    ]


class TestNames:
    def test_all_of_them_exist(self):
        assert all(hasattr(fastnn, name) for name in fastnn.__all__)
        assert len(set(fastnn.__all__)) == len(fastnn.__all__)

    def test_nothing_else_looks_public(self):
        modules = {module.name for module in pkgutil.iter_modules(fastnn.__path__)}
        public = {name for name in dir(fastnn) if not name.startswith("_")}
        assert public - modules == set(fastnn.__all__) - modules

    def test_what_type_checkers_read_is_what_comes(self):
        source = ast.parse(inspect.getsource(fastnn))
        (read,) = [node for node in source.body if isinstance(node, ast.If)]
        homes = {alias.name: node.module for node in read.body for alias in node.names}
        assert set(homes) == set(fastnn.__all__)
        for name, module in homes.items():
            assert getattr(importlib.import_module(module), name) is getattr(fastnn, name)

    def test_another_name_is_refused_as_any_module_refuses_it(self):
        with pytest.raises(AttributeError, match="module 'fastnn' has no attribute 'trian'"):
            fastnn.trian  # noqa: B018
        with pytest.raises(ImportError, match="cannot import name 'trian' from 'fastnn'"):
            exec("from fastnn import trian")  # noqa: S102

    def test_help_tells_of_each(self):
        text = pydoc.plain(pydoc.render_doc(fastnn))
        assert [name for name in fastnn.__all__ if not re.search(rf"\b{name}\b", text)] == []
        assert "Train one network" in text

    @pytest.mark.parametrize(
        "name", sorted({*fastnn.__all__} - {"losses", "optimizers", "schedules"})
    )  # modules
    def test_each_can_be_sent(self, name):
        found = getattr(fastnn, name)
        assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301

    def test_a_star_import_brings_them(self):
        names: dict[str, object] = {}
        exec("from fastnn import *", names)  # noqa: S102
        assert set(fastnn.__all__) <= set(names)

    def test_the_version(self):
        assert re.fullmatch(r"\d+\.\d+\.\d+", fastnn.__version__)

    @pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
    def test_each_is_documented_and_knows_its_module(self, name):
        found = getattr(fastnn, name)
        assert len(inspect.getdoc(found) or "") > 40
        assert found.__module__.startswith("fastnn.")
        assert name in importlib.import_module(found.__module__).__all__

    @pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("constant", "uniform")])
    def test_each_parameter_has_its_line(self, name):  # constant and uniform say it in a sentence
        assert undocumented(getattr(fastnn, name)) == []

    def test_a_parameter_without_a_line_is_noticed(self):
        def undone(x, y, seed, epochs):
            """Do nothing.

            x, y
            epoch : int
            """

        assert undocumented(undone) == ["seed", "epochs"]

    @pytest.mark.parametrize("name", CLASSES)
    def test_each_public_method_is_documented(self, name):
        for method, value in vars(getattr(fastnn, name)).items():
            if not method.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{method}"

    @pytest.mark.parametrize("name", [*FUNCTIONS, "Network", "Training.load", "Dataset.from_frame"])
    def test_each_function_shows_how_it_is_called(self, name):
        found = operator.attrgetter(name)(fastnn)
        shown = doctest.DocTestParser().get_examples(inspect.getdoc(found) or "")
        # The README shows `sweep`, which takes too long here; the others need other libraries.
        assert shown or name == "sweep" or name.startswith(("to_", "from_"))

    def test_it_is_typed(self):
        assert (resources.files("fastnn") / "py.typed").is_file()
        for name in FUNCTIONS:
            function = getattr(fastnn, name)
            assert set(function.__annotations__) == {*inspect.signature(function).parameters, "return"}, name


def test_training_with_numpy_alone_needs_no_numba():
    code = (
        "import sys, fastnn; net = fastnn.Network((2, 2, 1));"
        "fastnn.train(net, [[0, 1], [1, 0]], [0, 1], epochs=1, engine='batched');"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_threads_may_ask_for_names_at_once():
    code = (
        "import fastnn, random\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def ask(seed):\n"
        "    names = random.Random(seed).sample(fastnn.__all__, len(fastnn.__all__))\n"
        "    return {name: id(getattr(fastnn, name)) for name in names}\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    first, *others = pool.map(ask, range(16))\n"
        "print(all(other == first for other in others), len(first) == len(fastnn.__all__))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "True True\n"


class TestExample:
    """The example of the design, line by line; of a smaller sweep."""

    def test_it_runs_as_written(self):
        data = fastnn.load_insurance(simulated=True)
        assert (data.X.shape, data.y.shape) == ((1338, 2), (1338,))

        net = fastnn.Network((2, 2, 1))
        assert net.n_parameters == 9
        assert net.parameter_names == ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")

        run = fastnn.train(
            net,
            data.X,
            data.y,
            start=[2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3],
            learning_rate=0.005,
            epochs=300,
        )
        assert run.parameters.shape == (9,)
        assert run.loss_curve.shape == (300,)
        assert run.status == "ok"
        assert run.predict(data.X).shape == (1338,)
        with pytest.warns(fastnn.MetricNote, match="1 with target 0 left out"):
            assert list(run.score(data.X, data.y)) == ["mse", "r2", "mape"]
        assert str(run).startswith("NEW WEIGHTS AND BIASES\nw1: ")
        assert "\nb3: " in str(run)
        assert run.loss_curve[-1] < run.loss_curve[0]

        sweep = fastnn.sweep(
            net,
            data.X,
            data.y,
            networks=1200,
            start=fastnn.normal(0, 1.5),
            seed=0,
            learning_rate=[0.005, 0.01],
            rows=[30, 1338],
            epochs=3,
        )
        columns = ["network", "learning_rate", "rows", "loss", "loss_all_rows", "status"]
        columns += net.parameter_names
        assert sweep.frame().columns.tolist() == columns
        assert len(sweep.frame()) == 4800
        assert len(sweep.best(5)) == 5
        assert len(sweep.summary()) == 4
        replayed = sweep.replay(4711)
        assert replayed.loss_curve.shape == (3,)
        assert replayed.parameters.tobytes() == sweep.parameters[4711].tobytes()


class TestCode:
    @pytest.mark.parametrize("engine", fastnn.ENGINES)
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_it_is_the_engines_source(self, engine, dtype):
        assert fastnn.code(NET, engine, dtype) == load(engine).source(NET, dtype)

    def test_by_default_that_of_the_engine_that_runs(self):
        run = fastnn.train(NET, [[0, 1]], [1], epochs=1)
        assert fastnn.code(NET) == fastnn.code(NET, run.engine, run.dtype)
        assert choose("auto", NET, "float64", networks=1) == run.engine

    def test_what_is_shown_is_what_runs(self):
        X, y = np.array([[0.5, 1.0], [1.0, 0.25]]), np.array([[1.0], [0.5]])
        parameters, totals = np.array([[2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]]), np.zeros((1, 4))
        run = fastnn.train(NET, X, y, parameters, learning_rate=0.01, epochs=4)
        run_source(fastnn.code(NET, "loop"))["advance"](parameters, X, y, np.array([[-0.02]]), totals)
        assert parameters.tobytes() == run.parameters.tobytes()
        assert (totals / 2).tobytes() == run.loss_curve.tobytes()

    def test_a_student_recognises_the_lines(self):
        lines = [line.strip() for line in fastnn.code(NET, "loop").splitlines()]
        for line in ("z1 = w1*x1 + w2*x2 + b1", "h1 = 0.0 if z1 <= 0.0 else z1", "d = yhat - y"):
            assert line in lines

    def test_derive_gives_the_equations_it_is_printed_from(self):
        derivation = fastnn.derive(NET)
        assert derivation.network == NET
        targets = [derivation.name(equation.target) for equation in derivation.scalar]
        assert targets[:5] == ["z1", "h1", "z2", "h2", "yhat"]
        assert set(NET.parameter_names) <= set(targets)


LEFT_OUT = ("fastnn.__main__", "fastnn.tutorial.from_one_run_to_ten_thousand")  # these run when imported
if not (spec := find_spec("sklearn")) or not spec.origin:  # the tests have a folder of this name
    LEFT_OUT += ("fastnn.sklearn",)
MODULES = [
    module.name
    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    if not module.name.startswith(LEFT_OUT)
]


class TestDocstringExamples:
    @pytest.fixture
    def compiling_little(self, compiling_nothing_unusual, monkeypatch):
        """What `warmup` compiles, other tests ask: it takes 5 s."""
        monkeypatch.setattr(plan, "begun", lambda *arguments: None)
        monkeypatch.setattr(plan, "general_for", lambda *arguments: None)

    @pytest.mark.usefixtures("compiling_little")
    @each_of("name", zip(MODULES))
    def test_they_run(self, name):
        assert doctest.testmod(importlib.import_module(name)).failed == 0

    def test_there_are_some(self):
        finder = doctest.DocTestFinder(exclude_empty=True)
        found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
        assert any(test.examples for test in found)
