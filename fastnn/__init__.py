"""Train very small neural networks very fast on a CPU."""

__version__ = "0.1.0"
