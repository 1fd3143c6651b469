"""A network asked in every direction, from a few places, once its units are known roughly.

Lines show the units in a subspace of r of the d inputs: its coordinates are those of the first r
rows of an orthonormal basis, and x = α Q. From places in that subspace that are far from all
hyperplanes (`extraction.places`),

1. ask along the other d − r rows, by steps so short that no hyperplane should be crossed, however a
   unit's weights continue: its weights along r random directions say how large they are;
2. ask along the r rows, by steps as long as the hyperplanes, now known, allow;
3. solve for all units (`network.pieces`), with what is affine free; turn the units round so that
   nothing is left of that; solve again without it;
4. correct by what the network leaves of the answers themselves. That also corrects for steps that
   did cross a hyperplane.

Cost: k (d + m) / m + d answers, and some more for good conditioning (see `extraction.places`).
Hidden weights alone take k d / m + d. Where that is far less, with as many outputs as inputs, step
1 is done at a few of the places, and all others are chosen among all inputs, where there is more
room between the hyperplanes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unrelu.extraction.kinks import Ask, Line
from unrelu.extraction.lines import Units
from unrelu.extraction.places import LONGEST, MORE, SPARE, Places, across, choose_places, free_steps
from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.network.pieces import Pieces, Planes, gauss_newton, solve
from unrelu.network.rounding import accumulated
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.precision import DOUBLE

FEWEST, ROOM = 32, 0.4
"""Dimensions of a subspace at least; and the power of the number of outputs by which they may be
fewer than the units."""

SHARE = 0.3
"""Share of what rounding allows an answer that errors of the weights may come to."""

CORRECTIONS, WORTH = 10, 0.9
"""Rounds of step 4 at most, and what has to be left after one, relative to before, for another."""

FEW = 0.4
"""Answers for hidden weights alone, as a share of those for all, up to which they come first."""

LEFT = 1e-3
"""Share of the largest output weight that may be left of the affine part."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Answers about places: `points` (R, d) in the coordinates of the basis, `values` (R, m) there,
    and `beside` (R, d, m), after steps (R, d) along each of its rows."""

    points: Array
    values: Array
    steps: Array
    beside: Array

    def pieces(self, values: Array, beside: Array) -> Pieces:
        """What such answers, or what is left of them, say of the slopes."""
        slopes = (beside - values[:, None]) / self.steps[..., None]
        weights = np.abs(self.steps).min(axis=1)
        return Pieces(self.points, values, slopes.transpose(0, 2, 1), weights)


def n_directions(units: int, outputs: int) -> int:
    """How many dimensions a subspace should have for so many units to be far from some of its
    points: the more outputs, the fewer such points are needed."""
    return max(FEWEST, int(np.ceil(units / outputs**ROOM)))


def random_basis(line: Line, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Orthonormal rows (d, d), the first two of which span a line and the origin, and the start and
    the direction of the line in their coordinates."""
    d = len(line.start)
    columns = np.column_stack([line.start, line.direction, rng.standard_normal((d, d - 2))])
    basis = np.linalg.qr(columns)[0].T
    start, direction = np.zeros((2, d))
    start[:2], direction[:2] = basis[:2] @ line.start, basis[:2] @ line.direction
    return basis, start, direction


def accuracy(units: Units, places: Places, d: int) -> float:
    """About how far the answers of a network that is found from these places are off at inputs of
    the usual norm, if theirs are by one."""
    count, m = len(places.points), len(units.U)
    no_slopes = np.zeros((count, m, 1))
    pieces = Pieces(places.points[:, :1], np.zeros((count, m)), no_slopes, places.steps)
    sides = _sides(places.points, units.V, units.b)
    spread = solve(sides, units.U, pieces, affine=True, bias=False).spread
    return float(np.linalg.norm(spread * np.linalg.norm(units.U, axis=0)) * np.sqrt(d))


def accurate(units: Units, places: Places, d: int, size: float) -> bool:
    """Whether answers of this size from these places determine a network to what rounding allows:
    that of labels of units, half of which are active (see `network.rounding`)."""
    terms = float(np.linalg.norm(units.U)) * np.sqrt((places.norm**2 + 1) / 2)
    allowed = accumulated(DOUBLE.eps, d + len(units.b) + 2) * np.hypot(size, terms)
    return bool(0.5 * DOUBLE.eps * size * accuracy(units, places, d) <= SHARE * allowed)


def continued(
    ask: Ask, units: Units, places: Places, basis: Array, rng: np.random.Generator
) -> tuple[Units, Places]:
    """Step 1 at a few of the places, and others that are chosen with the units (k, d) it shows; the
    same units and places where it takes too many answers."""
    r, d = units.V.shape[1], len(basis)
    if r == d:
        return units, places
    few = _few(across(places, units).joined(places), units)
    if len(few.points) * (d - r) > FEW * len(places.points) * d:
        return units, places
    units = extended(ask, units, few, basis)
    return units, choose_places(units, places.norm, d, rng)


def extended(ask: Ask, units: Units, places: Places, basis: Array) -> Units:
    """Step 1: the units (k, r) in all coordinates, roughly."""
    return _continued(_asked_beyond(ask, places, basis), units)


def _few(places: Places, units: Units) -> Places:
    """So many of the places that hidden weights are determined, on both sides of each unit as far
    as there are such."""
    heights = places.points @ units.V.T + units.b
    on, m = heights > 0, len(units.U)
    kept = np.arange(min(len(on), math.ceil(SPARE * (len(units.b) / m + 1)) + MORE))
    while True:
        some = on[kept]
        other = ((on != some[0]) & (some == some[0]).all(axis=0)).sum(axis=1)
        if not other.any():
            return places.take(kept)
        kept = np.append(kept, other.argmax())


def ask_in_every_direction(
    ask: Ask, units: Units, places: Places, basis: Array
) -> tuple[Asked, Units]:
    """Steps 1 and 2: the answers, and the units (k, d) in all coordinates, roughly. `basis` (d, d):
    its rows; `units` (k, r) and `places`: in the coordinates of the first r."""
    r, d = units.V.shape[1], len(basis)
    asked = _asked_beyond(ask, places, basis)
    if r < d:
        units = _continued(asked, units)
    heights = asked.points @ units.V.T + units.b
    slopes, longest = units.V[:, :r], LONGEST * places.norm
    asked.steps[:, :r] = [free_steps(h, slopes, longest) for h in heights]
    asked.beside[:, :r] = _ask_beside(ask, basis, asked.points, asked.steps, np.arange(r))[1]
    return asked, units


def _asked_beyond(ask: Ask, places: Places, basis: Array) -> Asked:
    """Step 1, with room for step 2."""
    (count, r), d = places.points.shape, len(basis)
    points = np.hstack([places.points, np.zeros((count, d - r))])
    steps = np.zeros((count, d))
    if r < d:
        steps[:, r:] = places.steps[:, None]
    values, answers = _ask_beside(ask, basis, points, steps, np.arange(r, d))
    beside = np.zeros((count, d, values.shape[1]))
    beside[:, r:] = answers
    return Asked(points, values, steps, beside)


def _ask_beside(
    ask: Ask, basis: Array, points: Array, steps: Array, rows: Index
) -> tuple[Array, Array]:
    """The values (R, m) at some points, and (R, q, m) after the steps along q rows of the basis."""
    bases, values, beside = points @ basis, [], []
    for place, base in enumerate(bases):
        moved = base + steps[place, rows, None] * basis[rows]
        _, Y = ask(np.vstack([base, moved]))
        values.append(Y[0])
        beside.append(Y[1:])
    return np.array(values), np.array(beside)


def _continued(asked: Asked, units: Units) -> Units:
    """Units in the first r coordinates, with their weights in the others."""
    r = units.V.shape[1]
    slopes = (asked.beside - asked.values[:, None])[:, r:] / asked.steps[:, r:, None]
    pieces = Pieces(
        asked.points[:, r:], asked.values, slopes.transpose(0, 2, 1), asked.steps.max(axis=1)
    )
    sides = _sides(asked.points[:, :r], units.V, units.b)
    V = np.hstack([units.V, solve(sides, units.U, pieces, affine=True, bias=False).V])
    lengths = divisors(np.linalg.norm(V, axis=1))
    return Units(
        V / lengths[:, None], units.b / lengths, units.U * lengths, units.errors, units.outer
    )


def _sides(points: Array, V: Array, b: Array) -> Array:
    return (points @ V.T + b > 0).astype(np.float64)


def network_of(asked: Asked, units: Units, basis: Array, bias: bool) -> Network | None:
    """Steps 3 and 4: the network, in the coordinates of the inputs; None where the answers do not
    determine one whose affine part its units explain."""
    sides, pieces = _sides(asked.points, units.V, units.b), asked.pieces(asked.values, asked.beside)
    planes = solve(sides, units.U, pieces, affine=True, bias=True)
    if not np.isfinite(planes.spread).all():
        return None
    turned = _turned(planes)
    if turned is None:  # what is known of the output weights may be too rough
        turned = _turned(_settled(asked, planes, basis, affine=True, bias=True))
    if turned is None:
        return None
    if not bias:
        turned = replace(turned, b=0 * turned.b, c=0 * turned.c)
    planes = _settled(asked, turned, basis, affine=False, bias=bias)
    return Network(planes.V @ basis, planes.U, planes.b, planes.c)


def _turned(planes: Planes) -> Planes | None:
    """The units turned so that nothing affine is left; None where something is."""
    lengths = np.linalg.norm(planes.V, axis=1)
    if not lengths.all():
        return None
    U = planes.U * lengths
    oriented = orient(planes.V / lengths[:, None], planes.b / lengths, U, planes.W)
    rest = np.abs(oriented.affine).max(initial=0.0)
    if len(oriented.V) != len(lengths) or rest > LEFT * np.abs(U).max():
        return None
    return replace(planes, V=oriented.V, b=oriented.b, U=U, W=np.zeros_like(planes.W))


def _settled(asked: Asked, planes: Planes, basis: Array, *, affine: bool, bias: bool) -> Planes:
    """The planes next to some, by Gauss–Newton steps from what they leave of the answers, while
    that shrinks."""
    best, least = planes, np.inf
    for _ in range(CORRECTIONS):
        left = _left(asked, planes, basis)
        size = float(np.linalg.norm(left))
        if not size < WORTH * least:
            break
        best, least = planes, size
        sides = _sides(asked.points, planes.V, planes.b)
        step = gauss_newton(
            planes, sides, _pieces_left(asked, planes, sides, left), affine=affine, bias=bias
        )
        if step is None:
            break
        planes = planes.moved(step)
    return best


def _pieces_left(asked: Asked, planes: Planes, sides: Array, left: Array) -> Pieces:
    """What is left of slopes and values: where no hyperplane is crossed, of the slopes of the
    answers, since differences of what is left of these have our own rounding on top."""
    slopes, _ = planes.left(sides, asked.pieces(asked.values, asked.beside))
    pieces = asked.pieces(left[:, 0], left[:, 1:])
    for place, on in enumerate(sides > 0):
        heights = planes.V @ asked.points[place] + planes.b
        beside = heights[:, None] + planes.V * asked.steps[place]
        crossed = ((beside > 0) != on[:, None]).any(axis=0)
        slopes[place][:, crossed] = pieces.slopes[place][:, crossed]
    return replace(pieces, slopes=slopes)


def _left(asked: Asked, planes: Planes, basis: Array) -> Array:
    """(R, d + 1, m): what is left of the answers, those at the places first."""
    net = Network(planes.V @ basis, planes.U, planes.b, planes.c, W=planes.W @ basis)
    left = np.empty((len(asked.points), len(basis) + 1, net.n_outputs))
    for place, point in enumerate(asked.points @ basis):
        moved = point + asked.steps[place, :, None] * basis
        answers = np.vstack([asked.values[place], asked.beside[place]])
        left[place] = answers - net(np.vstack([point, moved]))
    return left
