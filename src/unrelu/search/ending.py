"""The outcome of a search that was ended early: the best network so far, judged for what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.evidence.evidence import Question
from unrelu.evidence.unchecked import exact_unchecked, noisy_unchecked
from unrelu.fitting.candidate import Candidate, constant
from unrelu.numerics.deadline import DeadlinePassed
from unrelu.search.judging import Outcome, better, judge
from unrelu.search.proposals import without_units
from unrelu.search.task import Passes, Task
from unrelu.search.watch import Watch, said_of
from unrelu.wording.status import Status


@dataclass
class SoFar:
    """How far a plan has come: the passes over all samples, the best outcome, a candidate that is
    still to be judged, and the kind of the labels, where they were found to be no values. `done`:
    whether the plan has come to its end, and goes on for the time that is left."""

    passes: Passes
    best: Outcome | None = None
    proposed: tuple[str, Candidate] | None = None
    kind: Finding | None = None
    done: bool = False


def at_the_end(task: Task, so_far: SoFar, watch: Watch, error: BaseException) -> Outcome:
    """The best outcome of a search that was left by this exception, which is raised again where it
    is not for this search. A network whose search was not finished, of noisy labels, is
    undetermined at best: it takes all tests to say how many units there are."""
    ended = watch.end(error)
    best, finished = so_far.best, True
    if so_far.done and best is not None:
        return replace(best, remarks=(*best.remarks, ended))
    proposed = so_far.proposed
    if proposed is None and watch.kept is not None:
        proposed, finished = (watch.kept.method, watch.kept.make()), False
    if proposed is None and best is None:
        proposed = "none", _nothing(task)
    if proposed is not None:
        new = _judged_in_time(task, *proposed, so_far.passes, watch)
        if best is None or (best.status == Status.FAILED and better(new, best)):
            best = new
        else:
            finished = True
    assert best is not None, "there is always a network without units"
    return with_ending(best, ended, finished=finished)


def with_ending(best: Outcome, ended: Finding, *, finished: bool = True) -> Outcome:
    """The outcome, and that the search was ended early: decisive unless the network is certain."""
    status = best.status
    if status == Status.ESTIMATED and not finished:
        status = Status.UNDETERMINED
    if status.certain:
        return replace(best, remarks=(*best.remarks, ended))
    return replace(best, remarks=(said_of(ended, status), *best.remarks))


def _nothing(task: Task) -> Candidate:
    """The candidate where none was found."""
    if not task.unknown:
        return without_units(task)
    nothing = constant(task.samples, False)
    return replace(nothing, note="no unit was found", directions=np.zeros(0))


def _judged_in_time(
    task: Task, method: str, candidate: Candidate, passes: Passes, watch: Watch
) -> Outcome:
    """The outcome, or, where the checks take too long, what a pass over the samples shows."""
    try:
        with watch.judging():
            return judge(task, method, candidate, passes)
    except DeadlinePassed:
        net, rows, noise = candidate.network, candidate.rows, candidate.noise
        asked = Question(net, task.bias, task.skip, rows, values=True)
        if noise is None:
            judgement = exact_unchecked(asked, task.samples, passes.last(net))
        else:
            judgement = noisy_unchecked(asked, task.weighted, noise)
        return Outcome(method, candidate, Certificate.of(judgement))
