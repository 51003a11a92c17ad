"""The compact form: one equation for a whole layer, in matrices and vectors, whatever the layer's size.

Made from the equations with running indices, by what each index does: an index that is summed over is a
matrix product, one that both factors share an element-wise product, one that only one of them has an
outer product.
"""

from __future__ import annotations

from dataclasses import replace

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
    nodes,
)
from fastnn.explaining.chain_rule import Line
from fastnn.printing.signs import ELEMENTWISE, MATRIX_PRODUCT, Derivative, Gate, Transposed

__all__ = ["in_matrices", "over_a_batch"]


def in_matrices(line: Line) -> Line:
    """A line with running indices as one of matrices and vectors; the chain behind it is not kept."""
    target: Symbol | Derivative
    match line.target:
        case Derivative(of, by):
            target = Derivative(_whole(of), _whole(by))
        case symbol:
            target = _whole(symbol)
    return Line(line.number, line.section, line.kind, target, None, _of_all(line), line.rule)


def over_a_batch(term: Expression) -> Expression | None:
    """The sum over the rows of a batch of an outer product of two vectors: one product of two matrices.

    Each has a column for each row of the batch, and the vector's letter as a capital. None for other terms.
    """
    match term:
        case Binary("@", Symbol() as left, Transposed(Symbol() as right)):
            return Binary(MATRIX_PRODUCT, _of_a_batch(left), Transposed(_of_a_batch(right)))
    return None


def _of_all(line: Line) -> Expression:
    """What a line computes; where a number has more added to it unit by unit, that of all of them."""
    match line.expression:
        case Binary("+", left, term) if left == line.target and _free(term) and not _free(left):
            return Binary("+", left, Call("sum", _matrices(term)))
    return _matrices(line.expression)


def _of_a_batch(vector: Symbol) -> Symbol:
    return replace(vector, family=vector.family.upper())


def _whole(symbol: Symbol) -> Symbol:
    """All that a symbol stands for as its indices run: a vector, or a matrix in a capital letter."""
    family = symbol.family.upper() if len(symbol.indices) == 2 else symbol.family
    return Symbol(family, symbol.layer) if symbol.indices else symbol


class _InMatrices(Visitor):
    """Makes an expression of whole layers out of one with running indices."""

    def __call__(self, node: Expression) -> Expression:
        whole: Expression = self.visit(node)
        return whole

    def visit_symbol(self, node: Symbol) -> Expression:
        """All values of its kind."""
        return _whole(node)

    def visit_derivative(self, node: Derivative) -> Expression:
        """The derivatives by all values of a kind."""
        return Derivative(_whole(node.of), _whole(node.by))

    def visit_number(self, node: Number) -> Expression:
        """A constant."""
        return node

    def visit_sum(self, node: Sum) -> Expression:
        """The sum of left*right over an index: a product of matrices. Of another term: of its elements."""
        if not isinstance(node.term, Binary) or node.term.operator != "*":
            return Call("sum", self(node.term))
        left, right = node.term.left, node.term.right
        matrix, vector = (left, right) if len(_free(left)) == 2 else (right, left)
        if len(_free(matrix)) == 1:
            return Binary(MATRIX_PRODUCT, Transposed(self(left)), self(right))
        rows, _ = _free(matrix)
        across = Transposed(self(matrix)) if rows == node.index else self(matrix)
        return Binary(MATRIX_PRODUCT, across, self(vector))

    def visit_largest(self, node: Largest) -> Expression:
        """The largest element."""
        return Call("max", self(node.term))

    def visit_binary(self, node: Binary) -> Expression:
        """An operation element by element, or an outer product."""
        if node.operator != "*":
            return Binary(node.operator, self(node.left), self(node.right))
        rows, columns = _free(node.left), _free(node.right)
        if rows and columns and rows != columns:
            return Binary(MATRIX_PRODUCT, self(node.left), Transposed(self(node.right)))
        return Binary(ELEMENTWISE if rows and columns else "*", self(node.left), self(node.right))

    def visit_select(self, node: Select) -> Expression:
        """The larger of a value and 0, a gate, or a choice element by element."""
        zero = Number(0.0)
        left, right, yes, no = (self(part) for part in (node.left, node.right, node.yes, node.no))
        if (node.comparison, node.right, node.yes) == ("<=", zero, zero) and node.left == node.no:
            return Larger(zero, left)
        if node.no == zero:
            return Binary(ELEMENTWISE, yes, Gate(left, node.comparison, right))
        return Select(left, node.comparison, right, yes, no)

    def visit_call(self, node: Call) -> Expression:
        """A function element by element."""
        return Call(node.function, self(node.argument))

    def visit_power_of_two(self, node: PowerOfTwo) -> Expression:
        """Element by element."""
        return PowerOfTwo(self(node.exponent))

    def visit_exponent(self, node: Exponent) -> Expression:
        """Element by element."""
        return Exponent(self(node.number))

    def visit_larger(self, node: Larger) -> Expression:
        """Element by element."""
        return Larger(self(node.left), self(node.right))

    def visit_square_root(self, node: SquareRoot) -> Expression:
        """Element by element."""
        return SquareRoot(self(node.square))


_matrices = _InMatrices()


def _free(node: Expression) -> list[Index]:
    """The running indices of an expression, outermost first; those summed over are not among them."""
    summed = {part.index for part in nodes(node) if isinstance(part, Sum)}
    found: list[Index] = []
    for part in nodes(node):
        symbols = (part.by,) if isinstance(part, Derivative) else (part,)
        for symbol in symbols:
            if isinstance(symbol, Symbol):
                found += [i for i in symbol.indices if isinstance(i, Index) and i not in summed]
    return list(dict.fromkeys(found))
