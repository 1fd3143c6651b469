"""recover(exact=True): the search is in floating point, the answer over the rationals."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate, judge_exactly
from unrelu.ladder import Judged, Task, climb
from unrelu.methods.lifting import lift
from unrelu.result import Status
from unrelu.samples import ExactSamples

EXPLAINED = (Status.EXACT, Status.UNDETERMINED)


def climb_exactly(task: Task, samples: ExactSamples, rng: np.random.Generator) -> Judged:
    """The candidate of the ladder over ℚ, and judged there.

    The labels are searched for an exact network. Where there is none, some may be off: it is then
    looked for in the others, and the result says which samples break the proof."""
    best = climb(replace(task, noise="none") if task.noise == "auto" else task, rng)
    if task.noise == "auto" and best.certificate.status == Status.FAILED and task.method == "auto":
        clean = climb(replace(task, noise="sparse"), rng)
        best = clean if clean.certificate.status in EXPLAINED else best
    started = time.perf_counter()
    certificate, steps = _over_the_rationals(best, task, samples, rng)
    spent = {"lifting_steps": steps, "seconds_rational": time.perf_counter() - started}
    candidate = replace(best.candidate, stats={**best.candidate.stats, **spent})
    return replace(best, candidate=candidate, certificate=certificate)


def _over_the_rationals(
    best: Judged, task: Task, samples: ExactSamples, rng: np.random.Generator
) -> tuple[Certificate, int]:
    certificate = best.certificate
    if certificate.status not in EXPLAINED:
        return certificate, 0
    kept = np.setdiff1d(np.arange(samples.rounded.n), certificate.corrupted[:, 0])
    lifted = lift(certificate.network, samples.take(kept), task.bias, rng)
    if lifted.network is None:
        said = f"{certificate.explanation}; but not over the rationals: {lifted.reason}"
        status = Status.FAILED if lifted.contradicted else certificate.status
        return replace(certificate, status=status, explanation=said), lifted.steps
    proved = judge_exactly(lifted.network, samples, best.candidate.rows, task.bias)
    return proved, lifted.steps
