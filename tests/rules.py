"""The optimizers and losses that tests try, rules of files that this version does not have, and no rules."""

from fastnn.core import losses, optimizers
from fastnn.core.optimizers import Momentum
from fastnn.core.recipe import DEFAULT, Recipe

OPTIMIZERS = {
    "sgd": optimizers.SGD(),
    "momentum": optimizers.Momentum(momentum=0.6),
    "nesterov": optimizers.Nesterov(momentum=0.6),
    "rmsprop": optimizers.RMSProp(rho=0.7, eps=1e-3),
    "adagrad": optimizers.Adagrad(initial_sum=0.25),
    "adam": optimizers.Adam(beta1=0.6, beta2=0.9),
    "adam with eps_hat": optimizers.Adam(eps=0.01, eps_hat=True),
    "irprop-": optimizers.IRpropMinus(delta0=0.01, up=1.5, down=0.3, least=0.004, most=0.012),
}

LOSSES = {
    "squared": losses.Squared(),
    "absolute": losses.Absolute(),
    "huber": losses.Huber(delta=0.6),
    "log_cosh": losses.LogCosh(),
    "quantile": losses.Quantile(tau=0.8),
}

PLAIN_RULE, MOMENTUM = DEFAULT.plain, Recipe(optimizer=Momentum(momentum=0.5)).plain

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
