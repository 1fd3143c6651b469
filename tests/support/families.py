"""All families of cases, by name."""

from __future__ import annotations

import numpy as np

from support import families_networks, families_samples, families_traps
from support.false_certainty import Case, Family

FAMILIES: dict[str, Family] = (
    families_networks.FAMILIES | families_samples.FAMILIES | families_traps.FAMILIES
)


def made(name: str, seed: int) -> Case:
    """The case of a family that a seed stands for, whatever other families there are."""
    return FAMILIES[name](np.random.default_rng([seed, *name.encode()]))
