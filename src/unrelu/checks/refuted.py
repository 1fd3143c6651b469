"""Refutations: proofs that no network with this many units explains some samples, and their check.

A network with biases has X̄ = [X 1], and c adds the column 1. There are four kinds of proof.

rank : k + 1 columns of Y are independent (modulo 1), and F Uᵀ has rank k at most.

row space : rank(Y) = k (modulo 1), so that the k columns of F lie in the column space and, with 1,
span it. With P the basis of it made of the named columns of Y (and 1), each of them is P w with
P w = f(X̄ v) for some v. Two trees show that no such w has g·w = 1 or −1; then none has
g·w ≠ 0, since w and v may be scaled, and as g ≠ 0 vanishes on the 1, they do not span.

output weights : U is given; one tree shows that F Uᵀ + 1 cᵀ = Y and F = f(X̄ Vᵀ) contradict each
other.

output signs : one output, whose weights scale to ±1; such a tree for each number of +1s among k.

A tree: f(z) = h means h ≥ 0, h − z ≥ 0, and that one of the two is 0. An inner node names a sample
and a unit, and has a branch for either. A leaf has multipliers that turn the equations and
inequalities of its branch into 0 > 0: any sign on equations, and on inequalities that are equations
there; else non-negative ones (Farkas' lemma).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import InputError
from unrelu.numerics.rationals import Rationals, as_fractions, to_matrix, with_ones

Kind = Literal["rank", "row space", "output weights", "output signs"]
KINDS: tuple[Kind, ...] = ("rank", "row space", "output weights", "output signs")

Pair = tuple[int, int]
"""A sample and a unit; the unit is 0 where w stands for any."""
Weights = tuple[tuple[Pair, Fraction], ...]


@dataclass(frozen=True)
class Either:
    """The unit is inactive on the sample, h = 0, or active, h = z; both are refuted."""

    pair: Pair


@dataclass(frozen=True)
class Contradiction:
    """Multipliers of the equations, by sample and output (0, 0 for g·w = ±1), of h ≥ 0 (`values`)
    and of h − z ≥ 0 (`gaps`), by sample and unit."""

    equations: Weights
    values: Weights
    gaps: Weights


Tree = tuple[Either | Contradiction, ...]
"""In preorder, the inactive branch first."""


@dataclass(frozen=True)
class Refutation:
    """A proof that no network with `n_units` ReLU units explains some samples without any error.

    columns : of Y, that make the basis (row space) or are independent (rank).
    g, U, trees : as the kind of proof has them.

    Plain data. `recheck` needs nothing but the samples, and knows nothing of how it was found.
    """

    kind: Kind
    n_units: int
    bias: bool
    columns: tuple[int, ...] = ()
    g: tuple[Fraction, ...] = ()
    U: tuple[tuple[Fraction, ...], ...] = ()
    trees: tuple[Tree, ...] = ()

    @property
    def size(self) -> int:
        """Leaves of the trees: how many contradictions there are to check."""
        return sum(isinstance(node, Contradiction) for tree in self.trees for node in tree)

    def __str__(self) -> str:
        words = f"no network with {in_units(self.n_units)}: "
        if self.kind == "rank":
            return words + f"the labels have rank {len(self.columns)}"
        return words + f"refuted in {self.size} case{'s' * (self.size != 1)} ({self.kind})"

    def recheck(self, X: ArrayLike, Y: ArrayLike) -> bool:
        """Whether this is a proof for the samples X (n, d), Y (n, m), over ℚ.

        Raises InputError for samples of another shape. Cost: a rank, and one sum of rows to a leaf.
        """
        exact_X, exact_Y = as_fractions("X", X), as_fractions("Y", Y)
        if exact_Y.ndim == 1:
            exact_Y = exact_Y[:, None]
        if exact_X.ndim != 2 or exact_Y.ndim != 2 or len(exact_X) != len(exact_Y):
            raise InputError(
                f"X and Y: got shapes {exact_X.shape} and {exact_Y.shape}, expected "
                "(n_samples, n_inputs) and (n_samples, n_outputs)"
            )
        return _CHECKS[self.kind](self, with_ones(exact_X, self.bias), exact_Y)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; rationals as text."""
        return {
            "kind": self.kind,
            "n_units": self.n_units,
            "bias": self.bias,
            "columns": list(self.columns),
            "g": [str(entry) for entry in self.g],
            "U": [[str(entry) for entry in row] for row in self.U],
            "trees": [[_plain(node) for node in tree] for tree in self.trees],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Refutation:
        """And back. Raises InputError for data that is no refutation."""
        try:
            if data["kind"] not in KINDS:
                raise InputError(f"kind: got {data['kind']!r}, expected one of {KINDS}")
            return cls(
                data["kind"],
                int(data["n_units"]),
                bool(data["bias"]),
                tuple(int(column) for column in data["columns"]),
                tuple(Fraction(entry) for entry in data["g"]),
                tuple(tuple(Fraction(entry) for entry in row) for row in data["U"]),
                tuple(tuple(_node(node) for node in tree) for tree in data["trees"]),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"got data that is no refutation: {error!r}") from error


def _by_rank(proof: Refutation, _: Rationals, Y: Rationals) -> bool:
    columns = proof.columns
    if len(columns) <= proof.n_units or not _places(columns, Y.shape[1]):
        return False
    basis = with_ones(Y[:, list(columns)], proof.bias)
    return bool(to_matrix(basis).rank() == basis.shape[1])


def _by_row_space(proof: Refutation, X: Rationals, Y: Rationals) -> bool:
    if len(proof.columns) != proof.n_units or not _places(proof.columns, Y.shape[1]):
        return False
    P = with_ones(Y[:, list(proof.columns)], proof.bias)
    rank = P.shape[1]
    spans = int(to_matrix(P).rank()) == rank == int(to_matrix(with_ones(Y, proof.bias)).rank())
    g = tuple(map(Fraction, proof.g))
    if not spans or len(g) != rank or not any(g) or (proof.bias and g[-1]):
        return False
    if len(proof.trees) != 2:
        return False

    def value(pair: Pair) -> Row:
        return dict(enumerate(P[pair[0]].tolist()))

    def height(pair: Pair) -> Row:
        return dict(enumerate(X[pair[0]].tolist(), start=rank))

    def equation(_: Pair) -> Row:
        return dict(enumerate(g))

    def claim(sign: int) -> _Claim:
        return _Claim((1, 1), (len(X), 1), equation, lambda _: Fraction(sign), value, height)

    positive, negative = proof.trees
    return _refutes(positive, claim(1)) and _refutes(negative, claim(-1))


def _by_output_weights(proof: Refutation, X: Rationals, Y: Rationals) -> bool:
    if len(proof.trees) != 1 or len(proof.U) != Y.shape[1]:
        return False
    if any(len(row) != proof.n_units for row in proof.U):
        return False
    weights = [[Fraction(weight) for weight in row] for row in proof.U]
    U = np.array(weights, dtype=np.object_).reshape(len(proof.U), proof.n_units)
    return _refutes(proof.trees[0], _labels_claim(X, Y, U, proof.bias))


def _by_output_signs(proof: Refutation, X: Rationals, Y: Rationals) -> bool:
    k = proof.n_units
    if Y.shape[1] != 1 or len(proof.trees) != k + 1:
        return False
    return all(
        _refutes(tree, _labels_claim(X, Y, output_signs(positive, k), proof.bias))
        for positive, tree in enumerate(proof.trees)
    )


def in_units(number: int) -> str:
    """So many units, in words."""
    return f"{number} unit" if number == 1 else f"{number} units"


def output_signs(positive: int, n_units: int) -> Rationals:
    """U (1, k) with so many +1s, then −1s."""
    signs = [Fraction(1 if j < positive else -1) for j in range(n_units)]
    return np.array([signs], dtype=np.object_).reshape(1, n_units)


_CHECKS: dict[Kind, Callable[[Refutation, Rationals, Rationals], bool]] = {
    "rank": _by_rank,
    "row space": _by_row_space,
    "output weights": _by_output_weights,
    "output signs": _by_output_signs,
}

Row = dict[int, Fraction]
"""Coefficients by unknown."""


@dataclass(frozen=True)
class _Claim:
    """What a tree refutes: `equation` · unknowns = `target`, and h = f(z) for `value` h and
    `height` z, each by pair; how many of either there are."""

    equations: tuple[int, int]
    pairs: tuple[int, int]
    equation: Callable[[Pair], Row]
    target: Callable[[Pair], Fraction]
    value: Callable[[Pair], Row]
    height: Callable[[Pair], Row]


def _labels_claim(X: Rationals, Y: Rationals, U: Rationals, bias: bool) -> _Claim:
    """F Uᵀ + 1 cᵀ = Y, F = f(X̄ Vᵀ); unknowns F, V by rows, c."""
    (n, dimension), (m, k) = X.shape, U.shape

    def equation(label: Pair) -> Row:
        i, output = label
        row = {i * k + j: U[output, j] for j in range(k)}
        return {**row, n * k + k * dimension + output: Fraction(1)} if bias else row

    def target(label: Pair) -> Fraction:
        number: Fraction = Y[label]
        return number

    def value(pair: Pair) -> Row:
        return {pair[0] * k + pair[1]: Fraction(1)}

    def height(pair: Pair) -> Row:
        return dict(enumerate(X[pair[0]].tolist(), start=n * k + pair[1] * dimension))

    return _Claim((n, m), (n, k), equation, target, value, height)


def _refutes(tree: Tree, claim: _Claim) -> bool:
    """Walk the tree in preorder, with the equations of the branch that leads to each node."""
    waiting: list[frozenset[tuple[Pair, bool]]] = [frozenset()]
    for node in tree:
        if not waiting:
            return False  # more nodes than the tree has places
        branch = waiting.pop()
        if isinstance(node, Either):
            if not _within([node.pair], claim.pairs):
                return False
            waiting += [branch | {(node.pair, True)}, branch | {(node.pair, False)}]
        elif not _contradicts(node, branch, claim):
            return False
    return not waiting


def _contradicts(leaf: Contradiction, branch: frozenset[tuple[Pair, bool]], claim: _Claim) -> bool:
    if not _within((pair for pair, _ in leaf.equations), claim.equations):
        return False
    sums: dict[int, Fraction] = {}
    total = Fraction(0)
    for label, given in leaf.equations:
        weight = Fraction(given)  # what is no Fraction would be rounded, and could vanish
        _add(sums, weight, claim.equation(label))
        total += weight * claim.target(label)
    for active, weights in ((False, leaf.values), (True, leaf.gaps)):
        if not _within((pair for pair, _ in weights), claim.pairs):
            return False
        for pair, given in weights:
            weight = Fraction(given)
            if weight < 0 and (pair, active) not in branch:
                return False
            _add(sums, weight, claim.value(pair))
            if active:
                _add(sums, -weight, claim.height(pair))
    return total > 0 and not any(sums.values())


def _add(sums: dict[int, Fraction], weight: Fraction, row: Row) -> None:
    for unknown, coefficient in row.items():
        if coefficient:
            sums[unknown] = sums.get(unknown, Fraction(0)) + weight * coefficient


def _within(pairs: Any, size: tuple[int, int]) -> bool:
    return all(0 <= i < size[0] and 0 <= j < size[1] for i, j in pairs)


def _places(columns: tuple[int, ...], width: int) -> bool:
    return all(0 <= column < width for column in columns)


def _plain(node: Either | Contradiction) -> dict[str, Any]:
    if isinstance(node, Either):
        return {"either": list(node.pair)}
    parts = {"equations": node.equations, "values": node.values, "gaps": node.gaps}
    return {
        name: [[i, j, str(weight)] for (i, j), weight in weights] for name, weights in parts.items()
    }


def _node(data: Mapping[str, Any]) -> Either | Contradiction:
    if "either" in data:
        i, j = data["either"]
        return Either((int(i), int(j)))
    return Contradiction(*(tuple(_weights(data[name])) for name in ("equations", "values", "gaps")))


def _weights(entries: Any) -> Iterator[tuple[Pair, Fraction]]:
    for i, j, weight in entries:
        yield (int(i), int(j)), Fraction(weight)
