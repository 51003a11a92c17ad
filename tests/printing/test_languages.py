"""Every language has a form for every kind of node that is left for it."""

from decimal import Decimal
from itertools import product

import pytest
from each_of import each_of

from fastnn.core.arithmetic import FLOATS
from fastnn.core.derivation import derive
from fastnn.core.elementary import FUNCTIONS
from fastnn.core.equations import FORWARD
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Index,
    Larger,
    Largest,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Sum,
    Symbol,
    Visitor,
)
from fastnn.core.network import Network
from fastnn.engines.batched import _LayerWriter
from fastnn.explaining.algebra import Algebra
from fastnn.explaining.arithmetic import DECIMALS
from fastnn.explaining.chain_rule import Line
from fastnn.explaining.matrix_form import in_matrices
from fastnn.printing import signs
from fastnn.printing.arrays import ArrayWriter
from fastnn.printing.infix import Infix, Lines, Python
from fastnn.printing.javascript import JavaScript
from fastnn.printing.latex import Latex
from fastnn.printing.mathml import MathML
from fastnn.printing.notation import ExactText, Text
from fastnn.printing.rows_together import PythonOfBlocks, PythonOfFirstRow
from fastnn.printing.units import PythonOfUnits
from fastnn.printing.vectors import PythonOfVectors

DERIVATION = derive(Network((2, 2, 1), "tanh"))
UNIT = Index("j", 2)
Z = Symbol("z", 1, (0,))

# One node of each kind, of those that are computed and of those that are only written.
COMPUTED = {
    "number": Number(0.5),
    "symbol": Z,
    "binary": Z * 2.0,
    "select": Select(Z, ">", Number(0.0), Z, Number(0.0)),
    "call": Call("tanh", Z),
    "power_of_two": PowerOfTwo(Z),
    "exponent": Exponent(Z),
    "square_root": SquareRoot(Z),
    "larger": Larger(Number(0.0), Z),
}
SUM = Sum(UNIT, Symbol("w", 2, (0, UNIT)) * Symbol("h", 1, (UNIT,)))
LARGEST = Largest(UNIT, Symbol("z", 1, (UNIT,)))
FOLDED = {"sum": SUM, "largest": LARGEST}
SIGNS = {
    "derivative": signs.Derivative(Symbol("h", 1, (0,)), Z),
    "transposed": signs.Transposed(Symbol("W", 1)),
    "gate": signs.Gate(Z, ">", Number(0.0)),
    "over_rows": signs.OverRows(Z),
}


def name(symbol):
    return f"{symbol.family}1"


class Arrays(ArrayWriter):
    """Everything lives in a buffer of its name; functions and sums are left to those who know the layer."""

    def spell(self, symbol):
        return name(symbol)


def of_arrays(node):
    return _LayerWriter(Lines(), DERIVATION, DERIVATION.of("sum", layer=2)[0]).visit(node, "out")


def of_matrices(node):
    return in_matrices(Line("1", FORWARD, "activation", Symbol("h", 1, (UNIT,)), None, node, "")).expression


def of_algebra(node):
    pytest.importorskip("sympy", reason="the proof needs sympy")
    return Algebra(DERIVATION).visit(node, {})


def of_numbers(arithmetic, one):
    return lambda node: arithmetic(node, {Z: one})


SCALAR = {
    "Python": Python(name, "float64"),
    "Python in float32": Python(name, "float32"),
    "Python of vectors": PythonOfVectors(name, "float64"),
    "Python of blocks": PythonOfBlocks(name, "float64"),
    "Python of a first row": PythonOfFirstRow(name, "float64", rows=2),
    "Python of units": PythonOfUnits(name, "float64"),
    "JavaScript": JavaScript(name),
}
NOTATIONS = {form.__name__: form(DERIVATION) for form in (Text, ExactText, Latex, MathML)}
COMPUTING = {"floats": of_numbers(FLOATS, 1.0), "algebra": of_algebra, "NumPy": of_arrays}


def kinds(module_names):
    """The kinds of all nodes that are defined."""
    return {cls.kind for cls in Expression.__subclasses__() if cls.__module__ in module_names}


def test_every_kind_of_node_is_asked_for():
    assert kinds({"fastnn.core.expressions"}) == {*COMPUTED, *FOLDED}
    assert kinds({"fastnn.printing.signs"}) == {*SIGNS}
    assert all(node.kind == kind for kind, node in (COMPUTED | SIGNS | FOLDED).items())


def test_every_language_is_asked():
    def descendants(cls):
        return {cls}.union(*(descendants(child) for child in cls.__subclasses__()))

    asked = {*map(type, SCALAR.values()), *map(type, NOTATIONS.values()), Infix, ArrayWriter, Arrays, Visitor}
    ours = {cls for cls in descendants(Visitor) if cls.__module__.startswith("fastnn.")}
    left = {cls.__name__ for cls in ours - asked}
    assert left <= {
        "_LayerWriter",
        "_FunctionWriter",
        "Algebra",
        "_InMatrices",
        "Arithmetic",
        "Notation",
        "_Places",
    }


@each_of("language, kind", product(SCALAR, COMPUTED))
def test_code(language, kind):
    assert SCALAR[language](COMPUTED[kind])


@each_of("language, kind", product(NOTATIONS, COMPUTED | SIGNS))
def test_notation(language, kind):
    assert NOTATIONS[language]((COMPUTED | SIGNS)[kind])


@each_of("language, kind", product(COMPUTING, COMPUTED))
def test_computing(language, kind):
    assert COMPUTING[language](COMPUTED[kind]) is not None


@pytest.mark.parametrize("kind", COMPUTED | FOLDED)
def test_matrices(kind):
    assert of_matrices((COMPUTED | FOLDED)[kind]) is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_form(name):
    node, decimal = Call(name, Z), Decimal("0.375")
    exact = DECIMALS(node, {Z: decimal})
    algebra = of_algebra(node)
    assert float(exact) == pytest.approx(FLOATS(node, {Z: 0.375}), rel=1e-15)
    if name != "sigmoid":  # kept closed
        assert abs(exact - Decimal(str(algebra.evalf(40, subs={"z1": "0.375"})))) < Decimal("1e-27")


@pytest.mark.parametrize("kind", FOLDED)
def test_sums_of_arrays(kind):
    assert of_arrays(FOLDED[kind]) == "out"


def test_decimals_keep_a_constant():
    assert DECIMALS(Number(0.5), {}) * 2 == 1


@pytest.mark.parametrize("language", SCALAR)
def test_what_has_no_form_is_said(language):
    with pytest.raises(TypeError, match="has no form for Sum"):
        SCALAR[language](SUM)


def test_a_language_that_lacks_a_kind_is_noticed():
    class Lacking(Visitor):
        def visit_number(self, node):
            return repr(node.value)

    assert Lacking().visit(Number(1.0)) == "1.0"
    with pytest.raises(TypeError, match="Lacking has no form for Binary"):
        Lacking().visit(Binary("+", Number(1.0), Number(2.0)))
