"""What a file says beside the weights: why they are not certain, and what was left off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unrelu.errors import FileError
from unrelu.network import Network
from unrelu.wording.remarks import ASSUMED_RELU, Remark

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


def weights_text(mark: Mark | None) -> str:
    """The same for files that hold weights alone, in which it names the activation, too."""
    said = {} if mark is None else {"status": mark.status, "reason": mark.reason}
    return json.dumps({"activation": "relu", **said}, ensure_ascii=False)


def mark_of(remarks: Mapping[str, str]) -> Mark | None:
    """The mark among a file's remarks."""
    said = json.loads(remarks.get(KEY, "{}"))
    if "status" not in said and "reason" not in said:
        return None
    return Mark(str(said["status"]), str(said["reason"]))


def activation_remarks(remarks: Mapping[str, str]) -> tuple[Remark, ...]:
    """What is taken for granted in a file of weights alone with these remarks: nothing, where it
    was written here and names the activation."""
    said = json.loads(remarks.get(KEY, "{}"))
    return () if said.get("activation") == "relu" else (ASSUMED_RELU,)


def no_network(path: Path, mark: Mark) -> FileError:
    """What to raise for a file that holds a mark alone."""
    return FileError(f"{path}: holds no network, because none was found: {mark.reason}")
