"""
A network whose activation nobody knows
=======================================

Units that are silent up to a threshold and then answer, each in the same way, but in which way?
``recover(activation="unknown")`` finds what they have said, exactly, before it knows how they say
it; and then the curve.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

import unrelu

# %%
# Six units that saturate: zero up to their threshold, then like z / (1 + z). We see only what goes
# in and what comes out.

rng = np.random.default_rng(0)
V, U = rng.standard_normal((6, 12)), rng.standard_normal((6, 6))
V /= np.linalg.norm(V, axis=1, keepdims=True)
X = rng.standard_normal((1500, 12))
Z = X @ V.T
F = np.where(Z > 0, Z / (1 + np.abs(Z)), 0.0)
Y = F @ U.T

result = unrelu.recover(X, Y, activation="unknown", bias=False, rng=0)
print(result)

# %%
# Hidden values and output weights are exact, up to the scale of each unit: a unit may say twice as
# much if it is heard half as loud. The certificate does not rest on the curve: each column of
# hidden values vanishes on hundreds of samples, on which nothing else that the labels could be made
# of vanishes.

seen = result.network
true = V / np.linalg.norm(V, axis=1, keepdims=True)
_, order = linear_sum_assignment(-true @ seen.V.T)
hidden = result.hidden[:, order]
scale = (hidden * F).sum(axis=0) / (hidden**2).sum(axis=0)
hidden_error = np.abs(hidden * scale - F).max()
output_error = np.abs(seen.U[:, order] / scale - U).max()
print(f"hidden values off by {hidden_error:.1e}, output weights by {output_error:.1e}")

# %%
# Directions come from the order of these values alone: whatever the curve, it rises. What is left
# is to draw it.

z = np.linspace(0.1, 2.0, 50)
ratio = seen.activation(z) / (z / (1 + z))
curve_error = np.abs(ratio / ratio.mean() - 1).max()
print(f"the curve is off by {100 * curve_error:.1f}% at most between 0.1 and 2")

figure = plt.figure(figsize=(6.4, 4.4), layout="constrained")
axes = figure.add_subplot()
axes.plot((X @ seen.V.T)[::4], result.hidden[::4], ".", color="C0", alpha=0.3, markersize=4)
heights = np.linspace(1e-3, 3.5, 200)
axes.plot(heights, heights / (1 + heights) * ratio.mean(), "C1", label="true")
axes.plot(heights, seen.activation(heights), "k--", label="found")
axes.set(xlabel="height v·x", ylabel="hidden value")
axes.legend()
plt.show()
