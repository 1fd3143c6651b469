"""
Extracting a model file from its answers
========================================

A network is stored in an ONNX file, and onnxruntime runs it. This example never opens the file; it
only queries it. ``unrelu.extract`` chooses the queries, and returns every weight of the network.

The example needs the extras ``onnx`` and ``onnxruntime``: ``pip install '.[onnx,onnxruntime]'``. On
the command line, ``unrelu extract model.onnx -o found.npz`` does the same.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime

import unrelu

# %%
# The file
# --------
#
# A network with 20 inputs, 10 units and one output. Two of the units are active on less than one in
# a thousand Gaussian inputs, so that random queries rarely activate them.

rng = np.random.default_rng(0)
V = rng.standard_normal((10, 20))
V /= np.linalg.norm(V, axis=1, keepdims=True)
b = rng.standard_normal(10)
b[:2] = -3.3
secret = unrelu.Network(V, rng.standard_normal((1, 10)), b, c=[0.5])

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "model.onnx"
unrelu.save(secret, path)

# %%
# An oracle is any function from queries to answers, one row each. This one runs the file.

session = onnxruntime.InferenceSession(path)
name = session.get_inputs()[0].name
kind = {"tensor(double)": np.float64, "tensor(float)": np.float32}[session.get_inputs()[0].type]
print("numbers:", kind.__name__)


def ask(queries: np.ndarray) -> np.ndarray:
    return session.run(None, {name: queries.astype(kind)})[0]


# %%
# Extracting
# ----------
#
# The budget is the largest number of queries. With ``journal=``, every answer would be stored in a
# file, and an extraction that was killed could continue from it.

result = unrelu.extract(ask, 20, budget=20_000, rng=0)
print(result.status)
print("queries:", result.stats["queries"])

match = unrelu.match(result.network, secret)
print(match)

# %%
# Why rarely active units matter
# ------------------------------
#
# Units that are rarely active are not negligible: far from the origin they determine the output.
# The picture shows the file and the extracted network along a line, with the kinks that the line
# crosses.

start, direction = rng.standard_normal(20), V[:2].sum(axis=0)
t = np.linspace(-8, 8, 400)
line = start + t[:, None] * direction
kinks = -(start @ V.T + b) / (direction @ V.T)
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(t, ask(line)[:, 0], linewidth=5, color="0.8", label="the file")
axes.plot(t, result.network(line)[:, 0], linewidth=1.2, label="extracted")
for kink in kinks[np.abs(kinks) < 8]:
    axes.axvline(kink, color="tab:orange", linewidth=0.6)
axes.set(xlabel="along a line through the inputs", ylabel="output")
axes.legend()
plt.show()
folder.cleanup()
