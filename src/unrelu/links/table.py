"""The table of the links. A link is a file, and a line here."""

from __future__ import annotations

from unrelu.links.clipped import CLIPPED
from unrelu.links.identity import VALUES
from unrelu.links.log_softmax import LOG_SOFTMAX
from unrelu.links.rectified import RECTIFIED
from unrelu.links.sigmoid import SIGMOID
from unrelu.links.softmax import SOFTMAX
from unrelu.links.tanh import TANH

LINKS = {
    link.name: link for link in (VALUES, SIGMOID, TANH, SOFTMAX, LOG_SOFTMAX, RECTIFIED, CLIPPED)
}
