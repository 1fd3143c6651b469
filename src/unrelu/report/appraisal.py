"""What samples show of a network, gathered once: the certificate, the standard errors, and how
the samples lie about each unit. Reports draw it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from unrelu.certificate import Certificate, judge, judge_estimate, judge_exactly
from unrelu.checks.unexplained import unexplained
from unrelu.errors import InputError, InputTypeError
from unrelu.inference.uncertainty import Uncertainty, assess
from unrelu.inference.units import hidden_errors
from unrelu.inputs.frames import tables
from unrelu.inputs.names import UNNAMED, Names
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.result import Recovery
from unrelu.samples import ExactSamples, Samples
from unrelu.wording.status import Status
from unrelu.wording.streams import counted, kind_of

DRAWN = 20_000
"""Samples that are kept to be drawn; more dots than that make no other picture."""

DRAWN_ENTRIES = 4_000_000
"""Preactivations looked at for quantiles: 32 MB, sorted in some tenths of a second."""

ROWS_PER_COLUMN = 3
"""Samples to a regressor from which on the χ² distribution of n R² is to be trusted that far."""

BY_CHANCE = 1e-6
"""Probability at which a correlation is no chance any more, in all the reports ever made."""

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Where the quantiles of a unit's preactivation are taken."""


@dataclass(frozen=True, eq=False)
class Appraisal:
    """What samples show of a network.

    certificate : the verdict and its measurements; its network is in canonical form, in float64.
    uncertainty : standard errors, where the labels are noisy and there are not too many weights.
    noise, stats : as on the `Recovery`, where there was one.
    recovered : whether the network was recovered from these samples. Otherwise nobody knows
        which of them served to find it.
    remarks : what else there is to say of the verdict.
    root_mean_square : (m,) of the labels; spread : (m,) of the labels about their mean.
    active : (k,) share of the samples on which each unit is active.
    nearest : (k,) distance of the nearest sample to each unit's hyperplane.
    quantiles : (k, 5) of the distance to the hyperplane, negative where off, at `LEVELS`.
    rows : the samples that are drawn, evenly spaced, the worst one among them; their labels and
        what the network says, (r, m) each.
    left_out : (r, m), label entries that the certificate leaves out as grossly wrong.
    types : of X and Y as they came.
    fingerprints : SHA-256 of the network and of the samples, shortened.
    names : of inputs and outputs, where the samples had names.
    """

    certificate: Certificate
    uncertainty: Uncertainty | None
    noise: Noise | None
    stats: Mapping[str, float | int | str]
    recovered: bool
    remarks: tuple[str, ...]
    root_mean_square: Array
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

    @property
    def status(self) -> Status:
        return self.certificate.status

    @property
    def network(self) -> Network:
        return self.certificate.network

    @property
    def contradicted(self) -> bool:
        """Whether all labels are explained to rounding, and some not when taken at their word."""
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
        and standard errors are taken over.
    X : (n, d) inputs; Y : (n, m) or (n,) labels. Where one of them is an array of Fraction, all
        are meant exactly: the certificate is that of `verify` with exact=True. Whatever is shown
        is rounded to float64, and so are the weights of a rational network.
    noise : of a network: "none", where labels must be explained to rounding; "auto", where a
        network that leaves something which does not depend on the inputs may be an estimate.

    Raises
    ------
    InputError, InputTypeError as `verify` does, and for a recovery from other samples.

    Standard errors of a network are of the form "sandwich", for nobody knows how it was fitted.
    Cost: that of `verify` and `assess`, and one more pass over the samples, O(n k (d + m)).

    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> appraise(net, X, net(X)).status.value
    'exact'
    """
    if noise not in ("auto", "none"):
        raise InputError(f"noise: got {noise!r}, expected 'auto' or 'none'")
    shown = net.network if isinstance(net, Recovery) else net
    if isinstance(shown, Network) and shown.activation.estimated:
        raise InputError(
            "net: got one whose activation is a curve, expected one with a formula: "
            "`unrelu.draw_curve` shows it"
        )
    exact = any(np.asarray(given).dtype.kind == "O" for given in tables(X, Y)[:2])
    exactly = ExactSamples.of(X, Y) if exact else None
    samples = Samples.of(X, Y) if exactly is None else exactly.rounded
    if isinstance(net, Recovery):
        certificate, uncertainty, found = net.certificate, net.uncertainty, net.noise
        stats, remarks, recovered = net.stats, _no_errors(net), True
    elif isinstance(net, Network):
        stats, found, recovered = {}, None, False
        if exactly is None:
            certificate, uncertainty, remarks = _verified(net.rounded(), samples, noise)
        else:
            biased = bool(net.b.any() or net.c.any())
            certificate = judge_exactly(net, exactly, np.arange(0), biased, net.skip)
            uncertainty, remarks = None, ()
    else:
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network or a Recovery")
    if certificate.network.rational:
        # As it was rounded for the certificate, which speaks of units by number.
        certificate = replace(certificate, network=certificate.network.rounded().canonical())
    _check_same(certificate, samples)
    return _measured(certificate, samples, uncertainty, found, stats, recovered, remarks)


def _verified(
    net: Network, samples: Samples, noise: str
) -> tuple[Certificate, Uncertainty | None, tuple[str, ...]]:
    """The certificate of `verify`, or that of an estimate where the labels may be noisy."""
    biased, nothing = bool(net.b.any() or net.c.any()), np.arange(0)
    skip = net.skip
    certificate = judge(net, samples, nothing, biased, skip=skip)
    net = certificate.network
    if certificate.status != Status.FAILED or noise == "none" or not net.n_units:
        return certificate, None, ()
    if not np.ptp(samples.Y, axis=0).any():
        return certificate, None, ("All labels are the same, and noise is not.",)
    left, unknown = unexplained(net, samples, biased, False), np.full(net.n_units, np.inf)
    estimate = judge_estimate(net, samples, nothing, biased, left, unknown, nothing, skip)
    if estimate.status != Status.ESTIMATED:
        return certificate, None, (f"Taken as noise: {estimate.explanation}.",)
    objection = _not_fitted(net, samples)
    if objection:
        return certificate, None, (objection,)
    try:
        errors = assess(net, samples.X, samples.Y, biased=biased, form="sandwich", skip=skip)
    except InputError as error:
        return estimate, None, (f"There are no standard errors ({error}).",)
    angles = hidden_errors(errors.network, errors.units, samples)
    weak = errors.undetermined
    estimate = judge_estimate(net, samples, nothing, biased, left, angles, weak, skip)
    return estimate, errors, ()


def _not_fitted(net: Network, samples: Samples) -> str:
    """What speaks against a network being fitted to noisy samples, or having made them: noise is
    not correlated with inputs or with hidden values. n R² in the regression on them, χ² by then.
    Finer than the score of the dependence, which has to be blind to what a fit takes away."""
    rows = _drawn(samples.n, DRAWN, None)
    few, columns = samples.take(rows), 1 + net.n_inputs + net.n_units
    if few.n < ROWS_PER_COLUMN * columns:
        return (
            f"Taken as noise: {few.n} samples are too few to tell noise from a network that does "
            "not fit."
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
    chance = samples.m * float(chdtrc(rank, few.n * explained).min())
    if chance > BY_CHANCE:
        return ""
    return (
        f"Taken as noise: {100 * explained.max():.3g}% of what the network leaves of an output "
        "follows the inputs or the hidden units in proportion, which a fit would have taken up, "
        "and noise does not do."
    )


def _no_errors(result: Recovery) -> tuple[str, ...]:
    if result.status != Status.ESTIMATED or result.uncertainty is not None:
        return ()
    return ("There are no standard errors: the network has too many weights for that.",)


def _check_same(certificate: Certificate, samples: Samples) -> None:
    net = certificate.network
    got, expected = (samples.n, samples.d, samples.m), (certificate.n_samples, net.n_inputs)
    if got[:2] != expected or got[2] != net.n_outputs:
        raise InputError(
            f"X and Y: got {counted(got[0], 'sample')} of {counted(got[1], 'input')} and "
            f"{counted(got[2], 'output')}, expected those of the recovery, {expected[0]} of "
            f"{expected[1]} and {net.n_outputs}: for others, give its network alone"
        )


def _measured(
    certificate: Certificate,
    samples: Samples,
    uncertainty: Uncertainty | None,
    noise: Noise | None,
    stats: Mapping[str, float | int | str],
    recovered: bool,
    remarks: tuple[str, ...],
) -> Appraisal:
    """One pass over the samples."""
    net = certificate.network
    free = not net.activation.homogeneous  # hidden weights then have lengths of their own
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
        root_mean_square=np.sqrt(squares / samples.n),
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
    """The same samples leave the same residual, to rounding."""
    if len(certificate.corrupted) or not certificate.network.n_units:
        return
    if abs(residual - certificate.residual) > eps**0.5 * max(residual, certificate.residual, 1e-3):
        raise InputError(
            f"X and Y: got samples of which the network leaves up to {residual:.3g} of the labels' "
            f"size, expected those of the recovery, of which it leaves {certificate.residual:.3g}: "
            "for others, give its network alone"
        )


def _fingerprint(net: Network) -> str:
    digest = hashlib.sha256(net.activation.name.encode())
    for array in (net.V, net.U, net.b, net.c, *([net.W] if net.skip else [])):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
