"""Rules that files may name and this version does not have, and values that are no rule."""

from fastnn.core.optimizers import Momentum
from fastnn.core.rule import DEFAULT, described_rule

PLAIN_RULE, MOMENTUM = described_rule(DEFAULT), described_rule(Momentum(momentum=0.5))

OTHER_RULES = [
    PLAIN_RULE | {"loss": "huber"},
    PLAIN_RULE | {"optimizer": "adamw"},
    PLAIN_RULE | {"optimizer": ["sgd"]},
    PLAIN_RULE | {"optimizer": "momentum"},
    PLAIN_RULE | {"batch_size": 0},
    PLAIN_RULE | {"batch_size": 2.0},
    PLAIN_RULE | {"batch_size": "2"},
    PLAIN_RULE | {"batch_size": None},
    PLAIN_RULE | {"batch_size": True},
    PLAIN_RULE | {"momentum": 0.5},
    PLAIN_RULE | {"more": 1},
    MOMENTUM | {"momentum": 1.0},
    MOMENTUM | {"momentum": -0.5},
    MOMENTUM | {"momentum": 0},
    MOMENTUM | {"momentum": "0.5"},
    MOMENTUM | {"more": 1},
    {"loss": "squared"},
    None,
    "sgd",
    [1],
]

OTHER_OPTIMIZERS = [
    {"optimizer": "sgd"},
    {"optimizer": "adamw"},
    {"optimizer": ["sgd"]},
    {"optimizer": "sgd", "momentum": 0.5},
    {"optimizer": "momentum"},
    {"optimizer": "momentum", "momentum": 1.0},
    {"optimizer": "momentum", "momentum": -0.5},
    {"optimizer": "momentum", "momentum": 0},
    {"optimizer": "momentum", "momentum": "0.5"},
    {"optimizer": "momentum", "momentum": [0.5]},
    {"optimizer": "momentum", "momentum": 0.5, "more": 1},
    {"momentum": 0.5},
    {},
    None,
    "sgd",
]
"""Descriptions that no manifest may have beside plain gradient descent."""
