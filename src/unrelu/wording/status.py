"""How far a network can be trusted, in one word and in a sentence."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """How far a network can be trusted. Equals its name, and prints as a sentence.

    >>> Status.EXACT == "exact"
    True
    >>> print(Status.FAILED)
    failed: no network was found that explains these samples
    """

    PROVED = "proved"
    EXACT = "exact"
    ESTIMATED = "estimated"
    UNDETERMINED = "undetermined"
    FAILED = "failed"

    @property
    def certain(self) -> bool:
        """Whether the network is the true one, or an estimate with known errors."""
        return self in (Status.PROVED, Status.EXACT, Status.ESTIMATED)

    def __str__(self) -> str:
        return f"{self.value}: {SENTENCES[self]}"


SENTENCES = {
    Status.PROVED: "checked in rational arithmetic, without any error",
    Status.EXACT: (
        "every sample is explained to rounding, and no other network with this many units fits"
    ),
    Status.ESTIMATED: "the samples are noisy; this is the best estimate",
    Status.UNDETERMINED: "the samples do not pin the network down",
    Status.FAILED: "no network was found that explains these samples",
}
