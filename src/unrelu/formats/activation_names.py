"""Names of activations in the texts beside weights, such as act_fcns = ['relu', 'linear']."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unrelu.errors import FileError
from unrelu.formats.folding import check_head
from unrelu.formats.naming import shortened, words
from unrelu.wording.remarks import ASSUMED_RELU, Remark

RELU = {"relu", "poslin", "rectifier", "rectlin", "rectified linear", "rectified_linear"}

LINEAR = {"linear", "purelin", "identity", "none", "affine", "lin", ""}

KEYS = {"act", "acts", "activation", "activations", "fcn", "fcns", "nonlinearity", "transfer"}
"""Words in the name of a text that names an activation."""

OTHERS = {
    *("tanh", "tansig", "sigmoid", "logsig", "softmax", "logistic", "elu", "selu", "gelu", "silu"),
    *("swish", "softplus", "softsign", "leaky_relu", "leakyrelu", "prelu", "relu6", "sin", "mish"),
    *("satlin", "satlins", "radbas", "hardtanh", "hardlim", "log_softmax"),
}


def declared_activation(
    texts: Mapping[str, Sequence[str]], *, drop_head: bool
) -> tuple[tuple[Remark, ...], str | None]:
    """Remarks on the activation, and the head that is left out; `texts` by the name of their
    array. Raises FileError if they name an activation of the hidden units other than the ReLU, or a
    head that is not to be left out."""
    found = [(name, [text.strip() for text in entries]) for name, entries in texts.items()]
    found = [(name, entries) for name, entries in found if _names_activation(name, entries)]
    if not found:
        return (ASSUMED_RELU,), None
    head = None
    for name, entries in found:
        hidden, *later = entries
        if hidden.lower() not in RELU or len(later) > 1:
            raise FileError(
                f"{shortened(name)}: got {', '.join(map(shortened, entries[:4]))}, expected "
                "relu for the hidden units of two layers",
                "activation" if len(later) < 2 else "layers",
            )
        if later and later[0].lower() not in LINEAR:
            head = later[0]
    check_head(head, drop_head=drop_head)
    return (), head


def _names_activation(name: str, entries: Sequence[str]) -> bool:
    known = RELU | OTHERS | (LINEAR - {"none", ""})
    by_key = bool(KEYS.intersection(words(name)))
    return bool(entries) and (by_key or all(text.lower() in known for text in entries))
