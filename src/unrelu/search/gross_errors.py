"""Gross errors: any values at all in up to a third of the label entries, or in whole rows.

Where the labels have less rank than outputs, they are split into low rank plus sparse
(`numerics.robust_pca`; BJW Theorem 7), and the usual methods find the network of the low-rank
part (`find`). Where they have full rank, or the split fails, a robust estimate (`noisy`) is close
enough to tell right entries from wrong ones (`confirm`).

From then on the network decides: entries that it explains to rounding are right, whatever the split
found; the others are replaced by its own labels, and it is refined on those.

Assumptions of the split: k < m, by some, as a few wrong entries of a row have to show; no column of
U and no column of F that is mostly zero (the paper's incoherence); errors in entries drawn at
random, or in whole rows. The paper's orthonormal columns of U are not needed. Cost: see `find`.

Where it stops, measured with d = 6, k = 3, n = 500, nine seeds of ten: at three tenths of the
entries with m = 30, at one tenth with m = 8. An output of which the split has lost all labels, as
happens where U has zeros or the labels are small beside the errors, ends failed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable, constant
from unrelu.fitting.problem import Problem, choose_rows
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rank import column_space
from unrelu.numerics.robust_pca import split
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.search import hyperplanes, row_space

ROWS = 2000
"""Rows that are split at least, so that a third of them wrong leaves enough on every side."""

AGREE = 0.6
"""Share of entries that a split has to explain: less than two thirds are never certified."""

NO_SPLIT = "no low-rank part shows behind the errors, nor a network that explains most labels"

ROUNDS = 10
"""Times that a network may find other entries wrong than the one before."""

NEAR = 1e-9
"""Relative misfit up to which an entry counts as right before the network has been refined."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    quick: bool = False,
) -> Candidate | None:
    """None when the labels do not split. `quick` leaves out the general route, for labels
    that may have other errors than gross ones.

    Cost: the split, O(l m²) some hundred times on l = 2000 + 8 (d + m) rows, the search on the
    labels that it leaves, and a few passes over all rows."""
    rows = choose_rows(samples, ROWS + 8 * (samples.d + samples.m), rng)
    taken = samples.take(rows)
    parts = split(taken.Y, samples.eps) if samples.m > 1 else None
    if parts is None or parts.share < AGREE or parts.rank >= samples.m:
        return None
    kept = np.flatnonzero(~parts.lost)
    cleaned = Samples(taken.X[kept], parts.low_rank[kept], samples.eps)
    thorough = not quick and parts.share > 2 / 3
    found = _network(cleaned, n_units, bias, rng, thorough=thorough)
    if found is None:
        return None
    net, left_out = refine(found, samples, rows, bias)
    stats = {"split_rank": parts.rank, "left_out": left_out, "rows": len(rows)}
    return Candidate(net, rows, stats, gross=True)


def not_split(samples: Samples, bias: bool) -> Candidate:
    """What is proposed where none is found."""
    return replace(constant(samples, bias), note=NO_SPLIT, gross=True)


def recipe(
    samples: Samples, *, n_units: int | None, bias: bool, noise: bool, rng: np.random.Generator
) -> Candidate:
    """The split alone, as `method="sparse-noise"`. Raises `Unsuitable` where the labels
    leave no low rank, or where k < m does not hold."""
    assert not noise, "other noise than gross errors leaves no low rank"
    least = 1 if n_units is None else n_units
    if least >= samples.m:
        raise Unsuitable(
            f"it needs fewer units than outputs, k < m: {least} or more units and {samples.m} "
            "outputs leave no low rank to tell wrong entries by"
        )
    found = find(samples, n_units=n_units, bias=bias, rng=rng)
    if found is None:
        raise Unsuitable(
            f"the labels do not split into low rank plus sparse: {NO_SPLIT}; it needs k < m and "
            "less than a third of the entries wrong"
        )
    return found


def confirm(
    net: Network, samples: Samples, *, bias: bool, rng: np.random.Generator
) -> Candidate | None:
    """A robust estimate, refined on what it explains to rounding: where the errors are gross and
    few, the labels may have full rank. None when it does not explain most entries."""
    rows = choose_rows(samples, ROWS + 8 * (samples.d + samples.m), rng)
    net, left_out = refine(net, samples, rows, bias)
    if not net.n_units or left_out > (1 - AGREE) * len(rows) * samples.m:
        return None
    return Candidate(net, rows, {"left_out": left_out, "rows": len(rows)}, gross=True)


def _network(
    cleaned: Samples,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    *,
    thorough: bool,
) -> Network | None:
    """The network of labels that are right, to the accuracy of the split. The general route, slow
    on labels that no small network has made, is for a split that is `thorough`, and looks for no
    more units than there are outputs: as many, in general position, would have left no rank."""
    Y = cleaned.Y - cleaned.Y.mean(axis=0) if bias else cleaned.Y
    rank = column_space(Y, cleaned.eps).shape[1]
    if rank == 0:
        return constant(cleaned, bias).network
    columns = with_constant(cleaned.X, bias)
    if column_space(columns, cleaned.eps).shape[1] < columns.shape[1]:
        return None  # of the rows that are left, as of inputs that are mostly zero

    def missed(net: Network) -> Index:
        return np.flatnonzero(_unexplained(net, cleaned.X, cleaned.Y).any(axis=1))

    known = None
    if n_units is None or n_units <= rank:
        candidate = row_space.find(cleaned, bias=bias, rng=rng, missed=missed)
        known = None if candidate is None else candidate.network
        if known is not None and not len(missed(known)):
            return known
    if not thorough:
        return known
    return hyperplanes.find(
        cleaned,
        n_units=n_units,
        least=rank,
        bias=bias,
        rng=rng,
        missed=missed,
        known=known,
        most=max(cleaned.m, n_units or 0),
    ).network


def _unexplained(net: Network, X: Array, Y: Array, near: float = NEAR) -> Mask:
    """Entries that the network does not even explain roughly."""
    answers = net(X)
    size = np.sqrt((answers**2).mean(axis=0))
    reach = np.abs(answers).max(axis=1, keepdims=True)
    return np.asarray(~(np.abs(Y - answers) <= near * np.maximum(size, reach)))


def refine(net: Network, samples: Samples, rows: Index, bias: bool) -> tuple[Network, int]:
    """Refine the network on the entries that it explains, with its own labels for the others,
    until those stay the same; and how many they are.

    Each round lowers the error by the share of entries left out, as imputation does."""
    X, Y = np.asarray(samples.X[rows], np.float64), np.asarray(samples.Y[rows], np.float64)
    before = np.zeros(Y.shape, dtype=np.bool_)
    for round_ in range(ROUNDS):
        check_deadline()
        near = NEAR * 10.0 ** -min(4, round_)
        wrong = _unexplained(net, X, Y, near)
        if wrong.mean() > 0.5 or not net.n_units:
            break
        filled = Samples(X, np.where(wrong, net(X), Y), samples.eps)
        net = Problem(filled, np.arange(len(X)), bias).refined(net)
        if round_ > 4 and np.array_equal(wrong, before):
            break
        before = wrong
    return net, int(before.sum())
