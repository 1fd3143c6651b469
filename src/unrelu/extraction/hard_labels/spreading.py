"""Normals of further pieces of the boundary, across known hyperplanes."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.extraction.hard_labels.boundary import Boundary
from unrelu.extraction.hard_labels.hyperplanes import Hyperplane, Hyperplanes
from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.numerics.arrays import Array

GRAZING = 1e-2
"""Sine of the angle between a hyperplane and a segment below which the segment's normal is not
known from that of the one before."""


def spread_normals(
    bends: list[Bend], known: Hyperplanes, found: Boundary, width: float
) -> Asking[None]:
    """Normals across bends of known hyperplanes: n − (n·t)/(v·t) v, for the tangent t behind, which
    is sharpened before."""
    on = known.of(bends)
    changed = True
    while changed:
        changed = False
        for number in np.flatnonzero(on >= 0):
            bend, plane = bends[number], known.rows[on[number]]
            for here, there in ((bend.before, bend.behind), (bend.behind, bend.before)):
                if here.full is None or there.full is not None:
                    continue
                across = np.array([plane.v @ there.tangent, plane.v @ there.normal])
                if abs(across[0]) < GRAZING * np.linalg.norm(across):
                    continue
                point, other = yield from found.refine(there.numbers, width)
                there.through(point, other, there.numbers, width)
                full, error = _normal_behind(here, there, plane, there.off)
                if error < known.limits.trusted:
                    there.full, there.error = full, error
                    changed = True


def _normal_behind(
    here: Segment, there: Segment, plane: Hyperplane, sharp: float
) -> tuple[Array, float]:
    """The normal of `there`, whose tangent is off by `sharp`, and its error to first order."""
    assert here.full is not None, "it is known on this side"
    v, t = plane.v, there.tangent
    across = float(v @ t)
    share = float(here.full @ t) / across
    n = here.full - share * v
    size = max(float(np.linalg.norm(n)), 1e-300)  # zero on the hyperplane itself
    error = here.error * (1 + 1 / abs(across)) + sharp * (1 + abs(share)) / abs(across)
    error += abs(share) * plane.error * (1 + 1 / abs(across))
    return (n if n @ there.normal > 0 else -n) / size, error / size
