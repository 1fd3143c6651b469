"""Refutations with something changed, so that they prove nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from unrelu.checks.refuted import Contradiction, Refutation, Tree


def tampered(proof: Refutation, rng: np.random.Generator) -> Iterator[tuple[str, Refutation]]:
    """Wrong versions of a proof of kind "row space", each with what was done to it.

    Every leaf has a multiplier on its equation g·w = ±1, or nothing would be positive; changing
    that or g leaves Σ multipliers · rows ≠ 0, since g ≠ 0.
    """
    assert proof.kind == "row space"
    yield "one unit more", replace(proof, n_units=proof.n_units + 1)
    yield "one unit less", replace(proof, n_units=proof.n_units - 1)
    yield "biases", replace(proof, bias=not proof.bias)
    yield "g is 0", replace(proof, g=(Fraction(0),) * len(proof.g))
    j = int(rng.integers(proof.n_units))  # not the constant's, which comes last
    moved = list(proof.g)
    moved[j] += Fraction(1, 10**6)
    yield "g moved", replace(proof, g=tuple(moved))
    yield "one tree for both", replace(proof, trees=(proof.trees[0], proof.trees[0]))
    yield "one tree", replace(proof, trees=proof.trees[:1])
    which = int(rng.integers(2))
    tree = proof.trees[which]
    leaves = [i for i, node in enumerate(tree) if isinstance(node, Contradiction)]
    place = int(rng.choice(leaves))
    leaf = tree[place]
    assert isinstance(leaf, Contradiction)

    def with_tree(changed: Tree) -> Refutation:
        trees = (changed, proof.trees[1]) if which == 0 else (proof.trees[0], changed)
        return replace(proof, trees=trees)

    def with_leaf(changed: Contradiction) -> Refutation:
        return with_tree((*tree[:place], changed, *tree[place + 1 :]))

    yield "a leaf lost", with_tree((*tree[:place], *tree[place + 1 :]))
    yield "a leaf twice", with_tree((*tree[: place + 1], *tree[place:]))
    pair, weight = leaf.equations[0]
    doubled = ((pair, 2 * weight), *leaf.equations[1:])
    yield "a multiplier doubled", with_leaf(replace(leaf, equations=doubled))
    yield "no multipliers", with_leaf(Contradiction((), (), ()))
    outside = ((len(tree) + 10**6, 0), Fraction(1))
    yield "a sample that is not there", with_leaf(replace(leaf, values=(*leaf.values, outside)))
