"""Rules that files may name and this version does not have, and values that are no rule."""

from fastnn.core.rule import PLAIN

OTHER_RULES = [
    PLAIN.described() | {"loss": "huber"},
    PLAIN.described() | {"optimizer": "adam"},
    PLAIN.described() | {"batch_size": 2},
    PLAIN.described() | {"batch_size": True},
    PLAIN.described() | {"more": 1},
    {"loss": "squared"},
    None,
    "sgd",
    [1],
]
