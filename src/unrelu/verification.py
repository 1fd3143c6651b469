"""verify(): a network and samples in, certificate out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from unrelu.certificate import Certificate
from unrelu.errors import InputError, InputTypeError
from unrelu.evidence.evidence import Question
from unrelu.evidence.hidden_values import judge_hidden
from unrelu.evidence.labels import judge_with
from unrelu.evidence.rational_labels import judge_rational
from unrelu.inputs.options import check_flag
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.kinds import of_values
from unrelu.numerics.quiet import quiet
from unrelu.samples import ExactSamples, Samples
from unrelu.stored.blocks import Given
from unrelu.stored.doors import with_passes
from unrelu.stored.kinds import within
from unrelu.wording.streams import kind_of

ORDERED_ROWS = 5000
"""On which no hidden value may be out of order, where the activation is unknown."""


@with_passes
@quiet
def verify(
    net: Network,
    X: Given,
    Y: Given,
    *,
    exact: bool = False,
    bias: bool | None = None,
    skip: bool | None = None,
    noise: str = "auto",
    memory: float | None = None,
    client: Any = None,
) -> Certificate:
    """Does `net` explain these samples, and is it the only network that does?

    Parameters
    ----------
    net : the network to be checked; it is put into canonical form.
    X : (n, d) inputs; Y : (n, m) or (n,) labels.
    exact : take samples and weights, in whatever type, for what they are without any rounding, and
        check every label over the rationals: proved, or failed and which samples break the proof.
    bias, skip : whether networks with biases, and with a skip connection, compete with it; by
        default those that have what `net` has. With what `recover` was asked the status is that of
        its certificate.
    noise : what the labels may contain besides the outputs of the network, as in `recover`. "none":
        it has to explain them to rounding. "sparse": all but the entries that are grossly wrong,
        which the certificate lists. "gaussian", "independent", "poisson": noise of that kind.
        "auto": nothing, or what the residuals look like. Of noisy labels the network is `estimated`
        if it is their estimate within its errors: a network that is far from the best fit, by
        standard errors, is `failed`, and so is one that leaves more than noise; if one more unit
        explains more than noise would, it is `undetermined`. Of fewer than a hundred samples that
        is not asked, nor in any case whether a search finds other networks that fit as well.
    memory : bytes that the numbers of noisy samples may take, as in `recover`: of more, a part is
        examined, drawn at random, and the network is then held against all of them in one pass.
    client : of `dask.distributed`; None for the current one, if there is one. Passes over samples
        that are in files or dask collections then run on its workers, with the same bits.

    Raises
    ------
    InputError, InputTypeError as `recover` does, and when the widths do not fit.

    Uniqueness is meant among networks of the same activation; with a skip connection, but for the
    sides of the units. Where the activation is a `Curve`, hidden values and U are checked.

    Cost: one pass over the samples, O(n k (d + m)); on a subset of l rows, O(l k d²) for k <= m,
    else O(l p² + p³) for p = k d unknowns up to a few thousand, beyond that a few hundred products
    of O(l p).

    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> print(verify(net, X, net(X)).status.value)
    exact
    """
    del client  # see with_passes
    X, Y = within(X, Y, memory)
    if not isinstance(net, Network):
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network")
    asked = _question(net, bias, skip)
    _check_noise(noise, asked, exact)
    if net.activation.estimated:
        if exact:
            raise InputError("exact: got True for a network whose activation is a curve")
        samples = Samples.of(X, Y)
        asked = replace(asked, used=samples.spread(ORDERED_ROWS))
        return Certificate.of(judge_hidden(asked, samples, np.full(net.n_units, np.inf), ""))
    if exact:
        return Certificate.of(judge_rational(asked, ExactSamples.of(X, Y)))
    asked = replace(asked, network=net.rounded())
    return Certificate.of(judge_with(asked, Samples.of(X, Y), noise, memory=memory).judgement)


def _question(net: Network, bias: bool | None, skip: bool | None) -> Question:
    has_biases = bool(net.b.any() or net.c.any())
    for name, value, has in (("bias", bias, has_biases), ("skip", skip, net.skip)):
        if value is not None:
            check_flag(name, value)
        if value is False and has:
            raise InputError(f"{name}: got False, expected True or None: the network has one")
    return Question(net, has_biases if bias is None else bias, net.skip if skip is None else skip)


def _check_noise(noise: str, asked: Question, exact: bool) -> None:
    known, relu = ("auto", *of_values()), asked.network.activation.reversible
    if noise not in known:
        raise InputError(f"noise: got {noise!r}, expected one of {', '.join(map(repr, known))}")
    kind = kinds.named(noise)
    if exact and kind.estimated:
        raise InputError(
            f"noise: got {noise!r} with exact=True, expected 'auto' or 'none': what is noisy "
            "cannot be explained without any error"
        )
    if kind.gross and (exact or asked.skip or not relu):
        raise InputError(
            "noise: got 'sparse', expected 'none' with exact=True, a skip connection, or another "
            "activation than the ReLU"
        )
    if asked.skip and not relu:
        raise InputError("skip: got True, expected False: it is for the ReLU")
