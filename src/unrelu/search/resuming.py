"""The checkpoint of a search: which samples and question it is of, and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import numpy as np

from unrelu.formats.checkpoint import Checkpoint, seed_of
from unrelu.inputs.options import seeded
from unrelu.search.task import Task
from unrelu.search.watch import watch
from unrelu.stored.journal import forget, kept_in

BESIDE = ".passes"
"""What follows the name of a checkpoint in that of the folder for passes."""


def seeded_again(
    rng: int | np.random.Generator | None, checkpoint: str | os.PathLike[str] | None
) -> tuple[np.random.Generator, dict[str, int]]:
    """`seeded`, but None takes the seed of the checkpoint, if there is one already."""
    if rng is None and checkpoint is not None:
        rng = seed_of(checkpoint)
    return seeded(rng)


@contextmanager
def resumable(
    path: str | os.PathLike[str] | None,
    task: Task,
    asked: dict[str, bool | str],
    rng: np.random.Generator,
    seed: dict[str, int],
) -> Iterator[None]:
    """Within the context, steps of the search are taken from the checkpoint, or added to it. A
    search that came to its end leaves none. Passes over its samples that were cut off go on from a
    folder beside it, whose fate is the same. Raises FileError, and InputError for the checkpoint of
    another search."""
    if path is None:
        yield
        return
    seen = watch()
    settings, samples = _settings(task, rng), task.samples
    seen.checkpoint = Checkpoint(path, settings | asked | {"seed": seed.get("seed")})
    folder = f"{os.fspath(path)}{BESIDE}"
    try:
        with kept_in(folder, samples.X, samples.Y, str(settings["samples"])):
            yield
    except BaseException:
        seen.checkpoint.write()
        raise
    if seen.ended is None:
        seen.checkpoint.remove()
        forget(folder)
    else:
        seen.checkpoint.write()


def _settings(task: Task, rng: np.random.Generator) -> dict[str, int | float | str | bool | None]:
    """What a search depends on, and what a checkpoint is compared by: the samples first."""
    samples, kept = task.samples, blake2b(digest_size=16)
    for _, X, Y in samples.blocks():
        kept.update((X + 0.0).tobytes())  # −0 and 0 are the same number
        kept.update((Y + 0.0).tobytes())
    if task.weights is not None:
        kept.update(task.weights.tobytes())
    state = json.dumps(rng.bit_generator.state, default=str, sort_keys=True)
    return {
        "samples": f"{samples.n} x {samples.d} x {samples.m}, {kept.hexdigest()}",
        "n_units": task.n_units,
        "activation": "unknown" if task.unknown else task.activation.name,
        "bias": task.bias,
        "method": task.method.name,
        "noise": task.noise.name,
        "values": task.values,
        "precision": f"{task.precision.name} {task.precision.step:g}",
        "alpha": task.alpha,
        "memory": task.memory,
        "generator": blake2b(state.encode(), digest_size=16).hexdigest(),
    }
