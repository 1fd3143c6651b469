"""
The compact network behind a wide one
=====================================

Networks are often wider than what they compute. Units are doubled, split, cancel each other, or
never switch on. Here a network of 60 units hides one of 6, and the 6 are recovered from its
answers: same function, a tenth of the size.
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
# First the small one, which nobody will see.

small = unrelu.Network(
    V=rng.standard_normal((6, INPUTS)),
    U=rng.standard_normal((OUTPUTS, 6)),
    b=rng.standard_normal(6),
    c=rng.standard_normal(OUTPUTS),
)

# %%
# Each of its units is split into six: the same hidden weights and bias at six scales, output
# weights shared out among them.

scales = rng.uniform(0.3, 3.0, (6, 6))
shares = rng.dirichlet(np.ones(6), 6)
V = (scales[:, :, None] * small.V[:, None, :]).reshape(36, INPUTS)
b = (scales * small.b[:, None]).reshape(36)
U = ((shares / scales)[None, :, :] * small.U[:, :, None]).reshape(OUTPUTS, 36)

# %%
# Twelve pairs of units say something and take it back, and twelve more never switch on: they
# would need inputs far out.

chatter = rng.standard_normal((6, INPUTS))
said = rng.standard_normal((OUTPUTS, 6))
dead = rng.standard_normal((12, INPUTS))
wide = unrelu.Network(
    V=np.vstack([V, chatter, chatter, dead]),
    U=np.hstack([U, said, -said, rng.standard_normal((OUTPUTS, 12))]),
    b=np.concatenate([b, np.zeros(12), -100 * np.ones(12)]),
    c=small.c,
)
print(wide)

# %%
# Recovered from answers
# ----------------------
#
# The number of units is not given. What is found is the smallest network that explains the answers.

X = rng.standard_normal((1000, INPUTS))
result = unrelu.recover(X, wide(X), rng=0)
print(result.status)
print(result.network)
print(unrelu.match(result.network, small))

# %%
# ``Network.canonical`` alone does less: it merges units on the same hyperplane and drops those
# without weight, but it sees no samples, and cannot know which units never switch on.

print(wide.canonical())

# %%
# Do they agree?
# --------------
#
# On inputs of the same kind, to rounding. On inputs thirty times as far out, no more: there the
# dead units wake up. ``exact`` speaks of the samples, and no answer showed those units.

for scale in (1, 3, 30):
    fresh = scale * rng.standard_normal((10_000, INPUTS))
    answers = wide(fresh)
    off = np.abs(result.network(fresh) - answers).max() / np.abs(answers).max()
    print(f"inputs of size {scale:2d}: largest difference {off:.0e} of the largest answer")

# %%
# Each hidden weight of the wide network as a colour, one row per unit, and those that are left.

figure, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
for place, net in zip(axes, (wide, result.network), strict=True):
    rows = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    place.imshow(rows, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    place.set(title=f"{net.n_units} units", xlabel="input", ylabel="unit")
plt.show()
