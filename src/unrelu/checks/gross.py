"""Labels of which some entries are grossly wrong: which, what the others still determine, and
whether so many may be left out.

Any network would do if every other label could be called an error. So

1. fewer than a third of all entries may be left out, and about so many in every part that a
   weight depends on: each output, each side of each unit, each output on the active side of each
   unit. Two networks that both pass agree on a third of each part, and whoever wants to hide one
   network behind another needs two thirds of some part.
2. choosing s out of N entries can be done in C(N, s) ways, which the equations pay for;
3. what is left out must not itself look like a unit.
"""

from __future__ import annotations

import math

import numpy as np

from unrelu.checks.case import Case, Clean
from unrelu.checks.explained import rounding_of
from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.checks.scales import SAME
from unrelu.network import Network
from unrelu.network.rounding import accumulated
from unrelu.numerics.arrays import Array, Index, Mask, divisors
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.numerics.rank import column_space
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples
from unrelu.wording.status import Status

THIRD = 1 / 3

FEW_OFF = "few-samples-off"
"""The code of a few samples that may be due to rare units."""

MOST_ROWS, MOST_ERRORS = 50_000, 2000
"""Wrong rows that are compared, and wrong entries of an output that are examined."""

ALIKE = 1e-9
"""Ratios closer than this are the same: by chance in one of a billion."""

RARELY = 1e-4
"""Chance, about, at which two rows alike are no accident."""

EXTRA = 3
"""Errors on a plane beyond those that it passes through anyway."""

RARE = 4
"""Times the unknowns of a unit: so many samples off may be due to as many rare units."""

AMPLIFIED = 8.0
"""Rounding may grow that much when the labels of a row are completed from its clean entries."""


def misfits(net: Network, samples: Samples) -> Mask:
    """Entries (n, m) that differ from the network by more than rounding, as `explain` has it; the
    usual size of a label is that of the entries that agree."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    answers = net(X)
    error = np.abs(answers - Y)
    size = np.sqrt((answers**2).mean(axis=0))
    wrong = np.zeros(Y.shape, dtype=np.bool_)
    for _ in range(2):
        wrong = ~(error <= rounding_of(net, samples, size).at(X))
        counts = np.maximum(1, (~wrong).sum(axis=0))
        size = np.minimum(size, np.sqrt(np.where(wrong, 0.0, Y**2).sum(axis=0) / counts))
    return wrong


def clean(net: Network, samples: Samples) -> Clean:
    """Cost: one pass, and O(m r²) for each row with wrong entries, r the rank of U."""
    wrong = misfits(net, samples)
    answers = net(np.asarray(samples.X, np.float64))
    Y = np.asarray(samples.Y, np.float64)
    filled = Samples(samples.X, np.where(wrong, answers, Y), samples.eps)

    # Labels lie in c + col(U): coordinates there, from the clean entries of each row.
    size = divisors(np.sqrt((answers**2).mean(axis=0)))
    left, values, _ = np.linalg.svd(net.U / size[:, None], full_matrices=False)
    left = left[:, values > SAME * values.max(initial=0.0)]
    r = left.shape[1]
    if r == 0:
        return Clean(filled, wrong, Y - answers, filled.take(np.flatnonzero(~wrong.all(axis=1))))
    clear = (~wrong).astype(np.float64)
    grams = (clear @ (left[:, :, None] * left[:, None, :]).reshape(-1, r * r)).reshape(-1, r, r)
    kept = np.linalg.eigvalsh(grams)[:, 0] >= AMPLIFIED**-2
    rest = clear[kept] * (Y[kept] - answers[kept]) / size
    inverse = np.linalg.inv(grams[kept]) if kept.any() else grams[kept]
    coordinates = np.einsum("nij,nj->ni", inverse, rest @ left)
    labels = answers[kept] + (coordinates @ left.T) * size
    grown = np.sqrt(np.einsum("nii->n", inverse).mean() / r) if kept.any() else 1.0
    rows = np.flatnonzero(kept)
    usable = Samples(np.asarray(samples.X[rows], np.float64), labels, samples.eps * max(1.0, grown))
    return Clean(filled, wrong, Y - answers, usable)


def choice_equations(clean: Clean, equations: int, units: int) -> int:
    """What choosing the entries to leave out costs: log C(N, s) / ln(1/ρ) of the N − s clean
    ones, and the same share of the independent equations."""
    total, left_out = clean.wrong.size, int(clean.wrong.sum())
    if not left_out:
        return 0
    ways = math.lgamma(total + 1) - math.lgamma(left_out + 1) - math.lgamma(total - left_out + 1)
    width = clean.samples.d + units
    price = ways / -math.log(2 * accumulated(clean.samples.eps, width))
    return math.ceil(equations * min(1.0, price / max(1, total - left_out)))


def objection(net: Network, clean: Clean) -> str:
    """Why these entries may not be left out; empty if they may."""
    wrong = clean.wrong
    n, m = wrong.shape
    if 3 * int(wrong.sum()) >= wrong.size:
        return f"{wrong.mean():.0%} of the label entries would have to be wrong, a third or more"
    if clean.usable.n == 0:
        return "no sample has clean entries enough to tell its other labels"
    active = net.preactivations(np.asarray(clean.samples.X, np.float64)) > 0
    share, many = _share(np.ones((n, 1)), wrong.astype(np.float64))
    if many.any():
        output = int(np.argwhere(many)[0, 1])
        return f"{share[0, output]:.0%} of the labels of output {output} would have to be wrong"
    share, many = _share(active.astype(np.float64), wrong.astype(np.float64))
    if many.any():
        unit, output = np.argwhere(many)[0]
        return (
            f"{share[unit, output]:.0%} of the labels of output {output} where unit {unit} is "
            "active would have to be wrong"
        )
    of_row = wrong.mean(axis=1, keepdims=True)
    for what, rows in (("active", active), ("inactive", ~active)):
        share, many = _share(rows.astype(np.float64), of_row)
        if many.any():
            unit = int(np.argwhere(many)[0, 0])
            return (
                f"{share[unit, 0]:.0%} of the labels where unit {unit} is {what} would have to be "
                "wrong"
            )
    hidden = np.column_stack([np.maximum(net.preactivations(clean.samples.X), 0.0), np.ones(n)])
    if not net.c.any():
        hidden = hidden[:, :-1]
    basis = column_space(hidden)
    for output in range(m):
        some = basis[~wrong[:, output]]
        weakest = np.linalg.eigvalsh(some.T @ some).min(initial=1.0)
        if not weakest >= AMPLIFIED**-2:
            return f"the clean entries of output {output} do not determine its weights"
    return _missing_unit(clean)


def _share(rows: Array, wrong: Array) -> tuple[Array, Mask]:
    """Shares left out of each group of rows and each column, and where they are too many: more
    than a third, give or take three standard deviations of a third, and at most half."""
    counts = np.maximum(rows.sum(axis=0), 1.0)
    share = rows.T @ wrong / counts[:, None]
    limit = np.minimum(0.5, THIRD + 3 * np.sqrt(THIRD * (1 - THIRD) / counts))
    return np.asarray(share), np.asarray(share > limit[:, None])


def _missing_unit(clean: Clean) -> str:
    """Are the wrong entries those of a unit that is missing? Then whole rows are wrong by
    multiples of one vector, and columns by a linear function of the inputs. Errors are not, and
    a unit that is rarely active could pass for errors in a few rows."""
    n, m = clean.wrong.shape
    rows = np.flatnonzero(2 * clean.wrong.sum(axis=1) > m)
    some = rows
    if len(rows) > MOST_ROWS:  # a certificate is a function of its samples
        some = np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)
    if m > 1 and _multiples(np.where(clean.wrong[some], clean.errors[some], np.nan)):
        return "rows are wrong by multiples of one vector, as if a unit were missing"
    X = np.asarray(clean.samples.X, np.float64)
    X = np.column_stack([X, np.ones(n)])
    several = rows[clean.wrong[rows].all(axis=1)][:MOST_ERRORS]
    if m > 1 and len(several) > X.shape[1]:
        errors = clean.errors[several] / np.median(np.abs(clean.errors[several]), axis=0)
        if _on_a_plane(X[several], errors):
            return "rows are wrong by a linear function, as if units were missing"
    for output in np.flatnonzero(clean.wrong.sum(axis=0) > X.shape[1] + EXTRA):
        some = np.flatnonzero(clean.wrong[:, output])[:MOST_ERRORS]
        errors = clean.errors[some, output][:, None]
        if _on_a_plane(X[some], errors / np.median(np.abs(errors))):
            return f"output {output} is wrong by a linear function, as if a unit were missing"
    return ""


def _multiples(errors: Array) -> bool:
    """Are some of these rows, NaN where they are right, multiples of one vector? Two of them have
    the same ratios of three outputs (of two, where there are no more: then three rows, lest it be
    chance), and are neighbours when sorted by those, however many other rows there are. Where
    most outputs are wrong, three are at most three apart and the first two, or the last, at most
    two, going round."""
    m = errors.shape[1]
    first, second = _alike(errors, 1), _alike(errors, 2)
    if m == 2:
        few = len(errors) ** 2 * ALIKE < RARELY
        return bool(
            np.unique(first[first[:, 0] >= 0, 0], return_counts=True)[1].max(initial=0)
            > (1 if few else 2)
        )
    for one, step, other in ((first, 1, first), (first, 1, second), (second, 2, first)):
        for i in range(m):
            both = np.column_stack([one[:, i], other[:, (i + step) % m]])
            both = both[(both >= 0).all(axis=1)]
            if len(both) > len(np.unique(both, axis=0)):
                return True
    return False


def _alike(errors: Array, step: int) -> Index:
    """(s, m) numbers of the groups of rows in which the ratio of an output's error to that `step`
    further on is the same; -1 in no group."""
    groups = np.full(errors.shape, -1, dtype=np.intp)
    with np.errstate(all="ignore"):
        ratios = np.roll(errors, -step, axis=1) / errors
    for i in range(errors.shape[1]):
        order = np.argsort(ratios[:, i])  # NaN last
        order = order[: np.isfinite(ratios[:, i]).sum()]
        ordered = ratios[order, i]
        apart = np.abs(np.diff(ordered)) > ALIKE * np.abs(ordered[1:])
        number = np.cumsum(np.append(0, apart)[: len(order)])
        alone = np.bincount(number, minlength=1)[number] == 1
        groups[order, i] = np.where(alone, -1, number)
    return groups


def _on_a_plane(X: Array, errors: Array) -> bool:
    """Do more of the errors (s, m) lie on linear functions than their coefficients can pass
    through? Least absolute deviations, then fewer and fewer, by reweighting."""
    weights = np.ones(len(X))
    for width in np.geomspace(1.0, 1e-8, 17):
        root = np.sqrt(weights)[:, None]
        plane = np.linalg.lstsq(X * root, errors * root)[0]
        rest = np.abs(errors - X @ plane).max(axis=1)
        weights = 1 / (rest**2 + width**2) / (1 / width**2)
    beyond = int((rest <= 1e-7).sum()) - X.shape[1]
    return bool(beyond * errors.shape[1] >= EXTRA)


def few_samples_off(case: Case) -> Finding | None:
    """A few unexplained labels, where gross errors were not declared, may belong to a unit that is
    active on hardly any other sample: d + 1 samples fit any such unit. And gross errors do not
    depend on the inputs: where they do, the network lacks a unit there."""
    assert case.clean is not None, "entries are left out"
    samples = case.clean.samples
    off = np.unique(case.clean.entries[:, 0])
    if 0 < len(off) <= RARE * (samples.d + 1):
        why = "there are units that are active on hardly any others"
    elif len(off) and _dependence_on_inputs(case.clean) > DEPENDENT:
        why = "there are units at work where they lie: it depends on the inputs"
    else:
        return None
    message = (
        f"{len(off)} of {samples.n} samples are not explained: their labels are wrong, or {why}; "
        "noise='sparse' takes them for wrong"
    )
    return undetermined(FEW_OFF, message, samples=off)


def _dependence_on_inputs(clean: Clean) -> float:
    """How much it depends on the inputs which samples are off, and in which direction."""
    X = np.asarray(clean.samples.X, np.float64)
    signs = np.sign(clean.errors) * clean.wrong
    wrong = np.any(signs, axis=1, keepdims=True).astype(np.float64)
    inputs = whiten(with_constant(X))
    scores = (dependence(r - r.mean(axis=0), inputs.features, clip=np.inf) for r in (wrong, signs))
    return max(scores)


def not_shown(found: Finding) -> Finding:
    """What follows from a finding where nobody has said that some labels are grossly wrong, and
    they are left out: where the others do not determine the network, nothing shows that."""
    if found.status != Status.UNDETERMINED or found.code == FEW_OFF:
        return found
    return failed(
        "not-gross-errors", f"nothing shows gross errors in a few labels: without them, {found}"
    )


def not_gross(case: Case) -> Finding:
    """Whether the entries that are not explained may be left out."""
    return failed("not-gross-errors", f"not by gross errors in a few labels: {case.refused}")
