"""Are the hidden values right, whatever the activation is?

From X, Y and a network's U and c alone: F = (Y − c) U⁺ᵀ. Let the labels be those of any network of
k units, each rectified in its own way, F* its hidden values. Then F = F* A, and a column f = F* a
whose a has more than one entry is not one of F*. On the rows where all units of a are off, the
other columns of F have rank k − 2 at most; that they have rank k − 1 on the zero rows of f takes
rows where active units cancel. So

explained   Y = F Uᵀ + c to rounding, F and U of rank k;
zeros       f is zero to rounding or positive, and on its zero rows the other columns (with output
            biases, and a constant) are independent, even after any `spare` of these rows are taken
            away: so many would have to cancel by chance;
separable   a hyperplane, that of the network, has all zero rows on one side and no others;
ordered     f is a monotone function of the height over it, and without two equal values;

prove that f is a column of F*. The last two could be met by chance, too: the half-spaces that N
consecutive rows demand of v have a point in common with probability 2 Σ_{i<D} C(N−1, i) / 2ᴺ
(Cover 1965), were they random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.checks.counting import CHANCE, distinct_rows, grain
from unrelu.checks.scales import typical_size
from unrelu.network import Network
from unrelu.network.rounding import accumulated
from unrelu.numerics.arrays import Array, Index, Mask, unit_columns, unit_rows
from unrelu.numerics.rank import left_inverse
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.wording.plain import plain_fields

MOST_ROWS = 20_000
"""Rows on which zeros and their ranks are examined, spread over all."""

KEPT = 0.9
"""Of the rank: the sum of the largest leverages that may go with the spare rows. Below 1 the rest
has the same rank, with singular values smaller by √(1 − KEPT)."""

RESOLVED = 4096.0
"""Roundings of the largest value of a unit, by which two values must differ to be in order."""

KNOWN = 2 / 3
"""Share of the digits to which values must be known that are called exact."""

WIDTHS = 8.0
"""Errors of a direction by which a sample not used for it may be out of order."""


@dataclass(frozen=True, eq=False)
class HiddenValues:
    """What is known of F (n, k) and U (m, k), unit by unit.

    objection : why they are not proved to be those of the network, empty if they are.
    errors : (k,) bound on the error of F, and so of the columns of U, as a share of their size.
    zeros : (k,) distinct rows on which a unit is off.
    spare : how many of them may be taken away; `leverage` (k,), below 1 if they may.
    smallest : the least positive value, in units of its rounding.
    residual_in_roundings : of Y − c − F Uᵀ; 1 is what rounding allows.
    out_of_order : (k,) by how far a row lies on the wrong side, or before one of smaller value, as
        a share of the typical height.
    ordered : rows whose order was compared with the network without any tolerance.
    """

    objection: str
    errors: Array
    zeros: Index
    spare: int
    leverage: Array
    smallest: float
    residual_in_roundings: float
    out_of_order: Array
    ordered: int

    @property
    def exact(self) -> bool:
        return not self.objection

    def rows(self) -> list[tuple[str, str]]:
        """As labelled lines."""
        least = min(self.zeros.tolist(), default=0)
        good = f"exact, good to {self.errors.max(initial=0.0):.1e}"
        zeros = (
            f"{least} or more, any {self.spare} of them to spare; the smallest value elsewhere is "
            f"{self.smallest:.1e} roundings"
        )
        return [
            ("hidden values", good if self.exact else f"not certain: {self.objection}"),
            ("rows where units are off", zeros),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words."""
        return plain_fields(self)


CLEAR = 4.0
"""Of its rounding, which leaves out that of U: a value up to here is zero."""


def values_of(net: Network, Y: Array, eps: float, usual: Array) -> tuple[Array, Array]:
    """F = (Y − c) U⁺ᵀ, and what counts as zero there, both (n, k), for labels of usual size (m,).

    Rounding of a label: of the sum over units, of c, and of what the other labels left in U."""
    dual = left_inverse(net.U)
    F = (Y - net.c) @ dual.T
    step = CLEAR * accumulated(eps, net.n_units + net.n_outputs + 2)
    rounding = step * np.sqrt(F**2 @ (net.U**2).T + net.c**2 + usual**2)
    return F, np.sqrt(rounding**2 @ (dual**2).T) + np.finfo(np.float64).tiny


def hidden_values(net: Network, samples: Samples) -> Array:
    """F (n, k) of all samples, zeros exactly so."""
    usual = typical_size(samples.Y)
    values = []
    for _, _, Y in samples.blocks():
        F, noise = values_of(net, Y, samples.eps, usual)
        values.append(np.where(np.abs(F) <= noise, 0.0, F))
    F = np.vstack(values)
    F.setflags(write=False)
    return F


def check_hidden(
    net: Network, samples: Samples, biased: bool, *, strict: Index, errors: Array
) -> HiddenValues:
    """Everything above. On the rows `strict` nothing may be out of order; on the others by what
    directions with `errors` (k,), in radians, account for."""
    k = net.n_units
    rows = np.union1d(samples.spread(MOST_ROWS), strict)
    some = samples.take(rows)
    F, noise = values_of(net, some.Y, samples.eps, typical_size(samples.Y))
    off, wrong = np.abs(F) <= noise, F + noise < 0
    in_roundings = _residual(net, samples)

    positive = ~off & ~wrong
    smallest = float((F / noise)[positive].min(initial=np.inf))
    distinct = np.zeros(len(rows), dtype=bool)
    distinct[distinct_rows(some, biased)] = True
    spare = _spare(some, k, int(distinct.sum()), biased)
    bounds, leverage = np.full(k, np.inf), np.full(k, np.inf)
    zeros = (off & distinct[:, None]).sum(axis=0)
    for j in range(k):
        bounds[j], leverage[j] = _null_vector(F, noise, off[:, j], distinct, j, biased, spare)
    held = np.isin(rows, strict)
    out = _out_of_order(net, some.X, F, samples.eps, off, held, False)
    loose = _out_of_order(net, some.X, F, samples.eps, off, np.ones_like(held), biased)
    reach = float(np.sqrt((some.X**2).sum(axis=1).max())) * np.linalg.norm(net.V, axis=1)
    high = np.sqrt((net.preactivations(some.X) ** 2).mean(axis=0))
    allowed = WIDTHS * errors * reach / high
    ties = _ties(F, noise, positive & distinct[:, None])
    ordered = int((held & distinct).sum()) if len(strict) else int(distinct.sum())

    order = np.where(out > 0, np.inf, loose - allowed)
    objection = (
        _not_explained(net, F, wrong, in_roundings, samples.eps)
        or _not_zero(bounds, zeros, leverage, spare, samples.eps)
        or _not_ordered(ties, spare, order)
        or _by_chance(samples.d, samples.d + biased, ordered)
    )
    return HiddenValues(
        objection, bounds, zeros, spare, leverage, smallest, in_roundings, loose, ordered
    )


def _not_explained(net: Network, F: Array, wrong: Mask, in_roundings: float, eps: float) -> str:
    """Why the labels may not be those of F, U and c; empty if they are."""
    sizes = np.linalg.svd(unit_columns(F), compute_uv=False)
    plain = np.linalg.svd(unit_columns(net.U), compute_uv=False)
    if wrong.any() or np.isinf(in_roundings):
        return "some samples have negative hidden values"
    if not in_roundings <= 1:
        return f"labels differ by {in_roundings:.2g} times what rounding allows"
    if len(plain) < net.n_units or any(v[-1] <= 1e3 * eps * v[0] for v in (sizes, plain)):
        return "hidden values or output weights of some unit are combinations of the others"
    return ""


def _not_zero(bounds: Array, zeros: Index, leverage: Array, spare: int, eps: float) -> str:
    """Why zeros may not pin the hidden values down; empty if they do."""
    if not (leverage <= KEPT).all():
        j = int(np.argmax(leverage > KEPT))
        return (
            f"unit {j} is off on {zeros[j]} different samples, where the other units do not leave "
            f"{spare} to spare"
        )
    if not (bounds <= eps**KNOWN).all():
        j = int(bounds.argmax())
        return f"values of unit {j} are known to {bounds[j]:.1e} of their size only"
    return ""


def _not_ordered(ties: Index, spare: int, order: Array) -> str:
    """Why values may not be a monotone function of heights; empty if they are. `order` (k,): by how
    much more than is allowed a row is out of order."""
    if (ties >= spare).any():  # so few may have met by chance, and cannot do harm
        return (
            f"unit {int(ties.argmax())} has {ties.max()} pairs of equal values at different "
            "samples: the activation is not one-to-one"
        )
    if (order > 0).any():
        return (
            f"no hyperplane was found over which the values of unit {order.argmax()} rise, or fall"
        )
    return ""


def _residual(net: Network, samples: Samples) -> float:
    """Largest |Y − c − F Uᵀ| over what rounding of F allows, in one pass over all samples;
    infinite where there are negative values."""
    worst, usual = 0.0, typical_size(samples.Y)
    for _, _, Y in samples.blocks():
        F, noise = values_of(net, Y, samples.eps, usual)
        allowed = np.sqrt(noise**2 @ (net.U**2).T) + np.finfo(np.float64).tiny
        worst = max(worst, float((np.abs(Y - net.c - F @ net.U.T) / allowed).max(initial=0.0)))
        if (F + noise < 0).any():
            worst = np.inf
    return worst


def _spare(samples: Samples, k: int, n: int, biased: bool) -> int:
    """How many zeros cannot be by chance. Any k − 1 of n rows have a null vector; a further row of
    it is zero with probability ρ, the relative rounding of a label, or the grain of labels or
    inputs. The union bound over all choices, C(n, k−1) (n ρ)^spare, is below exp(CHANCE)."""
    met = n * max(2 * accumulated(samples.eps, k + samples.m), grain(samples, biased))
    if met >= 0.5:
        return n
    choices = math.lgamma(n + 1) - math.lgamma(k) - math.lgamma(max(n - k + 2, 1))
    return max(1, math.ceil((choices - CHANCE) / -math.log(met)))


def _null_vector(
    F: Array, noise: Array, off: Mask, distinct: Mask, j: int, biased: bool, spare: int
) -> tuple[float, float]:
    """Bound on the error of f_j over its size, and the sum of the `spare` largest leverages.

    Where f_j* = f_j + Σ a_l f_l is zero, Σ a_l f_l is rounding, independent from row to row, so a
    is off by the noise over σ in each direction, σ the least singular value of the others there."""
    others = with_constant(np.delete(F, j, axis=1), biased)
    size = math.sqrt(float((F[:, j] ** 2).mean()))
    own = float(np.sqrt((noise[:, j] ** 2).mean()))
    if not others.shape[1]:
        return own / size, 0.0
    others = others / np.sqrt((others**2).mean(axis=0))
    rows = off & distinct & (np.abs(others).max(axis=1) > 0)
    there, error = others[rows], noise[rows, j]
    if len(there) <= others.shape[1] + spare or not size > 0:
        return np.inf, np.inf
    # Neither rank nor what is zero changes when rows are scaled.
    values = np.linalg.svd(there / error[:, None], compute_uv=False)
    turn, sizes, _ = np.linalg.svd(unit_rows(there), full_matrices=False)
    if not (values[-1] > 0 and sizes[-1] > 1e-9 * sizes[0]):
        return np.inf, np.inf
    most = np.sort((turn**2).sum(axis=1))[-spare:].sum()
    moved = math.sqrt(others.shape[1]) / float(values[-1])
    return (own + moved * math.sqrt(others.shape[1])) / size, float(most)


def _out_of_order(
    net: Network, X: Array, F: Array, eps: float, off: Mask, held: Mask, free: bool
) -> Array:
    """By how far, as a share of the typical height, an active row lies below a row whose value is
    clearly smaller (greater, where most fall), or on the side of the zeros; `free`, wherever the
    border between the two may be: it is known to 1/n only, directions to d/n²."""
    Z = net.preactivations(X)
    usual = np.sqrt((Z**2).mean(axis=0))
    rounding = 4 * np.finfo(np.float64).eps * np.sqrt(X.shape[1])
    falls = _all_fall(net)
    out = np.zeros(net.n_units)
    for j in range(net.n_units):
        z, f, zero = Z[held, j], F[held, j], off[held, j]
        resolution = RESOLVED * eps * float(f.max(initial=0.0))
        positive = f > resolution  # a value between may be on either side
        low, high = float(z[zero].max(initial=-np.inf)), float(z[positive].min(initial=np.inf))
        depth = low - high if free else max(low, -high)
        z, f = z[positive], f[positive]
        order = np.argsort(-f if falls else f, kind="stable")
        z, f = z[order], f[order]
        apart = np.abs(np.diff(f, prepend=-np.inf, append=np.inf)) > resolution
        z = z[apart[:-1] & apart[1:]]
        if len(z) > 1:
            depth = max(depth, float((np.maximum.accumulate(z)[:-1] - z[1:]).max()))
        out[j] = max(0.0, depth / usual[j] - rounding)
    return out


def _all_fall(net: Network) -> bool:
    ends = net.activation(np.array([1e-3, 1e3]))
    return bool(ends[1] < ends[0])


def _ties(F: Array, noise: Array, counted: Mask) -> Index:
    """How many neighbours among the values of a unit are equal to rounding."""
    counts = []
    for f, error, there in zip(F.T, noise.T, counted.T, strict=True):
        values, errors = f[there], error[there]
        order = np.argsort(values)
        smaller = np.minimum(errors[order][1:], errors[order][:-1])
        counts.append(int((np.diff(values[order]) <= smaller).sum()))
    return np.array(counts, dtype=np.intp)


def _by_chance(d: int, dimension: int, rows: int) -> str:
    """Why an order of so many rows may be met by chance; empty if Cover's count is below
    exp(CHANCE)."""
    if rows > 2 * dimension:
        ways = dimension * math.log(math.e * rows / dimension)
        if ways - rows * math.log(2) < CHANCE:
            return ""
    return f"{rows} different samples are too few to tell {d} inputs' hyperplanes from chance"
