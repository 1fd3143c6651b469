"""The stages of an extraction from rounded answers: estimate, stretches with steps, fits."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.checks.counting import chance_equations
from unrelu.checks.explained import explain
from unrelu.checks.finding import failed
from unrelu.extraction.balanced import balanced, lacking, rarest
from unrelu.extraction.entries import misfit, refined
from unrelu.extraction.heads.far_out import on_lines
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.heads.informative import chained, informative
from unrelu.extraction.stretches import Stretches, bisected, joined, predicted, solved
from unrelu.links.behind import rounding_errors
from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.grids import RULES, Grid
from unrelu.recover import recover
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search import hyperplanes
from unrelu.search.predicted_answers import outside
from unrelu.wording.status import Status

log = logging.getLogger(__name__)

NOISE = 1.5
"""Ratio of what an estimate leaves to the errors of rounding, up to which it is good enough."""

MISSED = 0.05
"""Share of the answers that a network may not predict, while it is not known to the last digit. One
that lacks a unit misses more, and may yet explain the few steps that it has predicted itself."""

RARE, ON_RARE = 0.05, 40
"""Share of the inputs on one side below which a unit is rarely seen there; and queries beside it,
for each of its weights, that show it better: a step would cost forty."""

CONTRADICTED = (
    "of all answers, also those that hardly show their values, this network leaves {:.2g} times "
    "what rounding does: it lacks units, or the model is another function"
)

MORE, MANY = 0.25, 2.0
"""By what share exact samples grow while no network explains them; and from how many on, relative
to the minimum, there are enough for a search."""

TRIMMED, OUTLYING = 6, 10.0
"""Fits to fewer and fewer stretches, and how far beyond the median one has to be to be left out."""

POOL = 4
"""Stretches that are predicted for each that is asked, where both sides of hyperplanes count."""

TRIED, TRIALS = 100, 4
"""Batches of inputs, of twice as many as stretches are wanted, on which the network predicts steps;
and how often steps that were not there are replaced."""

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Fit:
    """A network fitted to exact samples of stretches, by a rule of rounding; how many roundings it
    is `off` at worst, and what share of the other answers it does not predict."""

    net: Network
    stretches: Stretches
    samples: Samples
    rule: str
    off: float
    wrong: float = 0.0

    @property
    def explains(self) -> bool:
        return self.off <= 1 and self.wrong <= MISSED


@dataclass(frozen=True, eq=False)
class Steps:
    """What is common to all stages: the model, its link and grid, and random numbers. `seen` holds
    the queries of the last estimate and their answers, `usual` those inputs whose answers showed
    their values well; `far` queries on lines, and their answers;
    `unexplained` the last fit, if it did not explain the values at steps."""

    asked: Asked
    link: Link
    grid: Grid
    rng: np.random.Generator
    seen: list[Array] = field(default_factory=list)
    usual: list[Array] = field(default_factory=list)
    far: list[Array] = field(default_factory=list)
    unexplained: list[Fit] = field(default_factory=list)

    @property
    def rules(self) -> tuple[str, ...]:
        """How answers may have been rounded. With levels of one distance and an output bias, only
        the rule that depends on the sign can be told from the others."""
        return ("nearest", "toward zero") if self.shifted else tuple(RULES)

    @property
    def shifted(self) -> bool:
        """Whether rounding down is the same as rounding other output biases to the nearest."""
        return bool(self.link.name == "values" and self.grid.step and self.asked.bias)

    def estimate(self, n: int) -> tuple[Recovery, Network | None]:
        """From about n random queries; and the network refined, if it leaves no more than
        rounding."""
        self.asked.queries.stage = "random inputs"
        X, Y, *answers = informative(self.asked, self.link, self.grid, n, self.rng)
        if len(X) < 2 * X.shape[1] + 2:
            X, Y = self.asked.queries(self.asked.random_inputs(n))
            answers, Y = [X, Y], np.clip(Y, *_inside(self.link, self.grid))
        Z, bias = self.link.inverse(Y), self.asked.bias
        options = {"bias": bias, "noise": "gaussian", "rng": self.rng, "throw": False}
        errors = rounding_errors(self.link, self.grid, Y).max(axis=1)
        result = recover(X, Z, self.asked.n_units, sample_weight=errors**-2.0, **options)  # type: ignore[arg-type]
        self.usual[:], self.seen[:] = [X], answers
        net = refined(result.certificate.network, self.link, self.grid, *self.seen, bias=bias)
        if len(rare := self._rare(net)):
            more = self.asked.queries(self._beside(net, ON_RARE * X.shape[1] * len(rare), rare))
            self.seen[:] = [np.vstack(both) for both in zip(self.seen, more, strict=True)]
            net = refined(net, self.link, self.grid, *self.seen, bias=bias)
        left = misfit(net, self.link, self.grid, *self.seen)
        log.info("%d queries: %s, leaves %.2f of rounding", len(X), result.status.value, left)
        if left > NOISE and result.status == Status.ESTIMATED:
            contradicted = failed("answers-contradict", CONTRADICTED.format(left))
            result = replace(result, remarks=(contradicted, *result.remarks))
        return result, net if left <= NOISE and net.n_units else None

    def stretches(
        self,
        net: Network,
        count: int,
        share: float = 1.0,
        weak: Index | None = None,
        known: Stretches | None = None,
    ) -> Stretches:
        """About so many, at usual inputs and around units, the `weak` ones if there are any. Where
        the network predicts fewer, none are asked for. Of several outputs, those that with the ones
        `known` are on both sides of all hyperplanes."""
        self.asked.queries.stage = "steps"
        units = np.arange(net.n_units) if weak is None or not len(weak) else weak
        found: list[Stretches] = []
        total = 0
        for _ in range(TRIALS):
            wanted = max(count - total, 0)
            some = self._predicted(net, wanted, units, found if known is None else [known, *found])
            found.append(
                bisected(self.asked.queries, some.narrowed(share), self.link, self.asked.scale)
            )
            total += len(found[-1])
            if total >= count or len(some) < wanted:
                break
        log.info("%d of %d stretches", total, count)
        return joined(found)

    def _predicted(
        self, net: Network, wanted: int, units: Index, known: Sequence[Stretches]
    ) -> Stretches:
        """So many, or fewer if the network does not predict as many. Of several outputs, or where
        some units are hardly seen, every second batch is beside those that are seen least."""
        scale, several = self.asked.scale, net.n_outputs > 1
        weights = net.n_inputs + self.asked.bias
        more = [predicted(net, self.link, self.grid, self.usual[0][:1], scale, self.rng)]

        def until(pool: int, *, evenly: bool) -> Stretches:
            while sum(map(len, more)) < pool and len(more) <= TRIED:
                if evenly and len(more) % 2 == 0 and len(seen := joined(more)):
                    X = self._beside(net, 2 * wanted, rarest(net, seen))
                else:
                    X = self._starts(net, 2 * wanted, units)
                more.append(predicted(net, self.link, self.grid, X, scale, self.rng))
            return joined(more)

        before = joined(known) if known else None
        if not several:
            some = until(wanted, evenly=False)
            some = some.take(np.arange(min(wanted, len(some))))
            if not lacking(net, before, some, weights):
                return some
        some = until(POOL * wanted, evenly=True)
        return some.take(balanced(net, before, some, wanted, weights))

    def _rare(self, net: Network) -> Index:
        """Units that are active, or inactive, on few of the inputs of the estimate."""
        active = (net.preactivations(self.usual[0]) > 0).mean(axis=0)
        return np.flatnonzero(np.minimum(active, 1 - active) < RARE)

    def _starts(self, net: Network, n: int, some: Index) -> Array:
        """Inputs like those of the estimate; every third is moved next to the hyperplane of one of
        some units, so that there are samples on both sides of each."""
        X = self._like_usual(n)
        X[::3] = self._beside(net, len(X[::3]), some)
        return X

    def _like_usual(self, n: int) -> Array:
        usual = self.usual[0]
        noise = self.asked.scale * self.rng.standard_normal((n, usual.shape[1]))
        return chained(usual[self.rng.integers(len(usual), size=n)], noise)

    def _beside(self, net: Network, n: int, some: Index) -> Array:
        """Inputs on both sides of the hyperplanes of some units."""
        X = self._like_usual(n)
        units = some[self.rng.integers(len(some), size=n)]
        V = net.V[units]
        size = np.linalg.norm(V, axis=1)
        side = 0.3 * self.asked.scale * self.rng.standard_normal(n)
        shift = (side * size - (X * V).sum(axis=1) - net.b[units]) / size**2
        return np.asarray(X + shift[:, None] * V)

    def wanted(self, net: Network, spare: float) -> int:
        """Samples, `spare` times as many as there are unknowns."""
        outputs = min(net.n_outputs - self.link.centred, net.n_units)
        D = net.n_inputs + self.asked.bias
        unknowns = count_unknowns(net.n_units, net.n_inputs, outputs, biases=self.asked.bias)
        chance = chance_equations(D, 2 * unknowns // outputs, net.n_units, EPS)
        return max(math.ceil(spare * (unknowns + chance) / outputs), 3 * D)

    def fitted(self, stretches: Stretches, net: Network) -> Fit:
        """The network fitted to the samples of stretches from a network that is about right, by the
        rule of rounding that suits it best."""
        fits: list[Fit] = []
        for rule in self.rules:
            fit = self.fit(stretches, net, rule)
            wrong = float(outside(self.link, self.grid, rule, fit.net, *self.seen).mean())
            fits.append(replace(fit, wrong=wrong))
            log.info("%s: off by %.1e roundings, %.1f%%", RULES[rule], fit.off, 100 * wrong)
            if fit.explains and not wrong:
                break
        return min(fits, key=lambda fit: (not fit.explains, fit.wrong))

    def enlarged(self, known: Stretches, net: Network) -> tuple[Stretches, Network]:
        """More stretches, and another network to start from, where none explains those known. With
        hardly more equations than unknowns, a fit may end next to the right one; or the estimate
        has missed units that rounding hides, and which a search without noise finds."""
        few = 2 * len(known) < MANY * self.wanted(net, 1.0)
        more = self.stretches(net, math.ceil(MORE * len(known)), known=known)
        known = joined([known, more])
        if few:
            return known, net
        X, F = solved(known, net, self.link, self.rules[0])
        options = {"bias": self.asked.bias, "noise": "none", "rng": self.rng, "throw": False}
        result = recover(X, F, self.asked.n_units, **options)  # type: ignore[arg-type]
        log.info("%d exact samples: %s", len(X), result.explanation)
        return known, result.certificate.network if result.status == Status.EXACT else net

    def all_answers(self) -> tuple[Array, Array]:
        """All queries, those on lines among them, and their answers."""
        if not self.far:
            self.far[:] = on_lines(self.asked, self.rng)
        return self.asked.queries.recorded

    def fit(self, stretches: Stretches, net: Network, rule: str) -> Fit:
        """The network of one rule. Stretches that a hyperplane crosses, as the estimate did not
        show, stand out, and are left out if the network then shows that they are crossed."""
        X, F = solved(stretches, net, self.link, rule)
        kept = np.ones(len(stretches), dtype=bool)
        for _ in range(TRIMMED):
            rows = np.flatnonzero(np.repeat(kept, 2))
            samples = Samples(X[rows], F[rows], EPS)
            found, _ = hyperplanes.fit_from(
                samples, np.arange(len(rows)), net.V, net.b, self.asked.bias
            )
            off = explain(found.canonical(), samples).in_roundings
            left = np.abs(found(X) - F).max(axis=1).reshape(-1, 2).max(axis=1)
            if off <= 1:
                whole = ~stretches.crossed(found)
                if not (whole & ~kept).any():
                    break
                off, kept = np.inf, whole
                continue
            outside = kept & (left > OUTLYING * np.median(left[kept]))
            if not outside.any():
                break
            kept &= ~outside
        return Fit(found, stretches.take(kept), samples, rule, off)


def _inside(link: Link, grid: Grid) -> tuple[float, float]:
    """The range of answers, half a step from its ends, where the inverse is finite."""
    step = grid.spacing(np.array([1e-3]))[0]
    return link.low + 0.5 * step, link.high - 0.5 * step
