"""Whole results in the first version of their form, as documents of the second.

There the certificate held all that any kind of evidence has, and its status, code and explanation
of its own; and the status of the result was a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LABELS = (
    *("residual", "residual_in_roundings", "worst_sample", "margin", "on_kink", "equations"),
    *("unknowns", "surplus_needed", "weight_errors", "corrupted", "precision"),
)
FITTED = ("unexplained", "equations", "unknowns", "weight_errors", "precision")
HIDDEN = ("hidden", "residual", "worst_sample", "equations", "unknowns", "weight_errors")


def upgraded(result: Mapping[str, Any]) -> dict[str, Any]:
    """A "Recovery" of the first version as one of the second."""
    parts = dict(result["fields"])
    parts["certificate"] = _value("Certificate", _certificate(parts["certificate"]["fields"]))
    return _value(result["type"], parts)


def _value(kind: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "fields": dict(parts)}


def _certificate(before: Mapping[str, Any]) -> dict[str, Any]:
    finding = {
        "code": before["code"],
        "status": before["status"],
        "sentence": before["explanation"],
        "units": before["weak_units"],
        "more_samples": before.get("more_samples"),
    }
    kept = ("network", "biased", "skip", "n_samples", "n_fresh")
    return {name: before[name] for name in kept if name in before} | {
        "findings": [_value("Finding", finding)],
        "evidence": _evidence(before),
    }


def _evidence(before: Mapping[str, Any]) -> dict[str, Any]:
    def of(kind: str, names: tuple[str, ...], **more: Any) -> dict[str, Any]:
        return _value(kind, {name: before[name] for name in names if name in before} | more)

    if before.get("unexplained") is not None:
        return of("NoisyLabels", FITTED, undetermined=before["weak_units"])
    if before.get("hidden") is not None:
        return of("HiddenLabels", HIDDEN)
    rounded = of("ExactLabels", LABELS)
    if before.get("refutation") is not None:
        return of("Refuted", ("refutation",), rounded=rounded)
    if before.get("proof") is not None:
        return of("RationalLabels", ("proof",), rounded=rounded)
    return rounded
