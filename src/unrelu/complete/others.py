"""Other networks with as many units that explain few samples, found by looking at all units.

That a wrong network explains labels by chance is counted for inputs of no structure. A few of them,
such as the corners of a cube, may have some: then all units that explain the labels are examined,
where that is quick.
"""

from __future__ import annotations

import numpy as np

from unrelu.checks.case import Case
from unrelu.checks.counting import distinct_rows
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding, undetermined
from unrelu.complete import facets
from unrelu.fitting.alternation import OVERFLOW, another_unit
from unrelu.network import Network
from unrelu.numerics.arrays import Index
from unrelu.numerics.laws import coarse
from unrelu.samples import Samples

FEW_UNITS = 5
"""Units up to which other networks are looked for among few inputs, a tenth of a second's work."""


def known_rival(case: Case) -> Finding | None:
    """Whether a network that the search has found besides explains every sample, too."""
    assert case.rival is not None, "the search has found one"
    if explain(case.rival.canonical(), case.samples).in_roundings > 1:
        return None
    return _several("another network explains every sample as well")


def other_network(case: Case) -> Finding | None:
    """Whether another network explains every sample, too, or may do so."""
    samples, net = case.samples, case.net
    rank = int(np.linalg.matrix_rank(net.U)) if net.n_units else 0
    if case.skip or case.clean is not None or not 0 < rank == net.n_units:
        return None
    if case.relu and rank > FEW_UNITS:
        return None
    few = samples.take(distinct_rows(samples, case.biased))
    return _of_facets(few, case.biased) if case.relu else _of_alternation(few, net, case.biased)


def _of_facets(few: Samples, biased: bool) -> Finding | None:
    def missed(net: Network) -> Index:
        return explain(net.canonical(), few).missed

    found = facets.find(few, bias=biased, rng=np.random.default_rng(0), missed=missed)
    return None if found.rival is None else _several(found.note)


@OVERFLOW
def _of_alternation(few: Samples, net: Network, biased: bool) -> Finding | None:
    """For other activations than the ReLU. Where all inputs take few values, as the corners of a
    cube do, they have some structure; elsewhere starts of a search are examined that end in a unit
    which the network has not."""
    if coarse(few.X):
        return _several(
            "every sample is explained, but with inputs of so few values other networks may do so, "
            "too, and with this activation they are not all looked for: more samples, or other "
            "inputs, would tell"
        )
    if another_unit(few, net, biased, np.random.default_rng(0)):
        return _several("every sample is explained, but there is another unit that explains them")
    return None


def _several(sentence: str) -> Finding:
    return undetermined("several-networks", sentence)
