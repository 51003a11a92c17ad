"""PyTorch: weight_decay for the weights alone, and the schedulers stepped once an epoch.

Its `clip_grad_norm_` divides by the norm and 1e-6, and comes before weight_decay, so that both are left out.
Its momenta multiply by the rate later, which is the same only while that stays.
"""

import torch
from torch import nn, optim


def train(problem):
    torch.set_default_dtype(torch.float64)
    layers = [[torch.tensor(array, requires_grad=True) for array in layer] for layer in problem.layers]
    optimizer = optimizer_of(problem, layers)
    scheduler = scheduler_of(problem, optimizer)
    lost = loss_of(problem)
    (W1, b1), (W2, b2) = layers
    for update, (X, Y) in enumerate(problem.batches, 1):
        optimizer.zero_grad()
        h = torch.tanh(torch.from_numpy(X) @ W1.T + b1)
        lost(h @ W2.T + b2, torch.from_numpy(Y)).backward()
        optimizer.step()
        if scheduler and update % problem.updates == 0:
            scheduler.step()
    return [[array.detach().numpy() for array in layer] for layer in layers]


def optimizer_of(problem, layers):
    given, scaled, rate = problem.given, problem.scaled, problem.rate
    weights, biases = zip(*layers, strict=True)
    penalty = problem.decay or scaled("l2")
    p = [{"params": weights, "weight_decay": penalty}, {"params": biases, "weight_decay": 0.0}]
    adam = optim.AdamW if problem.decay else optim.Adam
    return {
        "sgd": lambda: optim.SGD(p, rate),
        "momentum": lambda: optim.SGD(p, rate, momentum=given["momentum"]),
        "nesterov": lambda: optim.SGD(p, rate, momentum=given["momentum"], nesterov=True),
        "rmsprop": lambda: optim.RMSprop(p, rate, alpha=given["rho"], eps=scaled("eps")),
        "adagrad": lambda: optim.Adagrad(
            p, rate, initial_accumulator_value=scaled("initial_sum"), eps=scaled("eps")
        ),
        "irprop-": lambda: optim.Rprop(
            p, given["delta0"], (given["down"], given["up"]), (given["least"], given["most"])
        ),
        "adam": lambda: adam(p, rate, betas=(given["beta1"], given["beta2"]), eps=scaled("eps")),
    }[problem.optimizer]()


def scheduler_of(problem, optimizer):
    given, by = problem.given, optim.lr_scheduler
    return {
        "constant": lambda: None,
        "step": lambda: by.StepLR(optimizer, int(given["every"]), given["gamma"]),
        "exponential": lambda: by.ExponentialLR(optimizer, given["gamma"]),
        "cosine": lambda: by.CosineAnnealingLR(  # it rises again after its horizon
            optimizer, int(given["horizon"]), given["final"] * problem.rate
        ),
        "warm_up": lambda: by.LinearLR(
            optimizer, 1 / (given["warmup"] + 1), total_iters=int(given["warmup"])
        ),
    }[problem.schedule]()


def loss_of(problem):
    return {
        "squared": nn.MSELoss,
        "absolute": nn.L1Loss,
        "huber": lambda: nn.HuberLoss(delta=problem.given["delta"]),
        "poisson": lambda: nn.PoissonNLLLoss(log_input=True),
        "cross_entropy, softmax": nn.CrossEntropyLoss,
        "cross_entropy, sigmoid": nn.BCEWithLogitsLoss,
    }[problem.loss]()
