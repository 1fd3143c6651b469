"""The published recipes, by the names that `recover(method=...)` takes.

A recipe is a function in a file of its own, whose docstring has the theorem, the cost, where the
recipe stops, and what is done differently from the paper. It returns a candidate, or raises
`Unsuitable` with the assumption that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unrelu.methods.candidate import Candidate

Find = Callable[..., Candidate]
"""find(samples, *, n_units: int | None, bias: bool, noise: bool, rng: Generator): `n_units` may
be unknown; with `bias` the network is judged among those with biases; with `noise` the labels are
not to be explained to rounding, and the candidate has a noise."""


@dataclass(frozen=True)
class Recipe:
    """`theorem`: where it comes from, in the numbers of BJW (Bakshi, Jayaram and Woodruff, COLT
    2019); `assumptions`: what it needs, as a clause; `noise`: the kinds of noise it takes, beyond
    none."""

    name: str
    theorem: str
    assumptions: str
    find: Find
    noise: tuple[str, ...] = ()


RECIPES: tuple[Recipe, ...] = ()

BY_NAME = {recipe.name: recipe for recipe in RECIPES}
