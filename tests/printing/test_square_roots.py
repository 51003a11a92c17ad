"""Square roots: rounded once, and the same bits, in every language that computes."""

from fractions import Fraction
from math import isqrt

import numba
import numpy as np
import pytest
from comparing import DTYPES, array_differences
from elementary_numbers import anything

from fastnn.core.arithmetic import FLOATS
from fastnn.core.elementary import Function
from fastnn.core.expressions import Assignment, Number, Symbol, sqrt
from fastnn.engines.compiling import run_source
from fastnn.pages.html import html_page
from fastnn.printing.arrays import array_function
from fastnn.printing.infix import Python, python_function
from fastnn.printing.javascript import JavaScript
from fastnn.printing.latex import Latex
from fastnn.printing.mathml import MathML
from fastnn.printing.notation import ExactText
from fastnn.printing.vectors import PythonOfVectors

X = Symbol("x")
FOUND = Symbol("found")
ROOT = Function("root", X, (Assignment(FOUND, sqrt(X)), Assignment(Symbol("value"), FOUND * 1.0)))
SUM = Function("root", X, (Assignment(FOUND, sqrt(X * 0.5 + 1.0)), Assignment(Symbol("value"), FOUND / X)))


def exactly(x):
    """The square root of a positive number, rounded once by whole numbers alone."""
    number = Fraction(float(x))
    # Twice as many digits as float64 has, and the last one tells whether anything is left.
    scale = 2 * (120 + abs(int(np.frexp(float(x))[1])))
    whole = number.numerator * 2 ** (2 * scale) // number.denominator
    root = isqrt(whole)
    found = Fraction(2 * root + (root * root != whole), 2 ** (scale + 1))
    return x.dtype.type(np.nan) if x < 0 else nearest(found, x.dtype)


def nearest(value, dtype):
    """A fraction rounded to a precision, ties to even."""
    near = dtype.type(float(value))
    around = [np.nextafter(near, dtype.type(0)), near, np.nextafter(near, dtype.type(np.inf))]
    return min(around, key=lambda n: abs(Fraction(float(n)) - value))


def by_scalars(function, dtype, compile_it):
    source = f"from numpy import float32, sqrt\n\n\n{python_function(function, dtype)}"
    root = run_source(source)["root"]
    if compile_it:
        return numba.vectorize([f"{dtype}({dtype})"])(root)
    return lambda x: np.array([root(number) for number in x])


def by_vectors(function, dtype, compile_it):
    imports = "from numpy import float32\nfrom fastnn.engines.simd import sqrt"
    source = f"{imports}\n\n\n{python_function(function, dtype, PythonOfVectors)}"
    return run_source(source)["root"]


def by_buffers(function, dtype, compile_it):
    source = f"from numpy import add, copyto, divide, multiply, sqrt\n\n\n{array_function(function)}"

    def root(x):
        out = np.empty_like(x)
        run_source(source)["root"](x, out, np.empty((3, *x.shape), x.dtype), np.empty(x.shape, bool))
        return out

    return root


WAYS = {"compiled": (by_scalars, True), "plain Python": (by_scalars, False)}
WAYS |= {"vectors": (by_vectors, False), "buffers": (by_buffers, False)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
class TestRoots:
    def test_are_rounded_once(self, way, dtype):
        printed, compile_it = WAYS[way]
        x = anything(dtype, 4000)
        x = x[(x > 0) & np.isfinite(x)][:800]
        found = printed(ROOT, dtype, compile_it)(x)
        assert not array_differences(way, found, np.array([exactly(number) for number in x]))

    def test_of_special_numbers(self, way, dtype):
        printed, compile_it = WAYS[way]
        x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -1e-40], dtype)
        expected = np.array([0.0, -0.0, np.inf, *[np.nan] * 4], dtype)
        with np.errstate(invalid="ignore"):
            assert not array_differences(way, printed(ROOT, dtype, compile_it)(x), expected)

    def test_among_other_operations(self, way, dtype):
        printed, compile_it = WAYS[way]
        x = np.array([0.1, 3.7, 250.0, 1e-30], dtype)
        expected = np.sqrt(x * x.dtype.type(0.5) + x.dtype.type(1.0)) / x
        assert not array_differences(way, printed(SUM, dtype, compile_it)(x), expected)


def test_in_the_browser_and_in_explanations(page):
    x = anything("float64", 4000)
    x = x[(x > 0) & np.isfinite(x)][:1000]
    page.open(html_page("roots", "", []))
    of_x = JavaScript(lambda symbol: symbol.family)(sqrt(X))
    found = np.array(page.evaluate(f"{x.tolist()}.map((x) => {of_x})"))
    expected = np.array([exactly(number) for number in x])
    assert not array_differences("JavaScript", found, expected)
    assert not array_differences("floats", np.array([FLOATS(sqrt(X), {X: float(n)}) for n in x]), expected)
    assert np.isnan(FLOATS(sqrt(X), {X: -1.0}))


def test_a_wrong_root_is_told_apart():
    x = np.array([2.0, 3.0])
    wrong = np.nextafter(np.sqrt(x), 0.0)
    assert array_differences("wrong", wrong, np.array([exactly(number) for number in x]))


def test_how_they_are_written():
    import fastnn

    derivation = fastnn.derive(fastnn.Network((1, 1)))
    term = 2.0 * sqrt(Symbol("w", 1, (0, 0)) + 1.0)
    assert ExactText(derivation)(term) == "2.0*sqrt(w1 + 1.0)"
    assert Latex(derivation)(term) == r"2 \, \sqrt{w_{1} + 1}"
    assert MathML(derivation)(term).count("<msqrt>") == 1
    assert Python(lambda symbol: "w", "float32")(sqrt(Number(2.0))) == "sqrt(float32(2.0))"
