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
from unrelu.errors import InputError, InputTypeError, RecoveryError
from unrelu.methods import hyperplanes, row_space
from unrelu.methods.candidate import Candidate
from unrelu.methods.problem import Missed, choose_rows, with_constant
from unrelu.network import Network
from unrelu.numerics.rank import column_space
from unrelu.numerics.threads import one_thread
from unrelu.numerics.whitening import dependent_columns
from unrelu.result import Recovery, Status
from unrelu.samples import SMALLEST, Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]

METHODS = ("auto", "row-space", "hyperplanes")
NOISE = ("auto", "none")

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
    noise : "auto" or "none": labels are explained to rounding or not at all.
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

    Cost: O(k) starts of O(l (d² + d k)) on l = 8 (d + k) rows when rank(Y) = k, a few thousand
    products of O(l k (d + m)) on l = 6 k (d + m) / m rows otherwise; then one pass over all rows.

    Source: the problem is that of Bakshi, Jayaram and Woodruff (COLT 2019), Theorems 1 to 3.

    >>> rng = np.random.default_rng(1)
    >>> truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((2, 3)))
    >>> X = rng.standard_normal((200, 4))
    >>> result = recover(X, truth(X), rng=0)
    >>> result.status == "exact", result.network.n_units
    (True, 3)
    """
    started = time.perf_counter()
    _check_options(n_units, bias, method, noise, exact)
    resolve(activation)
    samples = Samples.of(X, Y)
    _check_independent(samples, bias)
    rng = _generator(rng)

    with one_thread(samples.n * samples.d < MANY_ENTRIES):
        rank = _label_rank(samples, bias, rng)
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
    said = [certificate.explanation, candidate.note]
    if status == Status.FAILED:
        units = n_units or rank
        missing = _missing_samples(samples, units, bias)
        if missing:
            status, more = Status.UNDETERMINED, missing
            said = [
                (
                    f"{samples.n} samples are too few to find {units} units: about {missing} "
                    f"more would do ({found} were tried; {certificate.explanation})"
                )
            ]
    elif n_units is not None and found > n_units:
        status = Status.FAILED
        said.insert(0, f"no network of {n_units} units explains these samples: {found} are needed")
    elif n_units is not None and found < n_units:
        status = Status.UNDETERMINED
        said.insert(
            0,
            f"{found} units explain these samples, which show nothing of the other "
            f"{n_units - found} that were asked for",
        )
    return replace(
        certificate, status=status, explanation="; ".join(filter(None, said)), more_samples=more
    )


def _missing_samples(samples: Samples, units: int, bias: bool) -> int:
    """How many samples short of what finding so many units takes: for each its D unknowns twice
    over on one side and the other units on the other (units active half of the time, a tenth to
    spare), and four equations to three unknowns in all."""
    dimension = samples.d + bias
    sides = 1.1 * (2 * dimension + 2 * math.sqrt(dimension) + units / samples.m)
    unknowns = units * (dimension + samples.m - 1) + bias * samples.m
    return max(0, math.ceil(max(sides, 4 / 3 * unknowns / samples.m)) - samples.n)


def _label_rank(samples: Samples, bias: bool, rng: np.random.Generator) -> int:
    """Rank of the labels; with output biases, of what varies in them."""
    rows = choose_rows(samples, 8 * (samples.d + samples.m + 1), rng)
    Y = samples.take(rows).Y
    if not bias:
        return int(column_space(Y, samples.eps).shape[1])
    constant = np.ptp(Y, axis=0) <= 4 * samples.eps * np.abs(Y).max(axis=0)
    return int(column_space(with_constant(Y[:, ~constant]), samples.eps).shape[1]) - 1


def _generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    expected = "expected a non-negative whole number or a numpy Generator"
    try:
        return np.random.default_rng(rng)
    except TypeError as error:
        raise InputTypeError(f"rng: got a {type(rng).__name__}, {expected}") from error
    except ValueError as error:
        raise InputError(f"rng: got {rng}, {expected}") from error


def _check_options(n_units: int | None, bias: bool, method: str, noise: str, exact: bool) -> None:
    if not isinstance(bias, (bool, np.bool_)):
        raise InputTypeError(f"bias: got a {type(bias).__name__}, expected True or False")
    if n_units is not None:
        if isinstance(n_units, bool) or not isinstance(n_units, (int, np.integer)):
            raise InputTypeError(
                f"n_units: got a {type(n_units).__name__}, expected a whole number or None"
            )
        if n_units < 1:
            raise InputError(f"n_units: got {n_units}, expected 1 or more, or None for unknown")
    for name, value, known in (("method", method, METHODS), ("noise", noise, NOISE)):
        if value not in known:
            raise InputError(
                f"{name}: got {value!r}, expected one of {', '.join(map(repr, known))}"
            )
    if exact:
        raise InputError("exact: got True, expected False: rational arithmetic is not available")


def _check_independent(samples: Samples, bias: bool) -> None:
    """Inputs must span their space, else directions without data could be anything. A column of
    ones is fine when there is no bias to confuse it with. A few rows are looked at, and all of
    them when those do not suffice."""
    rows = choose_rows(samples, 16 * (samples.d + 1), np.random.default_rng(0))
    X = samples.take(rows).X
    if len(_dependent(X, bias)) and len(rows) < samples.n:
        X = samples.take(np.arange(samples.n)).X
    dependent = _dependent(X, bias)
    if not len(dependent):
        return
    if not np.abs(X[:, dependent[0]]).max() > SMALLEST:
        what = f"column {dependent[0]} has no entry above {SMALLEST:g}: leave it out, or rescale it"
    elif bias and np.ptp(X[:, dependent[0]]) == 0:
        what = (
            f"column {dependent[0]} is constant, so it cannot be told from a bias: leave it out, "
            "or use bias=False"
        )
    else:
        what = (
            f"columns {', '.join(map(str, dependent[:6]))} are linear combinations of the others"
            f"{' and a constant' if bias else ''}, so nothing can be known of their weights: "
            "leave them out, or project the inputs on their principal components"
        )
    raise InputError(f"X: got dependent inputs, expected independent ones: {what}")


def _dependent(X: Array, bias: bool) -> Index:
    """Columns that are combinations of the others; zero and constant ones first."""
    tolerance = max(X.shape) * float(np.finfo(np.float64).eps)
    small = np.flatnonzero(~(np.abs(X).max(axis=0) > SMALLEST))
    if len(small):
        return small
    if bias:
        constant = np.flatnonzero(np.ptp(X, axis=0) <= tolerance * np.abs(X).max(axis=0))
        if len(constant):
            return constant
        X = X - X.mean(axis=0)
    return dependent_columns(X, tolerance)
