"""What samples show of a network: the certificate, the standard errors, and where the samples lie
relative to each unit. Reports draw it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.checks.unexplained import unexplained
from unrelu.errors import InputError, InputTypeError
from unrelu.evidence.evidence import Question, with_kind_of_labels
from unrelu.evidence.exact_labels import judge_labels
from unrelu.evidence.noisy_labels import judge_noisy
from unrelu.evidence.rational_labels import judge_rational
from unrelu.inference.assessment import assess
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import hidden_errors
from unrelu.inputs.frames import tables
from unrelu.inputs.names import UNNAMED, Names
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.result import Recovery, explained, more_samples, status_of
from unrelu.samples import ExactSamples, Samples
from unrelu.wording.remarks import Remark
from unrelu.wording.status import SENTENCES, Status
from unrelu.wording.streams import counted, kind_of

DRAWN = 20_000
"""Samples that are kept to be drawn. More dots would not change the picture."""

DRAWN_ENTRIES = 4_000_000
"""Preactivations whose quantiles are taken: 32 MB, sorted in a few tenths of a second."""

ROWS_PER_COLUMN = 3
"""Samples per regressor from which on the tail of the χ² distribution of n R² can be trusted."""

BY_CHANCE = 1e-6
"""Largest p-value at which a correlation is not due to chance: no false alarm in a million reports.
"""

NO_ERRORS = "no-standard-errors"

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Levels at which the quantiles of a unit's preactivation are taken."""


@dataclass(frozen=True, eq=False)
class Appraisal:
    """What samples show of a network.

    certificate : its network is in canonical form, in float64.
    uncertainty : standard errors, if the labels are noisy and there are not too many weights.
    noise, stats : as in the `Recovery`, if there was one.
    recovered : whether the network was recovered from these samples. If not, it is unknown which of
        them were used to find it.
    remarks : what else there is to say about the verdict.
    spread : (m,) standard deviation of the labels.
    active : (k,) share of the samples on which each unit is active.
    nearest : (k,) distance of the nearest sample to each unit's hyperplane.
    quantiles : (k, 5) of the signed distance to the hyperplane, negative where inactive, at
        `LEVELS`.
    rows : the samples that are drawn, evenly spaced, with the worst one among them; labels and
        predicted : (r, m) their labels and the outputs of the network.
    left_out : (r, m), label entries that the certificate leaves out as gross errors.
    types : of X and Y as they were given.
    fingerprints : SHA-256 of the network and of the samples, shortened.
    names : of inputs and outputs, if the samples have names.
    about : findings about the question asked, if the network was recovered.
    """

    certificate: Certificate
    uncertainty: Uncertainty | None
    noise: Noise | None
    stats: Mapping[str, float | int | str]
    recovered: bool
    remarks: tuple[Remark, ...]
    spread: Array
    active: Array
    nearest: Array
    quantiles: Array
    rows: Index
    labels: Array
    predicted: Array
    left_out: Mask
    types: tuple[str, str]
    fingerprints: tuple[str, str] = field(repr=False)
    names: Names = UNNAMED
    about: tuple[Finding, ...] = ()

    @property
    def status(self) -> Status:
        return status_of(self.about, self.certificate)

    @property
    def sentence(self) -> str:
        """What the status means here."""
        decided = self.status == self.certificate.status
        return self.certificate.sentence if decided else SENTENCES[self.status]

    @property
    def explanation(self) -> str:
        """What was found, in words."""
        return explained(self.about, self.certificate)

    @property
    def more_samples(self) -> int | None:
        """About how many more samples of the same kind would do; None if none or unknown."""
        return more_samples(self.about, self.certificate)

    @property
    def network(self) -> Network:
        return self.certificate.network

    @property
    def contradicted(self) -> bool:
        """Whether all labels are explained to rounding, but not all when taken literally."""
        proof = self.certificate.proof
        to_rounding = self.certificate.residual_in_roundings <= 1
        return proof is not None and not proof.holds and to_rounding


def appraise(
    net: Network | Recovery, X: ArrayLike, Y: ArrayLike, *, noise: str = "auto"
) -> Appraisal:
    """What the samples (X, Y) show of a network.

    Parameters
    ----------
    net : a network, which is verified; or a `Recovery` from these very samples, whose certificate
        and standard errors are used.
    X : (n, d) inputs; Y : (n, m) or (n,) labels. If one of them is an array of Fraction, both are
        taken literally: the certificate is that of `verify` with exact=True. Values and weights are
        shown rounded to float64.
    noise : for a network. "none": labels must be explained to rounding. "auto": a network whose
        residuals do not depend on the inputs may be an estimate.

    Raises
    ------
    InputError, InputTypeError as `verify` does, and for a recovery from other samples.

    Standard errors of a network have the form "sandwich", since it is unknown how it was fitted.
    Cost: that of `verify` and `assess`, and one more pass over the samples, O(n k (d + m)).

    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> appraise(net, X, net(X)).status.value
    'exact'
    """
    if noise not in ("auto", "none"):
        raise InputError(f"noise: got {noise!r}, expected 'auto' or 'none'")
    drawn = net.network if isinstance(net, Recovery) else net
    if isinstance(drawn, Network) and drawn.activation.estimated:
        raise InputError(
            "net: got one whose activation is a curve, expected one with a formula; "
            "`unrelu.draw_curve` draws the curve"
        )
    exact = any(np.asarray(given).dtype.kind == "O" for given in tables(X, Y)[:2])
    exactly = ExactSamples.of(X, Y) if exact else None
    samples = Samples.of(X, Y) if exactly is None else exactly.rounded
    if isinstance(net, Recovery):
        certificate, uncertainty, found = net.certificate, net.uncertainty, net.noise
        stats, remarks, recovered = net.stats, _missing_errors(net), True
    elif isinstance(net, Network):
        stats, found, recovered = {}, None, False
        if exactly is None:
            certificate, uncertainty, remarks = _verified(net.rounded(), samples, noise)
        else:
            asked = Question(net, bool(net.b.any() or net.c.any()), net.skip)
            certificate = Certificate.of(judge_rational(asked, exactly))
            uncertainty, remarks = None, ()
    else:
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network or a Recovery")
    if certificate.network.rational:
        # Rounded as for the certificate, which names units by number.
        certificate = replace(certificate, network=certificate.network.rounded().canonical())
    _check_same(certificate, samples)
    appraisal = _measured(certificate, samples, uncertainty, found, stats, recovered, remarks)
    return replace(appraisal, about=net.remarks) if isinstance(net, Recovery) else appraisal


def _verified(
    net: Network, samples: Samples, noise: str
) -> tuple[Certificate, Uncertainty | None, tuple[Remark, ...]]:
    """The certificate of `verify`, or that of an estimate if the labels may be noisy."""
    asked = Question(net, bool(net.b.any() or net.c.any()), net.skip)
    certificate = Certificate.of(with_kind_of_labels(judge_labels(asked, samples), samples))
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
    few = samples.take(_drawn(samples.n, DRAWN, None))
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


def _missing_errors(result: Recovery) -> tuple[Remark, ...]:
    if result.status != Status.ESTIMATED or result.uncertainty is not None:
        return ()
    why = "There are no standard errors: the network has too many weights."
    return (Remark(NO_ERRORS, why),)


def _check_same(certificate: Certificate, samples: Samples) -> None:
    net = certificate.network
    got, expected = (samples.n, samples.d, samples.m), (certificate.n_samples, net.n_inputs)
    if got[:2] != expected or got[2] != net.n_outputs:
        raise InputError(
            f"X and Y: got {counted(got[0], 'sample')} of {counted(got[1], 'input')} and "
            f"{counted(got[2], 'output')}, expected those of the recovery, {expected[0]} of "
            f"{expected[1]} and {net.n_outputs}; for other samples, pass its network"
        )


def _measured(
    certificate: Certificate,
    samples: Samples,
    uncertainty: Uncertainty | None,
    noise: Noise | None,
    stats: Mapping[str, float | int | str],
    recovered: bool,
    remarks: tuple[Remark, ...],
) -> Appraisal:
    """The appraisal, by one pass over the samples."""
    net = certificate.network
    free = not net.activation.homogeneous  # otherwise hidden weights have length one
    lengths = np.linalg.norm(net.V, axis=1) if free else np.ones(net.n_units)
    rows = _drawn(samples.n, DRAWN, certificate.worst_sample)
    few = _drawn(samples.n, max(100, DRAWN_ENTRIES // max(1, net.n_units)), None)
    active, nearest = np.zeros(net.n_units), np.full(net.n_units, np.inf)
    total, squares, largest = np.zeros(samples.m), np.zeros(samples.m), 0.0
    predicted, heights = np.empty((len(rows), samples.m)), np.empty((len(few), net.n_units))
    wrong = np.zeros((len(rows), samples.m), dtype=bool)
    digest = hashlib.sha256()
    for block, X, Y in samples.blocks():
        digest.update(X.tobytes())
        digest.update(Y.tobytes())
        Z, labels = net.preactivations(X) / lengths, net(X)
        active += (Z > 0).sum(axis=0)
        nearest = np.minimum(nearest, np.abs(Z).min(axis=0))
        total += Y.sum(axis=0)
        squares += (Y**2).sum(axis=0)
        largest = max(largest, float(np.abs(labels - Y).max()))
        here = (rows >= block.start) & (rows < block.stop)
        predicted[here] = labels[rows[here] - block.start]
        here = (few >= block.start) & (few < block.stop)
        heights[here] = Z[few[here] - block.start]
    size = float(np.sqrt(squares.sum() / (samples.n * samples.m))) or 1.0
    _check_residual(certificate, largest / size, samples.eps)
    for row, output in certificate.corrupted:
        wrong[rows == row, output] = True
    quantiles = np.quantile(heights, LEVELS, axis=0).T if net.n_units else np.zeros((0, 5))
    mean = total / samples.n
    return Appraisal(
        certificate=certificate,
        uncertainty=uncertainty,
        noise=noise,
        stats=stats,
        recovered=recovered,
        remarks=remarks,
        spread=np.sqrt(np.maximum(squares / samples.n - mean**2, 0.0)),
        active=active / samples.n,
        nearest=nearest,
        quantiles=quantiles,
        rows=rows,
        labels=np.asarray(samples.Y[rows], dtype=np.float64),
        predicted=predicted,
        left_out=wrong,
        types=(str(samples.X.dtype), str(samples.Y.dtype)),
        fingerprints=(_fingerprint(net), digest.hexdigest()[:16]),
        names=samples.names,
    )


def _drawn(n: int, most: int, besides: int | None) -> Index:
    rows = np.arange(n) if n <= most else np.unique(np.linspace(0, n - 1, most).astype(np.intp))
    return rows if besides is None else np.union1d(rows, [besides])


def _check_residual(certificate: Certificate, residual: float, eps: float) -> None:
    """Raise if these samples leave another residual than those of the certificate did."""
    if len(certificate.corrupted) or not certificate.network.n_units:
        return
    if abs(residual - certificate.residual) > eps**0.5 * max(residual, certificate.residual, 1e-3):
        raise InputError(
            f"X and Y: got samples of which the network leaves up to {residual:.3g} of the labels' "
            f"size, expected those of the recovery, of which it leaves {certificate.residual:.3g}; "
            "for other samples, pass its network"
        )


def _fingerprint(net: Network) -> str:
    digest = hashlib.sha256(net.activation.name.encode())
    for array in (net.V, net.U, net.b, net.c, *([net.W] if net.skip else [])):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
