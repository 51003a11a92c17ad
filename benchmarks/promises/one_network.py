"""One network at a time: `loop` against the same loop in plain Python and in C."""

import numba
import numpy as np

from fastnn.engines import load
from hand_written import compiled_c, python_loop
from promises.measuring import STEP, Line, refuse_other_bits
from suite.common import CLASSROOM, Arrays
from suite.timing import seconds

STARTS = 32
EPOCHS = 300
TIMES_PYTHON = 80


class Starts:
    """Networks of 2-2-1, each trained alone: by `loop`, and right after it by another program."""

    def __init__(self, data):
        self.data = data
        self.kernel = load("loop").kernel(CLASSROOM, "float64")

    def fresh(self, epochs):
        """New arrays, network by network."""
        together = Arrays.fresh(CLASSROOM, "float64", STARTS, len(self.data.X), epochs, self.data)
        return [together.alone(m) for m in range(STARTS)]

    def loop(self, arrays):
        arrays.advance(self.kernel, at_once=1)

    def against(self, other, rounds, epochs=EPOCHS):
        """Check that the bits agree; return nanoseconds per row, (rounds, starts), of `loop` and the other.

        The other program trains few enough epochs that both take milliseconds. So other work on the machine
        disturbs both alike.
        """
        for ours, theirs in zip(self.fresh(epochs), self.fresh(epochs), strict=True):
            self.loop(ours)
            other(theirs)
            refuse_other_bits((ours.parameters, theirs.parameters), (ours.totals, theirs.totals))
        found = []
        for _ in range(rounds):
            pairs = zip(self.fresh(EPOCHS), self.fresh(epochs), strict=True)
            found.append([(seconds(self.loop, ours), seconds(other, theirs)) for ours, theirs in pairs])
        visits = len(self.data.X) * np.array([EPOCHS, epochs])
        return np.moveaxis(np.array(found) / visits * 1e9, 2, 0)


def versus_python(data, rounds):
    """`loop` against the same loop in plain Python, and the least time that any compiled loop can take."""
    starts = Starts(data)
    plain = list(zip(*data.X.T.tolist(), data.y.tolist(), strict=True))
    scalars = list(zip(*data.X.T, data.y, strict=True))

    def trainer(rows):
        def train(arrays):
            start, totals = arrays.parameters[0], arrays.totals[0]
            start[:], totals[:] = python_loop(start.tolist(), rows, STEP, len(totals))

        return train

    loop, python = starts.against(trainer(plain), rounds, epochs=4)
    floor = chain_nanoseconds(rounds)
    most = np.median(python) / np.median(floor)
    yield Line(
        "plain Python : loop",
        over_starts(python, loop),
        TIMES_PYTHON,
        at_least=True,
        digits=0,
        out_of_reach=most < TIMES_PYTHON,
        remark=f"at most {most:.0f} can be had on this core: a row needs the weights that the row before it "
        "leaves, through eleven multiplications and additions one after the other",
    )
    yield Line("plain Python", np.median(python, axis=0), digits=0, unit="ns per row")
    yield Line("the chain of eleven alone", floor, digits=1, unit="ns per row")
    loop, python = starts.against(trainer(scalars), max(1, rounds // 5), epochs=2)
    yield Line("Python on rows of a NumPy array : loop", over_starts(python, loop), digits=0)


def versus_c(data, rounds):
    """`loop` against the same loop in C."""
    in_c = compiled_c()
    if in_c is None:
        yield Line("loop : C", promise=1.1, remark="no g++ was found")
        return

    def train(arrays):
        in_c(arrays.parameters[0], arrays.X, arrays.Y, STEP, arrays.totals[0])

    loop, c = Starts(data).against(train, rounds)
    yield Line("loop : C", over_starts(loop, c), 1.1)
    yield Line("start by start", np.median(loop / c, axis=0))
    yield Line("loop", np.median(loop, axis=0), digits=1, unit="ns per row")
    yield Line("C", np.median(c, axis=0), digits=1, unit="ns per row")


def over_starts(above, below):
    """The ratio of the total times of all starts, round by round."""
    return above.sum(axis=1) / below.sum(axis=1)


def chain_nanoseconds(rounds, rows=1_000_000):
    """The least nanoseconds of a row: the longest chain of operations from a weight to its next value.

    z = w*x + . + b, yhat = h*v + . + b, d = yhat - y, s = step*d, s1 = s*v, w += s1*x. The choices of the
    ReLU and of its gate are left out, since a processor may predict them.
    """

    @numba.njit
    def chain(w, x, v, y, step, a, b, rows):
        for _ in range(rows):
            w = w + ((w * x + a + b) * v + a + b - y) * step * v * x
        return w

    arguments = (0.7, 0.5, 0.6, 0.3, STEP, 0.1, 0.2, rows)
    chain(*arguments)
    return np.array([seconds(chain, *arguments) for _ in range(rounds)]) / rows * 1e9
