"""
A model file through its answers
================================

A network is kept in an ONNX file, and onnxruntime runs it. The file is never opened here: it is
only asked. ``unrelu.extract`` chooses the questions, and returns every weight of the network.

This needs the extras ``onnx`` and ``onnxruntime``: ``pip install '.[onnx,onnxruntime]'``. On the
command line, ``unrelu extract model.onnx -o found.npz`` does the same.
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
# A network of 20 inputs, 10 units and one output. Two of the units are active on less than one in
# a thousand of Gaussian inputs, so that random questions hardly ever see them.

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
# An oracle is any function from questions to answers, one row each. This one runs the file.

session = onnxruntime.InferenceSession(path)
name = session.get_inputs()[0].name
kind = {"tensor(double)": np.float64, "tensor(float)": np.float32}[session.get_inputs()[0].type]
print("numbers:", kind.__name__)


def ask(questions: np.ndarray) -> np.ndarray:
    return session.run(None, {name: questions.astype(kind)})[0]


# %%
# Extracting
# ----------
#
# The budget is the most questions that may be asked. With ``journal=`` every answer would be kept
# in a file, and an extraction that was killed would go on where it was.

result = unrelu.extract(ask, 20, budget=20_000, rng=0)
print(result.status)
print("questions asked:", result.stats["queries"])

match = unrelu.match(result.network, secret)
print(match)

# %%
# What it is good for
# -------------------
#
# Units that are hardly ever active are no rounding error: far from the origin they decide. The
# picture follows the file and what was extracted along a line, with the kinks that it crosses.

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
