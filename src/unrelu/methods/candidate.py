"""What every method returns: a network to be judged, and how it was come by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.network import Network

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Width:
    """What weighing one number of units has shown: `gain`, how much worse the fit gets without
    the least of them, and `edge`, how much a unit explains of noise alone, both in units of the
    variance of the noise."""

    units: int
    gain: float
    edge: float


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise that a fit has left: `kind`, (m, m) `covariance` of that in one sample, and the
    widths that were weighed."""

    kind: str
    covariance: Array
    widths: tuple[Width, ...] = ()


@dataclass(frozen=True, eq=False)
class Candidate:
    """`rows`: the samples that were looked at to find the network; all others are fresh to it.
    `note` says in words what the method saw that a certificate cannot see."""

    network: Network
    rows: Index
    stats: Mapping[str, float | int | str]
    note: str = ""
    noise: Noise | None = None
