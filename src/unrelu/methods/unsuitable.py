"""How a published recipe says that it does not apply."""

from __future__ import annotations

from unrelu.network import Network


class Unsuitable(Exception):
    """An assumption of a recipe that fails, in words, with the network it was led to, if any.

    For the ladder alone, which makes it the explanation of a failed recovery.
    """

    def __init__(self, reason: str, network: Network | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.network = network
