"""Answers that were given: the values behind them, and what is to be said of that."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.checks.finding import Finding, failed
from unrelu.errors import InputError
from unrelu.inputs.frames import beside
from unrelu.inputs.names import Names
from unrelu.links.behind import values_behind
from unrelu.links.link import Link
from unrelu.noise.gaussian import GAUSSIAN
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array
from unrelu.numerics.grids import Grid, grid_of
from unrelu.numerics.precision import DOUBLE, Precision
from unrelu.result import Recovery, remark
from unrelu.samples import Samples
from unrelu.search.predicted_answers import outside
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


@dataclass(frozen=True, eq=False)
class Unlinked:
    """Inputs and values (r, m) behind answers that are not saturated. weights (r,): of samples, the
    inverse variances of rounding where answers are rounded. precision : of the values, times the
    roots of the weights; None where they have all digits, or weights of their own. magnified : that
    of `Behind`. `left_out`: the others, inputs and answers; `grid`: to
    what they are rounded."""

    link: Link
    X: NDArray[Any]
    values: NDArray[Any]
    weights: Array | None
    noise: NoiseKind
    precision: Precision | None
    magnified: float
    names: Names
    remarks: tuple[Finding, ...]
    left_out: Samples
    grid: Grid | None

    def as_precise(self, given: Samples) -> Samples:
        """Samples of these values, at the rounding that the link has magnified."""
        return given.rounded_to(self.magnified * given.eps) if self.magnified > 1 else given

    def described(self, result: Recovery) -> Recovery:
        """A result from the values as one from the answers."""
        return replace(
            result,
            names=self.names,
            uncertainty=result.uncertainty and replace(result.uncertainty, names=self.names),
            remarks=(*self._contradiction(result), *result.remarks, *self.remarks),
            stats={**result.stats, "answers": self.link.name},
        )

    def _contradiction(self, result: Recovery) -> tuple[Finding, ...]:
        """What the answers that are left out say of a network that explains all others exactly."""
        if result.status != Status.EXACT or not self.left_out.n:
            return ()
        some = self.left_out.take(np.arange(self.left_out.n))
        net, errors = result.certificate.network, result.certificate.weight_errors
        largest = float(errors.max(initial=0.0))
        rule = "toward zero"  # a step to either side, so that it covers the others
        wrong = outside(
            *(self.link, self.grid, rule, net, some.X, some.Y), errors=largest, eps=some.eps
        )
        if not wrong.any():
            return ()
        sentence = (
            f"{int(wrong.sum())} of {some.n} saturated labels are not those of this network: it "
            "lacks units, or the model is another function"
        )
        return (failed("answers-contradict", sentence),)


def unlinked(
    link: Link, X: Given, Y: Given, noise: NoiseKind, sample_weight: ArrayLike | None
) -> Unlinked:
    """The values behind answers Y (n, m) to X (n, d), and the noise to be looked for. Raises
    InputError for answers of another kind, or too few that are not saturated."""
    given = Samples.of(X, Y)
    if wrong := link.refuse(np.asarray(given.Y, np.float64)):
        raise InputError(f"Y: got numbers that are not {link.about}; {wrong}")
    behind = values_behind(link, given.Y)
    if len(behind.rows) <= given.d:
        raise InputError(
            f"Y: got {len(behind.rows)} answers that are not saturated, expected more than the "
            f"{given.d} inputs: only those show the values behind them"
        )
    weights, precision = behind.weights, None
    if weights is not None and sample_weight is None:
        # Weighted by their inverse variances over the mean, all errors are of this size.
        size = 1 / math.sqrt(float(weights.mean()))
        precision = Precision(behind.rounded, DOUBLE.eps, step=math.sqrt(12) * size, sure=False)
    if sample_weight is not None:
        own = np.asarray(beside("sample_weight", sample_weight, X), np.float64)[behind.rows]
        weights = own if weights is None else own * weights
    if behind.rounded and not noise.given:
        noise = GAUSSIAN
    left_out = given.n - len(behind.rows)
    rounded = f", rounded to {behind.rounded}, and have errors accordingly" * bool(behind.rounded)
    sentences = {
        "answers": f"the labels are taken for {link.about}{rounded}",
        "saturated-answers": f"{counted(left_out, 'saturated label')} left out" * bool(left_out),
        "hidden-by-answers": link.hides,
    }
    others = np.setdiff1d(np.arange(given.n), behind.rows)
    return Unlinked(
        link,
        np.asarray(given.X)[behind.rows],
        behind.values,
        weights,
        noise,
        precision,
        behind.magnified,
        given.names,
        tuple(each for code, words in sentences.items() for each in remark(code, words)),
        given.take(others),
        grid_of(np.asarray(given.Y, np.float64)) if behind.rounded else None,
    )
