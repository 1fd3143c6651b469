"""Noisy labels: which kind of noise is it, and the fit that is efficient for that kind.

The search is least squares (`least_squares`) whatever the kind of noise (`noise.kinds`): on clipped
labels, where these have heavy tails. What it leaves tells the kind. The number of units is chosen
by tests at a known rate (`fitting.width`) with the loss of that kind, and so is the network: of all
starts the best, followed to its minimum on all samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.evidence.shared_rounding import rounded_apart
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import Fitting, LeastSquares, without_units
from unrelu.fitting.one_more import UNEQUAL
from unrelu.fitting.problem import choose_rows
from unrelu.fitting.selection import Effort
from unrelu.fitting.sweeps import swept
from unrelu.fitting.width import MOST_MORE, Chosen, asks_for_more, with_units
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.found import HOPELESS, WIDER, Width
from unrelu.noise.independent import clipped, freedom_about_affine, long_tailed, robust_affine
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Index
from unrelu.samples import Samples
from unrelu.search import counts, least_squares
from unrelu.search.agreement import best_from_afar, best_of_starts
from unrelu.search.growth import growth
from unrelu.search.hopeless import is_hopeless
from unrelu.search.request import Request
from unrelu.search.task import Task
from unrelu.search.unsettled import GROWTH
from unrelu.search.watch import watch

GROSS = 2.0
"""Degrees of freedom of Student's t, for labels less an affine function, up to which gross errors
are looked for."""

CAUTIONS = 3.0, 2.0
"""Times the usual edge that a unit must show in the first two networks that labels are clipped
about: clipping bends what it clips, and what is bent would be explained by units that are not
there, and that clipping about them would confirm."""

TAILS_SHOW = 1000
"""Labels from which heavy tails show in what least squares leave of them."""

HELD_OUT, MOST_HELD_OUT = 0.2, 10_000
"""Share of the samples held out of the search, to test its network on; at most so many."""

TESTED = 20_000
"""Samples that the number of units is chosen by, or as many as the search has used."""

FIRST = 2
"""Starts of the search while the number of units is open: of labels that units alone do not
explain hardly two will agree before those are taken away that noise has made."""


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search has led to: the network, the samples that further fits look at and their rows,
    the kind of their noise and why it is that; whether they have heavy tails, so that further
    searches are to clip them; and how the noise grew on held-out samples."""

    net: Network
    samples: Samples
    rows: Index
    kind: NoiseKind
    reason: str
    heavy: bool
    growth: float


@dataclass(frozen=True, eq=False)
class WidthFound:
    """The network with its number of units, and the results of the tests; `search` and `common` as
    in `Noise`. `better`: of a given number of units, another network that fits better."""

    net: Network
    widths: tuple[Width, ...] = ()
    search: str = ""
    common: int = 0
    better: Network | None = None


def find(task: Task, kind: str, rng: np.random.Generator, near: Network | None = None) -> Candidate:
    """The estimate for the kind of noise named, or, for "auto", for the one that is there. The
    search starts from a network that is `near` already, where there is one. With a skip connection,
    a linear term is part of the network. The number of units, where it is not given, is that of
    `width` at level `alpha`; labels may be rounded to multiples of a step. Where it is given, the
    samples ask for more, and that leads to a better network, the search starts again from it."""
    samples, step = task.weighted, task.precision.step
    asked = task.n_units, task.bias, task.skip, task.activation, task.alpha, step
    request = Request(*asked, rng, kind)
    searched = _search(samples, request, kind, near)
    found = _choose_width(searched, request)
    if found.better is not None:
        request = request.again()
        searched = _search(samples, request, kind, found.better)
        found = _choose_width(searched, request)
    net = _finish(found.net, searched, request, rough=found.search == HOPELESS)
    return _describe(net, searched, found, request, given=kind != "auto")


def _search(samples: Samples, request: Request, kind: str, near: Network | None) -> Searched:
    """The search, and the kind of noise that it leaves."""
    bias = request.bias
    watch().enter("least squares")
    suspected = kinds.KINDS.get(kind) or kinds.suspected(samples, bias)
    clips = suspected is None or suspected.robust
    net, growth = _search_part(samples, request, suspected, clips, near)
    rows = choose_rows(samples, least_squares.most_rows(samples, net.n_units), request.rng)
    few = samples.take(rows)
    heavy = clips and _heavy(few, net, bias, suspected)
    if suspected is None or not suspected.counts:  # else their own fit is next
        light = clipped(few, net(few.X)) if heavy else few
        net = LeastSquares(net, light, bias=bias, skip=request.skip, effort=request.effort).fit(net)
    integer = suspected is not None and suspected.integer
    apart = few if integer else rounded_apart(net, few, request.step)
    found, reason = kinds.kind_left(kind, apart, net, bias, heavy)
    few = few.as_they_stand() if found.integer else few
    return Searched(net, few, rows, found, reason, heavy, growth)


def _search_part(
    samples: Samples,
    request: Request,
    suspected: NoiseKind | None,
    clips: bool,
    near: Network | None,
) -> tuple[Network, float]:
    """A network that was searched for on a part of the samples, and how noise grows on others."""
    if request.n_units == 0:
        few = samples.take(samples.spread(least_squares.most_rows(samples, 0)))
        return without_units(few, request.bias, request.skip, request.activation), 1.0
    order = request.rng.permutation(samples.n)
    used = min(_wanted(samples, request), samples.n - int(HELD_OUT * samples.n))
    rows, others = np.sort(order[:used]), np.sort(order[used : used + MOST_HELD_OUT])
    part = samples.take(rows)
    starts = FIRST if request.n_units is None else least_squares.MOST_STARTS
    net = _search_counts(part, request, suspected) if near is None else None
    if net is None:
        net = request.search(part, request.n_units, starts, near=near)
    if clips and _heavy(part, net, request.bias, suspected):
        net = _search_clipped(part, request, starts, near)
    kind = suspected if suspected is not None and suspected.counts else None
    return net, growth(net, samples.take(np.append(rows, others)), used, request.bias, kind)


def _heavy(samples: Samples, net: Network, bias: bool, told: NoiseKind | None) -> bool:
    """Whether what a network leaves has heavy tails; of few labels, whether that was told: least
    squares may have fitted the errors that would show it."""
    few = told is not None and samples.n * samples.m <= TAILS_SHOW
    return few or long_tailed(samples, net, bias)


def _search_counts(part: Samples, request: Request, kind: NoiseKind | None) -> Network | None:
    if kind is None or not kind.counts:
        return None
    at = (request.bias, request.skip, request.activation)
    most = least_squares.most_width(part, request.bias)
    net = counts.find(counts.fitting_of(kind, part, *at), request.n_units, most, request.rng)
    request.effort.starts += net is not None
    return net


def _wanted(samples: Samples, request: Request) -> int:
    return least_squares.search_rows(samples, request.n_units or least_squares.FIRST_WIDTH)


def _search_clipped(
    samples: Samples, request: Request, starts: int, near: Network | None
) -> Network:
    """The search on labels clipped about one fit after the other."""
    fitted = robust_affine(samples, request.bias) if near is None else near(samples.X)
    for caution in CAUTIONS if near is None else ():
        rough = request.search(clipped(samples, fitted), request.n_units, 1, effort=Effort(caution))
        fitted = rough(samples.X)
    request.effort.gains.clear()
    return request.search(clipped(samples, fitted), request.n_units, starts, near=near)


def _choose_width(searched: Searched, request: Request) -> WidthFound:
    """The number of units, and whether searches agree on them."""
    if request.n_units == 0:
        return WidthFound(searched.net)
    few, rng = searched.samples, request.rng
    tested = few.take(choose_rows(few, max(TESTED, _wanted(few, request)), rng))
    fitting = request.fitting(searched.kind, searched.net, tested)
    net = fitting.fit(searched.net)
    if request.n_units is not None:
        found = _of_given_width(net, fitting, searched, request)
    else:
        found = _by_tests(net, fitting, searched, request)
    if found.search not in ("", "open", WIDER) or not found.net.n_units:
        return found
    return _agree(found, fitting, searched, request)


def _by_tests(net: Network, fitting: Fitting, searched: Searched, request: Request) -> WidthFound:
    """The network with as many units as tests show. Tests are quick, and that fewer would do is not
    tried in all ways, while what is left is plainly no noise: units are missing, or no number of
    them is right."""
    rough = _is_hopeless(net, searched, request)
    chosen = _choose(net, fitting, searched, request, about=net, thorough=not rough)
    hopeless = _is_hopeless(chosen.network, searched, request)
    if rough and not hopeless:
        chosen = _choose(chosen.network, fitting, searched, request, about=chosen.network)
    search = "endless" if chosen.endless else chosen.open
    if hopeless and chosen.network.n_units and not chosen.endless:
        search = HOPELESS
    return WidthFound(chosen.network, chosen.widths, search)


def _is_hopeless(net: Network, searched: Searched, request: Request) -> bool:
    if searched.growth > GROWTH:
        return True
    samples, step = searched.samples, _step(searched, request)
    return is_hopeless(net, samples, searched.kind, bias=request.bias, step=step)


def _of_given_width(
    net: Network, fitting: Fitting, searched: Searched, request: Request
) -> WidthFound:
    """The best network of the number of units that was asked for, and whether the samples ask for
    more; of few samples, that number is taken to be right."""
    squares = searched.kind.loss is None
    if not squares:  # as the search was
        net = best_from_afar(net, fitting, request.effort, request.rng)
    step, rng = _step(searched, request), request.rng
    enough = fitting.samples.n >= UNEQUAL
    if not enough or not asks_for_more(net, fitting, alpha=request.alpha, step=step, rng=rng):
        return WidthFound(net)
    better = best_from_afar(net, fitting, request.effort, request.rng) if squares else net
    if better is net:
        wider = _search_again(2 * net.n_units, searched, request, net)
        other = with_units(wider, fitting, net.n_units, rng)
        better = other if fitting.gain(net, other) > 0 else net
    return WidthFound(net, search="more", better=None if better is net else better)


def _choose(
    start: Network,
    fitting: Fitting,
    searched: Searched,
    request: Request,
    about: Network,
    *,
    thorough: bool = True,
) -> Chosen:
    most = least_squares.most_width(fitting.samples, request.bias)
    step = _step(searched, request)
    return request.choose(start, fitting, most, step, about, thorough=thorough)


def _step(searched: Searched, request: Request) -> float:
    """To whose multiples labels may be rounded: counts are no rounded numbers."""
    return 0.0 if searched.kind.integer else request.step


def _search_again(
    n_units: int | None, searched: Searched, request: Request, net: Network
) -> Network:
    """Another search, for so many units; about the network where tails are heavy."""
    few = searched.samples
    return request.search(clipped(few, net(few.X)) if searched.heavy else few, n_units, 1)


def _agree(found: WidthFound, fitting: Fitting, searched: Searched, request: Request) -> WidthFound:
    """The best of several searches; where they disagree, perhaps that of fewer units."""

    def again(n_units: int) -> Network:
        counts = searched.kind.counts  # else few descents from afar end in the best minimum
        start = fitting.from_afar(n_units, request.rng) if counts else None
        return start or _search_again(n_units, searched, request, found.net)

    widths, effort, left_open = found.widths, request.effort, found.search
    net = found.net
    watch().enter("further starts")
    request.keep(fitting.samples, net.n_units, None, lambda: net)
    if searched.kind.loss is not None and request.n_units is None:  # the search was by squares
        net = best_from_afar(net, fitting, request.effort, request.rng)
    net, common = best_of_starts(net, fitting, effort, again)
    if common < net.n_units <= MOST_MORE and request.n_units is None:
        fewer = _choose(fitting.without_units(), fitting, searched, request, about=net)
        if not fewer.endless and fewer.network.n_units < net.n_units:
            more = searched.kind.counts and _explains_more(net, fewer, fitting)
            left_open = fewer.open or WIDER * more
            widths, effort.others = fewer.widths, ()
            net, common = best_of_starts(fewer.network, fitting, effort, again)
    if common == net.n_units:
        return WidthFound(net, widths, left_open)
    return WidthFound(net, widths, "disagree", common)


def _explains_more(net: Network, fewer: Chosen, fitting: Fitting) -> bool:
    """Whether a network explains more than one of fewer units and noise, though no test has led
    from that one to it: of rare counts, best units may stand for two between them."""
    units = net.n_units - fewer.network.n_units
    return fitting.gain(fewer.network, net) > units * fewer.widths[-1].edge


def _finish(net: Network, searched: Searched, request: Request, *, rough: bool) -> Network:
    """The best fit of so many units to all samples; `rough`: of those near the network."""
    watch().enter("fit to all samples")
    samples = rounded_apart(net, searched.samples, _step(searched, request))
    for _ in range(2):  # what a rough network leaves is not only noise
        fitting = request.fitting(searched.kind, net, samples)
        net = fitting.fit(net)
    if rough or not net.n_units or not net.activation.reversible:
        return net
    net = swept(fitting.revised(net, request.rng, request.effort), fitting)
    polished = fitting.polished(net)
    worse = 0.0 if net.n_inputs == 1 else net.n_units  # one input is looked through
    return polished if fitting.gain(polished, net) < worse else net  # else led away


def _describe(
    net: Network, searched: Searched, found: WidthFound, request: Request, *, given: bool
) -> Candidate:
    """The estimate with its noise; with `given`, a note on what contradicts that kind of noise."""
    few, kind, effort = searched.samples, searched.kind, request.effort
    noise = kinds.noise_left(
        *(kind, searched.reason, few, net, request.bias),
        widths=found.widths,
        growth=searched.growth,
        alpha=request.alpha,
        search=found.search,
        common=found.common,
    )
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(searched.rows)}
    note = kind.objection(few, net, request.bias) if given else ""
    return Candidate(net, searched.rows, stats, note, noise)


def suspects_gross_errors(samples: Samples, bias: bool) -> bool:
    """Whether labels, less an affine function of the inputs, have tails as heavy as gross errors
    would make them. Counts are left out: most of them may be zero, which shows nothing of tails."""
    plain = kinds.suspected(samples, bias) is None
    return plain and freedom_about_affine(samples, bias) <= GROSS
