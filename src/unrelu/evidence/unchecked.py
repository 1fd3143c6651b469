"""A network whose checks were ended before they were done: what a pass over the samples shows."""

from __future__ import annotations

import numpy as np

from unrelu.checks.case import Explained
from unrelu.checks.explained import explain
from unrelu.checks.finding import not_checked
from unrelu.checks.unexplained import unexplained
from unrelu.evidence.evidence import Judgement, Question
from unrelu.evidence.exact_labels import ExactLabels, judge_labels
from unrelu.evidence.noisy_labels import NoisyLabels
from unrelu.network.unknowns import unknowns_of
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.samples import Samples


def exact_unchecked(
    asked: Question, samples: Samples, explained: Explained | None = None
) -> Judgement:
    """Of a network that has to explain the labels to rounding: undetermined if it does, and failed
    as ever if it does not. Cost: one pass over the samples."""
    net = asked.network.rounded().canonical()
    explained = explained or explain(net, samples)
    if not explained.in_roundings <= 1:
        return judge_labels(asked, samples, explained)
    evidence = ExactLabels(
        residual=explained.residual,
        residual_in_roundings=explained.in_roundings,
        worst_sample=explained.worst_sample,
        margin=explained.margin,
        on_kink=explained.on_kink,
        equations=samples.n * samples.m,
        unknowns=unknowns_of(net, biases=asked.biased, skip=asked.skip),
        surplus_needed=0,
        weight_errors=np.full(net.n_units, np.inf),
        precision=samples.precision.name,
    )
    found = not_checked(f"all {samples.n} samples are explained to rounding")
    return Judgement(net, asked, samples.n, evidence, (found,))


def noisy_unchecked(asked: Question, samples: Samples, noise: Noise) -> Judgement:
    """Of an estimate from noisy labels. Cost: one pass over the samples."""
    net, robust = asked.network.canonical(), kinds.KINDS[noise.kind].robust
    left = unexplained(net, samples, asked.biased, robust)
    evidence = NoisyLabels(
        unexplained=left,
        equations=samples.n * samples.m,
        unknowns=unknowns_of(net, biases=asked.biased, skip=asked.skip),
        weight_errors=np.full(net.n_units, np.inf),
        undetermined=np.arange(0),
        alpha=noise.alpha,
        noise=noise.kind,
        fitted=len(asked.used),
    )
    found = not_checked(f"the network leaves {100 * left.share:.3g}% of the labels' spread")
    return Judgement(net, asked, samples.n, evidence, (found,))
