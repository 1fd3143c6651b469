"""extract(): a model to query in, network and certificate out. Lines, units, fit, fresh queries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace

import numpy as np

from unrelu.activations import Activation, resolve
from unrelu.checks.finding import Finding
from unrelu.errors import InputError, InputTypeError
from unrelu.extraction.heads.head import Asked, Head
from unrelu.extraction.heads.table import recognise
from unrelu.extraction.heads.table import resolve as resolve_head
from unrelu.extraction.journal import Journal, seed_of
from unrelu.extraction.queries import Oracle, Queries
from unrelu.inputs.options import check_count, generator
from unrelu.numerics.quiet import quiet
from unrelu.numerics.threads import one_thread
from unrelu.recover import MANY_ENTRIES
from unrelu.result import Recovery, RecoveryError, remark
from unrelu.search.options import check_options
from unrelu.search.watch import passing_interruptions_on
from unrelu.wording.progress import Progress, Report
from unrelu.wording.streams import counted, kind_of


@quiet
def extract(
    oracle: Oracle,
    n_inputs: int,
    *,
    answers: str | Head = "auto",
    n_units: int | None = None,
    activation: str | Activation = "relu",
    bias: bool = True,
    budget: int = 100_000,
    scale: float = 1.0,
    reach: float = 1000.0,
    journal: str | os.PathLike[str] | None = None,
    batch: int = 1000,
    rng: int | np.random.Generator | None = None,
    throw: bool = True,
    time_limit: float | None = None,
    progress: Report | None = None,
    report: Callable[[int], None] | None = None,
) -> Recovery:
    """Find the network Y = f(X Vᵀ + b) Uᵀ + c behind an oracle that answers chosen queries.

    Parameters
    ----------
    oracle : callable, queries (n, d) float64 -> answers (n, m) or (n,). One that answers in
        float32 is given float32 inputs, and recovered as accurately as that rounding allows. For
        files, addresses and programs, see `unrelu.oracles`.
    n_inputs : d.
    answers : how the model encodes its values, in what it answers.
        "auto"         recognised from the first answers; it costs up to a few hundred queries.
        "values"       the values, in double or single precision, or with noise.
        "rounded"      values rounded to decimals, whole numbers, a grid such as k/255, or floats
                       of fewer bits than those that the model computes with. Where the answers
                       step from one level to the next, the values are known exactly.
        "sigmoid", "tanh", "softmax", "log-softmax", "rectified", "clipped"  functions of the
                       values, rounded or not.
        "labels"       class labels, as numbers or texts: the sign of one output, or which one is
                       largest. 100 to 200 queries for each weight. Of two classes, the network
                       has one output, positive for the second; of more, the first one's outputs
                       are zero. The largest output weight is 1.
        "top-k"        probabilities of the likeliest classes: an array (n, m) with zero or NaN for
                       the others, or rows of pairs or dictionaries of labels and probabilities.
                       They show differences of outputs; a class that is never shown has no output.
        Or a `Head` of `unrelu.extraction.heads` of your own. `stats["answers"]` has the name.
    n_units : number of hidden units, if known.
    activation : "relu".
    bias : fit b and c. Without, only networks with b = c = 0 are considered.
    budget : maximum number of queries, including answers from the journal. Never exceeded.
    scale : typical size of an input: most queries are Gaussian with this standard deviation.
    reach : units are searched for up to `reach * scale` times √d from the origin.
    journal : file that records every answer before it is used. An extraction that was killed
        resumes from it and asks nothing twice; with a larger budget, a finished one continues.
    batch : maximum number of queries in one call of the oracle; a crash may lose as many.
    rng : seed or generator; the same seed gives the same queries. None takes the seed of an
        existing journal.
    throw : raise `RecoveryError`, with the result in it, unless the network is certain.
    time_limit : seconds after which no more queries are made, and searches end. The result is then
        what was found; with a journal, the next extraction continues. So it is after an
        interruption (Ctrl-C).
    progress : called with a `Progress` after every batch: stage, queries, units found so far, about
        how many queries are left.
    report : called with the number of queries so far; `progress` has more.

    Returns
    -------
    Recovery as from `recover`. The certificate is based on random queries, the last of them made
    after the network was found. Answers on the lines must not contradict the network, or the
    status is "failed". `stats` count queries, in all and for each stage ("queries for lines"),
    rounds, lines and units found by them.

    Raises
    ------
    InputError, InputTypeError for invalid arguments; OracleError for answers that are not finite
    numbers; FileError for a journal that cannot be used; RecoveryError. Exceptions of the oracle
    are passed on.

    Cost in queries, with labels in float64: about 15 k for the lines; k / m gradients beside them,
    in a subspace of about k dimensions or fewer where d is much larger; then in every direction
    1.1 k d for one output, 1.25 (k (d + m) / m + d) or a few d more for several, or 1.5 k (d + m) /
    m at random where hyperplanes leave no room. For 784 inputs, 128 units and one output, 1.3 times
    the number of weights. If answers are noisy, or not those of such a network, `recover` is
    applied to growing numbers of random queries, up to the budget.

    >>> from unrelu import Network
    >>> rng = np.random.default_rng(1)
    >>> truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((1, 3)), [0.1, 9.0, -9.0])
    >>> result = extract(truth, 4, rng=0)
    >>> result.status == "exact", result.network.n_units, result.stats["queries"] < 700
    (True, 3, True)
    """
    started = time.perf_counter()
    check_options(n_units, bias, "auto", "auto", False)
    counts = {"n_inputs": n_inputs, "budget": budget, "batch": batch}
    for name, value in (counts if n_units is None else counts | {"n_units": n_units}).items():
        check_count(name, value)
    least = 2 * (n_inputs + bool(bias)) + 2
    known = resolve_head(answers)
    _check(oracle, resolve(activation), scale, reach, time_limit)
    _check_budget(budget, least, n_inputs)
    seed = _seed(seed_of(journal) if rng is None and journal is not None else rng)
    settings: dict[str, int | float | str | bool | None] = {
        "n_inputs": n_inputs,
        "seed": seed,
        "n_units": n_units,
        "activation": resolve(activation).name,
        "bias": bool(bias),
        "scale": float(scale),
        "reach": float(reach),
    }
    kept = None if journal is None else Journal(journal, settings)
    with nullcontext() if kept is None else closing(kept):
        queries = Queries(
            oracle,
            n_inputs,
            budget=budget,
            batch=batch,
            journal=kept,
            progress=_shown(progress, report),
            time_limit=time_limit,
            labels=known is None or known.texts or known.pairs,
        )
        asked = Asked(queries, n_units, bool(bias), float(scale), float(reach), seed)
        with one_thread(n_inputs * budget < MANY_ENTRIES), passing_interruptions_on():
            head = known or recognise(asked, least)
            best = head.extract(asked)
    result = _with_stats(best, head, queries, recognised=known is None)
    seconds = time.perf_counter() - started
    result = replace(result, stats={**result.stats, "seed": seed, "seconds": seconds})
    if throw and not result.status.certain:
        raise RecoveryError(result)
    return result


def _with_stats(best: Recovery, head: Head, queries: Queries, *, recognised: bool) -> Recovery:
    stats = {
        **best.stats,
        "answers": head.name,
        "queries": queries.asked,
        "new_queries": queries.new,
        "rounds": queries.rounds,
        **{f"queries for {stage}": count for stage, count in queries.by_stage.items()},
    }
    remarks = (*best.remarks, *_about_head(head, recognised=recognised))
    return replace(best, stats=stats, remarks=remarks)


def _about_head(head: Head, *, recognised: bool) -> tuple[Finding, ...]:
    """What the answers were taken for, if not for values, and what they hide."""
    plain = head.name in ("values", "not recognised")
    taken = f"the answers were recognised as {head.about}" if recognised and not plain else ""
    return (*remark("answers", taken), *remark("hidden-by-answers", head.hides))


def _shown(progress: Report | None, report: Callable[[int], None] | None) -> Report | None:
    """`report` is called with the number of queries alone."""
    if report is None:
        return progress

    def both(now: Progress) -> None:
        report(now.queries)
        if progress is not None:
            progress(now)

    return both


def _seed(rng: int | np.random.Generator | None) -> int:
    seed = int(rng) if isinstance(rng, (int, np.integer)) else int(generator(rng).integers(2**62))
    generator(seed)
    return seed


def _check_budget(budget: int, least: int, n_inputs: int) -> None:
    if budget < least:
        raise InputError(
            f"budget: got {budget}, expected {least} or more for {counted(n_inputs, 'input')}: a "
            "single unit needs as many"
        )


def _check(
    oracle: Oracle, activation: Activation, scale: float, reach: float, time_limit: float | None
) -> None:
    if not activation.piecewise_linear:
        raise InputError(
            f"activation: got {activation.name!r}, expected 'relu': queries are chosen for "
            "piecewise linear networks; recover() accepts samples of others"
        )
    if not callable(oracle):
        raise InputTypeError(f"oracle: got {kind_of(oracle)}, expected a callable")
    limit = 1.0 if time_limit is None else time_limit
    for name, size in (("scale", scale), ("reach", reach), ("time_limit", limit)):
        if not 0 < size < 1e15:  # not so for NaN
            raise InputError(f"{name}: got {size}, expected a positive number")
