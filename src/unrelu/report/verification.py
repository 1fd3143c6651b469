"""The certificate of a network from elsewhere: whether it explains samples or is an estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import chdtrc

from unrelu.certificate import Certificate
from unrelu.checks.unexplained import unexplained
from unrelu.errors import InputError
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_as_given
from unrelu.evidence.noisy_labels import judge_noisy
from unrelu.inference.assessment import assess
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import hidden_errors
from unrelu.network import Network
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.wording.remarks import Remark
from unrelu.wording.status import Status

REGRESSED = 20_000
"""Most samples in the regression of residuals."""

ROWS_PER_COLUMN = 3
"""Samples per regressor from which on the tail of the χ² distribution of n R² can be trusted."""

BY_CHANCE = 1e-6
"""Largest p-value at which a correlation is not due to chance: no false alarm in a million reports.
"""

NO_ERRORS = "no-standard-errors"


def verified(
    net: Network, samples: Samples, noise: str
) -> tuple[Certificate, Uncertainty | None, tuple[Remark, ...]]:
    """The certificate of `verify` or, if `noise` is "auto" and the labels may be noisy, that of an
    estimate, with its standard errors and remarks."""
    asked = Question(net, bool(net.b.any() or net.c.any()), net.skip)
    certificate = Certificate.of(judge_as_given(asked, samples))
    net = certificate.network
    if certificate.status != Status.FAILED or noise == "none" or not net.n_units:
        return certificate, None, ()
    if not np.ptp(samples.Y, axis=0).any():
        same = "All labels are equal, which rules out noise."
        return certificate, None, (Remark("equal-labels", same),)
    asked = replace(asked, network=net)
    left = unexplained(net, samples, asked.biased, False)
    estimate = Certificate.of(judge_noisy(asked, samples, left))
    if estimate.status != Status.ESTIMATED:
        return certificate, None, (_not_noise(estimate.code, estimate.explanation),)
    objection = _not_fitted(net, samples)
    if objection is not None:
        return certificate, None, (objection,)
    try:
        biased, skip = asked.biased, net.skip
        errors = assess(net, samples.X, samples.Y, biased=biased, form="sandwich", skip=skip)
    except InputError as error:
        return estimate, None, (Remark(NO_ERRORS, f"There are no standard errors ({error})."),)
    angles = hidden_errors(errors.network, errors.units, samples)
    judged = judge_noisy(asked, samples, left, angles, errors.undetermined)
    return Certificate.of(judged), errors, ()


def _not_noise(code: str, reason: str) -> Remark:
    return Remark(code, f"The residuals are not taken as noise: {reason}.")


def _not_fitted(net: Network, samples: Samples) -> Remark | None:
    """Evidence that a network was neither fitted to noisy samples nor generated them: noise is not
    correlated with inputs or hidden values. In the regression of the residuals on them, n R² is
    asymptotically χ². This detects more than the score of dependence, which has to ignore whatever
    a fit removes."""
    few = samples.take(samples.spread(REGRESSED))
    if few.n < ROWS_PER_COLUMN * (1 + net.n_inputs + net.n_units):
        return _not_noise(
            "too-few-samples",
            f"{few.n} samples are too few to distinguish noise from a network that does not fit",
        )
    residual = few.Y - net(few.X)
    residual -= residual.mean(axis=0)
    design = np.column_stack([few.X, net.activation(net.preactivations(few.X))])
    design -= design.mean(axis=0)
    size = np.linalg.norm(design, axis=0)
    design /= np.where(size > 0, size, 1.0)
    fitted, _, rank, _ = np.linalg.lstsq(design, residual)
    total = (residual**2).sum(axis=0)
    explained = ((design @ fitted) ** 2).sum(axis=0) / np.where(total > 0, total, 1.0)
    p_value = samples.m * float(chdtrc(rank, few.n * explained).min())
    if p_value > BY_CHANCE:
        return None
    return _not_noise(
        "correlated-residuals",
        f"{100 * explained.max():.3g}% of the residual variance of an output is linear in the "
        "inputs and hidden values; a fit would have removed that, and noise does not contain it",
    )


def missing_errors(result: Recovery) -> tuple[Remark, ...]:
    """A remark if an estimate has no standard errors."""
    if result.status != Status.ESTIMATED or result.uncertainty is not None:
        return ()
    why = "There are no standard errors: the network has too many weights."
    return (Remark(NO_ERRORS, why),)
