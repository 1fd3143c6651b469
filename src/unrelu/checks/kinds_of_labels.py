"""Labels that are no values of a network: class labels, probabilities, logarithms of those.

Asked only where no network explains the labels to rounding: one whose outputs happen to sum to one
is still a network. Knows no method; costs a tenth of a second.

probabilities      every row is non-negative and sums to one (or to a hundred).
log-probabilities  the exponentials of every row sum to one.
class-labels       few different values which are a function of the inputs: near neighbours have
                   the same one, up to a boundary. Counts have few values, too, but neighbours
                   differ by chance, however near they are.
"""

from __future__ import annotations

import numpy as np

from unrelu.checks.finding import Finding, failed
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

NOT_VALUES = ("class-labels", "probabilities", "log-probabilities")
"""All codes."""

LOOKED_AT = 20_000
"""Rows that decide."""

SINGLE = float(np.finfo(np.float32).eps)
"""Labels are compared with the rounding of float32, whatever they are kept in."""

LEVELS = 10
"""Integers that take more values than this within the central nine tenths are values that
have been rounded."""

MOST_CLASSES = 100
MEMBERS = 10
"""Samples to a class, in the mean, and in all but the largest together twice as many, below which
nothing is known of its neighbours."""

NEIGHBOURS = np.array([1, 2, 4, 8, 16])
"""Of these orders: how often they differ is extrapolated to no distance at all."""

ASKED = 2000
"""Samples whose neighbours are examined."""

DIRECTIONS = 4
"""Most directions in which neighbours are near: beyond, they are too far."""

PER_DIRECTION = 20
"""Samples to an input from which directions are worth looking for."""

TWO, SEVERAL = 0.3, 0.4
"""How often neighbours differ, as a share of how often any two samples do, up to which labels of
two, or of several, values are a function of the inputs. Measured at 2,000 samples, argmax of a
network of 8 units: 0.00 to 0.02 with 2 inputs, 0.1 with 4, 0.2 to 0.35 with 10; Poisson counts
0.6 and more, as they are within each level of the rate; 0/1 of probability σ(3 f), f of deviation
one, 0.45 and more."""

NEAREST, WIDE = 1e-3, 0.3
"""How near to zero or one labels may be for their log-odds to be used, and what range they must
have for that to be worth while."""

ORDERED = 0.5
"""Mean step between neighbours that differ over that between any two samples that do, below which
values are ordered, as rounded ones are."""


PROBABILITIES = (
    "the labels are probabilities, not values: every row is non-negative and sums to {}, as after "
    "a softmax; recover from the logarithms of their ratios instead, which are values of a "
    "network: np.log(Y[:, 1:] / Y[:, :1])"
)
LOG_PROBABILITIES = (
    "the labels are logarithms of probabilities, not values: their exponentials sum to one in "
    "every row, as after a log-softmax; recover from their differences instead, which are values "
    "of a network: Y[:, 1:] - Y[:, :1]"
)


def kind_of_labels(samples: Samples, net: Network | None = None) -> Finding | None:
    """What the labels are if they are not values; None if nothing shows that. `net`: a network
    fitted to them, whose directions the labels may be a function of."""
    few = samples.take(samples.spread(LOOKED_AT))
    simplex = on_simplex(few.Y)
    if simplex and not zeros_and_ones(few.Y):
        return failed(*simplex)
    classes = class_numbers(few.Y)
    if classes is None or not _function_of_inputs(few.X, few.Y, classes, net):
        return None
    return class_labels(few.Y)


def class_labels(Y: Array) -> Finding:
    """The kind, for labels (n, m) that are known to be class labels."""
    if zeros_and_ones(Y) and Y.shape[1] > 1:
        pattern = f"each row has a single one among {Y.shape[1]} zeros"
    else:
        levels = np.unique(Y, axis=0)
        shown = ", ".join(f"{row[0] + 0.0:g}" if len(row) == 1 else f"{row}" for row in levels[:4])
        pattern = f"they take only {len(levels)} values ({shown}{', …' if len(levels) > 4 else ''})"
    return failed(
        "class-labels",
        f"the labels are class labels, or values rounded as coarsely: {pattern}, and are a "
        "function of the inputs, without noise; recover from the scores that the classes are "
        "chosen by",
    )


def sigmoid() -> Finding:
    """The kind, for labels whose log-odds are known to be a network's values."""
    return failed(
        "probabilities",
        "the labels are probabilities, not values: each lies between zero and one, and is bounded "
        "by them, as after a sigmoid; recover from their log-odds instead, which are values of a "
        "network: np.log(Y / (1 - Y))",
    )


def log_odds(samples: Samples) -> Samples | None:
    """Samples with log(p / (1 − p)) in the place of labels p between zero and one, without those
    so near to either that rounding has taken the digits; None for labels of another range. `eps`
    is the rounding of most of them."""
    Y = np.asarray(samples.Y, np.float64)
    near = np.minimum(Y, 1 - Y)
    kept = np.flatnonzero((near > NEAREST).all(axis=1))
    if near.min() < 0 or np.ptp(Y) < WIDE or len(kept) < samples.n / 2:
        return None
    single = np.array_equal(Y.astype(np.float32).astype(np.float64), Y)
    odds = np.log(Y[kept] / (1 - Y[kept]))
    lost = 1 / (np.median(near[kept]) * np.sqrt((odds**2).mean()))
    eps = max(samples.eps, SINGLE if single else 0.0) * max(1.0, lost)
    return Samples(np.asarray(samples.X[kept], np.float64), odds, float(eps))


def on_simplex(Y: Array) -> tuple[str, str] | None:
    """Code and explanation where every row of labels is a probability distribution, or the
    logarithm of one, to the rounding of float32 or of the decimals given."""
    m = Y.shape[1]
    if m < 2 or not len(Y):
        return None
    off = m * max(16 * SINGLE, 0.5 * decimal_unit(Y))
    total = Y.sum(axis=1)
    for one, name in ((1.0, "one"), (100.0, "a hundred")):
        if Y.min() >= -off * one and (np.abs(total - one) <= off * one).all():
            if not np.ptp(Y, axis=0).any():
                return None
            return "probabilities", PROBABILITIES.format(name)
    if Y.max() > off or not np.ptp(Y, axis=0).any():
        return None
    with np.errstate(under="ignore"):
        total = np.exp(Y).sum(axis=1)
    if (np.abs(total - 1) <= off * (1 + np.abs(Y).max())).all():
        return "log-probabilities", LOG_PROBABILITIES
    return None


def decimal_unit(Y: Array) -> float:
    """10⁻ᵖ for labels that are all of p decimals, if p is below 7; else 0."""
    for places in range(7):
        if np.array_equal(np.round(Y, places), Y):
            return 10.0**-places if places else 0.0
    return 0.0


def zeros_and_ones(Y: Array) -> bool:
    """Whether labels are nothing but zeros and ones."""
    return bool(((Y == 0) | (Y == 1)).all())


def rounded_to_integers(samples: Samples) -> bool:
    """Whether labels are integers, and inputs are not: then they have been rounded, or
    counted, and it is no accident that many of them are off."""
    few = samples.take(samples.spread(LOOKED_AT))
    return _integers(few.Y) and not _integers(few.X)


def _integers(numbers: Array) -> bool:
    return bool(np.array_equal(np.round(numbers), numbers))


def many_levels(Y: Array) -> bool:
    """Whether the central nine tenths of some output's labels take more than `LEVELS` values."""
    for column in Y.T:
        low, high = np.quantile(column, (0.05, 0.95), method="nearest")
        if len(np.unique(column[(column >= low) & (column <= high)])) > LEVELS:
            return True
    return False


def steps(samples: Samples) -> Finding | None:
    """Class labels of inputs that take many values. Two units with hardly a gap between them
    explain a step along a hyperplane to rounding; values would be many, too."""
    few = samples.take(samples.spread(LOOKED_AT))
    if any(len(np.unique(column)) <= MOST_CLASSES for column in few.X.T):
        return None
    return kind_of_labels(samples) if class_numbers(few.Y) is not None else None


def class_numbers(Y: Array) -> Index | None:
    """Labels (n, m) as numbers of classes (n,): rows that are the same are of the same class. None
    where there are too many, or too few samples of them, for that to mean anything."""
    for column in Y.T:  # sorting rows is dear
        if len(np.unique(column)) > MOST_CLASSES:
            return None
    levels, classes, counts = np.unique(Y, axis=0, return_inverse=True, return_counts=True)
    most = min(MOST_CLASSES, len(Y) // MEMBERS)
    if not 2 <= len(levels) <= most or len(Y) - counts.max() < 2 * MEMBERS:
        return None
    return np.asarray(classes.reshape(-1), dtype=np.intp)


def _function_of_inputs(X: Array, Y: Array, classes: Index, net: Network | None) -> bool:
    """Whether near neighbours are of the same class, in all the inputs, if they are few, or along
    the directions that classes differ in. Those are found on one half of the samples and looked
    at on the other: among many inputs, some separate any few samples."""
    centred = X - X.mean(axis=0)
    features = whiten(centred).features
    n, d = features.shape
    bar = TWO if classes.max() == 1 else SEVERAL
    if d <= DIRECTIONS:  # near in all inputs, they differ next to a boundary alone
        return _near_alike(features, Y, classes, bar, 0.5 * bar)
    if net is not None and net.n_units:
        directions = np.linalg.svd(net.V * np.linalg.norm(net.U, axis=0)[:, None])[2]
        views = [centred @ directions[:q].T for q in range(1, DIRECTIONS + 1)]
        if any(_near_alike(view, Y, classes, bar, bar) for view in views):
            return True
    if n < 2 * PER_DIRECTION * d:
        return False
    half = np.random.default_rng(0).permutation(n)
    first, second = np.sort(half[: n // 2]), np.sort(half[n // 2 :])
    directions = _directions(features[first], classes[first])
    views = [features[second] @ directions[:, :q] for q in range(1, DIRECTIONS + 1)]
    return any(_near_alike(view, Y[second], classes[second], bar, bar) for view in views)


def _directions(features: Array, classes: Index) -> Array:
    """(d, q): in which the classes' means and covariances differ most (sliced average variance
    estimation, Cook and Weisberg 1991), the first ones first."""
    n, d = features.shape
    total = np.zeros((d, d))
    for label in np.unique(classes):
        own = features[classes == label]
        mean = own.mean(axis=0)
        total += len(own) / n * np.outer(mean, mean)
        if len(own) > 2 * d:
            spread = np.eye(d) - np.atleast_2d(np.cov(own.T, bias=True))
            total += len(own) / n * spread @ spread
    return np.asarray(np.linalg.eigh(total)[1][:, ::-1])


def _near_alike(view: Array, Y: Array, classes: Index, bar: float, at_once: float) -> bool:
    """Whether neighbours in these coordinates differ rarely, and at no distance at all up to
    `at_once`; and, where there are many values, as often by a large step as by a small one."""
    from scipy.spatial import cKDTree

    n = len(view)
    if n <= 2 * NEIGHBOURS[-1]:
        return False
    asked = np.random.default_rng(0).permutation(n)[:ASKED]
    found = cKDTree(view).query(view[asked], int(NEIGHBOURS[-1]) + 1)
    # Of inputs that repeat, the sample itself need not come first; any of them will do.
    distances, near = (np.asarray(one)[:, NEIGHBOURS] for one in found)
    differ = classes[near] != classes[asked][:, None]
    shares = np.bincount(classes) / n
    often = differ.mean(axis=0) / (1 - (shares**2).sum())
    design = np.column_stack([np.ones(len(NEIGHBOURS)), distances.mean(axis=0)])
    limit = max(0.0, float(np.linalg.lstsq(design, often)[0][0]))
    if limit > at_once or 0.5 * (limit + float(often[0])) > bar:
        return False
    if not many_levels(Y):
        return True
    steps = np.linalg.norm(Y[near] - Y[asked][:, None], axis=2)[differ]
    any_two = np.linalg.norm(Y[asked] - Y[np.roll(asked, 1)], axis=1)
    any_two = any_two[any_two > 0]
    return bool(len(steps) and steps.mean() > ORDERED * any_two.mean())
