"""
A network with an unknown activation
====================================

The units of this network are zero up to a threshold, and beyond it they all follow the same unknown
curve. ``recover(activation="unknown")`` first finds their values, exactly, without knowing the
curve, and then estimates the curve.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

import unrelu

# %%
# Six units that saturate: zero up to their threshold, then z / (1 + z). ``recover`` gets only the
# inputs and the outputs.

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
# Hidden values and output weights are exact, up to the scale of each unit: its values can be
# doubled if its output weights are halved. The certificate does not depend on the curve. It rests
# on the fact that each column of hidden values vanishes on hundreds of samples, on which no other
# combination of the labels does.

found = result.network
true = V / np.linalg.norm(V, axis=1, keepdims=True)
_, order = linear_sum_assignment(-true @ found.V.T)
hidden = result.hidden[:, order]
scale = (hidden * F).sum(axis=0) / (hidden**2).sum(axis=0)
hidden_error = np.abs(hidden * scale - F).max()
output_error = np.abs(found.U[:, order] / scale - U).max()
print(f"error of hidden values {hidden_error:.1e}, of output weights {output_error:.1e}")

# %%
# The directions follow from the order of these values alone, because the curve increases, whatever
# it is. It remains to draw the curve.

z = np.linspace(0.1, 2.0, 50)
ratio = found.activation(z) / (z / (1 + z))
curve_error = np.abs(ratio / ratio.mean() - 1).max()
print(f"error of the curve between 0.1 and 2: at most {100 * curve_error:.1f}%")

figure = plt.figure(figsize=(6.4, 4.4), layout="constrained")
axes = figure.add_subplot()
axes.plot((X @ found.V.T)[::4], result.hidden[::4], ".", color="C0", alpha=0.3, markersize=4)
heights = np.linspace(1e-3, 3.5, 200)
axes.plot(heights, heights / (1 + heights) * ratio.mean(), "C1", label="true")
axes.plot(heights, found.activation(heights), "k--", label="found")
axes.set(xlabel="height v·x", ylabel="hidden value")
axes.legend()
plt.show()
