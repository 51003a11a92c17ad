"""The compact form: one equation for a whole layer, in matrices and vectors, whatever the layer's size.

Made from the equations with running indices, by what each index does: an index that is summed over is a
matrix product, one that both factors share an element-wise product, one that only one of them has an
outer product.
"""

from __future__ import annotations

from fastnn.core.expressions import Binary, Call, Expression, Index, Number, Select, Sum, Symbol, nodes
from fastnn.explaining.chain_rule import Line
from fastnn.printing.signs import ELEMENTWISE, MATRIX_PRODUCT, Derivative, Gate, Largest, Transposed

__all__ = ["in_matrices"]


def in_matrices(line: Line) -> Line:
    """A line with running indices as one of matrices and vectors; the chain behind it is not kept."""
    target: Symbol | Derivative
    match line.target:
        case Derivative(of, by):
            target = Derivative(_whole(of), _whole(by))
        case symbol:
            target = _whole(symbol)
    return Line(line.number, line.section, target, None, _matrices(line.expression), line.rule)


def _whole(symbol: Symbol) -> Symbol:
    """All that a symbol stands for as its indices run: a vector, or a matrix in a capital letter."""
    family = symbol.family.upper() if len(symbol.indices) == 2 else symbol.family
    return Symbol(family, symbol.layer) if symbol.indices else symbol


def _matrices(node: Expression) -> Expression:
    match node:
        case Symbol():
            return _whole(node)
        case Derivative(of, by):
            return Derivative(_whole(of), _whole(by))
        case Sum(index, Binary("*", left, right)):
            return _summed(index, left, right)
        case Binary("*", left, right):
            return _product(left, right)
        case Binary(operator, left, right):
            return Binary(operator, _matrices(left), _matrices(right))
        case Call(function, argument):
            return Call(function, _matrices(argument))
        case Select(z, "<=", Number(0.0), Number(0.0), same) if z == same:
            return Largest(Number(0.0), _matrices(z))
        case Select(left, comparison, right, yes, Number(0.0)):
            return Binary(ELEMENTWISE, _matrices(yes), Gate(_matrices(left), comparison, _matrices(right)))
        case Number():
            return node
    raise TypeError(f"no matrix form for {type(node).__name__}")


def _summed(index: Index, left: Expression, right: Expression) -> Expression:
    """The sum of left*right over an index, as a product of matrices."""
    matrix, vector = (left, right) if len(_free(left)) == 2 else (right, left)
    if len(_free(matrix)) == 1:
        return Binary(MATRIX_PRODUCT, Transposed(_matrices(left)), _matrices(right))
    rows, _ = _free(matrix)
    across = Transposed(_matrices(matrix)) if rows == index else _matrices(matrix)
    return Binary(MATRIX_PRODUCT, across, _matrices(vector))


def _product(left: Expression, right: Expression) -> Expression:
    rows, columns = _free(left), _free(right)
    if rows and columns and rows != columns:
        return Binary(MATRIX_PRODUCT, _matrices(left), Transposed(_matrices(right)))
    return Binary(ELEMENTWISE if rows and columns else "*", _matrices(left), _matrices(right))


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
