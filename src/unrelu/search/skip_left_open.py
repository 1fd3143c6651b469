"""Whether a linear function of the inputs is part of the network, where that is left open:
skip="auto".

Networks without one are searched first. One that explains the labels exactly settles it, and so
does an estimate of as many units as were asked for. Otherwise both are searched, and the better
status decides. Two estimates whose numbers of units were chosen by tests leave nothing that a
further unit would explain: the one with fewer unknowns is taken. Where that does not decide, it is
Schwarz's criterion (BIC): the linear function has to gain log n noise variances for each unknown
more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unrelu.activations import Activation
from unrelu.errors import InputError
from unrelu.fitting.fittings import fitting_of
from unrelu.fitting.selection import Effort
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.kind import NoiseKind
from unrelu.noise.kinds import KINDS
from unrelu.result import remark
from unrelu.search.ending import with_ending
from unrelu.search.judging import WITH_SKIP, Outcome
from unrelu.search.method import Method
from unrelu.search.options import check_skip
from unrelu.search.row_space import label_rank
from unrelu.search.task import Task
from unrelu.search.watch import watch
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

ORDER = (Status.FAILED, Status.UNDETERMINED, Status.ESTIMATED, Status.EXACT, Status.PROVED)


def may_be_there(
    activation: Activation | None, method: Method, noise: NoiseKind, exact: bool
) -> bool:
    """Whether a network of this kind can have a linear function."""
    try:
        check_skip(True, activation, method, noise, exact)
    except InputError:
        return False
    return True


def search_both(
    task: Task, search: Callable[[Task], Outcome], rng: np.random.Generator
) -> tuple[Task, Outcome]:
    """The task without a skip connection or with one, whichever suits the labels, and its
    outcome. `task` has none."""
    without = search(task)
    if _settled(without, task) or watch().ended is not None:
        return task, without
    rank = label_rank(task.samples, task.bias, rng, skip=True)
    wider = replace(task, skip=True, rank=rank)
    found = search(wider)
    if not _preferred(found, without, task):
        ended = watch().ended
        return task, without if ended is None else with_ending(without, ended)
    units = counted(without.certificate.network.n_units, "unit")
    sentence = (
        "a linear function of the inputs is part of the network, as skip='auto' has found: the "
        f"best network without one has {units} and is {without.status.value}"
    )
    return wider, replace(found, remarks=(*found.remarks, *remark("skip-chosen", sentence)))


def _settled(found: Outcome, task: Task) -> bool:
    """Whether a network without a linear function answers the question, or the labels are no
    values, so that none would."""
    if len(found.certificate.findings) > 1:
        return True
    hinted = any(each.code == WITH_SKIP for each in found.remarks)
    known = found.candidate.noise is None or (task.n_units is not None and not hinted)
    return found.status.certain and known


def _preferred(wider: Outcome, without: Outcome, task: Task) -> bool:
    ranks = [ORDER.index(each.status) for each in (without, wider)]
    if ranks[0] != ranks[1]:
        return ranks[1] > ranks[0]
    noise = wider.candidate.noise
    if noise is None or without.candidate.noise is None:
        return wider.certificate.residual < without.certificate.residual
    larger, smaller = wider.certificate.network, without.certificate.network
    more = unknowns_of(larger, biases=task.bias, skip=True)
    more -= unknowns_of(smaller, biases=task.bias, skip=False)
    if wider.status.certain and task.n_units is None:
        return more < 0
    kind, samples = KINDS[noise.kind], task.weighted
    gain = fitting_of(kind, larger, samples, task.bias, True, Effort()).gain(smaller, larger)
    return gain > more * math.log(samples.n)
