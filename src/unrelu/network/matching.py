"""Two networks compared unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.wording.lines import labelled
from unrelu.wording.streams import kind_of


@by_value
@dataclass(frozen=True, eq=False)
class Match:
    """Two networks compared unit by unit, in canonical form.

    `permutation[i]` is the unit of `net` that stands for unit i of `truth` (both canonical), or
    -1 where there is none. `hidden`, `bias`, `output` are the distances per unit of truth:
    ‖v − v'‖ (unit rows), |b − b'| / max(1, |b'|), and ‖u − u'‖ as a share of the largest
    ‖u'‖; `output_bias` is the largest |c − c'| on the same scale, `skip` that of |W − W'|. A
    missing unit is infinitely far away.

    Where one of the two has a skip connection, units of `net` are first turned round as those of
    `truth` are, which changes no label; `skipped` says that there was one.
    """

    permutation: Index
    hidden: Array
    bias: Array
    output: Array
    output_bias: float
    missing: Index
    extra: Index
    skip: float = 0.0
    skipped: bool = False

    @property
    def per_unit(self) -> Array:
        """The largest of the three errors of each unit of truth."""
        return np.maximum(self.hidden, np.maximum(self.bias, self.output))

    @property
    def max_error(self) -> float:
        """The largest error anywhere; infinite when a unit is missing or too many."""
        if len(self.missing) or len(self.extra):
            return float("inf")
        return float(max(self.per_unit.max(initial=0.0), self.output_bias, self.skip))

    def __str__(self) -> str:
        matched = np.flatnonzero(self.permutation >= 0)
        paired = f"{len(matched)} of {len(self.permutation)} units paired"
        if len(self.extra):
            paired += f", {len(self.extra)} too many"
        rows = [("match", paired)]
        if self.skipped:
            turned = "where that agrees better: with a skip connection sides are open"
            rows.append(("turned round", turned))
        if len(matched):
            for name, error in (
                ("hidden weights", self.hidden),
                ("hidden biases", self.bias),
                ("output weights", self.output),
            ):
                rows.append((f"largest error of {name}", f"{error[matched].max():.2e}"))
        rows.append(("largest error of output biases", f"{self.output_bias:.2e}"))
        if self.skipped:
            rows.append(("largest error of skip connection", f"{self.skip:.2e}"))
        return labelled(rows)


def match(net: Network, truth: Network) -> Match:
    """Align the units of `net` with those of `truth` and measure what is left.

    Both are put into canonical form, and units are paired so that the sum of the distances
    between hyperplanes (v, b) is smallest: an assignment problem, O(k³). Raises InputError when
    the networks differ in inputs, outputs or activation.

    >>> a = Network([[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0]])
    >>> b = Network([[0.0, 4.0], [3.0, 0.0]], [[0.5, 1 / 3]])
    >>> match(b, a).max_error < 1e-15
    True
    """
    for value in (net, truth):
        if not isinstance(value, Network):
            raise InputTypeError(f"match: got {kind_of(value)}, expected a Network")
    for what in ("n_inputs", "n_outputs"):
        got, expected = getattr(net, what), getattr(truth, what)
        if got != expected:
            raise InputError(f"match: {what} differ: {got} against {expected}")
    if net.activation != truth.activation:
        raise InputError(
            f"match: got activations {net.activation} and {truth.activation}, expected the same: "
            "weights of units with different ones do not compare"
        )
    skip = net.skip or truth.skip
    net, truth = (one.rounded().canonical(skip=skip) for one in (net, truth))
    if skip:
        net = _turned_like(net, truth)
    units, partners = _pairs(_apart(net, truth))
    permutation = np.full(truth.n_units, -1, dtype=np.intp)
    permutation[units] = partners
    scale = float(np.linalg.norm(truth.U, axis=0).max(initial=0.0)) or 1.0
    hidden, bias, output = (np.full(truth.n_units, np.inf) for _ in range(3))
    hidden[units] = np.linalg.norm(net.V[partners] - truth.V[units], axis=1)
    bias[units] = np.abs(net.b[partners] - truth.b[units]) / np.maximum(1.0, np.abs(truth.b[units]))
    output[units] = np.linalg.norm(net.U[:, partners] - truth.U[:, units], axis=0) / scale
    return Match(
        permutation,
        hidden,
        bias,
        output,
        float(np.abs(net.c - truth.c).max(initial=0.0)) / scale,
        np.flatnonzero(permutation < 0),
        np.setdiff1d(np.arange(net.n_units), partners),
        float(np.abs(net.W - truth.W).max(initial=0.0)) / scale,
        skip,
    )


def _apart(net: Network, truth: Network) -> Array:
    """Distances between the hyperplanes of truth (rows) and net (columns)."""
    from scipy.spatial.distance import cdist  # as slow to import as what `_pairs` imports

    rows, true_rows = np.column_stack([net.V, net.b]), np.column_stack([truth.V, truth.b])
    return np.asarray(cdist(true_rows, rows))


def _pairs(apart: Array) -> tuple[Index, Index]:
    from scipy.optimize import linear_sum_assignment  # 0.1 s that importing unrelu need not pay

    units, partners = linear_sum_assignment(apart)
    return units, partners


def _turned_like(net: Network, truth: Network) -> Network:
    """Units of `net` on the sides of their partners: the canonical side is decided by an entry of
    v, and where two entries decide nearly, rounding does."""
    other = Network(-net.V, net.U, -net.b, net.c)
    same, turned = _apart(net, truth), _apart(other, truth)
    units, partners = _pairs(np.minimum(same, turned))
    turn = np.zeros(net.n_units, dtype=np.bool_)
    turn[partners] = turned[units, partners] < same[units, partners]
    signs = np.where(turn, -1.0, 1.0)
    c = net.c + net.U[:, turn] @ net.b[turn]
    W = net.W + net.U[:, turn] @ net.V[turn]
    return Network(net.V * signs[:, None], net.U, net.b * signs, c, W=W)
