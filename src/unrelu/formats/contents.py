"""What a file says beside the weights: why they are not certain, and what was left off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from unrelu.errors import FileError
from unrelu.network import Network
from unrelu.wording.remarks import ASSUMED_RELU, Remark

KEY = "unrelu"


@dataclass(frozen=True)
class Provenance:
    """Where an uncertain network comes from: the status of its recovery, in one word, and in a
    sentence the reason why it is not to be trusted."""

    status: str
    reason: str


@dataclass(frozen=True)
class Contents:
    """What was read: the network, its provenance if it has one, and the name of what followed its
    outputs in the file and was left off (a Softmax, say)."""

    network: Network
    provenance: Provenance | None = None
    head: str | None = None


def provenance_text(provenance: Provenance | None) -> str | None:
    """A provenance as the text that files with room for remarks hold under `KEY`."""
    if provenance is None:
        return None
    return json.dumps(asdict(provenance), ensure_ascii=False)


def weights_text(provenance: Provenance | None) -> str:
    """The same for files that hold weights alone, in which it names the activation, too."""
    said = {} if provenance is None else asdict(provenance)
    return json.dumps({"activation": "relu", **said}, ensure_ascii=False)


def provenance_in(remarks: Mapping[str, str], *, empty: bool) -> Provenance | None:
    """The provenance among a file's remarks. Raises FileError where it is all that an `empty` file
    holds."""
    said = json.loads(remarks.get(KEY, "{}"))
    if "status" not in said and "reason" not in said:
        return None
    provenance = Provenance(str(said["status"]), str(said["reason"]))
    if empty:
        raise no_network(provenance)
    return provenance


def activation_remarks(remarks: Mapping[str, str]) -> tuple[Remark, ...]:
    """What is taken for granted in a file of weights alone with these remarks: nothing, where it
    was written here and names the activation."""
    said = json.loads(remarks.get(KEY, "{}"))
    return () if said.get("activation") == "relu" else (ASSUMED_RELU,)


def no_network(provenance: Provenance) -> FileError:
    """What to raise for a file that holds a provenance alone."""
    return FileError(f"holds no network, because none was found: {provenance.reason}")
