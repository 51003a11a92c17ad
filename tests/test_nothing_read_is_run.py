"""Nothing that fastnn reads is run: a lint over the package, and what is allowed for which reason."""

import ast

import pytest
from test_architecture import modules

# Modules that make objects or run code from bytes, whatever the bytes say.
UNSAFE_MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_MODULES |= {"runpy", "imp", "jsonpickle"}
UNSAFE_MODULES |= {"socket", "socketserver", "http", "asyncio", "xmlrpc", "ctypes"}  # they listen or call
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__", "execfile"}
TO_LOOK_UP = UNSAFE_MODULES | UNSAFE_NAMES - {"compile"}  # by getattr; Numba has a method compile()
UNSAFE_METHODS = {"eval", "read_pickle", "to_pickle", "import_module", "exec_module", "system", "popen"}
# Which are unsafe of some modules only: re.compile and json.load are not.
UNSAFE_OF = {
    "yaml": {"load", "load_all", "unsafe_load", "full_load", "Loader"},
    "numpy": {"load", "fromregex"},
    "np": {"load", "fromregex"},
    "torch": {"load"},
}

ALLOWED = {
    "__init__: importlib.import_module": "the module of a public name, by a table of them",
    "commands: importlib.import_module": "the module of a command, by a table of them",
    "sweeping.work.executors: the name 'joblib', to be looked up": "beside what to take in its place",
    "comparing.process: np.load": "of arrays that the process before it wrote, and without pickle",
    "engines: importlib.import_module": "an engine's module, by its name in ENGINES",
    "engines.compiling: compile()": "compiles source that fastnn itself has printed from derived equations",
    "engines.compiling: the name 'exec', to be looked up": "the mode in which that source is compiled",
    "engines.kernel_cache: import pickle": "of kernels in a private folder of the user's own, "
    "each checked by SHA-256 first: whoever can forge one there can run code as the user anyway",
    "engines.compiling: exec()": "runs that source, which no user's text ever reaches",
    "guide.references: importlib.import_module": "a module that has a page, by its name in REFERENCES",
    "__main__: eval()": "of the text 0, which clears an interruption that Python remembers",
    "commands.cli: eval()": "of the text 0, which clears an interruption that Python remembers",
    "tutorial: import asyncio": "waits for the kernel of the notebook, which listens on this machine alone",
    "sklearn.base: import joblib": "hashes settings, and reads no file",
    "sklearn.drawing: import ctypes": "finds the words of NumPy's generator, and calls no library",
    "sklearn.fitting: import joblib": "counts threads as scikit-learn does",
    "sklearn.search: import joblib": "counts threads as scikit-learn does",
    "system.background: import ctypes": "has Python raise SystemExit in a thread of fastnn's own",
    "system.floating_point: import ctypes": "asks C's own library, by two names, for the mode of this thread",
}


def unsafe(name, source):
    """What a module does that could run what it reads, in words: nothing, if it is safe."""
    return [f"{name}: {what}" for node in ast.walk(ast.parse(source)) for what in _of_node(node)]


def _of_node(node):
    if isinstance(node, ast.Import):
        return [f"import {alias.name}" for alias in node.names if _top(alias.name) in UNSAFE_MODULES]
    if isinstance(node, ast.ImportFrom):
        return _of_import(node.module or "", [alias.name for alias in node.names])
    if isinstance(node, ast.Name):
        return [f"{node.id}()"] if node.id in UNSAFE_NAMES else []
    if isinstance(node, ast.Attribute):
        return _of_attribute(node)
    if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
        false = isinstance(node.value, ast.Constant) and node.value.value is False
        return [] if false else [f"{node.arg}="]
    if isinstance(node, ast.Constant) and node.value in TO_LOOK_UP:
        return [f"the name {node.value!r}, to be looked up"]  # getattr(builtins, "eval")
    return []


def _of_import(module, names):
    if _top(module) in UNSAFE_MODULES:
        return [f"import {module}"]
    wrong = UNSAFE_NAMES | UNSAFE_METHODS | UNSAFE_OF.get(_top(module), set())
    return [f"{module}.{name}" for name in names if name in wrong or name in UNSAFE_MODULES]


def _of_attribute(node):
    of = ast.unparse(node.value)
    if node.attr in UNSAFE_OF.get(of, set()) or node.attr in UNSAFE_METHODS:
        return [f"{of}.{node.attr}"]
    return [f"{of}.{node.attr}"] if of in ("builtins", "__builtins__") else []


def _top(module):
    return module.partition(".")[0]


def test_nothing_that_is_read_is_run():
    found = {offence for name, source in modules().items() for offence in unsafe(name, source)}
    assert found == set(ALLOWED)


PLANTED = {
    "import pickle": "import pickle",
    "import pickle as harmless": "import pickle",
    "from pickle import loads as read": "import pickle",
    "import numpy.lib, marshal": "import marshal",
    "from multiprocessing.reduction import pickle": "multiprocessing.reduction.pickle",
    "def f():\n    import shelve": "import shelve",
    "eval(text)": "eval()",
    "run = exec": "exec()",
    "compile(text, '', 'exec')": "compile()",
    "import builtins\nbuiltins.open": "builtins.open",
    "getattr(builtins, 'eval')(text)": "the name 'eval', to be looked up",
    "__import__('pickle')": "__import__()",
    "importlib.import_module(name)": "importlib.import_module",
    "np.load(path)": "np.load",
    "numpy.load(path, allow_pickle=False)": "numpy.load",
    "from numpy import load": "numpy.load",
    "np.lib.format.read_array(file, allow_pickle=True)": "allow_pickle=",
    "np.lib.format.read_array(file, allow_pickle=asked)": "allow_pickle=",
    "yaml.load(file)": "yaml.load",
    "from yaml import load": "yaml.load",
    "pandas.read_pickle(path)": "pandas.read_pickle",
    "frame.eval(text)": "frame.eval",
    "torch.load(path)": "torch.load",
    "os.system(text)": "os.system",
    "subprocess.run(text, shell=True)": "shell=",
}


@pytest.mark.parametrize("source", PLANTED)
def test_a_planted_violation_is_found(source):
    assert f"planted: {PLANTED[source]}" in unsafe("planted", source)


@pytest.mark.parametrize(
    "source",
    [
        "import json, re\njson.load(file); re.compile('x')",
        "np.frombuffer(content, '<f8'); np.fromfile(file)",
        "np.lib.format.read_array(file, allow_pickle=False)",
        "fastnn.Training.load(path)",
        "yaml.safe_load(file)",
        "ast.literal_eval(text)",
    ],
)
def test_what_is_safe_is_let_be(source):
    assert unsafe("planted", source) == []


def test_every_exception_has_its_reason():
    assert all(len(reason) > 30 for reason in ALLOWED.values())
