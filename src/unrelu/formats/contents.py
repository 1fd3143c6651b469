"""What a file contains beside the weights: why they are not certain, and what was left out."""

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
    """Where an uncertain network comes from: the status of its recovery, in one word, and the
    reason why it should not be trusted, in a sentence."""

    status: str
    reason: str


@dataclass(frozen=True)
class Contents:
    """What was read: the network, its provenance if it has one, and the name of what followed its
    outputs in the file and was left out (such as a Softmax)."""

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
    fields = {} if provenance is None else asdict(provenance)
    return json.dumps({"activation": "relu", **fields}, ensure_ascii=False)


def read_remarks(
    remarks: Mapping[str, str], *, empty: bool
) -> tuple[Provenance | None, tuple[Remark, ...]]:
    """The provenance among a file's remarks, if there is one; and what has to be assumed of a file
    of weights alone: nothing if `save` wrote it, since it then names the activation. Raises
    FileError if the file is `empty` but for a provenance."""
    fields = json.loads(remarks.get(KEY, "{}"))
    assumed = () if fields.get("activation") == "relu" else (ASSUMED_RELU,)
    if "status" not in fields and "reason" not in fields:
        return None, assumed
    provenance = Provenance(str(fields["status"]), str(fields["reason"]))
    if empty:
        raise no_network(provenance)
    return provenance, assumed


def no_network(provenance: Provenance) -> FileError:
    """The error for a file that contains only a provenance."""
    return FileError(f"holds no network, because none was found: {provenance.reason}")
