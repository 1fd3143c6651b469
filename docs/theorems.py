"""Where the results of the paper are in the code: each with its function and its test."""

from __future__ import annotations

from typing import NamedTuple


class Theorem(NamedTuple):
    """`function` is module:name, `test` file::name; a test checks that both exist."""

    number: str
    says: str
    function: str
    test: str


THEOREMS = (
    Theorem(
        "Theorem 1",
        "Any inputs, rank(U) = k: exactly, in time n^O(k).",
        "unrelu.complete.enumeration:enumerate_units",
        "tests/complete/test_enumeration.py::test_as_good_as_all_patterns",
    ),
    Theorem(
        "Theorem 2",
        "Whether two units explain given samples is NP-hard to decide.",
        "unrelu.hardness:encode",
        "tests/hardness/test_hardness.py::test_all_formulas_of_a_tiny_size",
    ),
    Theorem(
        "Theorem 3",
        "Gaussian inputs, rank(U) = rank(V) = k: exactly, in polynomial time.",
        "unrelu.recipes.tensor:find",
        "tests/recipes/test_tensor.py::test_within_its_assumptions",
    ),
    Theorem(
        "Theorem 4",
        "The same with noise of mean zero: weights to any precision, in polynomial time.",
        "unrelu.recipes.projection_signs:find",
        "tests/recipes/test_tensor.py::test_noisy_labels",
    ),
    Theorem(
        "Theorem 5",
        "Gaussian inputs, any outputs, no column of U a positive multiple of another: exactly, in "
        "time (kκ)^O(k).",
        "unrelu.recipes.one_sparse:find",
        "tests/recipes/test_one_sparse.py::test_inside",
    ),
    Theorem(
        "Theorem 6",
        "Gaussian inputs, any noise that does not depend on them: labels nearly as well as the "
        "true weights explain them, in time (κ/ε)^O(k²).",
        "unrelu.recipes.halfspace:find",
        "tests/recipes/test_halfspace.py::test_any_noise_independent_of_the_inputs",
    ),
    Theorem(
        "Theorem 7",
        "Gross errors in a constant share of the entries, k < m: exactly, in polynomial time.",
        "unrelu.search.gross_errors:recipe",
        "tests/recipes/test_sparse_noise_recipe.py::test_inside",
    ),
    Theorem(
        "Corollary 53",
        "Symmetric inputs, rank(U) = rank(V) = k: exactly, in polynomial time.",
        "unrelu.recipes.symmetric:find",
        "tests/recipes/test_symmetric.py::test_within_its_assumptions",
    ),
    Theorem(
        "Lemma 55",
        "Some networks take as many samples as the condition number of V, whatever the method.",
        "unrelu.lower_bound:pair",
        "tests/hardness/test_lower_bound.py::test_the_same_labels_in_the_region_and_different_ones_outside",
    ),
)
"""Of Bakshi, Jayaram and Woodruff, COLT 2019."""
