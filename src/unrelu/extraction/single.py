"""What answers of a model in single precision show, and what its rounding hides.

One rounding is 2⁻²⁴ times the largest answer to inputs of the usual scale, and a unit stands out by
r if its largest output weight, times the standard deviation of its height there, is r roundings. A
unit that hardly stands out cannot be told from rounding: it is left out, and what it leaves of the
answers is named. The status is then `estimated`, rounding as the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import judge_noisy, measured, noise_of
from unrelu.extraction.gradients import CONFIDENCE
from unrelu.extraction.judging import contradicted
from unrelu.extraction.lines import Units
from unrelu.fitting import joint
from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

LEAST = 5.0
"""Roundings that a unit has to stand out by, to be reported."""

SMALL = 3.0
"""Roundings, in the root mean square, that answers may be off in the end."""

LEFT = 2.0
"""Multiple of the rounding measured beforehand that is left where units are left out. Without any,
it is about one: the weights were fitted to many answers."""

CLOSE = 1e-3
"""How far apart two rows (v, b) are at most, on whichever side, that may be one unit."""

CHANCE = 4.0
"""Multiple of what a unit that is none explains of rounding on average, up to which it is none."""

SEEN = 0.2
"""Root mean square of what a unit adds to a linear function, as a share of what it stands out by:
0.30 where its hyperplane goes through the middle of the inputs, 0.21 at a standard deviation."""

EXPLAINED = 1e-3
"""Share of the largest output weight that may be left of the affine part once units are turned."""


def rounding_of(Y: Array) -> float:
    """One rounding of a model with these answers (n, m)."""
    return float(2.0**-24 * np.abs(Y).max())


def standing_out(net: Network, scale: float, rounding: float) -> Array:
    """(k,): by how many roundings each unit stands out, on inputs of this scale."""
    deviation = scale * np.linalg.norm(net.V, axis=1)
    return np.asarray(np.abs(net.U).max(axis=0, initial=0.0) * deviation / rounding)


def fitted(
    units: Units, X: Array, Y: Array, *, bias: bool, scale: float, rounding: float
) -> Network:
    """The network of least squares next to some units, those that stand out, with an affine part
    that stands for the sides of units, and of what is missing."""
    loose = joint.fitted(_start(units, X, Y, bias, affine=True), X, Y, bias=bias, affine=True)
    while len(loose.V):
        weak = standing_out(loose, scale, rounding) < LEAST
        if not weak.any():
            break
        kept = _units(loose).take(~weak)
        loose = joint.fitted(_start(kept, X, Y, bias, affine=True), X, Y, bias=bias, affine=True)
    return _each_once(loose, X, Y, bias, rounding)


def _each_once(loose: Network, X: Array, Y: Array, bias: bool, rounding: float) -> Network:
    """The network with one unit in place of two that are found twice: close to each other, and one
    explains as much.

    A unit has q weights. By chance, q more of them explain a share q / (n m − p) of the squares
    that p weights leave of n m answers. Where more than rounding is left, units are missing, and
    that share says nothing yet."""
    while (pair := _closest(loose)) is not None:
        cost = float(((loose(X) - Y) ** 2).sum())
        spare = Y.size - joint.weights_of(loose, affine=True)
        if spare <= 0 or cost > (SMALL * rounding) ** 2 * Y.size:
            break
        size = np.linalg.norm(loose.U[:, pair], axis=0)
        kept = _units(loose).take(np.delete(np.arange(loose.n_units), pair[size.argmin()]))
        fewer = joint.fitted(_start(kept, X, Y, bias, affine=True), X, Y, bias=bias, affine=True)
        by_chance = (loose.n_inputs + loose.n_outputs) / spare * cost
        if float(((fewer(X) - Y) ** 2).sum()) > cost + CHANCE * by_chance:
            break
        loose = fewer
    return loose


def _closest(net: Network) -> Index | None:
    """The two units that are closest to each other, if they are close."""
    if net.n_units < 2:
        return None
    rows = np.column_stack([net.V, net.b])
    i, j = np.triu_indices(len(rows), 1)
    apart = np.minimum(*(np.linalg.norm(rows[i] - s * rows[j], axis=1) for s in (1.0, -1.0)))
    nearest = int(apart.argmin())
    return np.array([i[nearest], j[nearest]]) if apart[nearest] <= CLOSE else None


def turned(loose: Network, X: Array, Y: Array, *, bias: bool) -> Network | None:
    """The network of least squares without an affine part, where the sides of the units explain
    that of another; None where they do not."""
    oriented = orient(loose.V, loose.b, loose.U, loose.W)
    if len(oriented.V) != loose.n_units or oriented.affine.any():
        return None
    units = replace(_units(loose), V=oriented.V, b=oriented.b)
    return joint.fitted(_start(units, X, Y, bias, affine=False), X, Y, bias=bias)


def _units(net: Network) -> Units:
    return Units(net.V, net.b, net.U, *np.zeros((2, net.n_units)))


def _start(units: Units, X: Array, Y: Array, bias: bool, *, affine: bool) -> Network:
    """The units with output weights, and what is affine besides, by least squares."""
    k = len(units.b)
    columns = [np.maximum(X @ units.V.T + units.b, 0.0), *[np.ones((len(X), 1))] * bias]
    H = np.hstack([*columns, *[X] * affine])
    found = np.linalg.lstsq(H, Y)[0].T
    c = found[:, k] if bias else np.zeros(len(found))
    return Network(units.V, found[:, :k], units.b, c, W=found[:, k + bias :] if affine else None)


def as_known(net: Network, off: float, norm: float) -> Units:
    """The units of a network whose answers are `off` by so much, at inputs of the usual norm: each
    has its share in that, or less, where others are missing."""
    shares = off / (CONFIDENCE * np.sqrt(max(1, net.n_units)))
    errors = shares / divisors(np.linalg.norm(net.U, axis=0) * norm)
    errors = np.clip(errors, float(np.finfo(np.float32).eps), EXPLAINED)
    return Units(net.V, net.b, net.U, errors, errors)


def estimated(
    best: Recovery,
    samples: Samples,
    used: Index,
    along: Sequence[tuple[Array, Array]],
    noise: float,
    scale: float,
) -> Recovery:
    """The result as an estimate, rounding as the noise, where the answers are explained to a few
    roundings and units may be left out; else as it was. `used`: rows that served for the fit;
    `along`: answers on lines; `noise`: the rounding of an answer, as measured on a few."""
    net, Y = best.certificate.network, np.asarray(samples.Y, np.float64)
    off = net(np.asarray(samples.X, np.float64)) - Y
    rounding, left = rounding_of(Y), float(np.sqrt((off**2).mean()))
    if not LEFT * noise < left <= SMALL * rounding or not net.n_units:
        return best
    asked = Question(net, best.certificate.biased, used=used, values=True)
    kind, taken = noise_of(asked, samples, "gaussian")
    found = judge_noisy(asked, measured(asked, taken, kind, samples.precision), kind)
    certificate = Certificate.of(found.judgement)
    open_ = certificate.status != Status.ESTIMATED and certificate.code != "more-units"
    if open_ or contradicted(certificate, along, True):
        return best
    weakest = float(standing_out(net, scale, rounding).min())
    sentence = (
        f"what {counted(net.n_units, 'unit')} leave of the answers, {left / rounding:.2g} "
        "roundings, is as small as the model's own rounding: units that stand out of it by less "
        f"than some {max(LEAST, left / rounding / SEEN):.2g} roundings may be left out, and the "
        "errors of the others are then larger than those given, which are for independent "
        f"rounding; those found stand out by {weakest:.2g} or more"
    )
    below = Finding("below-rounding", Status.ESTIMATED, sentence)
    others = tuple(each for each in best.remarks if each.status is None)
    return replace(
        best,
        network=certificate.network,
        certificate=certificate,
        noise=kind,
        uncertainty=found.uncertainty,
        remarks=(below, *others),
    )
