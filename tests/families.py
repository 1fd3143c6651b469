"""All families of cases, by name."""

from __future__ import annotations

import families_networks
import families_samples
import families_traps
import numpy as np
from hunting import Case, Family

FAMILIES: dict[str, Family] = (
    families_networks.FAMILIES | families_samples.FAMILIES | families_traps.FAMILIES
)


def made(name: str, seed: int) -> Case:
    """The case of a family that a seed stands for, whatever other families there are."""
    return FAMILIES[name](np.random.default_rng([seed, *name.encode()]))
