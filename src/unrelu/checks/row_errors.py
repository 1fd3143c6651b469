"""Errors of hyperplanes, from errors of their rows (v, b), whose length means nothing."""

from __future__ import annotations

import numpy as np

from unrelu.network import Network
from unrelu.numerics.arrays import Array

NO_MORE = 1e100
"""An error of weights that counts as infinite, and whose square is finite."""


def row_errors(moved: Array, net: Network, scale: Array, together: bool) -> Array:
    """Of unit rows, in the units of the inputs and in scaled ones, whichever is worse, from errors
    (draws, k, D) of rows (v, b) in scaled ones; see `_unit_row_errors`."""
    found = _unit_row_errors(moved, net.V * scale, net.b, together)
    moved[..., : net.n_inputs] /= scale
    return np.maximum(found, _unit_row_errors(moved, net.V, net.b, together))


def _unit_row_errors(moved: Array, V: Array, b: Array, together: bool = False) -> Array:
    """Largest error of each unit's (v, b) once ‖v‖ = 1, from errors (draws, k, D) of the rows;
    that of b relative to max(1, |b|). The part along v is only scale. `together`: the errors are
    axes of an ellipsoid, of which the largest is wanted."""
    lengths = np.linalg.norm(V, axis=1)
    unit, bias = V / lengths[:, None], b / lengths
    with np.errstate(over="ignore"):  # errors of weights that count as infinite
        moved = np.clip(moved / lengths[:, None], -NO_MORE, NO_MORE)
    along = (moved[..., : V.shape[1]] * unit).sum(axis=2)
    hidden = moved[..., : V.shape[1]] - along[..., None] * unit
    if together:
        errors = np.linalg.norm(hidden.transpose(1, 0, 2), ord=2, axis=(1, 2))
    else:
        errors = np.linalg.norm(hidden, axis=2).max(axis=0)
    if moved.shape[2] > V.shape[1]:
        off = np.abs(moved[..., -1] - along * bias) / np.maximum(1.0, np.abs(bias))
        largest = np.linalg.norm(off, axis=0) if together else off.max(axis=0)
        errors = np.maximum(errors, largest)
    return np.asarray(errors)
