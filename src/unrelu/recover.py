"""recover(): samples in, network and certificate out. Prepare, propose, certify, report."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.activations import Activation, resolve
from unrelu.certificate import Certificate, judge
from unrelu.checks.explained import Explained, explain
from unrelu.errors import RecoveryError
from unrelu.methods import hyperplanes, row_space, sparse_noise
from unrelu.methods.candidate import Candidate
from unrelu.methods.problem import Missed
from unrelu.network import Network
from unrelu.numerics.threads import one_thread
from unrelu.preparation import check_independent, check_options, generator, label_rank
from unrelu.result import Recovery, Status
from unrelu.samples import Samples

Index = NDArray[np.intp]

MANY_ENTRIES = 1e6
"""Entries of X from which on the products are worth several threads."""

log = logging.getLogger(__name__)


def recover(
    X: ArrayLike,
    Y: ArrayLike,
    n_units: int | None = None,
    *,
    activation: str | Activation = "relu",
    bias: bool = True,
    method: str = "auto",
    noise: str = "auto",
    exact: bool = False,
    rng: int | np.random.Generator | None = None,
    throw: bool = True,
) -> Recovery:
    """Find V, U, b, c with Y = f(X Vᵀ + b) Uᵀ + c, and say how certain they are.

    Parameters
    ----------
    X : (n, d) inputs, of any distribution; no column a combination of the others.
    Y : (n, m) or (n,) labels.
    n_units : number of hidden units, where known. Found from the samples otherwise.
    activation : "relu".
    bias : look for b and c. Without, only networks with b = c = 0 are considered.
    method : "auto", or a single one: "row-space" (needs rank(Y) = k), "hyperplanes".
    noise : "auto" or "none": labels are explained to rounding or not at all; "sparse": fewer
        than a third of the label entries may be grossly wrong, and the certificate lists them.
    exact : rational arithmetic; not available yet.
    rng : seed or generator for the random starts; the same seed gives the same bits.
    throw : raise `RecoveryError`, with the result on it, unless the network is certain.

    Returns
    -------
    Recovery, with the network in canonical form. Its status is
    exact          every sample is explained to rounding, and no other network explains them;
    undetermined   the samples do not pin the network down; the certificate says where;
    failed         no such network was found; the certificate says how far the best one is off.

    Raises
    ------
    InputError, InputTypeError for data and names that cannot be meant; RecoveryError.

    Assumptions: none on the law of X, nor on the conditioning of V beyond float arithmetic. The
    samples must show each unit: about d + 1 of them on its active side. Few outputs (m < k) want
    some 4 equations n m per unknown k (d + m).

    Cost: O(k) starts of O(l (d² + d k) + d³) on l = 4 (d + k) + 200 rows when rank(Y) = k, a few
    thousand products of O(l k (d + m)) on l = 6 k (d + m) / m rows otherwise; one pass over all
    rows. A rarely active unit makes it more rows.

    Source: the problem is that of Bakshi, Jayaram and Woodruff (COLT 2019), Theorems 1 to 3.

    >>> rng = np.random.default_rng(1)
    >>> truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((2, 3)))
    >>> X = rng.standard_normal((200, 4))
    >>> result = recover(X, truth(X), rng=0)
    >>> result.status == "exact", result.network.n_units
    (True, 3)
    """
    started = time.perf_counter()
    check_options(n_units, bias, method, noise, exact)
    resolve(activation)
    samples = Samples.of(X, Y)
    check_independent(samples, bias)
    rng = generator(rng)

    with one_thread(samples.n * samples.d < MANY_ENTRIES):
        rank = label_rank(samples, bias, rng)
        if noise == "sparse":
            name, candidate, certificate = _despite_gross_errors(samples, n_units, bias, rng)
            rank = int(candidate.stats.get("split_rank", 1))
        else:
            name, candidate, certificate = _best(samples, rank, n_units, bias, method, rng)
    certificate = _with_context(certificate, candidate, samples, rank, n_units, bias)
    result = Recovery(
        status=certificate.status,
        network=certificate.network,
        certificate=certificate,
        stderr=None,
        stats={
            "method": name,
            **candidate.stats,
            "label_rank": rank,
            "seconds": time.perf_counter() - started,
        },
    )
    if throw and not result.status.certain:
        raise RecoveryError(result)
    return result


def _best(
    samples: Samples,
    rank: int,
    n_units: int | None,
    bias: bool,
    method: str,
    rng: np.random.Generator,
) -> tuple[str, Candidate, Certificate]:
    """The first candidate that is not refuted, or the one that comes closest."""
    passes = _Passes(samples)
    best: tuple[str, Candidate, Certificate] | None = None
    for name, candidate in _proposals(samples, rank, n_units, bias, method, rng, passes.missed):
        explained = passes.last(candidate.network)
        certificate = judge(candidate.network, samples, candidate.rows, bias, explained)
        log.info("%s: %s", name, certificate.explanation)
        if best is None or _better(certificate, best[2]):
            best = name, candidate, certificate
        if certificate.status != Status.FAILED:
            break
    assert best is not None, "the ladder always proposes something"
    return best


def _despite_gross_errors(
    samples: Samples, n_units: int | None, bias: bool, rng: np.random.Generator
) -> tuple[str, Candidate, Certificate]:
    """As `_best`, with entries that may be left out."""
    candidate = sparse_noise.find(samples, n_units=n_units, bias=bias, rng=rng)
    candidate = candidate or replace(_constant(samples, bias), note=sparse_noise.NO_SPLIT)
    certificate = judge(candidate.network, samples, candidate.rows, bias, gross=True)
    return "sparse-noise", candidate, certificate


class _Passes:
    """Passes over all samples, the last of them remembered: what a method looks at to see whether
    a network explains them all is what the certificate starts with."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._last: tuple[Network, Explained] | None = None

    def missed(self, net: Network) -> Index:
        self._last = net, explain(net.canonical(), self._samples)
        return self._last[1].missed

    def last(self, net: Network) -> Explained | None:
        return self._last[1] if self._last is not None and self._last[0] is net else None


def _proposals(
    samples: Samples,
    rank: int,
    n_units: int | None,
    bias: bool,
    method: str,
    rng: np.random.Generator,
    missed: Missed,
) -> Iterator[tuple[str, Candidate]]:
    """The methods that apply, cheapest first.

    Row-space alternation needs as many units as the labels have rank, so it is tried unless more
    are asked for; what units it finds, if not all, are a start for the general route.
    """
    known = None
    if rank == 0:
        yield "constant", _constant(samples, bias)
        return
    if method != "hyperplanes" and (n_units is None or n_units <= rank):
        candidate = row_space.find(samples, bias=bias, rng=rng, missed=missed)
        if candidate is not None:
            known = candidate.network
            yield "row-space", candidate
    if method == "row-space":
        if known is None:
            yield "row-space", _constant(samples, bias)
        return
    yield (
        "hyperplanes",
        hyperplanes.find(
            samples,
            n_units=n_units,
            least=rank,
            bias=bias,
            rng=rng,
            missed=missed,
            known=known,
        ),
    )


def _constant(samples: Samples, bias: bool) -> Candidate:
    """The network without units: the mean label, or zero."""
    total = np.zeros(samples.m)
    for _, _, Y in samples.blocks():
        total += Y.sum(axis=0)
    c = total / samples.n if bias else np.zeros(samples.m)
    net = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0)), c=c)
    return Candidate(net, np.arange(samples.n), {"starts": 0})


def _better(new: Certificate, old: Certificate) -> bool:
    if (new.status == Status.FAILED) != (old.status == Status.FAILED):
        return new.status != Status.FAILED
    return new.residual < old.residual


def _with_context(
    certificate: Certificate,
    candidate: Candidate,
    samples: Samples,
    rank: int,
    n_units: int | None,
    bias: bool,
) -> Certificate:
    """The certificate seen with what was asked for and what the samples could have shown."""
    found = certificate.network.n_units
    status, more = certificate.status, certificate.more_samples
    said = certificate.explanation
    if candidate.note:
        said += f"; {candidate.note}"
    if status == Status.FAILED:
        units = n_units or rank
        missing = _missing_samples(samples, units, rank, bias)
        if missing:
            status, more = Status.UNDETERMINED, missing
            at_least = "" if n_units else "the at least "
            said = (
                f"{samples.n} samples are too few to find {at_least}{units} units: about "
                f"{missing} more would do. Of the closest network, with {found} units, {said}"
            )
        else:
            said = (
                f"of the closest network found, with {found} units, {said}: the labels are noisy, "
                "or no network of this kind made them, or it has more units than so many samples "
                "show"
            )
    elif n_units is not None and found > n_units and status == Status.UNDETERMINED:
        said = f"{found} units explain these samples, and perhaps {n_units} would: {said}"
    elif n_units is not None and found > n_units:
        status = Status.FAILED
        said = f"no network of {n_units} units explains these samples, {found} are needed: {said}"
    elif n_units is not None and found < n_units:
        status = Status.UNDETERMINED
        said = (
            f"{found} units explain these samples, and nothing in them shows that there are "
            f"{n_units}: {said}"
        )
    return replace(certificate, status=status, explanation=said, more_samples=more)


def _missing_samples(samples: Samples, units: int, rank: int, bias: bool) -> int:
    """How many samples short of what finding so many units takes: for each its D unknowns twice
    over on one side and the other units on the other (units active half of the time, a tenth to
    spare); in all four equations to three unknowns, or, measured, three to one where the labels
    do not show every unit."""
    dimension, rank = samples.d + bias, max(rank, 1)
    sides = 1.1 * (2 * dimension + 2 * math.sqrt(dimension) + units / rank)
    unknowns = units * (dimension + rank - 1) + bias * rank
    equations = (4 / 3 if units <= rank else 3.0) * unknowns / rank
    return max(0, math.ceil(max(sides, equations)) - samples.n)
