"""The same network, start, data and row order in fastnn and in Keras, side by side (K1 of the report).

::

    from fastnn.comparing import compare

    found = compare(fastnn.Network((2, 2, 1)), fastnn.load_insurance(), epochs=10)
    found.frame()        # lines of code, seconds, R², MAPE, how far apart the final weights are
    found.weights()      # the final weights, one column for each

Every backend of Keras that is installed takes part, each in a process of its own. Where Keras is not
installed, `Comparison.missing` says what to install, and fastnn stands alone.
"""

from fastnn.comparing.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
