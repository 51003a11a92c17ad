# %% [markdown]
# # From one run to ten thousand
#
# A student wrote a neural network by hand: two inputs, two ReLU units, one output, six weights, three
# biases. Every row took a forward pass, nine derivatives and nine small updates. Then came the questions.
# Does the learning rate matter? The starting weights? The number of rows? **One run** answered each of them.
#
# This notebook asks the same questions again, first with one run, then with ten thousand. Every number in
# it is computed here.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fastnn
from fastnn import plotting, studies

STARTS = 10_000

# %% [markdown]
# ## The data
#
# The network predicts the charges of a medical insurance from age and body mass index. Everything is min-max
# scaled to 0 .. 1. If the published table is not at hand, fastnn uses a simulated stand-in and says so; its
# figures come close.

# %%
data = fastnn.load_insurance()
print(data)

# %% [markdown]
# ## One run
#
# The start is one of the student's report, which calls it I1. Training visits the rows in order, 300 times.

# %%
net = fastnn.Network((2, 2, 1))
large = [2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]
run = fastnn.train(net, data, start=large, learning_rate=0.005, epochs=300)
print(run)
print(f"\nloss {run.loss:.5f}", run.score(data))

# %%
plotting.loss_curves(run)
plt.show()

# %% [markdown]
# The report looked at the loss and wrote: *large starts do not matter*. But look at R²: is the network
# any better than the mean of all charges?

# %%
mean_loss = np.var(data.y)
print(f"the network: {run.loss:.5f}; predicting the mean: {mean_loss:.5f}; R² {run.score(data)['r2']:.4f}")

# %% [markdown]
# ## No black magic
#
# fastnn derived the training from the description of the network. These are the equations of a step, with
# their numbers for the first row:

# %%
explained = fastnn.explain(net)
print(explained.step(large, data.X[0], data.y[0]))

# %% [markdown]
# And this is the loop that fastnn printed from them and compiled. Change `Network((2, 2, 1))`, and the
# equations and the loop change with it.

# %%
print(fastnn.code(net, engine="loop"))

# %% [markdown]
# ## One run proves little
#
# The report found a loss of 0.0335 at learning rate 0.005, 0.038 at 0.01 and 0.041 at 0.1, and concluded
# that the loss rises with the learning rate. Here are eight starts at the first two rates:

# %%
for number in range(8):
    start = fastnn.normal(0, 1.5).draw(net, [number], seed=0)[0]
    losses = [fastnn.train(net, data, start=start, learning_rate=rate).loss for rate in (0.005, 0.01)]
    print(f"start {number}: {losses[0]:.5f} at 0.005, {losses[1]:.5f} at 0.01")

# %% [markdown]
# Which makes the larger difference, the start or the rate? Ask thousands of networks: the same starts at
# three learning rates.

# %%
sweep = fastnn.sweep(
    net,
    data,
    networks=STARTS,
    start=fastnn.normal(0, 1.5),
    learning_rate=[0.005, 0.01, 0.1],
    curves=True,
)
print(sweep.summary().round(5).to_string(index=False))

# %%
cells = list(sweep.grid.cells())
figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
for cell, figure_of_the_report, ax in zip(cells, (0.0335, 0.038, 0.041), axes, strict=True):
    plotting.sweep_histogram(sweep.only(cell), ax)
    ax.axvline(figure_of_the_report, color="black", linestyle=":")
    ax.set_title(f"learning rate {cell['learning_rate']:g}")
plt.show()

# %% [markdown]
# The dotted lines are the report's figures. There is not one outcome but several. A unit is **dead** if
# it is shut on every row: it gives 0, gets no gradient and stays dead. A network with both units dead
# answers every row with the same number.

# %%
dead = sweep.dead_units()
for cell in cells:
    some = slice(cell.first, cell.first + STARTS)
    both = dead[some] == 2
    loss = np.median(sweep.loss[some][both]) if both.any() else np.nan
    rate = cell["learning_rate"]
    print(f"rate {rate:<5g}: both units dead in {both.mean():6.1%} of the starts, loss {loss:.5f}")

# %% [markdown]
# Compare these losses with the report's 0.038 at rate 0.01 and 0.041 at 0.1. If they agree, the report took
# an effect of the start, at least in part, for an effect of the learning rate. The effect of the rate alone,
# start by start, is:

# %%
at = {float(cell["learning_rate"]): sweep.loss[cell.first : cell.first + STARTS] for cell in cells}
for rate in (0.01, 0.1):
    change = at[rate] / at[0.005] - 1
    share = (change > 0).mean()
    print(
        f"rate {rate:g}: higher than at 0.005 for {share:.0%} of the starts, median {np.median(change):+.2%}"
    )

# %% [markdown]
# ## Two units that are one
#
# The report also began with every weight and bias exactly 1. Both hidden units then get the same
# gradients, in every row of every epoch:

# %%
ones = fastnn.train(net, data, start=np.ones(9))
(W, b), (out, _) = net.split(ones.parameters)
print("unit 1:", W[0], b[0], out[0, 0])
print("unit 2:", W[1], b[1], out[0, 1])

# %% [markdown]
# Two units that are one, to the last bit.
#
# ## More rows
#
# With 30 rows the report found R² 0.05 and MAPE 189 %, with all rows "R² near 0" and MAPE 125 %. These are
# the scores on all rows, for the same starts:

# %%
experiment = studies.Experiment(data, networks=STARTS)
found = studies.run(experiment, progress=False)
print(found.by_rows().round(3).to_string(index=False))

# %% [markdown]
# ## All fourteen lines
#
# `studies.run` has repeated the whole report. This table sets each claim beside thousands of starts, with a
# verdict that depends only on the shares of the starts (`fastnn.studies.verdicts` has the rules):

# %%
columns = ["line", "says", "median", "percentile_low", "percentile_high", "agree", "verdict"]
print(found.claims()[columns].round(3).to_string(index=False))

# %%
for line in ("I1", "I3", "L1", "L3", "L5"):
    print(f"{line}: {' '.join(found.reasons[line])}\n")

# %% [markdown]
# ## Any network again
#
# A network of a sweep has a number. Trained again alone, the network has the same bits, and now its whole
# loss curve:

# %%
again = sweep.replay(sweep.best(1).network)
print(again.number, again.loss, again.loss == sweep.loss[again.number])
plotting.surface(again, data)
plt.show()

# %% [markdown]
# ## What next
#
# - `fastnn studies --out report` writes all of this as one page, in which the network trains.
# - `fastnn explain --layers 2,3,1` derives another network, with a proof.
# - `fastnn compare` trains the same network in Keras.
