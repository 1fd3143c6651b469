"""Noisy labels: which kind of noise is it, and the fit that is efficient for that kind.

gaussian     mean-zero noise of finite variance, of any covariance between the outputs: least
             squares (`least_squares`) in the metric of that covariance.
independent  anything that does not depend on X (BJW Theorem 6). For the search, labels far from
             an affine fit are clipped, then those far from the first network found (Huber's
             pseudo-values), so that their variance is finite; at the end comes maximum
             likelihood under Student's t, on the labels as they are.
poisson      variance proportional to the mean, as that of counts: least squares with weights,
             for true Poisson counts the maximum of their likelihood.

The search is least squares in every case, and chooses the number of units; those of counts are
weighed again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.activations import RELU, Activation
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import Counts, Fitting, LeastSquares, Tails, moved, without_units
from unrelu.fitting.problem import choose_rows, resolution
from unrelu.fitting.selection import Effort, revise
from unrelu.fitting.width import (
    MOST_MORE,
    Chosen,
    asks_for_more,
    choose,
    with_units,
    without_least,
)
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.found import Noise, Width
from unrelu.noise.gaussian import noise_covariance
from unrelu.noise.losses import HeavyTails, counted, heavy_tails
from unrelu.numerics.arrays import Array
from unrelu.numerics.spread import NORMAL, by_chance, robust_spread, telling
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.search import least_squares

HEAVY = 5.0
"""Degrees of freedom of Student's t up to which tails are called heavy. Least squares then wastes
a quarter of the samples or more: its efficiency is 1 − 6/(ν(ν + 1))."""

TAILED = (
    "what is left has heavy tails: least squares is not precise then, and may take a few large "
    "errors for units"
)
MADE_FOR_TAILS = "; noise='independent' is made for them"

FEW_TAILED = 30
"""Labels below which nothing is told of tails."""

GROSS = 2.0
"""The same, for labels less an affine function: from which on gross errors are looked for."""

LOOKED_AT = 20_000
"""Rows that decide either."""

REACH = 4.0
"""Standard deviations (of the middle half of the residuals) at which labels are clipped."""

CAUTIONS = 3.0, 2.0
"""Times the usual edge that a unit must show in the first two networks that labels are clipped
about: clipping bends what it clips, and what is bent would be explained by units that are not
there, and that clipping about them would confirm."""

ASIDE, MOST_ASIDE, FEW_ASIDE = 0.2, 10_000, 200
"""Share of the samples that the search does not see, so that what it finds can be tried on them;
at most so many samples; and labels from which on that tells anything, its median being good to a
tenth."""

SIGNIFICANT = 6.0
"""Standard errors by which the noise of labels that are no counts must grow with the mean to be
called Poisson-like."""

WEIGHED = 20_000
"""Samples that the number of units is chosen by, or as many as the search has seen."""

SAME = 4.0
"""Noise variances to a weight by which the units of two searches may differ and still be the same:
next to each minimum there are others, with the hyperplanes on other sides of some samples."""

ROUNDED = 1e-12
"""Squared angle that rounding of the labels may leave where there is no noise to speak of."""

FIRST, AGAIN = 2, 4
"""Starts of the search while the number of units is open: of labels that units alone do not
explain hardly two will agree before those are taken away that noise has made. Then further starts
of as many units, where no two have ended in the best network, at most for as long again."""

TINY = float(np.finfo(np.float64).tiny)

DISPERSED = 10.0
"""Variances to a mean label, of what no affine function explains, up to which whole numbers are
taken for counts: those of neurons or photons stay below 3 or so, gross errors go beyond."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    kind: str,
    rng: np.random.Generator,
    near: Network | None = None,
    skip: bool = False,
    activation: Activation = RELU,
    alpha: float = 0.01,
    step: float = 0.0,
    last: bool = False,
) -> Candidate:
    """The estimate for the kind of noise named, or, for "auto", for the one that is there. The
    search starts from a network that is `near` already, where there is one. With `skip`, a linear
    term is part of the network. The number of units, where it is not told, is that of `width` at
    level `alpha`; labels may be rounded to multiples of `step`. Where it is told, and the samples
    ask for more, another search is made, unless this is the `last`."""
    effort = Effort()
    counts = kind == "auto" and _counts(samples, bias)
    known = "poisson" if counts else kind
    if n_units == 0:
        rows = choose_rows(samples, least_squares.most_rows(samples, 0), rng)
        few, growth = samples.take(rows), 1.0
        net = without_units(few, bias, skip, activation)
    else:
        wanted = least_squares.search_rows(samples, n_units or least_squares.FIRST_WIDTH)
        order = rng.permutation(samples.n)
        used = min(wanted, samples.n - int(ASIDE * samples.n))
        seen = samples.take(np.sort(order[:used]))
        aside = samples.take(np.sort(order[used : used + MOST_ASIDE]))
        net = _searched(seen, n_units, bias, known, rng, effort, near, skip, activation)
        growth = _growth(net, seen, aside, bias)
        rows = choose_rows(samples, least_squares.most_rows(samples, net.n_units), rng)
        few = samples.take(rows)
    tailed = known != "poisson" and _heavy(few, net, bias)
    heavy = tailed and known != "gaussian"
    tame = _clipped(few, net(few.X)) if heavy else few
    net = LeastSquares(net, tame, bias=bias, skip=skip, effort=effort).fit(net)
    named, reason = _kind(net, few, kind, counts=counts, heavy=heavy)
    if named == "poisson":  # counts are whole, and not rounded
        few, step = few.as_they_stand(), 0.0

    def fitting(net: Network, samples: Samples) -> Fitting:
        if named == "gaussian":
            return LeastSquares(net, samples, bias=bias, skip=skip, effort=effort)
        noise = Counts if named == "poisson" else Tails
        return noise(samples, bias=bias, skip=skip, activation=activation)

    widths: tuple[Width, ...] = ()
    searched, common = "", 0
    if n_units != 0:
        weighed = few.take(choose_rows(few, max(WEIGHED, wanted), rng))
        model = fitting(net, weighed)
        net = model.fit(net)

        def again(units: int | None) -> Network:
            return _started(few, net, units, bias, heavy, rng, effort, skip)

        def settled(start: Network) -> Chosen:
            most = least_squares.most_width(weighed, bias)
            return choose(
                start,
                model,
                bias=bias,
                skip=skip,
                alpha=alpha,
                most=most,
                rng=rng,
                step=step,
                about=net,
            )

        if n_units is None:
            chosen = settled(net)
            net, widths = chosen.network, chosen.widths
            searched = "endless" if chosen.endless else ""
        elif asks_for_more(net, model, bias=bias, skip=skip, alpha=alpha, rng=rng):
            other = with_units(again(None), model, n_units, bias=bias, skip=skip, rng=rng)
            if model.gain(net, other) > 0 and not last:
                return find(
                    samples,
                    n_units=n_units,
                    bias=bias,
                    kind=kind,
                    rng=rng,
                    near=other,
                    skip=skip,
                    activation=activation,
                    alpha=alpha,
                    step=step,
                    last=True,
                )
            searched = "more"
        if net.n_units and not searched:
            net, common = _best(net, model, effort, again)
            if common < net.n_units <= MOST_MORE and n_units is None:
                fewer = settled(model.without_units())
                if not fewer.endless and fewer.network.n_units < net.n_units:
                    widths, effort.others = fewer.widths, ()
                    net, common = _best(fewer.network, model, effort, again)
            searched = "" if common == net.n_units else "disagree"
    net = _finished(net, fitting, few, rng, effort)
    covariance = noise_covariance(few.left(net(few.X)), net, bias, resolution(few))
    noise = Noise(named, reason, covariance, widths, growth=growth, alpha=alpha)
    noise = replace(noise, search=searched, common=common * (searched == "disagree"))
    if named == "independent":
        tails = heavy_tails(few.left(net(few.X)), resolution(few), np.asarray(few.Y, np.float64))
        noise = replace(noise, covariance=np.diag(tails.scale**2), freedom=tails.freedom)
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(rows)}
    note = TAILED + MADE_FOR_TAILS if tailed and named == "gaussian" else ""
    return Candidate(net, rows, stats, note, noise)


def _started(
    samples: Samples,
    net: Network,
    n_units: int | None,
    bias: bool,
    heavy: bool,
    rng: np.random.Generator,
    effort: Effort,
    skip: bool,
) -> Network:
    """Another search, for so many units; about the network where tails are heavy."""
    return least_squares.search(
        _clipped(samples, net(samples.X)) if heavy else samples,
        n_units=n_units,
        bias=bias,
        rng=rng,
        effort=effort,
        most_starts=1,
        skip=skip,
        activation=net.activation,
    )


def _kind(
    net: Network, samples: Samples, kind: str, *, counts: bool, heavy: bool
) -> tuple[str, str]:
    """Which kind of noise it is, and why, where that was not told."""
    if kind != "auto":
        return kind, ""
    if net.n_units and (_likelier(net, samples) if counts else _grows(net, samples)):
        said = "the labels' variance grows in proportion to their mean"
        return "poisson", "the labels are counts, and " * counts + said
    if counts and not net.n_units:
        return "poisson", "the labels are counts"
    return ("independent", "its tails are heavy") if heavy else ("gaussian", "")


def _finished(
    net: Network,
    fitting: Callable[[Network, Samples], Fitting],
    samples: Samples,
    rng: np.random.Generator,
    effort: Effort,
) -> Network:
    """The best fit of so many units to all samples."""
    for _ in range(2):  # what a rough network leaves is not only noise
        model = fitting(net, samples)
        net = model.fit(net)
    if not net.n_units or not net.activation.reversible:
        return net
    if isinstance(model, LeastSquares):
        problem = model.problem
        points = problem.points(net.V, net.b)
        fit = revise(problem, problem.strict.start(points), net.n_units, rng, effort)
        net = moved(problem.network(*problem.hyperplanes(fit.point)), model.centre)
    polished = model.polished(net)
    return polished if model.gain(polished, net) < net.n_units else net  # else led away


def _best(
    net: Network, model: Fitting, effort: Effort, again: Callable[[int | None], Network]
) -> tuple[Network, int]:
    """The best network of as many units that a start of the search ends in, once the units are
    taken away that noise has made; and how many of its units another start has found as well: all
    of them, unless no two agree. `again` makes another start."""
    found = [net]
    for start in effort.others:
        other = start
        while other.n_units > net.n_units:
            other = without_least(other, model)
        found.append(model.fit(other))
    found = [other for other in found if other.n_units == net.n_units]
    spent = effort.operations
    for attempt in range(AGAIN + 1):
        best = found[0]
        for other in found[1:]:
            best = other if model.gain(best, other) > 0 else best
        if effort.starts == 1 and effort.agreed:  # from a network that was near
            return best, best.n_units
        common = max(
            (_common(other, best, model) for other in found if other is not best), default=0
        )
        enough = attempt == AGAIN or effort.operations > 2 * spent
        if common == best.n_units or enough:
            break
        other = model.fit(again(net.n_units))
        found += [other] * (other.n_units == net.n_units)
    return best, common


def _common(other: Network, net: Network, model: Fitting) -> int:
    """How many units are the same within the noise: turning one by an angle φ costs some φ² of what
    it gains in all."""
    turned = _turned(other, net, np.asarray(model.samples.X, np.float64))
    turned = np.where(turned > ROUNDED, turned, 0.0)
    return int((turned * model.importance(net) < SAME * (net.n_inputs + 1)).sum())


def _turned(other: Network, net: Network, X: Array) -> Array:
    """(k,): the squared angles, as the samples see them, that the hyperplane of each unit of `net`
    is turned by in the other network: its side may be another where a linear part makes up."""
    here, there = (one.preactivations(X) for one in (net, other))
    here, there = (z / np.maximum(np.linalg.norm(z, axis=0), TINY) for z in (here, there))
    cosines = np.abs(here.T @ there)
    units, partners = linear_sum_assignment(-cosines)
    return np.asarray(2 - 2 * cosines[units, partners])


def _searched(
    samples: Samples,
    n_units: int | None,
    bias: bool,
    kind: str,
    rng: np.random.Generator,
    effort: Effort,
    near: Network | None,
    skip: bool,
    activation: Activation,
) -> Network:
    """The search; if it leaves heavy tails, again, on labels clipped about one fit after the
    other."""
    starts = FIRST if n_units is None else least_squares.MOST_STARTS
    net = least_squares.search(
        samples,
        n_units=n_units,
        bias=bias,
        rng=rng,
        effort=effort,
        most_starts=starts,
        near=near,
        skip=skip,
        activation=activation,
    )
    if kind not in ("auto", "independent") or not _heavy(samples, net, bias):
        return net
    fitted = _robust_affine(samples, bias) if near is None else near(samples.X)
    for caution in CAUTIONS if near is None else ():
        rough = least_squares.search(
            _clipped(samples, fitted),
            n_units=n_units,
            bias=bias,
            rng=rng,
            effort=Effort(caution),
            most_starts=1,
            skip=skip,
            activation=activation,
        )
        fitted = rough(samples.X)
    effort.gains.clear()
    return least_squares.search(
        _clipped(samples, fitted),
        n_units=n_units,
        bias=bias,
        rng=rng,
        effort=effort,
        most_starts=starts,
        near=near,
        skip=skip,
        activation=activation,
    )


def _growth(net: Network, seen: Samples, aside: Samples, bias: bool) -> float:
    """Noise variance by the samples kept aside over that by those the network was fitted to, less
    what fitting does to both: p unknowns lower the one by 1 − p/N and raise the other by 1 + p/N.
    By medians, so that gross errors do not count, and less four standard errors of the median of
    N' normal values: it is a lower bound. One where there are too few to tell."""
    if aside.n * aside.m < FEW_ASIDE:
        return 1.0
    scale = robust_spread(seen.left(net(seen.X)), seen.Y)
    scale = np.maximum(scale, resolution(seen) + np.finfo(np.float64).tiny)
    rest = aside.left(net(aside.X))
    marks = telling(rest, aside.Y)
    ratio = float(np.median(np.abs(rest / scale)[marks]) / NORMAL) ** 2
    share = unknowns_of(net, biases=bias, skip=net.skip) / (seen.n * seen.m)
    doubt = 4 * 2.33 / np.sqrt(marks.sum())
    return float(ratio * max(0.0, 1 - share) / (1 + share) / (1 + doubt))


@dataclass(frozen=True, eq=False)
class Weighting:
    """What a fit minimised, and what may be assumed of the noise, in the words of
    `uncertainty.assess`."""

    form: str = "homoscedastic"
    covariance: Array | None = None
    weights: Array | None = None
    scores: Array | None = None
    sample_weight: Array | None = None


def weighting(net: Network, samples: Samples, noise: Noise) -> Weighting:
    """Of the fit that left this noise."""
    if noise.kind == "poisson":
        Y = np.asarray(samples.Y, np.float64)
        # Spikes of neighbouring cells come together, and their variance need not be quite
        # proportional to the mean: the sandwich holds all the same.
        weights = counted(Y, net(samples.X), samples.root**2)
        return Weighting("sandwich", weights=weights)
    if noise.kind == "independent":
        tails = HeavyTails(noise.freedom, np.sqrt(np.diag(noise.covariance)))
        root, residual = samples.root, samples.left(net(samples.X))
        slopes = root**2 * tails.slopes(residual)
        return Weighting(weights=slopes, scores=root * tails.weights(residual) * residual)
    return Weighting("auto", noise.covariance, sample_weight=samples.weights)


def gross(samples: Samples, bias: bool) -> bool:
    """Whether labels, less an affine function of the inputs, have tails as heavy as gross errors
    would make them. Counts are left out: most of them may be zero, which says nothing of tails."""
    return not _counts(samples, bias) and _tails(samples, bias) <= GROSS


def _counts(samples: Samples, bias: bool) -> bool:
    """Whether labels are whole numbers, none negative, and no more dispersed than counts are."""
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    Y = np.asarray(few.Y, np.float64)
    if Y.min() < 0 or (Y % 1).any():
        return False
    design = with_constant(few.X) if bias else np.asarray(few.X, np.float64)
    rest = Y - design @ np.linalg.lstsq(design, Y)[0]
    return bool((rest.var(axis=0) <= DISPERSED * Y.mean(axis=0)).all())


def _tails(samples: Samples, bias: bool) -> float:
    """Degrees of freedom of Student's t that suit the labels less an affine function."""
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    return heavy_tails(few.left(_robust_affine(few, bias)), resolution(few), few.Y).freedom


def _heavy(samples: Samples, net: Network, bias: bool) -> bool:
    """Whether what the network leaves has heavy tails. Not where labels come to one value, zero
    say, by chance: about a mean that is not constant, that noise depends on the inputs, and a
    robust fit would be one of something else than the mean. Nor of a few labels, some of which
    may lie on a line by chance."""
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    fitted = net(few.X)
    if few.n * few.m < FEW_TAILED:
        return False
    if heavy_tails(few.left(fitted), resolution(few), few.Y).freedom > HEAVY:
        return False
    return not (by_chance(fitted, few.Y) and by_chance(_robust_affine(few, bias), few.Y))


def _clipped(samples: Samples, fitted: Array) -> Samples:
    """Labels within REACH robust standard deviations of what has been fitted to them."""
    Y = np.asarray(samples.Y, np.float64)
    width = REACH * robust_spread(samples.left(fitted), Y) / samples.root
    return replace(samples, Y=np.clip(Y, fitted - width, fitted + width))


def tamed(samples: Samples, net: Network) -> Samples:
    """Labels clipped about a network, so that gross errors do not weigh in least squares."""
    return _clipped(samples, net(np.asarray(samples.X, np.float64)))


def _robust_affine(samples: Samples, bias: bool) -> Array:
    """Affine predictions (n, m), fitted to labels clipped about their median, then about the
    fit."""
    X, Y, root = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64), samples.root
    design = with_constant(X) if bias else X
    fitted = np.median(Y, axis=0) * np.ones((len(Y), 1))
    for _ in range(2):
        width = REACH * robust_spread(samples.left(fitted), Y) / root
        tame = np.clip(Y, fitted - width, fitted + width)
        fitted = np.asarray(design @ np.linalg.lstsq(root * design, root * tame)[0])
    return fitted


def _likelier(net: Network, samples: Samples) -> bool:
    """Are counts likelier with a variance proportional to their mean than with a constant one?
    Of normal likelihoods; at the best dispersion only the logarithms of the variances differ. An
    output without noise, such as one of zeros, has no say."""
    Y, predicted, root = np.asarray(samples.Y, np.float64), net(samples.X), samples.root
    growing = -np.log(counted(Y, predicted, root**2) / root**2).mean(axis=0)
    size = (samples.left(predicted) ** 2).mean(axis=0)
    said = size > resolution(samples) ** 2
    return bool(growing[said].sum() < np.log(size[said]).sum())


def _grows(net: Network, samples: Samples) -> bool:
    """Is the noise of labels that are never negative proportional to their mean? In the
    regression of r² on the prediction the slope must be plain, and the constant small beside the
    mean of r²."""
    Y = np.asarray(samples.Y, np.float64)
    if Y.min() < 0:
        return False
    mean = net(samples.X)
    square = samples.left(mean) ** 2
    centred = mean - mean.mean(axis=0)
    spread = (centred**2).sum(axis=0) + np.finfo(np.float64).tiny
    slope = (centred * square).sum(axis=0) / spread
    rest = square - square.mean(axis=0) - slope * centred
    error = np.sqrt((centred**2 * rest**2).sum(axis=0)) / spread
    constant = square.mean(axis=0) - slope * mean.mean(axis=0)
    plain = slope > SIGNIFICANT * error
    proportional = np.abs(constant) < 0.5 * square.mean(axis=0)
    return bool(plain.any() and (proportional | ~plain).all())
