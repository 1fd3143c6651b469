"""The hunt for false certainty: one case, one answer of `recover`, and whether the answer lies.

An answer "exact" says that the network is the truth, up to rounding. It is a lie when it differs
from the truth on fresh inputs by more than `allowed`, when it has fewer units than were asked for
and the truth has, and when other networks make the same labels at all.

`allowed` looks at the truth and the inputs only, never at the certificate. A network that
explains every label i to τ roundings, |residual_i| ≤ τ eps s_i, with the sign patterns of the
truth differs from it at x by |j(x) (J/s)⁺ r| with ‖r‖ ≤ τ eps √(n m), J the Jacobian of the
labels and s_i the size of the terms that a label is the sum of.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu import Network, Recovery, Status, UnreluError, recover

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]

TAU = 1e3
"""τ √(n m): 20 roundings per label (the certificate's CONFIDENCE √(d + k)), √(n m) up to 50."""

FRESH = 2000
"""Inputs that an exact answer is compared on, from the law of the samples, and as many from a
Gaussian twice as wide."""


@dataclass(frozen=True, eq=False)
class Case:
    """Samples, and what is known about their origin.

    truth : the network, or any other function, that made the labels before something was done
    to them; None when nothing did.
    draw : fresh inputs of the same law.
    options : of `recover`.
    unique : False when other networks, as wide, are the same function or at least make the same
    labels on all inputs of this law.
    rounding : of the labels, relative to those of the smallest output, where they were rounded.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    truth: Network | Callable[[Array], Array] | None
    draw: Draw
    options: Mapping[str, Any] = field(default_factory=dict)
    unique: bool = True
    rounding: float = 0.0

    @property
    def eps(self) -> float:
        kinds = [a.dtype for a in (self.X, self.Y) if a.dtype.kind == "f"]
        own = float(max((np.finfo(kind).eps for kind in kinds), default=np.finfo(float).eps))
        return max(own, self.rounding)


Family = Callable[[np.random.Generator], Case]


@dataclass(frozen=True)
class Outcome:
    """`verdict`: a status, "input error" or "crash"; `false`: exact, and a lie; `unseen`: exact,
    and different from the truth where the samples leave no trace. `error`: largest difference
    from the truth on fresh inputs, as a share of the largest label; nan unless exact."""

    verdict: str
    false: bool
    unseen: bool
    error: float
    seconds: float
    reported: str


def hunt(case: Case, seed: int) -> Outcome:
    """Recover, and compare with the truth. Warnings are crashes."""
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = recover(case.X, case.Y, rng=seed, throw=False, **case.options)
    except UnreluError as error:
        seconds = time.perf_counter() - started
        return Outcome("input error", False, False, np.nan, seconds, str(error))
    except Exception as error:  # whatever else comes out of the library is what is hunted for
        seconds = time.perf_counter() - started
        reported = f"{type(error).__name__}: {error}"
        return Outcome("crash", False, False, np.nan, seconds, reported)
    seconds = time.perf_counter() - started
    verdict, reported = result.status.value, result.explanation
    if result.status != Status.EXACT:
        return Outcome(verdict, False, False, np.nan, seconds, reported)
    lie = lies(result, case, np.random.default_rng(seed))
    hidden = lie.why != "" and _leaves_no_trace(case)
    false = lie.why != "" and not hidden
    return Outcome(verdict, false, hidden, lie.error, seconds, f"{lie.why}; {reported}")


@dataclass(frozen=True)
class Lie:
    """Why an answer "exact" is wrong, empty when it is right; the error as in `Outcome`."""

    why: str
    error: float


def lies(result: Recovery, case: Case, rng: np.random.Generator) -> Lie:
    """Compare an exact answer with what is known about the samples."""
    net, truth = result.network, case.truth
    assert net is not None
    if truth is None:
        return Lie("no network made these labels", np.inf)
    X = np.asarray(case.X, np.float64)
    fresh = case.draw(rng, FRESH)
    if isinstance(truth, Network):
        wide = X.mean(axis=0) + 2 * X.std(axis=0) * rng.standard_normal((FRESH, X.shape[1]))
        fresh = np.vstack([fresh, wide])
        bound = allowed(truth, X, fresh, case)
    else:
        # Half of the digits: a function that is no network is further off than that.
        bound = np.full((1, 1), np.sqrt(case.eps) * np.abs(truth(X)).max())
    expected = truth(fresh)
    difference = np.abs(net(fresh) - expected)
    size = float(np.abs(expected).max()) or 1.0
    error = float(difference.max()) / size
    if (difference > bound).any():
        share = float((difference > bound).mean())
        return Lie(f"differs by {error:.1e} of the largest label on {share:.0%}", error)
    asked = case.options.get("n_units")
    if isinstance(truth, Network) and asked is not None:
        true_units = truth.canonical().n_units
        if net.n_units < min(asked, true_units):
            return Lie(f"{net.n_units} units of {true_units}, {asked} asked for", error)
    return Lie("" if case.unique else "other networks make the same labels", error)


def allowed(truth: Network, X: Array, fresh: Array, case: Case) -> Array:
    """(n, m) how far an exact answer may be off at fresh inputs; never more than half of the
    digits, whatever the conditioning."""
    truth = truth.canonical()
    bias = bool(truth.b.any() or truth.c.any() or case.options.get("bias", True))
    scale = np.sqrt((X**2).mean(axis=0))
    size = terms(truth, X, scale)
    # A label that is small because units are off shares the rounding of c with the usual ones.
    usual = np.sqrt((size**2).mean(axis=0))
    usual = np.maximum(usual, case.eps * (usual.max() or 1.0))
    J = slopes(truth, X, bias, scale) / np.maximum(size, usual).reshape(-1, 1)
    lengths = np.abs(J).max(axis=0)
    lengths[lengths == 0] = 1.0
    _, values, directions = np.linalg.svd(J / lengths, full_matrices=False)
    seen = values > 1e-13 * values.max(initial=0.0)
    lever = directions[seen].T / values[seen]
    moved = np.linalg.norm(slopes(truth, fresh, bias, scale) / lengths @ lever, axis=1)
    moved = moved.reshape(len(fresh), truth.n_outputs)
    bound = TAU * case.eps * (terms(truth, fresh, scale) + usual + moved)
    everything = reach(truth, fresh, scale) @ np.abs(truth.U.T) + np.abs(truth.c) + usual
    return np.asarray(np.minimum(bound, np.sqrt(case.eps) * everything))


def reach(net: Network, X: Array, scale: Array) -> Array:
    """(n, k) what |x·v + b| is at most, with inputs in units of `scale`."""
    lengths = np.linalg.norm(net.V * scale, axis=1)
    return np.asarray(np.outer(np.linalg.norm(X / scale, axis=1), lengths) + np.abs(net.b))


def near_active(net: Network, X: Array, scale: Array) -> NDArray[np.bool_]:
    """(n, k) units that are active, or so close to it that rounding could make them."""
    return np.asarray(net.preactivations(X) > -1e-9 * reach(net, X, scale))


def terms(net: Network, X: Array, scale: Array) -> Array:
    """(n, m) sum of the absolute values of what each label is the sum of."""
    inputs = np.where(near_active(net, X, scale), reach(net, X, scale), 0.0)
    return np.asarray(inputs @ np.abs(net.U.T) + np.abs(net.c))


def slopes(net: Network, X: Array, bias: bool, scale: Array) -> Array:
    """(n m, p) derivatives of the labels by V, U and, with biases, b and c."""
    n, m, k = len(X), net.n_outputs, net.n_units
    on = near_active(net, X, scale).astype(np.float64)
    by_V = np.einsum("ij,oj,id->iojd", on, net.U, X).reshape(n * m, -1)
    by_U = np.einsum("ij,op->iopj", np.maximum(net.preactivations(X), 0.0), np.eye(m))
    parts = [by_V, by_U.reshape(n * m, -1)]
    if bias:
        parts.append(np.einsum("ij,oj->ioj", on, net.U).reshape(n * m, k))
        parts.append(np.tile(np.eye(m), (n, 1)))
    return np.hstack(parts)


def unseen(truth: Network, X: Array) -> bool:
    """Whether a unit is active on no sample, or no sample separates two units whose output
    weights are parallel: then a smaller network makes the same labels."""
    truth = truth.canonical()
    on = truth.preactivations(np.asarray(X, np.float64)) > 0
    if not on.any(axis=0).all():
        return True
    turned = truth.U / np.linalg.norm(truth.U, axis=0)
    parallel = np.abs(turned.T @ turned) > 1 - 1e-9
    same = (on[:, :, None] == on[:, None, :]).all(axis=0)
    np.fill_diagonal(same, False)
    return bool((parallel & same).any())


def _leaves_no_trace(case: Case) -> bool:
    """Only excuses an answer that was not told how many units to look for."""
    if case.options.get("n_units") is not None or not isinstance(case.truth, Network):
        return False
    return unseen(case.truth, case.X)
