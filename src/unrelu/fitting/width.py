"""How many units: a sequence of tests with a known rate of false alarms.

From few units on, each width is tested against one unit more (`one_more`), and the first width
that does not ask for another unit is the answer: of all these tests only the one at the true width
can give a false alarm, so the rate of the whole search is that of one test.

The fits of each width come from the search, which is over-wide: units are taken away one by one
while the last is in doubt. Where the search has missed units, they are added one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unrelu.fitting import likelihood_ratio
from unrelu.fitting.fittings import Fitting
from unrelu.fitting.one_more import PLAIN, Residuals, Test, Tested
from unrelu.fitting.selection import unit_edge
from unrelu.fitting.sweeps import swept
from unrelu.network import Network
from unrelu.noise.found import WIDER, Width

PLAIN_LONG_TAILED = 10.0
"""The same as PLAIN where noise has long tails: of counts that are nearly all zero the gain in
noise varies by a factor of five from copy to copy."""

PLAIN_SEARCHED = 1.5
"""The same for a network that a search has found, which is more thorough than a test."""

ROUNDINGS = 10.0
"""Times the `resolution` of the labels that a unit must make of a difference somewhere."""

ROUNDED = 0.4
"""Standard deviation, in steps, up to which what is left may be rounding: that of a uniform error
of up to half a step is 0.29."""

MOST_MORE = 8
"""Units beyond those that the search has found that are added one by one."""

MOST_REMOVED = 8
"""Units of which each is tried when one is to go that seems to be needed."""


MANY_INPUTS = 20
"""Inputs beyond which no kink is cut into pieces that only together are the whole."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The network with as many units as the samples show, and what every width has shown;
    `endless`: further units go on explaining more than noise shows; `open`: whether there is one
    unit more is left open, "open" by the share of noise that explains as much, "wider" as the
    search has more units that explain more."""

    network: Network
    widths: tuple[Width, ...]
    endless: bool = False
    open: str = ""


def choose(
    net: Network,
    fitting: Fitting,
    *,
    alpha: float,
    most: int,
    rng: np.random.Generator,
    step: float = 0.0,
    about: Network | None = None,
    thorough: bool = True,
) -> Chosen:
    """From the network of a search, which may have some units too many or too few, down while the
    last unit is in doubt, then up while a test at level `alpha` asks for more, to `most` units, or
    until no more is left than rounding to multiples of `step` leaves: that is no network's. What
    the network `about` leaves, the same one unless another is given, tells how noise depends.

    Cost: a fit for each width in doubt, and for each test `best_unit` on some ten to 200 copies of
    the residuals; where the search is `thorough`, that of `_best_of_fewer` besides; where it is
    not, tests are quick.
    """
    test = Test.of(fitting, about or net, alpha=alpha, rng=rng, quick=not thorough)
    left = test.residuals_of(net)
    by_chance = _ByChance(test, left, step)
    net = swept(net, fitting)
    path, widths, k = {net.n_units: net}, list[Width](), net.n_units
    while k > 0:
        path[k - 1] = swept(without_least(path[k], fitting), fitting)
        shown = _past_doubt(path[k - 1], path[k], by_chance)
        if shown and thorough and fitting.samples.d <= MANY_INPUTS:
            path[k - 1] = _best_of_fewer(path[k - 1], path[k], test)
            shown = _past_doubt(path[k - 1], path[k], by_chance)
        if shown:
            widths.append(shown)
            break
        k -= 1
    last = min(most, net.n_units + MOST_MORE)
    while True:
        tested = _tested(path[k], test, left, closely=True)
        more = tested.more or _masked_units(path, k, by_chance)
        widths.append(Width(k + 1, tested.gain, tested.edge))
        if not more or _is_rounding(path[k], fitting, step):
            wider = _is_searched(path, k, test, tested.edge)
            left_open = "open" if tested.open else WIDER * wider
            return Chosen(path[k], tuple(widths), open=left_open)
        if k == last:
            return Chosen(path[k], tuple(widths), endless=True)
        rows = tested.rows
        if k + more > last or _one_is_enough(path[k], test, tested):  # of a pair, one unit alone
            more, rows = 1, test.best(path[k])
        if tested.more:
            larger = swept(fitting.fit(test.with_units(path[k], rows)), fitting)
            if k + more not in path or fitting.gain(path[k + more], larger) > 0:
                path[k + more] = larger
        if not _beyond_rounding(path[k], path[k + more], fitting):
            return Chosen(path[k], tuple(widths))
        k += more


def _one_is_enough(net: Network, test: Test, tested: Tested) -> bool:
    """Where two more are asked for: whether one explains as much, if the others move with it."""
    if tested.more < 2 or not net.n_units:
        return False
    fitting = test.fitting
    larger = swept(fitting.fit(test.with_units(net, test.best(net))), fitting)
    return fitting.gain(net, larger) > tested.edge


@dataclass(frozen=True, eq=False)
class _ByChance:
    """What the best unit explains where none is missing: of residuals without long tails, `level`
    noise variances; in likelihoods, `ratio`. And the step of labels that may be rounded."""

    test: Test
    left: Residuals
    step: float

    @cached_property
    def level(self) -> float:
        return self.test.level(self.left)

    @property
    def usual(self) -> float:
        """About the level for normal noise, of whatever inputs; no bound along one or two of them,
        where it varies much."""
        (_, D), m = self.test.white.features.shape, self.left.residual.shape[1]
        return unit_edge(D, m) if D > 2 else np.inf

    @cached_property
    def nothing(self) -> Network:
        return self.test.fitting.without_units()

    @cached_property
    def ratio(self) -> float:
        return likelihood_ratio.level(self.test, self.nothing)


def _past_doubt(smaller: Network, larger: Network, by_chance: _ByChance) -> Width | None:
    """The width of the larger network, where its last unit explains plainly more than noise would,
    and more than rounding."""
    test, fitting = by_chance.test, by_chance.test.fitting
    if fitting.light_tailed(larger) or _explained_to_rounding(larger, fitting):
        gain, edge = fitting.gain(smaller, larger), PLAIN * by_chance.usual
        edge = edge if gain > edge else PLAIN * by_chance.level
    elif likelihood_ratio.is_asked(test, smaller):
        held = fitting.held(by_chance.nothing)
        gain, edge = held.gain(smaller, larger), PLAIN * by_chance.ratio
    else:  # the search gains more of noise than a test does, and each width has its own level
        left = test.residuals_of(smaller)
        gain, edge = test.gain(left), PLAIN_LONG_TAILED * test.level(left)
    rounding = _is_rounding(smaller, fitting, by_chance.step)
    if gain > edge and _beyond_rounding(smaller, larger, fitting) and not rounding:
        return Width(larger.n_units, gain, edge)
    return None


def _tested(
    net: Network, test: Test, left: Residuals | None = None, *, closely: bool = False
) -> Tested:
    """Whether a network asks for more units: by what it leaves, `left` if that is known already, or
    by likelihoods, `closely` or not."""
    if likelihood_ratio.is_asked(test, net):
        return likelihood_ratio.tested(test, net, closely=closely)
    return test(left if left is not None and left.net is net else test.residuals_of(net))


def _best_of_fewer(smaller: Network, larger: Network, test: Test) -> Network:
    """The best network with a unit less than the larger one that can be had: the one at hand, that
    without another unit, or one less again with the best unit for what it leaves. The last is for
    units that stand for one between them: along an input of few values, a kink may be cut into
    pieces, of which none is near the whole.

    Cost: k + 2 fits, for small k; otherwise two.
    """
    fitting, k, best = test.fitting, larger.n_units, smaller
    if k == 1:
        return smaller
    least = without_least(smaller, fitting)
    ways = [fitting.fit(test.with_units(least, test.best(least)))]
    if k <= MOST_REMOVED:
        ways += [fitting.fit(fitting.without(larger, unit), rough=True) for unit in range(k)]
    for way in ways:
        if way.n_units < k and fitting.gain(best, way) > 0:
            best = way
    return best


def _is_rounding(net: Network, fitting: Fitting, step: float) -> bool:
    left = fitting.left(net)
    return step > 0 and bool((left.std(axis=0) < ROUNDED * step).all())


def _explained_to_rounding(net: Network, fitting: Fitting) -> bool:
    """Whether nothing is left but the rounding of the labels."""
    return bool((np.abs(fitting.left(net)) <= fitting.samples.resolution()).all())


def _beyond_rounding(smaller: Network, larger: Network, fitting: Fitting) -> bool:
    """Whether what the further units explain is more than the rounding of the labels, which depends
    on the inputs but is no network's."""
    apart = np.abs(fitting.left(smaller) - fitting.left(larger)).max(axis=0)
    return bool((apart > ROUNDINGS * fitting.samples.resolution()).any())


def asks_for_more(
    net: Network, fitting: Fitting, *, alpha: float, step: float, rng: np.random.Generator
) -> bool:
    """Whether a network of a given number of units asks for more; not where no more is left than
    rounding to multiples of `step`."""
    if _is_rounding(net, fitting, step):
        return False
    test = Test.of(fitting, net, alpha=alpha, rng=rng)
    return _tested(net, test).more > 0


def with_units(net: Network, fitting: Fitting, n_units: int, rng: np.random.Generator) -> Network:
    """The best network of so many units that one of another width leads to."""
    net = fitting.fit(net)
    while net.n_units > n_units:
        net = without_least(net, fitting)
    test = Test.of(fitting, net, alpha=1.0, rng=rng)
    while net.n_units < n_units:
        wider = fitting.fit(test.with_units(net, test.best(net)))
        if wider.n_units <= net.n_units:  # the new unit vanished
            break
        net = wider
    return net


def without_least(net: Network, fitting: Fitting) -> Network:
    """Without the unit that matters least once the others are fitted again, roughly."""
    if net.n_units <= 1:
        return fitting.without_units()
    least = int(np.argmin(fitting.importance(net)))
    return fitting.fit(fitting.without(net, least), rough=True)


def _is_searched(path: dict[int, Network], k: int, test: Test, edge: float) -> bool:
    """Whether the search has a network of one unit more that explains plainly more than the best
    such unit does of rare counts, though the test finds none: the best of k units may stand for
    two between them, and next to it there is no further one."""
    if k + 1 not in path or not likelihood_ratio.is_asked(test, path[k]):
        return False
    return test.fitting.gain(path[k], path[k + 1]) > PLAIN_SEARCHED * edge


def _masked_units(path: dict[int, Network], k: int, by_chance: _ByChance) -> int:
    """How many units more explain plainly more than noise would, though the test does not see the
    first of them: of two whose sum is nearly linear, or where robust scores hide what is large;
    zero if none do. The gains are those of the search, which is more thorough than the test, so
    this is for noise without long tails."""
    fitting = by_chance.test.fitting
    if max(path) == k or not fitting.light_tailed(path[k]):
        return 0
    for more in range(1, max(path) - k + 1):
        gain = fitting.gain(path[k], path[k + more]) if k + more in path else 0.0
        if gain > PLAIN * by_chance.level * more:
            return more
    return 0
