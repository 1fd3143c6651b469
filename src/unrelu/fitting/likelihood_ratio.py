"""Do rare counts ask for one unit more? A likelihood ratio test.

Residuals of counts that are nearly all zero have long tails: what a unit explains of them
(`one_more`) hardly stands out of what the best unit explains of noise. Likelihoods have no such
tails. So a network with one unit more is fitted, and twice the logarithm of the likelihood ratio is
compared with that of labels drawn from the fitted law of the network without it, to which both are
fitted again: a parametric bootstrap (McLachlan 1987). The unit is looked for in the same way each
time, so the test knows the effort of the search, as that by residuals does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unrelu.fitting.one_more import LEVEL, PLAIN, Test, Tested
from unrelu.fitting.one_unit import good_units
from unrelu.network import Network
from unrelu.numerics.arrays import Array

STARTS = 10
"""Of the search for the unit: they are quick beside the fits."""

COPIES, QUICK, FEW = 40, 5, 10
"""Copies for a test; copies after which a ratio beyond PLAIN times the largest is certain; and from
which the law of the ratio in copies can be told."""

OPEN = 0.05
"""Share of the copies that reach the ratio of a unit up to which it is left open whether that is
there. Tests of rare counts have little power: a unit that they miss is often just below the edge.
"""

AT_ONCE = 0.1
"""Share of the level at which a unit needs no further copies, while that law is known roughly."""


@dataclass(frozen=True, eq=False)
class _Wider:
    """Twice the logarithm of the likelihood ratio of a network with one unit more, and the row
    (1, D) that the unit started from."""

    ratio: float
    row: Array


def is_asked(test: Test, net: Network) -> bool:
    """Whether residuals have long tails, of labels whose law is known; it says nothing of labels
    that depend on each other."""
    fitting = test.fitting
    known = fitting.redrawn(net, test.rng) is not None
    return known and test.length == 1 and not fitting.light_tailed(net)


def level(test: Test, nothing: Network) -> float:
    """The ratio that a unit reaches by chance, beside a network without any: that is quick, and it
    hardly depends on other units."""
    test = _held(test, nothing)
    return max(_in_copy(test, nothing) for _ in range(LEVEL))


def tested(test: Test, net: Network, *, closely: bool) -> Tested:
    """Does the network ask for one unit more? Cost: three fits for each copy, of which there are
    `QUICK` or `FEW` where the unit is plain, one or a few where it is not needed, and `COPIES` in
    between. closely : whether it is to be known, too, if that is left open."""
    test = _held(test, net)
    found, copies, passed, beyond = _one_more(test, net), list[float](), False, 0
    allowed = math.floor(test.alpha * (COPIES + 1))
    most = max(allowed, math.floor(OPEN * (COPIES + 1))) if closely else allowed
    while len(copies) < COPIES and not passed:
        copies.append(_in_copy(test, net))
        beyond += copies[-1] >= found.ratio
        if beyond > most or (beyond > allowed and len(copies) >= FEW):
            break
        if beyond > allowed:
            continue
        plain = len(copies) >= QUICK and found.ratio > PLAIN * max(copies)
        share = 1.0 if len(copies) == COPIES else AT_ONCE
        passed = plain or (len(copies) >= FEW and found.ratio > _edge(share * test.alpha, copies))
    edge = _edge(test.alpha, copies)
    # A unit that is not there may be beyond an edge that few copies have shown.
    edge = edge if passed else max(edge, *copies)
    left_open = closely and not passed and beyond <= most and found.ratio > _edge(OPEN, copies)
    return Tested(found.ratio, edge, int(passed), found.row, left_open)


def _edge(alpha: float, copies: list[float]) -> float:
    """The ratio that a copy is beyond with such a probability, by the Gumbel law of the mean and
    variance of these: it is the largest over all directions."""
    quantile = -math.log(-math.log1p(-alpha)) - np.euler_gamma
    return float(np.mean(copies) + math.sqrt(6) / math.pi * quantile * np.std(copies))


def _held(test: Test, net: Network) -> Test:
    """With one scale for labels and copies: where no counts are expected, and none are seen, they
    are less dispersed than copies, in which some are."""
    return replace(test, fitting=test.fitting.held(net))


def _in_copy(test: Test, net: Network) -> float:
    """The ratio of labels drawn from the network."""
    fitting = test.fitting.redrawn(net, test.rng)
    assert fitting is not None, "the law is known"
    return _one_more(replace(test, fitting=fitting), net).ratio


def _one_more(test: Test, net: Network) -> _Wider:
    """The best unit more, of two that are tried, and the networks with and without it fitted to the
    labels. Of standardised residuals a few counts weigh most, where hardly any are expected, and of
    residuals as they are those where many are."""
    fitting = test.fitting
    net = fitting.fit(net, rough=True)
    Z, base, tried = test.white.features, test.base(net), []
    for residual in (test.residual(net), test.grouped(fitting.left(net))):
        row = good_units(Z, base, residual, STARTS, test.rng)[1][:1]
        wider = fitting.fit(test.with_units(net, row), rough=True)
        tried.append(_Wider(fitting.gain(net, wider), row))
    return max(tried, key=lambda wider: wider.ratio)
