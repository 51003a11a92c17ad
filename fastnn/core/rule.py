"""How a network is trained, as `Network` says what it is: what its settings may be."""

__all__ = ["DTYPES", "MOST_EPOCHS"]

DTYPES = ("float64", "float32")
MOST_EPOCHS = 2**31 - 1  # the epoch in which a network diverged is an int32
