"""
What does my endpoint give away?
================================

A network is trained to tell three digits apart and put behind five endpoints: they answer with
values in double precision, in single precision, rounded to three decimals, as probabilities with
four decimals, and with the class alone. To each of them, :func:`unrelu.extract` makes queries of
its own choice, without knowing anything but the number of inputs. How much of the network does each
endpoint give away, and for how many queries?
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import unrelu

# %%
# The model
# ---------
#
# Images of 4 × 4 pixels, six hidden units, one score for each of the digits 0, 1 and 2.

images, digits = load_digits(n_class=3, return_X_y=True)
images = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) / 8.0 - 1.0

regressor = MLPRegressor(hidden_layer_sizes=(6,), max_iter=400, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # good enough
    regressor.fit(images, 4.0 * np.eye(3)[digits])

model = unrelu.from_sklearn(regressor)
right = np.mean(model(images).argmax(axis=1) == digits)
print(f"{model}, reads {100 * right:.1f} % of the digits")

# %%
# Five endpoints
# --------------
#
# Each answers an array of images with one row per image.


def probabilities(X):
    scores = model(X)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def in_single_precision(X):
    f32 = np.float32
    hidden = np.maximum(X.astype(f32) @ model.V.T.astype(f32) + model.b.astype(f32), f32(0))
    return hidden @ model.U.T.astype(f32) + model.c.astype(f32)


endpoints = {
    "double precision": model,
    "single precision": in_single_precision,
    "three decimals": lambda X: np.round(model(X), 3),
    "probabilities, four decimals": lambda X: np.round(probabilities(X), 4),
    "classes": lambda X: model(X).argmax(axis=1),
}

# %%
# Extraction
# ----------
#
# The error is that of the hidden weights: how far the hyperplane on which a unit switches is from
# the true one, in the worst of the units.


def hyperplanes(net):
    rows = np.column_stack([net.V, net.b])
    return rows / np.linalg.norm(net.V, axis=1, keepdims=True)


def worst_error(found):
    true, rows = hyperplanes(model), hyperplanes(found)
    apart = [np.linalg.norm(true[:, None] - sign * rows, axis=2) for sign in (1.0, -1.0)]
    return np.minimum(*apart).min(axis=1).max()


results = {}
print(f"{'endpoint':30}{'recognised as':16}{'queries':>8}  {'error':>8}  status")
for name, endpoint in endpoints.items():
    result = unrelu.extract(endpoint, 16, rng=0, throw=False)
    results[name] = result
    answers, queries = result.stats["answers"], result.stats["queries"]
    error = worst_error(result.network)
    print(f"{name:30}{answers:16}{queries:8}  {error:8.0e}  {result.status.value}")

# %%
# Rounding and probabilities hide nothing but what they leave out by construction: a constant added
# to all scores changes no probability, and a factor common to all scores changes no class. A model
# that computes in single precision has no more than single precision to give.

for name, result in results.items():
    print(f"{name}: {result.explanation}\n")

# %%
# Queries and errors in a picture.

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, result in results.items():
    error = max(worst_error(result.network), 1e-16)
    axes.loglog(result.stats["queries"], error, "o")
    axes.annotate(name, (result.stats["queries"], error), xytext=(6, 4), textcoords="offset points")
axes.set(xlabel="queries", ylabel="largest error of a unit")
axes.margins(0.3)
plt.show()
