"""What samples show of a network: the certificate, the standard errors, and where the samples lie
relative to each unit. Reports draw it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.errors import InputError, InputTypeError
from unrelu.evidence.evidence import Question
from unrelu.evidence.labels import judge_with
from unrelu.evidence.noisy_labels import Estimated
from unrelu.evidence.rational_labels import judge_rational
from unrelu.inference.uncertainty import Uncertainty
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

NO_ERRORS, TOO_MANY = "no-standard-errors", "the network has too many weights"

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
        stats, recovered = net.stats, True
        without = net.status == Status.ESTIMATED and net.uncertainty is None
        remarks = _missing_errors(TOO_MANY * without)
    elif isinstance(net, Network):
        stats, found, recovered = {}, None, False
        asked = Question(net, bool(net.b.any() or net.c.any()), net.skip)
        if exactly is None:
            rounded = replace(asked, network=net.rounded())
            judged = judge_with(rounded, samples, noise, form="sandwich")
        else:
            judged = Estimated(judge_rational(asked, exactly))
        certificate, uncertainty = Certificate.of(judged.judgement), judged.uncertainty
        remarks = _missing_errors(judged.objection)
    else:
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network or a Recovery")
    if certificate.network.rational:
        # Rounded as for the certificate, which names units by number.
        certificate = replace(certificate, network=certificate.network.rounded().canonical())
    _check_same(certificate, samples)
    appraisal = _measured(certificate, samples, uncertainty, found, stats, recovered, remarks)
    return replace(appraisal, about=net.remarks) if isinstance(net, Recovery) else appraisal


def _missing_errors(why: str) -> tuple[Remark, ...]:
    """A remark if an estimate has no standard errors."""
    return (Remark(NO_ERRORS, f"There are no standard errors: {why}."),) if why else ()


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
    rows = np.union1d(samples.spread(DRAWN), [certificate.worst_sample])
    few = samples.spread(max(100, DRAWN_ENTRIES // max(1, net.n_units)))
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
