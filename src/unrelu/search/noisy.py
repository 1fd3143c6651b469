"""Noisy labels: which kind of noise is it, and the fit that is efficient for that kind.

The search is least squares (`least_squares`) whatever the kind of noise (`noise.kinds`): on clipped
labels, where these have heavy tails. What it leaves tells the kind. The number of units is chosen
by tests at a known rate (`fitting.width`) with the loss of that kind, and so is the network: of all
starts the best, followed to its minimum on all samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import Fitting, LeastSquares, fitting_of, without_units
from unrelu.fitting.problem import choose_rows
from unrelu.fitting.selection import Effort
from unrelu.fitting.width import MOST_MORE, Chosen, asks_for_more, choose, with_units
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise import kinds
from unrelu.noise.found import Noise, Width
from unrelu.noise.gaussian import noise_covariance
from unrelu.noise.independent import clipped, freedom_about_affine, long_tailed, robust_affine
from unrelu.noise.kind import FirstFit, NoiseKind
from unrelu.noise.resolution import resolution
from unrelu.numerics.arrays import Index
from unrelu.numerics.spread import NORMAL, robust_spread, telling
from unrelu.samples import Samples
from unrelu.search import least_squares
from unrelu.search.agreement import best_of_starts

GROSS = 2.0
"""Degrees of freedom of Student's t, for labels less an affine function, up to which gross errors
are looked for."""

CAUTIONS = 3.0, 2.0
"""Times the usual edge that a unit must show in the first two networks that labels are clipped
about: clipping bends what it clips, and what is bent would be explained by units that are not
there, and that clipping about them would confirm."""

ASIDE, MOST_ASIDE, FEW_ASIDE = 0.2, 10_000, 200
"""Share of the samples that the search does not see, so that what it finds can be tried on them;
at most so many samples; and labels from which on that tells anything, its median being good to a
tenth."""

WEIGHED = 20_000
"""Samples that the number of units is chosen by, or as many as the search has seen."""

FIRST = 2
"""Starts of the search while the number of units is open: of labels that units alone do not
explain hardly two will agree before those are taken away that noise has made."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of noisy samples, and the effort that has gone into the answer."""

    n_units: int | None
    bias: bool
    skip: bool
    activation: Activation
    alpha: float
    step: float
    rng: np.random.Generator
    effort: Effort = field(default_factory=Effort)

    def search(
        self,
        samples: Samples,
        n_units: int | None,
        starts: int,
        *,
        near: Network | None = None,
        effort: Effort | None = None,
    ) -> Network:
        """A search by least squares, for so many units."""
        return least_squares.search(
            samples,
            n_units=n_units,
            bias=self.bias,
            rng=self.rng,
            effort=effort or self.effort,
            most_starts=starts,
            near=near,
            skip=self.skip,
            activation=self.activation,
        )

    def fitting(self, kind: NoiseKind, net: Network, samples: Samples) -> Fitting:
        return fitting_of(kind, net, samples, self.bias, self.skip, self.effort)


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search has led to: the network, the samples that further fits look at and their rows,
    the kind of their noise and why it is that; whether they have heavy tails, so that further
    searches are to clip them; and how noise grew on samples that were kept aside."""

    net: Network
    samples: Samples
    rows: Index
    kind: NoiseKind
    reason: str
    heavy: bool
    growth: float


@dataclass(frozen=True, eq=False)
class Settled:
    """The network with its number of units, and what the tests have shown; `search` and `common` as
    in `Noise`. `better`: of a number that was told, another network that fits better."""

    net: Network
    widths: tuple[Width, ...] = ()
    search: str = ""
    common: int = 0
    better: Network | None = None


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
) -> Candidate:
    """The estimate for the kind of noise named, or, for "auto", for the one that is there. The
    search starts from a network that is `near` already, where there is one. With `skip`, a linear
    term is part of the network. The number of units, where it is not told, is that of `width` at
    level `alpha`; labels may be rounded to multiples of `step`. Where it is told, the samples ask
    for more, and that leads to a better network, the search starts again from it."""
    asked = Question(n_units, bias, skip, activation, alpha, step, rng)
    searched = _searched(samples, asked, kind, near)
    settled = _settled(searched, asked)
    if settled.better is not None:
        asked = replace(asked, effort=Effort())
        searched = _searched(samples, asked, kind, settled.better)
        settled = _settled(searched, asked)
    net = _finished(settled.net, searched, asked)
    return _described(net, searched, settled, asked, told=kind != "auto")


def _searched(samples: Samples, asked: Question, kind: str, near: Network | None) -> Searched:
    """The search, and the kind of noise that it leaves."""
    bias = asked.bias
    told = kinds.KINDS.get(kind)
    suspected = told or kinds.suspected(samples, bias)
    clips = suspected is None or suspected.robust
    net, growth = _searched_in_part(samples, asked, clips, near)
    rows = choose_rows(samples, least_squares.most_rows(samples, net.n_units), asked.rng)
    few = samples.take(rows)
    heavy = clips and long_tailed(few, net, bias)
    tame = clipped(few, net(few.X)) if heavy else few
    net = LeastSquares(net, tame, bias=bias, skip=asked.skip, effort=asked.effort).fit(net)
    found, reason = told, ""
    if found is None:
        looked_like = suspected.name if suspected else ""
        found, reason = kinds.recognised(FirstFit(few, net, bias, looked_like, heavy))
    few = few.as_they_stand() if found.whole else few
    return Searched(net, few, rows, found, reason, heavy, growth)


def _searched_in_part(
    samples: Samples, asked: Question, clips: bool, near: Network | None
) -> tuple[Network, float]:
    """A network that was searched for on a part of the samples, and how noise grows on others."""
    if asked.n_units == 0:
        few = samples.take(samples.spread(least_squares.most_rows(samples, 0)))
        return without_units(few, asked.bias, asked.skip, asked.activation), 1.0
    order = asked.rng.permutation(samples.n)
    used = min(_wanted(samples, asked), samples.n - int(ASIDE * samples.n))
    seen = samples.take(np.sort(order[:used]))
    aside = samples.take(np.sort(order[used : used + MOST_ASIDE]))
    starts = FIRST if asked.n_units is None else least_squares.MOST_STARTS
    net = asked.search(seen, asked.n_units, starts, near=near)
    if clips and long_tailed(seen, net, asked.bias):
        net = _searched_clipped(seen, asked, starts, near)
    return net, _growth(net, seen, aside, asked.bias)


def _wanted(samples: Samples, asked: Question) -> int:
    return least_squares.search_rows(samples, asked.n_units or least_squares.FIRST_WIDTH)


def _searched_clipped(
    samples: Samples, asked: Question, starts: int, near: Network | None
) -> Network:
    """The search on labels clipped about one fit after the other."""
    fitted = robust_affine(samples, asked.bias) if near is None else near(samples.X)
    for caution in CAUTIONS if near is None else ():
        rough = asked.search(clipped(samples, fitted), asked.n_units, 1, effort=Effort(caution))
        fitted = rough(samples.X)
    asked.effort.gains.clear()
    return asked.search(clipped(samples, fitted), asked.n_units, starts, near=near)


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


def _settled(searched: Searched, asked: Question) -> Settled:
    """The number of units, and whether searches agree on them."""
    if asked.n_units == 0:
        return Settled(searched.net)
    few, rng = searched.samples, asked.rng
    weighed = few.take(choose_rows(few, max(WEIGHED, _wanted(few, asked)), rng))
    fitting = asked.fitting(searched.kind, searched.net, weighed)
    net = fitting.fit(searched.net)
    settled = Settled(net)
    if asked.n_units is None:
        chosen = _chosen(net, fitting, searched, asked, about=net)
        settled = Settled(chosen.network, chosen.widths, "endless" if chosen.endless else "")
    elif asks_for_more(net, fitting, alpha=asked.alpha, rng=rng):
        other = with_units(_again(None, searched, asked, net), fitting, asked.n_units, rng)
        better = fitting.gain(net, other) > 0
        settled = Settled(net, search="more", better=other if better else None)
    if settled.search or not settled.net.n_units:
        return settled
    return _agreed(settled, fitting, searched, asked)


def _chosen(
    start: Network, fitting: Fitting, searched: Searched, asked: Question, about: Network
) -> Chosen:
    return choose(
        start,
        fitting,
        alpha=asked.alpha,
        most=least_squares.most_width(fitting.samples, asked.bias),
        rng=asked.rng,
        step=0.0 if searched.kind.whole else asked.step,
        about=about,
    )


def _again(n_units: int | None, searched: Searched, asked: Question, net: Network) -> Network:
    """Another search, for so many units; about the network where tails are heavy."""
    few = searched.samples
    return asked.search(clipped(few, net(few.X)) if searched.heavy else few, n_units, 1)


def _agreed(settled: Settled, fitting: Fitting, searched: Searched, asked: Question) -> Settled:
    """The best of several searches; where they disagree, perhaps that of fewer units."""

    def again(n_units: int) -> Network:
        return _again(n_units, searched, asked, settled.net)

    widths, effort = settled.widths, asked.effort
    net, common = best_of_starts(settled.net, fitting, effort, again)
    if common < net.n_units <= MOST_MORE and asked.n_units is None:
        fewer = _chosen(fitting.without_units(), fitting, searched, asked, about=net)
        if not fewer.endless and fewer.network.n_units < net.n_units:
            widths, effort.others = fewer.widths, ()
            net, common = best_of_starts(fewer.network, fitting, effort, again)
    if common == net.n_units:
        return Settled(net, widths)
    return Settled(net, widths, "disagree", common)


def _finished(net: Network, searched: Searched, asked: Question) -> Network:
    """The best fit of so many units to all samples."""
    for _ in range(2):  # what a rough network leaves is not only noise
        fitting = asked.fitting(searched.kind, net, searched.samples)
        net = fitting.fit(net)
    if not net.n_units or not net.activation.reversible:
        return net
    net = fitting.revised(net, asked.rng, asked.effort)
    polished = fitting.polished(net)
    return polished if fitting.gain(polished, net) < net.n_units else net  # else led away


def _described(
    net: Network, searched: Searched, settled: Settled, asked: Question, *, told: bool
) -> Candidate:
    """The estimate with its noise; what speaks against a kind that was `told`."""
    few, kind, predicted = searched.samples, searched.kind, net(searched.samples.X)
    noise = Noise(
        kind.name,
        searched.reason,
        noise_covariance(few.left(predicted), net, asked.bias, resolution(few)),
        settled.widths,
        growth=searched.growth,
        alpha=asked.alpha,
        search=settled.search,
        common=settled.common,
    )
    if kind.loss is not None:
        noise = kind.described(noise, kind.loss(few, predicted))
    effort = asked.effort
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(searched.rows)}
    note = kind.doubts(few, net, asked.bias) if told else ""
    return Candidate(net, searched.rows, stats, note, noise)


def gross(samples: Samples, bias: bool) -> bool:
    """Whether labels, less an affine function of the inputs, have tails as heavy as gross errors
    would make them. Counts are left out: most of them may be zero, which says nothing of tails."""
    plain = kinds.suspected(samples, bias) is None
    return plain and freedom_about_affine(samples, bias) <= GROSS
