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
from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import judge_noisy, measured, noise_of
from unrelu.extraction.gradients import CONFIDENCE
from unrelu.extraction.judging import contradicted
from unrelu.extraction.lines import Units
from unrelu.fitting import joint, missed_units
from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

WEAK = 10.0
"""Roundings that a unit has to stand out by, not to count as below the rounding."""

LEAST = 3.0
"""Roundings that a unit has to stand out by, to be reported: of weaker ones, one that is found may
stand for several."""

SMALL = 3.0
"""Roundings, in the root mean square, that answers may be off in the end."""

LEFT = 2.0
"""Multiple of the rounding measured beforehand that may be left where no unit is missing: it is
about one, for the weights were fitted to many answers."""

SEEN = 0.2
"""Root mean square of what a unit adds to a linear function, as a share of what it stands out by:
0.30 where its hyperplane goes through the middle of the inputs, 0.21 at a standard deviation."""

WORTH = 0.5
"""Roundings that a unit has to stand out by, to be looked for. In 20,000 answers, each off by one
rounding, it stands out by 0.2 · 0.5 · √20,000 = 14 standard deviations; in the 4,000 that a search
looks at, by 6. Rounding alone may reach ten, so some candidates are none: they are left out again
by all answers (`missed_units.without_idle`)."""

MANY, TO_EACH, RATIO = 20_000, 500, 4.0
"""Answers at random in which units are looked for, or fewer where that is so many to each weight;
and answers to each weight at least."""

ROUGHEST = 1e-3
"""Largest error of a unit that counts as known."""

WORSE = 1.5
"""By what factor sides that are right may add to the squares that are left: there are as many fewer
weights as the affine part has."""

BEYOND = 2.0
"""How far outside of the inputs the kink of a unit lies that is linear on all of them, in terms of
their largest extent."""


def rounding_of(Y: Array) -> float:
    """One rounding of a model with these answers (n, m)."""
    return float(2.0**-24 * np.abs(Y).max())


def standing_out(net: Network, scale: float, rounding: float) -> Array:
    """(k,): by how many roundings each unit stands out, on inputs of this scale."""
    deviation = scale * np.linalg.norm(net.V, axis=1)
    return np.asarray(np.abs(net.U).max(axis=0, initial=0.0) * deviation / rounding)


def worth_finding(Y: Array) -> float:
    """What the weakest unit that is looked for explains of the mean square of an answer."""
    return (SEEN * WORTH * rounding_of(Y)) ** 2


def reported(loose: Network, X: Array, Y: Array, *, bias: bool, scale: float) -> Network:
    """The network without the units that are too weak, the others fitted again."""
    kept = standing_out(loose, scale, rounding_of(Y)) >= LEAST
    if kept.all():
        return loose
    start = joint.from_planes(loose.V[kept], loose.b[kept], X, Y, bias=bias, affine=True)
    return joint.fitted(start, X, Y, bias=bias, affine=True)


def completed(units: Units, X: Array, Y: Array, *, bias: bool, rng: np.random.Generator) -> Network:
    """The network of least squares next to some units, each once, with all others that answers at
    random show, and an affine part that stands for the sides."""
    known = Network(units.V, units.U, units.b)
    return missed_units.completed(known, X, Y, bias=bias, worth=worth_finding(Y), rng=rng)


def turned(
    loose: Network, X: Array, Y: Array, *, bias: bool, left_out: int = 0
) -> tuple[Network, int]:
    """The network without an affine part, and how many of its units, the last ones, make up a
    linear function that the sides of the others do not explain, but for what may be due to units
    that were left out.

    Where they explain it, it is the network of least squares. Else units that are active on all
    inputs take its place, and the function stays as it is."""
    oriented = orient(loose.V, loose.b, loose.U, loose.W)
    if not oriented.affine.any():
        start = joint.from_planes(oriented.V, oriented.b, X, Y, bias=bias)
        net = joint.fitted(start, X, Y, bias=bias)
        # What is linear in f(z) = z / 2 + |z| / 2 has half the size of z.
        slack = left_out * (0.5 * LEAST * rounding_of(Y)) ** 2
        if ((net(X) - Y) ** 2).mean() <= WORSE * ((loose(X) - Y) ** 2).mean() + slack:
            return net, 0
        oriented = replace(oriented, V=loose.V, b=loose.b, affine=loose.W)
    # u f(z) = u f(−z) + u z.
    other_side = (oriented.V * loose.V).sum(axis=1) < 0
    c = loose.c + loose.U[:, other_side] @ loose.b[other_side]
    left, sizes, directions = np.linalg.svd(oriented.affine, full_matrices=False)
    reach = BEYOND * np.abs(X @ directions.T).max(axis=0)
    U = left * sizes
    V, b = np.vstack([oriented.V, directions]), np.append(oriented.b, reach)
    if bias:
        return Network(V, np.hstack([loose.U, U]), b, c - U @ reach), len(reach)
    V, b = np.vstack([V, -directions]), np.zeros(len(V) + len(directions))
    return Network(V, np.hstack([loose.U, U, -U]), b, c), 2 * len(reach)


def as_known(net: Network, off: float, norm: float) -> Units:
    """The units of a network whose answers are `off` by so much, at inputs of the usual norm: each
    has its share in that, or less, where others are missing."""
    shares = off / (CONFIDENCE * np.sqrt(max(1, net.n_units)))
    errors = shares / divisors(np.linalg.norm(net.U, axis=0) * norm)
    errors = np.clip(errors, float(np.finfo(np.float32).eps), ROUGHEST)
    return Units(net.V, net.b, net.U, errors, errors)


def estimated(
    net: Network,
    samples: Samples,
    used: Index,
    along: Sequence[tuple[Array, Array]],
    *,
    bias: bool,
    scale: float,
    left_out: int,
) -> Recovery | None:
    """The estimate, rounding as the noise, where units are below the rounding: some of the network,
    or some that were left out; None where there are none, or the answers do not determine all
    units. `used`: rows that served for the fit; `along`: answers on lines."""
    net, Y = net.canonical(), np.asarray(samples.Y, np.float64)
    rounding = rounding_of(Y)
    out = standing_out(net, scale, rounding)
    left = float(np.sqrt(((net(np.asarray(samples.X, np.float64)) - Y) ** 2).mean()))
    weak = np.flatnonzero(out < WEAK)
    if not (len(weak) or left_out) or not left <= SMALL * rounding:
        return None
    asked = Question(net, bias, used=used, values=True)
    kind, taken = noise_of(asked, samples, "gaussian")
    found = judge_noisy(asked, measured(asked, taken, kind, samples.precision), kind)
    certificate = Certificate.of(found.judgement)
    if certificate.status != Status.ESTIMATED or contradicted(certificate, along, True):
        return None
    found_weak = (
        f"{listed(weak)} stand{'s' * (len(weak) == 1)} out of the model's own rounding by less "
        f"than {WEAK:g} roundings ({', '.join(f'{each:.2g}' for each in out[weak])}); "
    ) * bool(len(weak))
    sentence = (
        f"{found_weak}units below the model's own rounding, that stand out of it by less than some "
        f"{LEAST:g} roundings, may be left out; what is left of the answers, "
        f"{left / rounding:.2g} roundings, is as small as that; the errors given are for "
        "independent rounding, and too small where units were left out"
    )
    below = Finding("below-rounding", Status.ESTIMATED, sentence, units=weak)
    return Recovery(
        certificate.network,
        certificate,
        {},
        noise=kind,
        uncertainty=found.uncertainty,
        remarks=(below,),
    )


def with_sides_open(result: Recovery, linear: int) -> Recovery:
    """The result of a network whose last units stand for sides that were not found."""
    net, failed = result.certificate.network, result.status == Status.FAILED
    if not linear or failed or result.status.certain:
        return result
    k, d, m = net.n_units - linear, net.n_inputs, net.n_outputs
    sentence = (
        "every answer is explained to rounding, but it cannot be decided on which side of its "
        f"hyperplane each of {counted(k, 'unit')} is active, from a linear function of "
        f"{counted(d, 'input')} and {counted(m, 'output')}; what their sides leave of it is made "
        f"of {counted(linear, 'further unit')}, active on all inputs"
    )
    return replace(result, remarks=(undetermined("sides-undecided", sentence), *result.remarks))
