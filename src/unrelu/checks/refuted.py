"""Refutations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refutation:
    """A proof that no network with so many units explains some samples."""
