"""What a file says beside the weights: why they are not certain, and what was left off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unrelu.errors import FileError
from unrelu.network import Network

KEY = "unrelu"


@dataclass(frozen=True)
class Mark:
    """Why the network of a file is not to be trusted: the status of its recovery, in one word,
    and the reason in a sentence."""

    status: str
    reason: str


@dataclass(frozen=True)
class Contents:
    """What was read: the network, its mark if it has one, and the name of what followed its
    outputs in the file and was left off (a Softmax, say)."""

    network: Network
    mark: Mark | None = None
    head: str | None = None


def mark_text(mark: Mark | None) -> str | None:
    """A mark as the text that files with room for remarks hold under `KEY`."""
    if mark is None:
        return None
    return json.dumps({"status": mark.status, "reason": mark.reason}, ensure_ascii=False)


def mark_of(remarks: Mapping[str, str]) -> Mark | None:
    """The mark among a file's remarks."""
    if KEY not in remarks:
        return None
    said = json.loads(remarks[KEY])
    return Mark(str(said["status"]), str(said["reason"]))


def no_network(path: Path, mark: Mark) -> FileError:
    """What to raise for a file that holds a mark alone."""
    return FileError(f"{path}: holds no network, because none was found: {mark.reason}")
