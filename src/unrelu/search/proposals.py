"""Candidates for labels without noise, as each of the searches proposes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.complete import facets, mixed_integer
from unrelu.fitting import affine_term
from unrelu.fitting.candidate import Candidate, constant
from unrelu.network import Network
from unrelu.search import hyperplanes, row_space
from unrelu.search.task import Passes, Task


def from_row_space(
    task: Task, passes: Passes, rng: np.random.Generator, _known: Network | None = None
) -> Candidate | None:
    """Not where more units are asked for than the labels have rank."""
    if task.n_units is not None and task.n_units > task.rank:
        return None
    missed, skip = passes.missed, task.skip
    found = row_space.find(task.samples, bias=task.bias, rng=rng, missed=missed, skip=skip)
    return None if found is None else _simplest(found, task, passes)


def from_hyperplanes(
    task: Task,
    passes: Passes,
    rng: np.random.Generator,
    known: Network | None = None,
    *,
    patient: bool = False,
    most: int | None = None,
) -> Candidate:
    """A search that leaves what looks like noise is not pursued where a fit to noise follows;
    unless it is `patient`. `most`: units that are looked for."""
    found = hyperplanes.find(
        task.samples,
        n_units=task.n_units,
        least=task.rank,
        bias=task.bias,
        rng=rng,
        missed=passes.missed,
        known=known,
        noise=not (task.noise.exact or task.method.alone or patient),
        most=most,
        patient=patient,
        skip=task.skip,
    )
    return _simplest(found, task, passes)


def from_facets(
    task: Task, passes: Passes, rng: np.random.Generator, _known: Network | None = None
) -> Candidate:
    return facets.find(task.samples, bias=task.bias, rng=rng, missed=passes.missed)


def from_mixed_integers(
    task: Task, _passes: Passes, rng: np.random.Generator, _known: Network | None = None
) -> Candidate:
    assert task.n_units is not None, "the options have been checked"
    return mixed_integer.find(task.samples, n_units=task.n_units, bias=task.bias, rng=rng)


def without_units(task: Task) -> Candidate:
    """A constant; with a skip connection, an affine function."""
    samples = task.samples
    if not task.skip:
        return constant(samples, task.bias, task.activation)
    net = affine_term.affine(samples, task.bias)
    return Candidate(net, np.arange(samples.n), {"starts": 0})


def _simplest(found: Candidate, task: Task, passes: Passes) -> Candidate:
    """Without a skip connection, where the network found can do without."""
    if not task.skip:
        return found
    plain = affine_term.without(found.network, task.samples, found.rows, task.bias, passes.missed)
    return replace(found, network=plain, note=affine_term.NOT_NEEDED) if plain else found
