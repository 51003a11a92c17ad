"""The words for why the training of a network ended."""

__all__ = ["BY_DIVERGENCE", "BY_EPOCHS", "ENDINGS"]

ENDINGS = ("epochs", "diverged", "validation", "training loss", "penalized loss", "score", "callback")
"""What stopped it has its name from what was watched; arrays and files hold their places here."""
BY_EPOCHS, BY_DIVERGENCE = 0, 1
