"""The exact step for activations other than the ReLU: from directions, up to sign, to units.

As for the ReLU (`support`): with labels of rank k, the rows on which unit j is off have one null
vector, which leads to f_j, whatever phi is. From the sides that a rough direction gives, or its
opposite, the alternation of `known_activation` finds the unit; where f is not homogeneous, its
scale, too. All weights are polished in the end.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.alternation import NEW, OVERFLOW, alternate, basis_of_labels
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.scaled_rows import Rows, refined
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.recipes.support import used_rows
from unrelu.samples import Samples


def check_moments(activation: Activation) -> None:
    """Raises `Unsuitable` for an activation of which a Gaussian input makes infinite labels: one
    whose square has no mean."""
    if not activation.has_variance:
        raise Unsuitable(
            f"with Gaussian inputs the labels of {activation.name!r} have no variance, and their "
            "moments say nothing"
        )


@OVERFLOW
def exact_network(
    samples: Samples,
    V: Array,
    activation: Activation,
    *,
    bias: bool,
    stats: dict[str, float | int | str],
    rng: np.random.Generator,
) -> Candidate:
    """The network that the rows V (k, d) lead to, for labels of rank k; `bias` only says what it
    is judged among. Raises `Unsuitable` where some lead nowhere. Cost: that of `known_activation`
    for 2 k starts."""
    k = len(V)
    chosen = used_rows(samples, k, rng)
    rows = Rows.of(samples.take(chosen), False)
    P, _ = basis_of_labels(rows, samples.eps)
    nothing = np.zeros((P.shape[1], 0))
    known, units = nothing, []
    heights = rows.X @ (V * rows.input_scale).T
    waiting = list(range(k))
    for others in (False, True):  # those left over once more, without what has been found
        for j in list(waiting):
            for side in (heights[:, j] > 0, heights[:, j] < 0):
                found = alternate(rows, P, known if others else nothing, activation, side)
                if found is None:
                    continue
                w, a = found
                if np.linalg.norm(w - known @ (known.T @ w)) > NEW * np.linalg.norm(w):
                    units.append(rows.white.to_rows(a))
                    known = np.linalg.qr(np.column_stack([known, w]))[0]
                    waiting.remove(j)
                    break
    if waiting:
        raise Unsuitable(
            f"{len(waiting)} of the {k} directions lead to no unit of {activation.name!r}, with "
            "either sign: it needs labels of rank k without noise, no biases, Gaussian inputs, or "
            "more samples"
        )
    net = rows.network(np.array(units), activation)
    if bias:
        net = Network(net.V, net.U, np.zeros(k), np.zeros(samples.m), activation)
        rows = Rows.of(samples.take(chosen), True)
    net = refined(net, rows, samples.eps)
    return Candidate(net, chosen, {"rows": len(chosen), **stats})
