"""Refutations: right ones pass, and nothing else does."""

from __future__ import annotations

import ast
import dataclasses
import functools
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import unrelu.checks.refuted
from unrelu import Refutation, solutions
from unrelu.checks.refuted import Contradiction, Either, Tree
from unrelu.errors import InputError

Integers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Proved:
    X: Integers
    Y: Integers
    right: Integers
    """Labels that a network of so many units does explain."""
    proof: Refutation


@functools.cache
def proved(kind: str, bias: bool, seed: int = 0) -> Proved:
    """Samples that no two of which are alike, one of them moved off its network."""
    rng = np.random.default_rng(seed)
    k, d, n = 2, 2, 8
    while True:
        X = rng.integers(-50, 51, (n, d))
        V, b = rng.integers(-9, 10, (k, d)), bias * rng.integers(-60, 61, k)
        m = 1 if kind.startswith("output") else 2
        U = (
            rng.choice([-1, 1], (m, k))
            if kind.startswith("output")
            else rng.integers(-3, 4, (m, k))
        )
        right = np.maximum(X @ V.T + b, 0) @ U.T
        Y = right.copy()
        Y[rng.integers(n)] += rng.integers(1, 9, m)
        if kind == "rank":
            Y = rng.integers(-9, 10, (n, k + 1))
        if kind == "row space" and len(np.unique(Y, axis=0)) < n:
            continue  # either of two samples with the same labels proves the same
        given = U if kind == "output weights" else None
        found = solutions(X, Y, k, bias=bias, U=given, rng=seed)
        proof = found.refutation
        if proof is not None and proof.kind == kind and (proof.size > 1 or kind == "rank"):
            return Proved(X, Y, right, proof)


CASES = [
    ("rank", False),
    ("rank", True),
    ("row space", False),
    ("row space", True),
    ("output weights", False),
    ("output weights", True),
    ("output signs", False),
]


@pytest.mark.parametrize(("kind", "bias"), CASES)
def test_a_proof_passes_and_survives_json(kind: str, bias: bool) -> None:
    case = proved(kind, bias)
    assert case.proof.recheck(case.X, case.Y)
    again = Refutation.from_dict(json.loads(json.dumps(case.proof.to_dict())))
    assert again == case.proof
    assert again.recheck(case.X, case.Y)
    assert str(case.proof).startswith("no network with 2 units")
    assert (case.proof.size > 1) == (kind != "rank")


@pytest.mark.parametrize(("kind", "bias"), CASES)
def test_no_proof_passes_where_there_is_a_network(kind: str, bias: bool) -> None:
    case = proved(kind, bias)
    labels = case.right if kind != "rank" else np.column_stack([case.right, case.right[:, 0]])
    assert not case.proof.recheck(case.X, labels)


def weights_of(node: Contradiction) -> Iterator[tuple[str, int]]:
    for name in ("equations", "values", "gaps"):
        for place in range(len(getattr(node, name))):
            yield name, place


def with_node(proof: Refutation, tree: int, place: int, node: Any) -> Refutation:
    nodes = list(proof.trees[tree])
    nodes[place] = node
    return with_tree(proof, tree, tuple(nodes))


def with_tree(proof: Refutation, place: int, tree: Tree) -> Refutation:
    trees = list(proof.trees)
    trees[place] = tree
    return dataclasses.replace(proof, trees=tuple(trees))


def tampered(proof: Refutation, n: int, draw: np.random.Generator) -> Refutation:
    """One number or label changed."""
    what = draw.choice(["weight", "sample", "split", "missing", "more", "sign"])
    tree = int(draw.integers(len(proof.trees)))
    nodes = proof.trees[tree]
    place = int(draw.integers(len(nodes)))
    node = nodes[place]
    if what == "missing":
        return with_tree(proof, tree, nodes[:place] + nodes[place + 1 :])
    if what == "more":
        return with_tree(proof, tree, (*nodes, nodes[place]))
    if isinstance(node, Either):
        elsewhere = (node.pair[0] + int(draw.integers(1, n))) % n
        return with_node(proof, tree, place, Either((elsewhere, node.pair[1])))
    name, number = list(weights_of(node))[int(draw.integers(len(list(weights_of(node)))))]
    entries = list(getattr(node, name))
    (i, j), weight = entries[number]
    if what == "sample" and not (name == "equations" and proof.kind == "row space"):
        entries[number] = ((i + int(draw.integers(1, n))) % n, j), weight
    elif what == "sign":
        entries[number] = (i, j), -weight
    else:
        entries[number] = (i, j), weight + Fraction(int(draw.choice([-1, 1])), 10**20)
    return with_node(proof, tree, place, dataclasses.replace(node, **{name: tuple(entries)}))


@pytest.mark.parametrize(("kind", "bias"), CASES[2:])
@given(seed=st.integers(0, 10**6))
def test_no_proof_survives_a_change(kind: str, bias: bool, seed: int) -> None:
    case = proved(kind, bias, seed % 3)
    wrong = tampered(case.proof, len(case.X), np.random.default_rng(seed))
    assert wrong != case.proof
    assert not wrong.recheck(case.X, case.Y)


@pytest.mark.parametrize("bias", [False, True])
def test_the_hyperplane_and_the_basis(bias: bool) -> None:
    case = proved("row space", bias)
    proof = case.proof
    for place in range(len(proof.g)):
        g = list(proof.g)
        g[place] += 1
        assert not dataclasses.replace(proof, g=tuple(g)).recheck(case.X, case.Y)
    for wrong in (
        {"g": (Fraction(0),) * len(proof.g)},
        {"g": proof.g[:-1]},
        {"columns": proof.columns[::-1]},
        {"columns": proof.columns[:1] * 2},
        {"columns": (0, 7)},
        {"columns": (0, -1)},
        {"n_units": 3},
        {"bias": not bias},
        {"trees": proof.trees[:1]},
        {"trees": proof.trees[::-1]},
        {"trees": ((), ())},
        {"kind": "output weights"},
        {"kind": "output signs"},
        {"kind": "rank"},
    ):
        assert not dataclasses.replace(proof, **wrong).recheck(case.X, case.Y), wrong


def test_labels_and_inputs_that_were_not_refuted() -> None:
    case = proved("row space", False)
    used = {
        pair[0]
        for tree in case.proof.trees
        for node in tree
        if isinstance(node, Contradiction)
        for pair, _ in (*node.values, *node.gaps)
    }
    for sample in used:
        Y, X = case.Y.copy(), case.X.copy()
        Y[sample, case.proof.columns[0]] += 1
        assert not case.proof.recheck(case.X, Y)
        if any(
            pair[0] == sample
            for tree in case.proof.trees
            for node in tree
            if isinstance(node, Contradiction)
            for pair, _ in node.gaps
        ):
            X[sample] += 1
            assert not case.proof.recheck(X, case.Y)


def test_output_weights_are_part_of_the_claim() -> None:
    case = proved("output weights", False)
    (right,) = case.proof.U
    for wrong in (
        ((right[0] + 1, right[1]),),
        ((right[0], right[1] / 3),),
        (),
        (right, right),
        (right[:1],),
        ((*right, Fraction(1)),),
    ):
        assert not dataclasses.replace(case.proof, U=wrong).recheck(case.X, case.Y)


@pytest.mark.parametrize("bias", [False, True])
def test_rank(bias: bool) -> None:
    case = proved("rank", bias)
    for columns in ((0, 1), (0, 1, 1), (0, 1, 3), (-1, 0, 1)):
        wrong = dataclasses.replace(case.proof, columns=columns)
        assert not wrong.recheck(case.X, case.Y)


def test_data_that_are_none() -> None:
    data = proved("row space", False).proof.to_dict()
    for name, wrong in (
        ("kind", "hearsay"),
        ("g", ["1/0"]),
        ("g", ["one"]),
        ("trees", [[{"values": []}]]),
        ("trees", [[{"either": [1]}]]),
        ("n_units", None),
    ):
        with pytest.raises(InputError):
            Refutation.from_dict({**data, name: wrong})
    with pytest.raises(InputError):
        Refutation.from_dict({})
    with pytest.raises(InputError, match="shapes"):
        proved("rank", False).proof.recheck([[1]], [[1], [2]])


def test_the_check_knows_no_search() -> None:
    code = Path(unrelu.checks.refuted.__file__).read_text(encoding="utf-8")
    modules = {
        node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)
    }
    assert {module for module in modules if module and module.startswith("unrelu")} == {
        "unrelu.errors",
        "unrelu.numerics.rationals",
    }
