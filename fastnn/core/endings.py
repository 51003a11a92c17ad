"""The words for why the training of a network ended, and for the epoch of which it has its loss."""

__all__ = ["BY_DIVERGENCE", "BY_EPOCHS", "ENDINGS", "by", "epoch_of_loss"]

ENDINGS = ("epochs", "diverged", "validation", "training loss", "penalized loss", "score", "callback")
"""What stopped it has its name from what was watched; arrays and files hold their places here."""
BY_EPOCHS, BY_DIVERGENCE = 0, 1


def by(ended: str) -> str:
    """What ended a training, in the middle of a sentence: by validation, by divergence."""
    return f"by {'divergence' if ended == ENDINGS[BY_DIVERGENCE] else ended}"


def epoch_of_loss(stops: bool) -> str:
    """The epoch of which networks have their loss: the best one where they stop for themselves."""
    return "best epoch" if stops else "last epoch"
