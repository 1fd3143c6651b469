"""Remarks with stable codes, such as on what a file leaves open about its network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """Something to know, such as about a network that was read from a file.

    code : activation-assumed, weights-transposed, inputs-not-clipped, scaling-folded, left-out, …;
        stable across versions.
    text : the same in words.
    column : the column of X or Y that it is about, if it is about one.
    """

    code: str
    text: str
    column: str = ""

    def __str__(self) -> str:
        return self.text


ASSUMED_RELU = Remark(
    "activation-assumed",
    "the file contains only weights and does not name the activation: ReLU is assumed",
)
