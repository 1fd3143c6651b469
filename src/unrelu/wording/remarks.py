"""Remarks: what a file does not say about the network that was read from it, or says beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """Something to know about a network that was read from a file.

    code : activation-assumed, weights-transposed, inputs-not-clipped, scaling-folded, left-out, …;
        it stays the same from version to version.
    text : the same as a sentence.
    """

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


ASSUMED_RELU = Remark(
    "activation-assumed",
    "the file holds weights alone and does not name the activation: a ReLU is assumed",
)
