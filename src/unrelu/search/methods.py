"""The table of methods, by the names that `recover(method=...)` takes.

A published recipe is a function in a file of its own, whose docstring has the theorem, the cost,
where the recipe stops, and what is done differently from the paper. It returns a candidate, or
raises `Unsuitable` with the assumption that fails. Adding a method is a file, and a line here: what
may be combined with it, and the errors for what may not, follow from its line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from unrelu.complete import enumeration, facets, mixed_integer
from unrelu.recipes import halfspace, ica, one_sparse, projection_signs, symmetric, tensor
from unrelu.recipes.moment_tensor import ORDERS
from unrelu.search import gross_errors, hyperplanes, proposals, row_space
from unrelu.search.method import FOR_THE_RELU as FOR_THE_RELU
from unrelu.search.method import Method as Method

GAUSSIAN = "Gaussian inputs of any mean and full-rank covariance, rank(V) = k ≤ d, no biases"

PAIRWISE = "for order 2 no two columns of U parallel"


def _recipe(
    name: str,
    theorem: str,
    assumptions: str,
    find: Callable[..., Any],
    noise: tuple[str, ...] = (),
    relu_only: str = "",
    *,
    gross: bool = False,
) -> Method:
    return Method(name, theorem, assumptions, find, noise, relu_only, gross=gross)


def _power_method(order: int | None) -> Method:
    """The tensor recipe with score functions of one order, or of all, and the power method."""
    scores = f"with score functions of order {order}, " if order else ""
    shows = f"; an activation with h_{order} ≠ 0" if order else ""
    return _recipe(
        f"tensor-{order}-power" if order else "tensor-power",
        f"Theorem 49, Algorithms 5 and 6, {scores}with the tensor power method",
        f"{GAUSSIAN}{shows}; a positive definite combination of slices, as for rank(U) = k",
        partial(tensor.find, order=order, decomposition="power"),
        noise=("gaussian",),
    )


RECIPES: tuple[Method, ...] = (
    _recipe(
        "ica",
        "Theorem 36, Algorithm 4",
        "inputs N(0, s² I), orthonormal hidden weights, rank(U) = k ≤ m, no biases, no noise",
        ica.find,
    ),
    _recipe(
        "tensor",
        "Theorem 49, Algorithms 5 and 6",
        f"{GAUSSIAN}; {PAIRWISE}",
        tensor.find,
        noise=("gaussian",),
    ),
    *(
        _recipe(
            f"tensor-{order}",
            f"Theorem 49, Algorithms 5 and 6, with score functions of order {order}",
            f"{GAUSSIAN}; an activation with h_{order} ≠ 0"
            + f"; {PAIRWISE.removeprefix('for order 2 ')}, m ≥ 2" * (order == 2),
            partial(tensor.find, order=order),
            noise=("gaussian",),
        )
        for order in ORDERS
    ),
    *map(_power_method, (None, *ORDERS)),
    _recipe(
        "projection-signs",
        "Theorem 60, Algorithm 7",
        f"{GAUSSIAN}; {PAIRWISE}; noise independent of the inputs, of finite variance",
        projection_signs.find,
        noise=("gaussian",),
    ),
    _recipe(
        "symmetric",
        "Corollary 53, with Ge, Kuditipudi, Li and Wang (ICLR 2019)",
        "inputs of a symmetric law whose distinguishing matrices are independent, rank(U) = k ≤ m, "
        "rank(V) = k ≤ d, no biases; noise independent of the inputs, of finite variance",
        symmetric.find,
        noise=("gaussian",),
        relu_only="it rests on f(z) − f(−z) = z",
    ),
    _recipe(
        "one-sparse",
        "Theorem 5, Algorithm 8",
        "no noise; every unit alone active on d samples or more; no column of U a positive "
        "multiple of another, but any number of outputs",
        one_sparse.find,
        relu_only="the lengths of parallel labels are to be linear in the inputs",
    ),
    _recipe(
        "halfspace",
        "Theorem 6, Algorithm 9",
        "any noise that does not depend on X; Gaussian X of mean zero, no biases, rank(U) = k of "
        "up to three units, and k given where there is noise",
        halfspace.find,
        noise=("gaussian", "independent"),
        relu_only="signs would do for any increasing f, but guesses are compared, and finished, by "
        "a regression on rectified values",
    ),
    _recipe(
        "sparse-noise",
        "Theorem 7",
        "gross errors in less than a third of the entries; k < m",
        gross_errors.recipe,
        noise=("sparse",),
        gross=True,
        relu_only="what the split leaves is searched, and refined, for the ReLU",
    ),
)

SEARCHES: tuple[Method, ...] = (
    Method(
        "row-space",
        "Theorem 1, from random hyperplanes instead of all",
        "rank(U) = k ≤ m, no noise",
        row_space.find,
        propose=proposals.from_row_space,
        relu_only="",
        unknown=True,
        skip=True,
        recipe=False,
    ),
    Method(
        "hyperplanes",
        "Theorem 2, from random hyperplanes",
        "no noise, about 4 equations n m to an unknown k (d + m)",
        hyperplanes.find,
        propose=proposals.from_hyperplanes,
        varies=True,
        skip=True,
        recipe=False,
    ),
)

COMPLETE: tuple[Method, ...] = (
    Method(
        "enumeration",
        "Theorem 1 (in full Theorem 11, Algorithms 2 and 3)",
        "rational samples, with exact=True; rank(U) = k ≤ m, any inputs, biases or none; up to "
        "1,200 choices of k − 1 samples (of k with biases)",
        enumeration.enumerate_units,
        recipe=False,
        complete=True,
        rational=True,
    ),
    Method(
        "facets",
        "Theorem 1, by facets of the cone of labels instead of sign patterns",
        "rank(U) = k ≤ m, up to eight or so, any inputs, biases or none; with exact=True over the "
        "rationals",
        facets.find,
        propose=proposals.from_facets,
        recipe=False,
        complete=True,
    ),
    Method(
        "mixed-integer",
        "Theorem 2 says that it must take long",
        "one output and n_units, any inputs, biases or none; with exact=True over the rationals",
        mixed_integer.find,
        propose=proposals.from_mixed_integers,
        recipe=False,
        complete=True,
        one_output=True,
        needs_units=True,
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in (*SEARCHES, *COMPLETE, *RECIPES)}
"""All that may be named."""

AUTO = Method(
    "auto",
    "see the rows of the methods",
    "what one of the methods assumes",
    row_space.find,
    relu_only="",
    unknown=True,
    skip=True,
    recipe=False,
    alone=False,
)
"""The plan, which goes through several of them, cheapest first."""


def names(fits: Callable[[Method], bool] = lambda _: True) -> tuple[str, ...]:
    """What `method` may be, where it has to fit."""
    return (AUTO.name, *(name for name, row in METHODS.items() if fits(row)))
