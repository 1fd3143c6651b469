"""What the texts beside weights say of the activation: act_fcns = ['relu', 'linear'], say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unrelu.errors import FileError
from unrelu.formats.folding import check_head
from unrelu.formats.naming import shortened, words
from unrelu.wording.remarks import ASSUMED_RELU, Remark

RELU = {"relu", "poslin", "rectifier", "rectlin", "rectified linear", "rectified_linear"}

LINEAR = {"linear", "purelin", "identity", "none", "affine", "lin", ""}

KEYS = {"act", "acts", "activation", "activations", "fcn", "fcns", "nonlinearity", "transfer"}
"""Words in the name of a text that says an activation."""

OTHERS = {
    *("tanh", "tansig", "sigmoid", "logsig", "softmax", "logistic", "elu", "selu", "gelu", "silu"),
    *("swish", "softplus", "softsign", "leaky_relu", "leakyrelu", "prelu", "relu6", "sin", "mish"),
    *("satlin", "satlins", "radbas", "hardtanh", "hardlim", "log_softmax"),
}


def activation_said(
    texts: Mapping[str, Sequence[str]], *, drop_head: bool
) -> tuple[tuple[Remark, ...], str | None]:
    """Remarks on the activation, and the head that is left off; `texts` by the name of their
    array. Raises FileError where they name another activation of the hidden units than the ReLU,
    or a head that nothing says to leave off."""
    found = [(name, [text.strip() for text in said]) for name, said in texts.items() if said]
    found = [(name, said) for name, said in found if _says_activation(name, said)]
    if not found:
        return (ASSUMED_RELU,), None
    head = None
    for name, said in found:
        hidden, *later = said
        if hidden.lower() not in RELU or len(later) > 1:
            raise FileError(
                f"{shortened(name)} says {', '.join(map(shortened, said[:4]))}, expected "
                "relu for the hidden units of two layers",
                "activation" if len(later) < 2 else "layers",
            )
        if later and later[0].lower() not in LINEAR:
            head = later[0]
    check_head(head, drop_head=drop_head)
    return (), head


def _says_activation(name: str, said: Sequence[str]) -> bool:
    known = RELU | OTHERS | (LINEAR - {"none", ""})
    return bool(KEYS.intersection(words(name))) or all(text.lower() in known for text in said)
