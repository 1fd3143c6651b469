"""
A digits network from its answers
=================================

scikit-learn trains a network with 32 hidden units to read handwritten digits. After that, we only
query it: random inputs go in, ten numbers come out. From these answers the whole network is
recovered, to the last digits of floating-point arithmetic. ``unrelu demo`` does the same on the
command line.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import unrelu

# %%
# Training
# --------
#
# The inputs are images with 8 × 8 pixels, the outputs ten scores, one per digit. Training stops
# after 60 epochs: all that matters here is that the weights are those of a trained network, not
# random.

rng = np.random.default_rng(0)
images, digits = load_digits(return_X_y=True)
images = images / 16.0
order = rng.permutation(len(images))
test, training = order[:450], order[450:]

regressor = MLPRegressor(
    hidden_layer_sizes=(32,), alpha=0.0, learning_rate_init=0.005, max_iter=60, random_state=0
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # stopped on purpose
    regressor.fit(images[training], np.eye(10)[digits[training]])

read = np.mean(regressor.predict(images[test]).argmax(axis=1) == digits[test])
print(f"digits read correctly: {100 * read:.1f} %")

# %%
# Querying
# --------
#
# The queries are 4,000 inputs of Gaussian noise, no images. From here on, ``regressor`` is only
# called.

X = rng.standard_normal((4000, 64))
Y = regressor.predict(X)

# %%
# Recovering
# ----------
#
# The number of hidden units is not given. 4,000 answers with ten numbers each are 40,000 equations
# for the 2,410 weights and biases.

result = unrelu.recover(X, Y, rng=0)
print(result.certificate)

# %%
# Comparing
# ---------
#
# Only now do we look at the true weights. ``match`` pairs the units and removes the scale of each,
# on which no answer depends.

(V, U), (b, c) = regressor.coefs_, regressor.intercepts_
secret = unrelu.Network(V.T, U.T, b, c)
match = unrelu.match(result.network, secret)
print(match)

difference = np.abs(result.network(images[test]) - regressor.predict(images[test])).max()
print(f"largest difference on {len(test)} test images: {difference:.1e}")

# %%
# The hidden weights as images, red for positive and blue for negative. In each pair, the true
# weights are on the left and the recovered ones on the right.

true = secret.canonical().V
found = result.network.canonical().V[match.permutation]
figure, axes = plt.subplots(4, 16, figsize=(12, 3.2), layout="constrained")
for place, pixels in zip(axes.flat, np.stack([true, found], axis=1).reshape(-1, 8, 8), strict=True):
    largest = np.abs(pixels).max()
    place.imshow(pixels, cmap="RdBu_r", vmin=-largest, vmax=largest)
    place.set_axis_off()
plt.show()
