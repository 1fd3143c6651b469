"""
Phase diagram of recovery
=========================

How many samples does recovery need? We plant networks with 10 inputs and as many outputs as hidden
units, and recover them from an increasing number of samples. The picture shows the fraction of
exact recoveries against the number of samples and the number of units, with a line at the number of
samples that determines the network at all.

``python examples/phase_diagram.py --fine`` draws a finer picture, in a few minutes.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

import unrelu

parser = argparse.ArgumentParser()
parser.add_argument("--fine", action="store_true", help="more units, more samples, more trials")
fine = parser.parse_args().fine

INPUTS = 10
UNITS = list(range(1, 16)) if fine else [1, 4, 7, 10]
SAMPLES = list(range(10, 82, 2)) if fine else list(range(17, 53, 7))
TRIALS = 20 if fine else 4

# %%
# When a network is determined
# ----------------------------
#
# Here there are as many outputs as hidden units, and no biases. Then unit ``j`` is determined as
# soon as two conditions hold:
#
# - the samples on its active side span the input space, because each of its weights needs an
#   equation;
# - on the samples on its inactive side, the values of the other units are linearly independent:
#   only then does a unique combination of the outputs vanish there.
#
# Let n_id be the smallest number of samples at which both hold for every unit. Without the first,
# no method can determine the unit. Without the second, the equations of all units together
# sometimes still determine it: a few recoveries succeed slightly below n_id.


def determined(secret: unrelu.Network, X: np.ndarray) -> bool:
    """Whether these inputs determine the network."""
    hidden = np.maximum(secret.preactivations(X), 0.0)
    for unit in range(secret.n_units):
        active = hidden[:, unit] > 0
        others = np.delete(hidden, unit, axis=1)
        if np.linalg.matrix_rank(X[active]) < secret.n_inputs:
            return False
        if others.shape[1] and np.linalg.matrix_rank(others[~active]) < others.shape[1]:
            return False
    return True


# %%
# Planting and recovering
# -----------------------
#
# Every trial has its own network and samples; a smaller set of samples is the beginning of a larger
# one. ``exact`` is the status that says that the network is certain. The last line counts what must
# not happen: networks called exact that are not the planted one.

success = np.zeros((len(UNITS), len(SAMPLES)))
limit = np.zeros((len(UNITS), TRIALS))
wrong = 0
for row, units in enumerate(UNITS):
    for trial in range(TRIALS):
        rng = np.random.default_rng([units, trial])
        secret = unrelu.Network(
            rng.standard_normal((units, INPUTS)), rng.standard_normal((units, units))
        )
        X = rng.standard_normal((200, INPUTS))
        limit[row, trial] = next(n for n in range(INPUTS, 200) if determined(secret, X[:n]))
        for column, n in enumerate(SAMPLES):
            result = unrelu.recover(
                X[:n],
                secret(X[:n]),
                bias=False,
                method="row-space",
                noise="none",
                rng=0,
                throw=False,
            )
            exact = result.status == "exact"
            success[row, column] += exact / TRIALS
            wrong += exact and unrelu.match(result.network, secret).max_error > 1e-9

print("units  largest n_id  always exact from")
for units, needed, share in zip(UNITS, limit.max(axis=1), success, strict=True):
    always = [n for n, good in zip(SAMPLES, share, strict=True) if good == 1]
    print(f"{units:5d}  {needed:12.0f}  {min(always, default=float('nan')):17.0f}")
print(f"wrong networks called exact: {wrong}")

# %%
# The picture
# -----------
#
# Dark means success. The line is the median of n_id over the trials: recovery follows it closely.
# It hardly rises with the number of units: each unit needs samples on its active side, but each
# sample is on the active side of half of the units.

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
image = axes.pcolormesh(SAMPLES, UNITS, success, cmap="Blues", vmin=0, vmax=1, shading="nearest")
axes.plot(np.median(limit, axis=1), UNITS, color="tab:orange", linewidth=2, label="n_id")
axes.set(xlabel="samples", ylabel="hidden units", title=f"{INPUTS} inputs, outputs = hidden units")
axes.legend(loc="upper left")
figure.colorbar(image, label="fraction of exact recoveries")
plt.show()
