"""The published recipes, by the names that `recover(method=...)` takes.

A recipe is a function in a file of its own, whose docstring has the theorem, the cost, where the
recipe stops, and what is done differently from the paper. It returns a candidate, or raises
`Unsuitable` with the assumption that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from unrelu.complete import enumeration, facets, mixed_integer
from unrelu.fitting.candidate import Candidate
from unrelu.recipes import halfspace, ica, one_sparse, projection_signs, symmetric, tensor
from unrelu.recipes.moment_tensor import ORDERS
from unrelu.search import gross_errors

Find = Callable[..., Candidate]
"""find(samples, *, n_units: int | None, bias: bool, noise: bool, rng: Generator): `n_units` may
be unknown; with `bias` the network is judged among those with biases; with `noise` the labels are
not to be explained to rounding, and the candidate has a noise. `activation`, other than the ReLU,
for recipes that are not for the ReLU only."""


@dataclass(frozen=True)
class Recipe:
    """`theorem`: where it comes from, in the numbers of BJW (Bakshi, Jayaram and Woodruff, COLT
    2019); `assumptions`: what it needs, as a clause; `noise`: the kinds of noise it takes, beyond
    none; `relu_only`: why it takes no other activation, where it does not."""

    name: str
    theorem: str
    assumptions: str
    find: Find
    noise: tuple[str, ...] = ()
    relu_only: str = ""


@dataclass(frozen=True)
class Search:
    """A complete search: with exact=True it finds a network or proves that there is none, or says
    that it has not decided. It has its own way through the ladder, and another `find`."""

    name: str
    theorem: str
    assumptions: str
    find: Callable[..., object]
    noise: tuple[str, ...] = ()


GAUSSIAN = "Gaussian inputs of any mean and full-rank covariance, rank(V) = k ≤ d, no biases"

PAIRWISE = "for order 2 no two columns of U parallel"

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "ica",
        "Theorem 36, Algorithm 4",
        "inputs N(0, s² I), orthonormal hidden weights, rank(U) = k ≤ m, no biases, no noise",
        ica.find,
    ),
    Recipe(
        "tensor",
        "Theorem 49, Algorithms 5 and 6",
        f"{GAUSSIAN}; {PAIRWISE}",
        tensor.find,
        noise=("gaussian",),
    ),
    *(
        Recipe(
            f"tensor-{order}",
            f"Theorem 49, Algorithms 5 and 6, with score functions of order {order}",
            f"{GAUSSIAN}; an activation with h_{order} ≠ 0"
            + f"; {PAIRWISE.removeprefix('for order 2 ')}, m ≥ 2" * (order == 2),
            partial(tensor.find, order=order),
            noise=("gaussian",),
        )
        for order in ORDERS
    ),
    *(
        Recipe(
            f"tensor{suffix}-power",
            f"Theorem 49, Algorithms 5 and 6, {scores}with the tensor power method",
            f"{GAUSSIAN}{shows}; a positive definite combination of slices, as for rank(U) = k",
            partial(tensor.find, order=order, decomposition="power"),
            noise=("gaussian",),
        )
        for order, suffix, scores, shows in (
            (None, "", "", ""),
            *(
                (
                    r,
                    f"-{r}",
                    f"with score functions of order {r}, ",
                    f"; an activation with h_{r} ≠ 0",
                )
                for r in ORDERS
            ),
        )
    ),
    Recipe(
        "projection-signs",
        "Theorem 60, Algorithm 7",
        f"{GAUSSIAN}; {PAIRWISE}; noise independent of the inputs, of finite variance",
        projection_signs.find,
        noise=("gaussian",),
    ),
    Recipe(
        "symmetric",
        "Corollary 53, with Ge, Kuditipudi, Li and Wang (ICLR 2019)",
        "inputs of a symmetric law whose distinguishing matrices are independent, rank(U) = k ≤ m, "
        "rank(V) = k ≤ d, no biases; noise independent of the inputs, of finite variance",
        symmetric.find,
        noise=("gaussian",),
        relu_only="it rests on f(z) − f(−z) = z",
    ),
    Recipe(
        "one-sparse",
        "Theorem 5, Algorithm 8",
        "no noise; every unit alone active on d samples or more; no column of U a positive "
        "multiple of another, but any number of outputs",
        one_sparse.find,
        relu_only="the lengths of parallel labels are to be linear in the inputs",
    ),
    Recipe(
        "halfspace",
        "Theorem 6, Algorithm 9",
        "any noise that does not depend on X; Gaussian X of mean zero, no biases, rank(U) = k of "
        "up to three units, and k given where there is noise",
        halfspace.find,
        noise=("gaussian", "independent"),
        relu_only="signs would do for any increasing f, but guesses are compared, and finished, by "
        "a regression on rectified values",
    ),
    Recipe(
        "sparse-noise",
        "Theorem 7",
        "gross errors in less than a third of the entries; k < m",
        gross_errors.recipe,
        noise=("sparse",),
        relu_only="what the split leaves is searched, and refined, for the ReLU",
    ),
)

COMPLETE: tuple[Search, ...] = (
    Search(
        "enumeration",
        "Theorem 1 (in full Theorem 11, Algorithms 2 and 3)",
        "rational samples, with exact=True; rank(U) = k ≤ m, any inputs, biases or none; up to "
        "1,200 choices of k − 1 samples (of k with biases)",
        enumeration.enumerate_units,
    ),
    Search(
        "facets",
        "Theorem 1, by facets of the cone of labels instead of sign patterns",
        "rank(U) = k ≤ m, up to eight or so, any inputs, biases or none; with exact=True over the "
        "rationals",
        facets.find,
    ),
    Search(
        "mixed-integer",
        "Theorem 2 says that it must take long",
        "one output and n_units, any inputs, biases or none; with exact=True over the rationals",
        mixed_integer.find,
    ),
)
NAMED: tuple[Recipe | Search, ...] = (*RECIPES, *COMPLETE)

BY_NAME = {recipe.name: recipe for recipe in RECIPES}
