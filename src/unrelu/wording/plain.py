"""Results as plain numbers, lists and words, for JSON and for programs."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Arrays become lists, and dataclasses mappings, those with a `to_dict` as that has it."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if is_dataclass(value):
        return plain_fields(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def plain_fields(value: Any) -> dict[str, object]:
    """The fields of a dataclass by name."""
    return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
