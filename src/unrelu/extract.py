"""extract(): a model to ask in, network and certificate out. Lines, units, fit, fresh queries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unrelu.activations import Activation, resolve
from unrelu.errors import InputError, InputTypeError
from unrelu.extraction.journal import Journal, seed_of
from unrelu.extraction.questions import BudgetSpent, Oracle, Questions
from unrelu.extraction.search import Search
from unrelu.inputs.options import generator
from unrelu.numerics.quiet import quiet
from unrelu.numerics.threads import one_thread
from unrelu.recover import MANY_ENTRIES
from unrelu.result import Recovery, RecoveryError
from unrelu.search.options import check_options
from unrelu.wording.status import Status
from unrelu.wording.streams import counted, kind_of

MOST_ROUNDS = 5
"""Times that lines, fit and certificate are gone through."""


@quiet
def extract(
    oracle: Oracle,
    n_inputs: int,
    *,
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
    report: Callable[[int], None] | None = None,
) -> Recovery:
    """Find the network Y = f(X Vᵀ + b) Uᵀ + c behind an oracle that answers chosen queries.

    Parameters
    ----------
    oracle : callable, queries (n, d) float64 -> answers (n, m) or (n,). One that answers in
        float32 is asked at float32 inputs, and recovered as far as that rounding allows. For
        files, addresses and programs: `unrelu.oracles`.
    n_inputs : d.
    n_units : number of hidden units, where known.
    activation : "relu".
    bias : look for b and c. Without, only networks with b = c = 0 are considered.
    budget : most queries in all, answers from the journal included. Never exceeded.
    scale : usual size of an input: most queries are Gaussian with this standard deviation.
    reach : units are looked for up to `reach * scale` times √d from the origin.
    journal : file that keeps every answer before it is used. An extraction that was killed
        continues from it and asks nothing twice; a longer budget continues one that has ended.
    batch : most queries in one call of the oracle: as many may be lost with a crash.
    rng : seed or generator; the same seed gives the same queries. None takes that of an existing
        journal.
    throw : raise `RecoveryError`, with the result on it, unless the network is certain.
    report : called with the number of queries so far.

    Returns
    -------
    Recovery as from `recover`. The certificate is that of random queries, the last of them made
    after the network was found; what the lines have shown must not contradict the network, or the
    status is "failed". `stats` count queries, rounds, lines and units found by them.

    Raises
    ------
    InputError, InputTypeError for arguments that cannot be meant; OracleError for answers that
    are no finite numbers; FileError for a journal that cannot be used; RecoveryError. What the
    oracle raises goes through.

    Cost in queries, labels in float64: about k (d + 20) for the lines, and 1.5 k (d + m) / m or
    some more for the certificate. Answers that are noisy, or not those of such a network, leave
    random queries and `recover`, in growing numbers up to the budget.

    >>> from unrelu import Network
    >>> rng = np.random.default_rng(1)
    >>> truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((1, 3)), [0.1, 9.0, -9.0])
    >>> result = extract(truth, 4, rng=0)
    >>> result.status == "exact", result.network.n_units, result.stats["queries"] < 400
    (True, 3, True)
    """
    started = time.perf_counter()
    check_options(n_units, bias, "auto", "auto", False)
    if not resolve(activation).piecewise_linear:
        raise InputError(
            f"activation: got {resolve(activation).name!r}, expected 'relu': queries are chosen "
            "for networks that are piecewise linear; recover() takes samples of others"
        )
    if not callable(oracle):
        raise InputTypeError(f"oracle: got {kind_of(oracle)}, expected a callable")
    for name, value in (("n_inputs", n_inputs), ("budget", budget), ("batch", batch)):
        _check_count(name, value)
    if n_units is not None:
        _check_count("n_units", n_units)
    for name, size in (("scale", scale), ("reach", reach)):
        if not 0 < size < 1e15:  # not so for NaN
            raise InputError(f"{name}: got {size}, expected a positive number")
    first = 2 * (n_inputs + bias) + 2
    if budget < first:
        raise InputError(
            f"budget: got {budget}, expected {first} or more for {counted(n_inputs, 'input')}: a "
            "unit alone needs as many"
        )
    if rng is None and journal is not None:
        rng = seed_of(journal)
    seed = int(rng) if isinstance(rng, (int, np.integer)) else int(generator(rng).integers(2**62))
    generator(seed)
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
    try:
        questions = Questions(
            oracle, n_inputs, budget=budget, batch=batch, journal=kept, report=report
        )
        search = Search(questions, n_units, bool(bias), float(scale), float(reach), seed)
        with one_thread(n_inputs * budget < MANY_ENTRIES):
            best = _extracted(search, first)
    finally:
        if kept is not None:
            kept.close()
    result = replace(
        best,
        stats={
            "method": search.method,
            "queries": questions.asked,
            "new_queries": questions.new,
            "rounds": questions.rounds,
            "lines": search.lines,
            "units_found_by_lines": len(search.units.b),
            "single_precision": int(questions.single),
            "seed": seed,
            "seconds": time.perf_counter() - started,
        },
    )
    if throw and not result.status.certain:
        raise RecoveryError(result)
    return result


def _extracted(search: Search, first: int) -> Recovery:
    """The method: look along lines, fit, judge on fresh queries, and again where that shows more;
    random queries where lines lead nowhere."""
    try:
        search.grow(first)
        if not search.values():
            assert search.best is not None, "it says what the answers are"
            return search.best
        if search.measure():
            for _ in range(MOST_ROUNDS):
                before = len(search.units.b)
                if not search.look() or not len(search.units.b):
                    break
                status = search.settle()
                if status == Status.EXACT:
                    break
                if len(search.units.b) == before and (status == Status.FAILED or search.single):
                    if search.single:
                        search.complete()
                    break
        if search.best is None or search.best.status == Status.FAILED:
            search.passive()
    except BudgetSpent:
        search.conclude()
    assert search.best is not None, "there is always a best network"
    return search.best


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputTypeError(f"{name}: got {kind_of(value)}, expected a whole number")
    if value < 1:
        raise InputError(f"{name}: got {value}, expected 1 or more")
