"""What recover() returns, made of the outcome of its search."""

from __future__ import annotations

from dataclasses import replace

from unrelu.checks.hidden_values import hidden_values
from unrelu.inference.goodness import goodness
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.deadline import now
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search.answers import Unlinked
from unrelu.search.dependent_inputs import for_all_inputs
from unrelu.search.judging import Outcome
from unrelu.search.question import remarks_on
from unrelu.search.task import Task
from unrelu.wording.status import Status


def recovery_of(
    best: Outcome, task: Task, exact: bool, seed: dict[str, int], started: float
) -> Recovery:
    """The recovery of the inputs that were searched. `started`: by `numerics.deadline.now`."""
    certificate, noise, names = best.certificate, best.candidate.noise, task.samples.names
    return Recovery(
        network=None if best.empty else certificate.network,
        certificate=certificate,
        hidden=_hidden(best, task.samples),
        remarks=remarks_on(best, task, exact),
        noise=noise,
        uncertainty=best.uncertainty and replace(best.uncertainty, names=names),
        goodness=None
        if noise is None
        else goodness(certificate.network, task.weighted, noise, biases=task.bias, skip=task.skip),
        names=names,
        stats={
            "method": best.method,
            **best.candidate.stats,
            "label_rank": task.rank,
            **seed,
            "seconds": now() - started,
        },
        ranges=task.samples.ranges(),
        smoothness=best.smoothness,
    )


def described(result: Recovery, behind: Unlinked | None, full: Samples, kept: Index) -> Recovery:
    """A result for all columns of X, and of the answers that were given."""
    result = for_all_inputs(result, full, kept) if len(kept) < full.d else result
    return result if behind is None else behind.described(result)


def _hidden(best: Outcome, samples: Samples) -> Array | None:
    """Hidden values, where the activation was unknown and they are known exactly."""
    exact = best.certificate.hidden is not None and best.certificate.status == Status.ESTIMATED
    return hidden_values(best.certificate.network, samples) if exact else None
