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
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.extraction.kinks import Ask, Line
from unrelu.extraction.lines import Units
from unrelu.extraction.places import LONGEST, Places, free_steps
from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.network.pieces import Pieces, Planes, polish, solve
from unrelu.network.rounding import accumulated
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.precision import DOUBLE

FEWEST, ROOM = 32, 0.4
"""Dimensions of a subspace at least; and the power of the number of outputs by which they may be
fewer than the units."""

SHARE = 0.3
"""Share of what rounding allows an answer that errors of the weights may come to."""

CORRECTIONS = 5
"""Rounds of step 4 at most."""

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


def ask_in_every_direction(
    ask: Ask, units: Units, places: Places, basis: Array
) -> tuple[Asked, Units]:
    """Steps 1 and 2: the answers, and the units (k, d) in all coordinates, roughly. `basis` (d, d):
    its rows; `units` (k, r) and `places`: in the coordinates of the first r."""
    r, d, m, norm = units.V.shape[1], len(basis), len(units.U), places.norm
    points = np.hstack([places.points, np.zeros((len(places.points), d - r))])
    steps = np.zeros((len(points), d))
    if r < d:
        steps[:, r:] = places.steps[:, None]
    values, beside = np.zeros((len(points), m)), np.zeros((len(points), d, m))
    values[:], beside[:, r:] = _ask_beside(ask, basis, points, steps, np.arange(r, d))
    asked = Asked(points, values, steps, beside)
    if r < d:
        units = _continued(asked, units, r)
    heights = points @ units.V.T + units.b
    steps[:, :r] = [free_steps(h, units.V[:, :r], LONGEST * norm) for h in heights]
    _, beside[:, :r] = _ask_beside(ask, basis, points, steps, np.arange(r))
    return asked, units


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


def _continued(asked: Asked, units: Units, r: int) -> Units:
    """Units in the first r coordinates, with their weights in the others."""
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
    sides, pieces = _sides(asked.points, units.V, units.b), _pieces(asked, asked.beside)
    planes = solve(sides, units.U, pieces, affine=True, bias=True)
    if not np.isfinite(planes.spread).all():
        return None
    turned = _turned(planes)
    if turned is None:  # what is known of the output weights may be too rough
        turned = _turned(_settled(asked, planes, pieces, basis, affine=True, bias=True))
    if turned is None:
        return None
    if not bias:
        turned = replace(turned, b=0 * turned.b, c=0 * turned.c)
    planes = _settled(asked, turned, pieces, basis, affine=False, bias=bias)
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


def _settled(
    asked: Asked, planes: Planes, pieces: Pieces, basis: Array, *, affine: bool, bias: bool
) -> Planes:
    """The planes next to some, corrected by what they leave of the answers while that shrinks."""
    best, least = planes, np.inf
    for _ in range(CORRECTIONS):
        planes = polish(
            planes, _sides(asked.points, planes.V, planes.b), pieces, affine=affine, bias=bias
        )
        left = _left(asked, planes, basis)
        size = float(np.linalg.norm(left))
        if not size < 0.5 * least:
            break
        best, least = planes, size
        pieces = _corrected(asked, planes, left)
    return best


def _pieces(asked: Asked, beside: Array) -> Pieces:
    slopes = (beside - asked.values[:, None]) / asked.steps[..., None]
    weights = np.abs(asked.steps).min(axis=1)
    return Pieces(asked.points, asked.values, slopes.transpose(0, 2, 1), weights)


def _left(asked: Asked, planes: Planes, basis: Array) -> Array:
    """(R, d + 1, m): what is left of the answers, those at the places first."""
    net = Network(planes.V @ basis, planes.U, planes.b, planes.c, W=planes.W @ basis)
    left = np.empty((len(asked.points), len(basis) + 1, net.n_outputs))
    for place, point in enumerate(asked.points @ basis):
        moved = point + asked.steps[place, :, None] * basis
        answers = np.vstack([asked.values[place], asked.beside[place]])
        left[place] = answers - net(np.vstack([point, moved]))
    return left


def _corrected(asked: Asked, planes: Planes, left: Array) -> Pieces:
    """Pieces whose residuals are those of the answers themselves: those of `planes`, and on top
    what these leave."""
    sides = _sides(asked.points, planes.V, planes.b)
    slopes = ((left[:, 1:] - left[:, :1]) / asked.steps[..., None]).transpose(0, 2, 1)
    none = Pieces(asked.points, left[:, 0], slopes, np.abs(asked.steps).min(axis=1))
    own, values = planes.left(sides, none)
    return replace(none, values=2 * none.values - values, slopes=2 * slopes - own)
