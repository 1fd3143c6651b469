"""What every method returns: a network to be judged, and how it was come by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.network import Network
from unrelu.result import Noise

Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Candidate:
    """`rows`: the samples that were looked at to find the network; all others are fresh to it.
    `note` says in words what the method saw that a certificate cannot see."""

    network: Network
    rows: Index
    stats: Mapping[str, float | int | str]
    note: str = ""
    noise: Noise | None = None
