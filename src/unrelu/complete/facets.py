"""Facets of the label cone: every unit of a network with rank(Y) = k, for inputs of any kind.

With P a basis of the column space of Y (with output biases, of [Y 1]), every unit is a w with
P w = f(X v), and so lies in the cone C = {w : P w >= 0}. If the other units have full rank on the
samples where it is inactive, it is an extreme ray of C: a facet of the cone that the label
vectors, the rows of P, generate. There are O(n^⌊(k−1)/2⌋) of those instead of the n^k sign
patterns of the row space (BJW Theorem 1), and a convex hull gives them all.

A unit that is inactive on too few samples is on a larger face of C. Where rays do not suffice, the
faces are walked by growing dimension, up to MOST_FACES of them; `units_on` describes what is sought
on each. If none is left and units are missing, no network of k units explains the labels: this
holds for labels as rounded as they are, and is no proof.

The sum of all units is inside C wherever a label is not zero: if C has no interior, there is no
such network. Repeated, collinear or clustered inputs, and samples that are zero, do no harm.

Assumptions: as many units as the labels have rank; nothing on the inputs.

Where it stops, measured (d = 10, biases of 0.5 and none, 10 seeds): all networks of 7 units that
200 samples determine, in 3 s and 0.2 s; without biases 10 units in 300 samples (d = 10) in 0.4 s,
15 units in 500 (d = 30) in 5 s. Units that are off on few samples are on faces of which there are
too many from k = 7 on, with few samples and biases: there it takes up to 40 s, or gives up.

Cost: a convex hull in k − 1 dimensions, O(n^⌊(k−1)/2⌋) facets, O(n d²) for each that is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unrelu.complete.faces import Side, units_on
from unrelu.fitting.candidate import Candidate, constant
from unrelu.fitting.problem import Missed, Problem
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.cones import (
    HALF,
    Rays,
    TooManyFacets,
    extreme_rays,
    faces_above,
    interior,
)
from unrelu.numerics.deadline import check_deadline
from unrelu.samples import Samples
from unrelu.wording.streams import counted

MOST_FACES = 20_000
"""Faces above the rays that are examined, half a minute's work: their number is exponential in k
where the label cone has many facets."""

MOST_RIVALS = 20
"""Units too many that are tried in the place of one of the network's: one that fits is enough."""


@dataclass(frozen=True, eq=False)
class Found:
    """Units w (q, r) and v (q, D), and how they were found: rays of the cone, faces examined
    above them, units that were rays, and in words what was left out."""

    w: Array
    v: Array
    rays: int = 0
    faces: int = 0
    on_rays: int = 0
    left_out: str = ""


def find(samples: Samples, *, bias: bool, rng: np.random.Generator, missed: Missed) -> Candidate:
    """All units that explain the labels; as many as there is rank make the network.

    With fewer, the network has those that were found, and the note tells what was tried. With more,
    another network is made with one of the others; if it explains all samples as well, the
    candidate has it as a `rival`.
    """
    rows = np.arange(samples.n)
    problem = Problem(samples, rows, bias)
    side = Side.of(problem, samples.eps)
    units = side.rank - bias
    found = collect(side, units, bias, rng)
    stats: dict[str, float | int | str] = {
        "rays": found.rays,
        "faces": found.faces,
        "units_on_rays": found.on_rays,
        "units_found": len(found.w),
        "rows": samples.n,
    }
    if not len(found.w):
        why = found.left_out or f"none of the {found.rays} facets and {found.faces} faces is one"
        return Candidate(constant(samples, bias).network, rows, stats, f"no unit was found: {why}")
    chosen = independent(_off_constant(found.w, bias), units)
    net = _network(problem, found.v[chosen], missed)
    fits = not len(missed(net))
    if len(chosen) < units:
        why = found.left_out or (
            f"the {found.rays} facets and {found.faces} faces of the label cone show no more: no "
            f"network of {counted(units, 'unit')} explains these labels to rounding"
        )
        note = f"{why}; found: {len(chosen)} of the {counted(units, 'unit')} that the rank asks for"
        return Candidate(net, rows, stats, note)
    for swapped in _swaps(found, chosen, bias):
        other = _network(problem, found.v[swapped], missed)
        if len(missed(other)):
            continue
        if fits:
            missed(net)  # what the certificate starts with
            note = (
                f"another network explains every sample as well: {len(found.w)} possible units "
                f"were found, and different choices of {units} of them fit"
            )
            return Candidate(net, rows, stats, note, rival=other)
        net, fits = other, True
    missed(net)
    return Candidate(net, rows, stats)


def collect(side: Side, units: int, bias: bool, rng: np.random.Generator) -> Found:
    """Units on all rays and on the whole cone (active on all samples); then on the faces between,
    by growing dimension, until there are enough."""
    inside = interior(side.P)
    w, v = np.zeros((0, side.rank)), np.zeros((0, side.dimension))
    if inside is None or not units:
        reason = (
            "the label vectors lie in no pointed cone, as those of as many units as they have rank "
            "would"
        )
        return Found(w, v, left_out=reason)
    try:
        rays = extreme_rays(side.P, inside, side.noise)
    except TooManyFacets:
        return Found(w, v, left_out=f"the label cone has too many facets in {side.rank} dimensions")

    def take(zeros: Mask) -> None:
        nonlocal w, v
        for unit, hyperplane in units_on(side, zeros, bias, rng):
            check_deadline()
            if not len(w) or np.linalg.norm(w - unit, axis=1).min() > side.half:
                w, v = np.vstack([w, unit]), np.vstack([v, hyperplane])

    for zeros in side.promising(rays, rng):
        check_deadline()
        take(zeros)
    on_rays = len(w)
    take(~side.live)
    faces, left_out = 1, ""
    for zeros in _faces(side, rays):
        check_deadline()
        if len(independent(_off_constant(w, bias), units)) == units:
            break
        if faces == MOST_FACES:
            left_out = f"{faces} faces of the label cone were examined, and there are more"
            break
        faces += 1
        take(zeros)
    return Found(w, v, len(rays.directions), faces, on_rays, left_out)


def _faces(side: Side, rays: Rays) -> Iterator[Mask]:
    """Zero sets of faces of dimension 2, 3 and so on, without the cone itself."""
    level = {zeros.tobytes(): zeros for zeros in rays.zeros}
    for dimension in range(1, side.rank - 1):
        above: dict[bytes, Mask] = {}
        for zeros in level.values():
            for common in faces_above(side.weighted, zeros, rays, dimension, side.half):
                if common.tobytes() not in above:
                    above[common.tobytes()] = common
                    yield common
        level = above


def independent(w: Array, most: int) -> list[int]:
    """The first rows (q, r), up to `most`, that are independent, to half the digits."""
    chosen: list[int] = []
    basis = np.zeros((0, w.shape[1]))
    for row, unit in enumerate(w):
        check_deadline()
        if len(chosen) == most:
            break
        rest = unit - (unit @ basis.T) @ basis
        rest -= (rest @ basis.T) @ basis
        length = float(np.linalg.norm(rest))
        if length > HALF * float(np.linalg.norm(unit)) > 0:
            chosen.append(row)
            basis = np.vstack([basis, rest / length])
    return chosen


def _off_constant(w: Array, bias: bool) -> Array:
    """Units (q, r) modulo the constant, which is the first vector of the basis."""
    return w[:, 1:] if bias else w


def _network(problem: Problem, v: Array, missed: Missed) -> Network:
    """The network with hyperplanes (q, D), polished unless rounding is what that brings."""
    net = problem.network(*problem.hyperplanes(v))
    refined = problem.refined(net)
    return net if len(missed(refined)) and not len(missed(net)) else refined


def _swaps(found: Found, chosen: list[int], bias: bool) -> Iterator[list[int]]:
    """The chosen units with another in the place of the one that it has the largest share of."""
    w = _off_constant(found.w, bias)
    for other in np.setdiff1d(np.arange(len(w)), chosen)[:MOST_RIVALS]:
        shares = np.linalg.lstsq(w[chosen].T, w[other])[0]
        swapped = list(chosen)
        swapped[int(np.abs(shares).argmax())] = int(other)
        yield swapped
