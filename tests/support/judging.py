"""Certificates of checked samples, for tests that say what competes with a network."""

from __future__ import annotations

from typing import Any

from unrelu import Certificate, Network
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.samples import Samples


def judge(
    net: Network, samples: Samples, biased: bool, *, skip: bool = False, **options: Any
) -> Certificate:
    """That of labels without noise; `options` as in `judge_labels`."""
    return Certificate.of(judge_labels(Question(net, biased, skip), samples, **options))
