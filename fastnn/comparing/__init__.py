"""The same network, start, data and row order in fastnn and in Keras, side by side (K1 of the report).

::

    from fastnn.comparing import compare

    found = compare(fastnn.Network((2, 2, 1)), fastnn.load_insurance(), epochs=10)
    found.frame()        # lines of code, seconds, R², MAPE, how far apart the final weights are
    found.weights()      # the final weights, one column for each program

Every installed backend of Keras takes part, each in its own process. If Keras is not installed, fastnn is
trained alone, and `Comparison.missing` says what to install.
"""

from fastnn.comparing.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
