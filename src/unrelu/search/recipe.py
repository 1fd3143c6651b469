"""A published recipe that was asked for by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable, constant
from unrelu.noise.kinds import KINDS
from unrelu.search.task import Task


def candidates(task: Task, rng: np.random.Generator) -> Iterator[tuple[str, Candidate]]:
    """The candidates of a recipe for exact labels and, where it takes noise, for noisy ones; no
    other method is tried. Where it does not apply, its own network or the constant one says why."""
    method, samples, noise = task.method, task.samples, task.noise
    more = {} if method.relu_only else {"activation": task.activation}
    may_be_noisy = noise.noisy and any(KINDS[name].estimated for name in method.noise)
    ways = [False] * (not noise.estimated) + [True] * may_be_noisy
    refusal = ""
    for noisy_labels in ways:
        try:
            found = method.find(
                samples, n_units=task.n_units, bias=task.bias, noise=noisy_labels, rng=rng, **more
            )
        except Unsuitable as error:
            found = constant(samples, task.bias, task.activation)
            found = replace(found, network=error.network or found.network, unsuitable=error.reason)
            refusal = refusal or f"for labels without noise it does not apply: {error.reason}"
        if found.noise is not None:
            kind = noise.stand_in or noise.name
            note = "; ".join(filter(None, (found.note, refusal)))
            found = replace(found, noise=replace(found.noise, kind=kind), note=note)
        yield method.name, found
