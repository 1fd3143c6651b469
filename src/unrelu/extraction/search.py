"""The stages of an extraction: which queries were made, what they show, and which come next.

All random numbers come from the seed, each stage with a stream of its own, and nothing depends on
the budget before it is spent. So the same seed gives the same queries, however often the extraction
was interrupted.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.extraction import single
from unrelu.extraction.directions import (
    accurate,
    ask_in_every_direction,
    continued,
    network_of,
)
from unrelu.extraction.inputs import around_units, enough, weak_units
from unrelu.extraction.judging import (
    as_predicted,
    certified,
    contradicted,
    remarks_on,
)
from unrelu.extraction.kept import Kept
from unrelu.extraction.line_search import LineSearch
from unrelu.extraction.places import choose_places
from unrelu.extraction.queries import BudgetSpent, Queries
from unrelu.fitting import joint
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.result import Recovery
from unrelu.search import hyperplanes
from unrelu.wording.status import Status

log = logging.getLogger(__name__)

SPARE = 1.5
"""Queries relative to the minimum, so that the weights are well conditioned."""

FRESH = 0.05, 30, 500
"""Share of the queries, and their least and largest number, that are made after the network was
found."""

PREDICTED = 300
"""Least number of them in the end, if the budget allows: another function on a hundredth of such
inputs shows there with a probability of 95%."""

JUST_ENOUGH = 1.01
"""Queries relative to the minimum where those in every direction make for good conditioning."""

SMALL, LARGE = 1e7, 3e9
"""Entries of the inputs times units up to which a fit to all answers takes no time to speak of, and
from which on it takes too long."""

WORTH = {Status.PROVED: 4, Status.EXACT: 4, Status.ESTIMATED: 3, Status.UNDETERMINED: 2}


class Search:
    """The state of an extraction: `best` is the best result so far, and `method` what found it."""

    def __init__(
        self,
        queries: Queries,
        n_units: int | None,
        bias: bool,
        scale: float,
        reach: float,
        seed: int,
    ) -> None:
        self.queries, self.n_units, self.bias, self.scale = queries, n_units, bias, scale
        streams = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(6))
        self._random, on_lines, self._around, self.fits, self.aside, self._completing = streams
        self.kept = Kept(queries, scale)
        self.on_lines = LineSearch(queries, self.kept, scale, reach, on_lines)
        self.best: Recovery | None = None
        self.latest: Network | None = None
        self.method, self.gaussian, self._spare = "", 0, SPARE

    # Asking.

    def grow(self, n: int, stage: str = "random inputs") -> None:
        """Random queries up to n in all; as many of them as the budget allows. float32 represents
        their numbers exactly, since it is not yet known how the model rounds others."""
        wanted = n - self.gaussian
        if wanted <= 0:
            return
        X = self.scale * self._random.standard_normal((wanted, self.kept.X.shape[1]))
        X = X.astype(np.float32).astype(np.float64)
        count = self.queries.affordable(X)
        self.gaussian += count
        self.queries.stage = stage
        self.kept.ask(X[:count])
        if count < wanted:
            raise BudgetSpent

    def grow_fresh(self, used: int) -> None:
        """Random queries beyond those used for a fit."""
        share, least, most = FRESH
        self.grow(self.gaussian + min(max(math.ceil(share * used), least), most), "fresh inputs")

    # Fit and certificate.

    def fit_and_check(self) -> Status:
        """The network, from answers in every direction or at random; fresh queries; the
        certificate."""
        if self.queries.single and self._few_weights:
            return self._fit_jointly()
        net, note = self._in_every_direction(), ""
        used = np.arange(len(self.kept.X))
        if net is not None and self.kept.X.size * net.n_units <= SMALL:
            net, note = self.fit(used)
        if net is None or not (self.final or self._explained(net)):
            used = self._ask_around_units()
            net, note = self.fit(used)
        self.grow_fresh(len(used))
        result = self.judge(net, used, note)
        self.keep_result(result, "lines")
        self._spare *= 1.3
        return self._confirm(used, note) if result.status == Status.EXACT else result.status

    @property
    def fitted_jointly(self) -> bool:
        """Whether all units that answers show are known, but for those that only lines meet."""
        return self.best is not None and self.queries.single and self._few_weights

    @property
    def _few_weights(self) -> bool:
        return self.on_lines.basis is None and self._weights <= joint.MOST_WEIGHTS

    @property
    def _weights(self) -> int:
        d, m = self.kept.X.shape[1], self.kept.Y.shape[1]
        k = len(self.on_lines.units.b)
        return int(k * (d + 1) + m * (k + d + 1))

    def _fit_jointly(self) -> Status:
        """In single precision: all weights at once, from many answers, so that rounding averages
        out; and where lines have missed units, those that still more answers show. Fresh queries;
        the certificate. On the lines that follow, what is left of the units found is then small."""
        lines, m = self.on_lines, self.kept.Y.shape[1]
        many = min(single.MANY, single.TO_EACH * self._weights)
        self.grow(max(many, math.ceil(single.RATIO * self._weights / m)))
        used = self._ask_around_units()
        X, Y = self.kept.X[used], self.kept.Y[used]
        loose = single.completed(lines.units, X, Y, bias=self.bias, rng=self._completing)
        shown, loose = loose.n_units, single.reported(loose, X, Y, bias=self.bias, scale=self.scale)
        left_out = shown - loose.n_units
        net, linear = single.turned(loose, X, Y, bias=self.bias, left_out=left_out)
        fresh = len(self.kept.X)
        self.grow_fresh(len(used))
        off = root_mean_square(loose(self.kept.X[fresh:]) - self.kept.Y[fresh:])
        log.info("%d units, off by %.1f roundings", loose.n_units, off / single.rounding_of(Y))
        lines.units = single.as_known(loose, off, self.kept.norm)
        samples, along = self.kept.samples(), self.kept.along
        result = single.estimated(
            net,
            samples,
            used,
            along,
            bias=self.bias,
            scale=self.scale,
            left_out=left_out,
        )
        if result is None:
            # All hyperplanes of hundreds of units take minutes to check, and sides stay open.
            few = math.ceil(single.RATIO * self._weights / m) if linear else None
            result = single.with_sides_open(self.judge(net, used, "", few), linear)
        self.keep_result(result, "lines")
        return self._confirm(used, "") if result.status == Status.EXACT else result.status

    def _confirm(self, used: Index, note: str) -> Status:
        """The status by more fresh queries, if there were few."""
        assert self.best is not None, "it was judged"
        count = min(PREDICTED - self.best.certificate.n_fresh, self.queries.left)
        if count > 0:
            self.grow(self.gaussian + count, "fresh inputs")
            self.best = self.judge(self.best.certificate.network, used, note)
        return self.best.status

    @property
    def costly(self) -> bool:
        """Whether a fit to random queries would take hours: what directions leave open stays so."""
        return self.kept.X.size * len(self.on_lines.units.b) > LARGE

    @property
    def final(self) -> bool:
        """Whether the network that directions show stays as it is. In single precision they show
        none."""
        return self.costly and not self.queries.single

    def _in_every_direction(self) -> Network | None:
        """The network, from answers in every direction; None in single precision, after the first
        round, or if these do not determine one."""
        if self.best is not None:
            return None
        found, (d, m) = self.on_lines, (self.kept.X.shape[1], self.kept.Y.shape[1])
        basis = np.eye(d) if found.basis is None else found.basis
        places = choose_places(found.units, self.kept.norm, d, self._around)
        size = float(np.sqrt((self.kept.Y**2).mean()))
        if found.basis is None and (
            self.queries.single or not accurate(found.units, places, d, size)
        ):
            return None
        self.queries.stage = "directions"
        units, places = continued(self.kept.ask, found.units, places, basis, self._around)
        asked, units = ask_in_every_direction(self.kept.ask, units, places, basis)
        net = network_of(asked, units, basis, self.bias)
        found.units, found.basis = replace(units, V=units.V @ basis), None
        outputs, eps = min(m, len(units.b)), self.kept.samples().eps
        wanted = enough(found.units, outputs, self.bias, eps, JUST_ENOUGH)
        self.grow(self.gaussian + max(0, wanted - len(self.kept.X)))
        return net

    def _explained(self, net: Network) -> bool:
        return explain(net.canonical(), self.kept.samples()).in_roundings <= 1

    def _ask_around_units(self) -> Index:
        """Random queries enough for the units found, and some around those that few random queries
        activate; all answers but those on lines, which may be of another function."""
        units = self.on_lines.units
        outputs = min(self.kept.Y.shape[1], len(units.b))
        eps = self.kept.samples().eps
        self.grow(enough(units, outputs, self.bias, eps, self._spare))
        wanted = math.ceil(self._spare * (self.kept.X.shape[1] + self.bias)) + 10
        self.queries.stage = "around units"
        weak = weak_units(units, None if self.best is None else self.best.certificate)
        self.kept.ask(around_units(units, self.kept.X, weak, wanted, self.scale, self._around))
        return self.kept.beside

    def fit(self, rows: Index) -> tuple[Network, str]:
        return hyperplanes.fit_from(
            self.kept.samples(), rows, self.on_lines.units.V, self.on_lines.units.b, self.bias
        )

    def judge(self, net: Network, used: Index, note: str, few: int | None = None) -> Recovery:
        """The verdict on a network by all answers; by those beside lines, where only answers on
        lines contradict it; if it explains all, by no more than `few` of those it was fitted to,
        and fresh ones."""
        samples = self.kept.samples()
        explained = explain(net.canonical(), samples)
        self.on_lines.starts = self.kept.X[explained.missed]
        if len(explained.missed) and self.kept.from_lines[explained.missed].all():
            beside = self.kept.beside
            samples, used = (
                samples.take(beside),
                np.searchsorted(beside, np.intersect1d(used, beside)),
            )
            explained = explain(net.canonical(), samples)
        if few is not None and len(used) > few and explained.in_roundings <= 1:
            fresh = np.setdiff1d(np.arange(samples.n), used)
            samples = samples.take(np.concatenate([used[:few], fresh]))
            explained, used = explain(net.canonical(), samples), np.arange(few)
        asked = Question(net, self.bias, used=used, values=True)
        if self.queries.single and self._few_weights:  # all units have been tried without
            certificate = Certificate.of(judge_labels(asked, samples, explained))
        else:
            certificate = certified(asked, samples, explained)
        contradiction = ""
        if certificate.status == Status.EXACT:
            contradiction = contradicted(certificate, self.kept.along, self.queries.single)
            if contradiction and certificate.network.n_units < net.canonical().n_units:
                # Lines show the units that the samples do not: more of these are wanted.
                certificate, contradiction = Certificate.of(judge_labels(asked, samples)), ""
        remarks = remarks_on(certificate, self.n_units, contradiction, note)
        remarks = (*remarks, *as_predicted(certificate, certificate.n_fresh))
        return Recovery(certificate.network, certificate, {}, remarks=remarks)

    def keep_network(self, net: Network) -> None:
        """The best so far of a fit that takes long, to be judged if it is not finished."""
        self.latest = net

    def keep_result(self, result: Recovery, method: str) -> None:
        log.info("%s: %s", method, result.explanation)
        if self.best is None or _worth(result) >= _worth(self.best):  # of equals, the later one
            self.best, self.method = result, method


def root_mean_square(off: Array) -> float:
    return float(np.sqrt((off**2).mean()))


def _worth(result: Recovery) -> tuple[int, float]:
    failed = result.status == Status.FAILED
    return WORTH.get(result.status, 0), -result.certificate.residual if failed else 0.0
