"""Hardness made executable: CNF formulas as samples, and fitting networks as assignments.

With one output, two units and no biases, finding V with f(X Vᵀ) Uᵀ = Y is NP-hard, whether
U = [1, 1] is given or free (Bakshi, Jayaram and Woodruff, COLT 2019, Theorem 2 and Propositions
20 to 22). `encode` turns any formula into samples, `decode` a network that explains them into an
assignment, and `fitting_network` an assignment into a network. Two units explain the samples if and
only if the formula is satisfiable; see `encode` for the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.errors import InputError, InputTypeError
from unrelu.hardness.formulas import (
    LITERALS,
    Formula,
    assigned,
    extended,
    is_true,
    not_all_equal,
    split,
)
from unrelu.inputs.numbers import real_numbers
from unrelu.network import Network
from unrelu.network.weights import holds_objects
from unrelu.numerics.rationals import as_fractions
from unrelu.wording.streams import counted, kind_of

Integers = NDArray[np.int64]

PRECISION = Fraction(1, 22)
"""Labels with smaller errors than this still prove the formula satisfiable, see `encode`."""

MOST_ENTRIES = 1 << 28
"""Entries of X, which is dense: 2 GB, for about 11,000 variables."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Samples X (n, d), Y (n, 1) whose fits by two units without biases correspond to the
    assignments that satisfy `formula`. Made by `encode`.

    U : (1, 2) output weights, ones; None if they are unknown as well.
    short : the formula with clauses of more than five literals split; its variables correspond to
        the first coordinates of X, in order.
    """

    X: Integers
    Y: Integers
    U: Integers | None
    formula: Formula
    short: Formula

    @property
    def free(self) -> bool:
        return self.U is None


def encode(formula: Formula, free: bool = False) -> Instance:
    """Samples that two units without biases explain if and only if the formula is satisfiable.

    Parameters
    ----------
    formula : any; clauses of more than five literals are split.
    free : leave the output weights U open. Otherwise U = [1, 1].

    Coordinates: one for each of N variables, those of `split` and the s of `not_all_equal`; then p
    and q; with `free` one more, r. Samples, with unit vectors e:

        label 1   ±e_i for every variable i;
                  e_p, e_q, −2 e_p, −2 e_q, e_p + e_q;
                  with `free`, ±e_r
        label 0   for every clause l₁ … l₆:  −Σ sign(l_j) e_|l_j| − 10 e_p − 10 e_q

    Proof. Let v, w be the units, U = [1, 1].

    (only if) Suppose all samples are explained. If v_i and w_i were both ≥ 0 or both ≤ 0, one of
    the labels of ±e_i would be 0. So they have different signs, and the labels are their sizes: one
    is 1, the other −1. Likewise one of v_p and w_p is 1 and the other −1/2, and so for v_q and w_q.
    If v_p = v_q = 1, e_p + e_q would have the label 2, and the same with w: so v_p + v_q =
    w_p + w_q = 1/2. A clause sample has label 0, so neither unit is active on it:
    Σ sign(l_j) v_|l_j| ≥ −5, and the same for w. The sum is −6 where v, read as an assignment
    (1 true, −1 false), makes all literals false, and else −4 or more; w is the opposite
    assignment. So every clause has a true and a false literal under v, and the formula is
    satisfiable, by `not_all_equal`.

    (if) v = the assignment with s = −1, (v_p, v_q) = (1, −1/2), and w = −v but (w_p, w_q) =
    (−1/2, 1) explain every sample: see `fitting_network`.

    (U free) The samples ±e_r, like any ±e_i, determine the signs of U: if v_r and w_r did not have
    opposite signs, one of the two labels would be 0. So each of them shows a single unit,
    u_j |v_jr| = 1, and both output weights are positive. Since f(a z) = a f(z) for a > 0, they can
    be moved into V, which leaves the case U = [1, 1]. No other sample uses r.

    (Precision) All this holds if labels have errors below δ = 1/22: ±e_i give sizes within
    δ of 1, v_p + v_q ≤ 1/2 + 3δ/2 (v_p = v_q = 1 being excluded by 2 − 2δ > 1 + δ), hence a clause
    sum ≥ −5 − 16 δ, and false literals alone sum to −6 + 6 δ at most, which is less.

    Cost: n = 2N + 5 + clauses samples (two more with `free`), fewer if clauses are repeated, of
    d = N + 2 inputs, dense. Raises InputError if they would take more than 2 GB.

    Source: Bakshi, Jayaram and Woodruff (COLT 2019), Propositions 20 to 22 and Theorem 23.

    >>> instance = encode(Formula(2, [(1, 2), (-1,)]))
    >>> instance.X.shape, decode(fitting_network((False, True), instance), instance)
    ((13, 5), (False, True))
    """
    if not isinstance(formula, Formula):
        raise InputTypeError(f"formula: got {kind_of(formula)}, expected a Formula")
    short = split(formula)
    n_variables = short.n_variables + 1
    d = n_variables + 2 + free
    ones = 2 * n_variables + 5 + 2 * free
    clauses = dict.fromkeys(tuple(sorted(clause)) for clause in not_all_equal(short))
    entries = (ones + len(clauses)) * d
    if entries > MOST_ENTRIES:
        raise InputError(
            f"formula: got {n_variables - 1} variables and {len(clauses)} clauses, which take "
            f"{ones + len(clauses)} samples of {d} inputs; expected a smaller one"
        )
    p = n_variables
    X = np.zeros((ones + len(clauses), d), np.int64)
    coordinates = np.array([*range(n_variables), *([d - 1] if free else [])])
    pairs = 2 * np.arange(len(coordinates))
    X[pairs, coordinates], X[pairs + 1, coordinates] = 1, -1
    X[ones - 5 : ones, p : p + 2] = [[1, 0], [0, 1], [-2, 0], [0, -2], [1, 1]]
    literals = np.array(list(clauses), np.int64).reshape(-1, LITERALS)
    rows = np.arange(ones, len(X))
    np.subtract.at(X, (rows[:, None], abs(literals) - 1), np.sign(literals))
    X[ones:, p : p + 2] = -10
    Y = np.zeros((len(X), 1), np.int64)
    Y[:ones] = 1
    U = None if free else np.ones((1, 2), np.int64)
    for array in (X, Y, U):
        if array is not None:
            array.setflags(write=False)
    return Instance(X, Y, U, formula, short)


def decode(
    network_or_V: Network | ArrayLike | Sequence[Sequence[Fraction]], instance: Instance
) -> tuple[bool, ...]:
    """The assignment of the formula's variables that corresponds to a network that explains the
    samples of `instance`. It satisfies the formula.

    Parameters
    ----------
    network_or_V : a network of two units, in any order and scale; or V (2, d) alone, of floats,
        integers or fractions, with U = [1, 1]. Positive output weights are moved into V, biases
        are ignored.
    instance : from `encode`.

    Variable i is true if v_i and v_s have opposite signs, where s is the variable that
    `not_all_equal` adds; this is the same for both units. Labels may have errors below `PRECISION`.

    Raises InputError for a network of another shape, or one that does not explain the samples, with
    the sample that shows it; InputTypeError for anything other than a table of numbers.

    Cost: one product of X with V, in fractions if V is.
    """
    n, short = instance.formula.n_variables, instance.short.n_variables
    V = _scaled(network_or_V, instance)
    with np.errstate(over="ignore", invalid="ignore"):
        labels = np.maximum(instance.X.astype(V.dtype) @ V.T, 0).sum(axis=1)
        off = abs(labels - instance.Y[:, 0])
        wrong = np.flatnonzero(~np.asarray(off < PRECISION_OF[V.dtype.kind], bool))
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"network: got the label {float(labels[row]):.6g} for sample {row}, expected "
            f"{instance.Y[row, 0]}: it does not explain the samples of this formula "
            f"({len(wrong)} of {len(labels)} are wrong)"
        )
    assignment = tuple(bool(value) for value in V[0, :n] * V[0, short] < 0)
    if not instance.formula.satisfied_by(assignment):
        raise InputError(
            "instance: got samples whose fit does not satisfy the formula, expected all those that "
            "encode makes of it"
        )
    return assignment


def fitting_network(assignment: Sequence[bool], instance: Instance) -> Network:
    """The network that corresponds to an assignment that satisfies the formula: it explains every
    sample of `instance` without any error, also in floats.

    With s false, the first unit is the assignment as ±1, then (1, −1/2) on the two following
    coordinates. The second is the opposite, then (−1/2, 1). With U free, they are 1 and −1 on the
    last coordinate. On ±e_i and on the multiples of e_p and e_q, one unit is active, with the value
    1. On e_p + e_q both are, with 1/2. On a clause sample, whose literals sum to −4, …, 4 under
    either unit, none is: −4 or more, plus 5, is at least 1.

    Raises InputError for an assignment that does not satisfy the formula or has another length,
    InputTypeError for one that does not consist of bools.
    """
    values = assigned(assignment, instance.formula.n_variables)
    if not instance.formula.satisfied_by(values):
        clause = next(
            clause
            for clause in instance.formula.clauses
            if not any(is_true(literal, values) for literal in clause)
        )
        raise InputError(
            f"assignment: got one under which the clause {clause} is false, expected one that "
            "satisfies the formula"
        )
    signs = np.where([*extended(values, instance.formula), False], 1.0, -1.0)
    V = np.zeros((2, instance.X.shape[1]))
    n = len(signs)
    V[:, :n] = signs, -signs
    V[:, n : n + 2] = [[1.0, -0.5], [-0.5, 1.0]]
    V[:, n + 2 :] = [[1.0], [-1.0]]
    return Network(V, np.ones((1, 2)))


PRECISION_OF = {"f": float(PRECISION), "O": PRECISION}
"""By kind of array, so that floats are compared with a float and fractions with a fraction."""


def _scaled(
    network_or_V: Network | ArrayLike | Sequence[Sequence[Fraction]], instance: Instance
) -> NDArray[Any]:
    """V (2, d), float64 or fractions, of the network with both output weights 1."""
    if isinstance(network_or_V, Network):
        if network_or_V.skip:
            raise InputError("network: got one with a skip connection, expected one without")
        V, U = np.asarray(network_or_V.V), np.asarray(network_or_V.U)
        if U.shape != (1, 2):
            raise InputError(
                f"network: got {counted(U.shape[1], 'unit')} and {counted(U.shape[0], 'output')}, "
                "expected 2 and 1"
            )
        if not (U > 0).all():
            raise InputError(
                f"network: got the output weights {U[0].tolist()}, expected positive ones: no "
                "others explain the samples"
            )
        with np.errstate(over="ignore"):
            V = V * U.T
    else:
        given: Any = network_or_V
        exact = holds_objects(given)
        V = as_fractions("V", given) if exact else real_numbers("V", given).astype(np.float64)
    if V.shape != (2, instance.X.shape[1]):
        raise InputError(
            f"V: got shape {V.shape}, expected (2, {instance.X.shape[1]}): two units on the inputs "
            "of this formula"
        )
    return V
