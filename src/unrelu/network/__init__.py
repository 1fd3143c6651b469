"""The value that everything produces: networks, their canonical form, and how two are compared."""

from unrelu.network.network import Network as Network
