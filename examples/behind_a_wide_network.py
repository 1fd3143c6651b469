"""
The compact network behind a wide one
=====================================

Networks are often wider than necessary: units are duplicated or split, cancel each other, or are
never active. Here a network with 60 units computes the same function as one with 6 units. These 6
are recovered from its answers.
"""

import matplotlib.pyplot as plt
import numpy as np

import unrelu

rng = np.random.default_rng(0)
INPUTS, OUTPUTS = 12, 3

# %%
# A wide network
# --------------
#
# First the small network, which ``recover`` does not see.

small = unrelu.Network(
    V=rng.standard_normal((6, INPUTS)),
    U=rng.standard_normal((OUTPUTS, 6)),
    b=rng.standard_normal(6),
    c=rng.standard_normal(OUTPUTS),
)

# %%
# Each of its units is split into six, with the same hidden weights and bias at six scales. The
# output weights are shared between the six.

scales = rng.uniform(0.3, 3.0, (6, 6))
shares = rng.dirichlet(np.ones(6), 6)
V = (scales[:, :, None] * small.V[:, None, :]).reshape(36, INPUTS)
b = (scales * small.b[:, None]).reshape(36)
U = ((shares / scales)[None, :, :] * small.U[:, :, None]).reshape(OUTPUTS, 36)

# %%
# Six pairs of units cancel each other, and twelve more units are never active: they would need
# inputs of large norm.

cancelling = rng.standard_normal((6, INPUTS))
paired = rng.standard_normal((OUTPUTS, 6))
dead = rng.standard_normal((12, INPUTS))
wide = unrelu.Network(
    V=np.vstack([V, cancelling, cancelling, dead]),
    U=np.hstack([U, paired, -paired, rng.standard_normal((OUTPUTS, 12))]),
    b=np.concatenate([b, np.zeros(12), -100 * np.ones(12)]),
    c=small.c,
)
print(wide)

# %%
# Recovering it from answers
# --------------------------
#
# The number of units is not given. ``recover`` finds the smallest network that explains the
# answers.

X = rng.standard_normal((1000, INPUTS))
result = unrelu.recover(X, wide(X), rng=0)
print(result.status)
print(result.network)
print(unrelu.match(result.network, small))

# %%
# ``Network.canonical`` alone does less. It merges units on the same hyperplane and drops units
# without output weights, but it has no samples, and so cannot know which units are never active.

print(wide.canonical())

# %%
# Do they agree?
# --------------
#
# They agree to rounding on inputs of the same kind. On inputs thirty times as large they do not:
# there the inactive units become active. ``exact`` is a statement about the samples, and no answer
# showed these units.

for scale in (1, 3, 30):
    fresh = scale * rng.standard_normal((10_000, INPUTS))
    answers = wide(fresh)
    off = np.abs(result.network(fresh) - answers).max() / np.abs(answers).max()
    print(f"inputs of size {scale:2d}: largest difference {off:.0e} of the largest answer")

# %%
# The hidden weights of the wide network as colours, one row per unit, and those of the network
# found.

figure, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
for place, net in zip(axes, (wide, result.network), strict=True):
    rows = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    place.imshow(rows, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    place.set(title=f"{net.n_units} units", xlabel="input", ylabel="unit")
plt.show()
