"""The arithmetic of a training step: how many operations of each kind its equations have."""

from collections import Counter
from functools import cache

from fastnn.core.derivation import derived
from fastnn.core.elementary import elementary
from fastnn.core.expressions import Binary, Call, Number, SquareRoot, Symbol, nodes
from fastnn.core.rule import COEFFICIENT, ROWS
from fastnn.printing.softmax import few_outputs, narrowed

MULTIPLY, ADD, DIVIDE, ROOT = KINDS = "multiply", "add", "divide", "root"
SIGNS = {"*": MULTIPLY, "+": ADD, "-": ADD, "/": DIVIDE}

COMMON = ("x", "y", COEFFICIENT.family, ROWS.family)  # what a row or a batch brings, for all networks alike


def operations(network, recipe, dtype):
    """How many operations of each kind every row takes in every network, {kind: number}.

    They are those of the equations, each rounded once, so none is fused. A row has its share of what a batch
    does once. Of equal operations on equal numbers one counts. What no row and no batch changes does not, nor
    does what is the same for all networks. Functions count by their own equations, and both sides of a choice
    count, since in vectors both are worked out. Softmax is counted as it is printed for vectors: by fewer
    operations than its equations have, with the same bits.

    Parameters
    ----------
    network : fastnn.Network
        Of at most 100 000 parameters.
    recipe : fastnn.core.recipe.Recipe
        How it is trained.
    dtype : str
        Elementary functions have fewer terms in "float32".
    """
    derivation = narrowed(derived(network, recipe.rule))
    changes = Changes(recipe.rule.given, COMMON)
    spared = of_largest(derivation)
    of_row, of_batch = Counter(), Counter()
    for equation in derivation.scalar:
        counts = of_row if equation.stage.when == "row" else of_batch
        for node in changes.new(equation.expression if equation != spared else equation.target):
            counts.update(counted(node, dtype))
        changes.assign(equation.target, equation.expression)
    return {kind: of_row[kind] + of_batch[kind] / recipe.size for kind in KINDS}


def of_largest(derivation):
    """The exponential of softmax that is spared, since that of the largest output is 1; or None."""
    if not few_outputs(derivation):
        return None
    return next(e for e in derivation.scalar if e.kind == "softmax" and isinstance(e.expression, Call))


def counted(node, dtype):
    """What one node of an expression adds: {kind: number}."""
    match node:
        case Binary("/", _, Number(value)) if is_power_of_two(value):
            return {MULTIPLY: 1}
        case Binary(sign, _, _):
            return {SIGNS[sign]: 1}
        case SquareRoot():
            return {ROOT: 1}
        case Call(name, _):
            return of_function(name, dtype)
    return {}


@cache
def of_function(name, dtype):
    """The operations of an elementary function: {kind: number}."""
    counts, changes = Counter(), Changes()
    for step in elementary(name, dtype).steps:
        for node in changes.new(step.expression):
            counts.update(counted(node, dtype))
        changes.assign(step.target, step.expression)
    return counts


def is_power_of_two(value):
    """Whether dividing by a number is multiplying by another one, to the bit."""
    mantissa, _ = float(value).as_integer_ratio()
    return abs(mantissa) & (abs(mantissa) - 1) == 0 and value != 0


class Changes:
    """Which values change in training and differ among networks, and which were worked out already."""

    def __init__(self, given=(), common=()):
        self.families = common  # of symbols that are the same for all networks
        self.steady, self.common = {*given, ROWS}, set()  # symbols that no row changes, and such symbols
        self.versions = Counter()
        self.seen = set()

    def new(self, expression):
        """The nodes of an expression that have to be worked out now, for every network."""
        for node in nodes(expression):
            symbols = [leaf for leaf in nodes(node) if isinstance(leaf, Symbol)]
            now = node, tuple(self.versions[symbol] for symbol in symbols)
            if self.changes(symbols) and self.differs(symbols) and now not in self.seen:
                self.seen.add(now)
                yield node

    def assign(self, target, expression):
        """Take note that an equation has given its target a value."""
        symbols = [leaf for leaf in nodes(expression) if isinstance(leaf, Symbol)]
        for kept, applies in ((self.steady, self.changes(symbols)), (self.common, self.differs(symbols))):
            kept.discard(target) if applies else kept.add(target)
        self.versions[target] += 1

    def changes(self, symbols):
        return any(symbol not in self.steady for symbol in symbols)

    def differs(self, symbols):
        return any(s not in self.common and s.family not in self.families for s in symbols)
