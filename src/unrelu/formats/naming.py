"""What names of arrays show: which layer comes first, how a matrix is stored, whose bias it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

WEIGHT_WORDS = {
    *("weight", "weights", "kernel", "kernels", "w", "coef", "coefs", "matrix", "iw", "lw"),
}
BIAS_WORDS = {"bias", "biases", "b", "intercept", "intercepts"}

FIRST_WORDS = {
    *("hidden", "hid", "in", "input", "inputs", "enc", "encoder", "encode", "first", "one"),
    *("trunk", "backbone", "body", "feature", "features", "base", "shared", "up", "iw", "win"),
    *("ih", "xh", "wih", "wxh", "bh", "wh", "h", "i2h", "x2h"),
}
"""Words in the name of a first layer."""

SECOND_WORDS = {
    *("out", "output", "outputs", "head", "heads", "dec", "decoder", "decode", "last", "final"),
    *("readout", "classifier", "logit", "logits", "pred", "prediction", "predictions", "second"),
    *("two", "ho", "hy", "who", "why", "wo", "wy", "bo", "by", "h2o", "h2y", "down", "lw", "wout"),
}
"""Words in the name of a second layer."""

FOREIGN = {
    *("hh", "recurrent", "rnn", "lstm", "gru", "embedding", "embeddings", "attn", "attention"),
    *("lora", "conv", "codebook", "emb", "embed", "wte", "wpe"),
}
"""Words in the name of a matrix that is not a layer of a two-layer network."""

SIDE_BY_SIDE = (
    {"actor", "pi", "policy", "mu", "mean", "loc", "advantage", "adv"},
    {"critic", "v", "value", "vf", "logvar", "sigma", "std", "scale", "var"},
)
"""Words in the names of two parallel layers, which have the same inputs."""

SCALING = {
    *("mean", "means", "avg", "average", "std", "stds", "sigma", "var", "variance", "deviation"),
    *("scale", "scales", "scaling", "scaler", "range", "ranges", "min", "mins", "minimum"),
    *("max", "maxes", "maximum", "norm", "normalization", "offset", "shift", "gain", "running"),
}
"""Words in the name of numbers by which inputs or outputs may be scaled."""

OWN = {"V": "b", "U": "c"}
"""Our own names of the weights, the first layer first, and of their biases."""

POSITION = re.compile(r"(arr_|)(\d{1,18})")
"""Names that are only a position in a list."""

WORD = re.compile(r"(?<![A-Za-z0-9])[ihx]2[hoy](?![A-Za-z0-9])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def shortened(name: str, most: int = 60) -> str:
    """A name from a file, for messages."""
    shown = name if len(name) <= most else name[:most] + "…"
    return shown if shown.isprintable() and shown else repr(shown)


def words(name: str) -> list[str]:
    """The words and numbers of a name: hiddenLayer_1/kernel:0 -> hidden, layer, 1, kernel."""
    return [word.lower() for word in WORD.findall(re.sub(r":\d+$", "", name))]


def last_part(name: str) -> str:
    """What follows the last separator: fc1.weight -> weight, dense/kernel:0 -> kernel."""
    return re.split(r"[./]", re.sub(r":\d+$", "", name))[-1]


def is_bias(name: str) -> bool:
    """Whether the name is one of a bias."""
    return name in OWN.values() or bool(BIAS_WORDS.intersection(words(name)))


def is_weight(name: str) -> bool:
    """Whether the name is one of weights."""
    parts = words(name)
    return name in OWN or bool(WEIGHT_WORDS.intersection(parts)) or _compact(parts, "w")


def side_by_side(one: str, other: str) -> bool:
    """Whether two layers are parallel by their names, such as an actor and its critic."""
    mine, yours = set(words(one)), set(words(other))
    pairs = (mine - yours, yours - mine), (yours - mine, mine - yours)
    return any(a & SIDE_BY_SIDE[0] and z & SIDE_BY_SIDE[1] for a, z in pairs)


def scales(name: str) -> bool:
    """Whether the name is one of numbers that may scale inputs or outputs."""
    return bool(SCALING.intersection(words(name)))


def stored_transposed(name: str) -> bool | None:
    """Whether weights of this name are stored as (inputs, units), as Keras, flax and scikit-learn
    store a kernel and coefs_, or as (units, inputs), as nn.Linear stores its weight. None if the
    name does not show it."""
    spelt = [word for word in words(name) if not word.isdigit()]
    if {"coef", "coefs"}.intersection(spelt) or spelt[-1:] in (["kernel"], ["kernels"]):
        return True
    return False if last_part(name) == "weight" else None


def bias_of(weight: str, biases: Iterable[str]) -> str | None:
    """The name of the bias that belongs to the weight of this name, if one does."""
    names = list(biases)
    if place := POSITION.fullmatch(weight):
        behind = f"{place[1]}{int(place[2]) + 1}"
        return behind if behind in names else None
    if weight in OWN and OWN[weight] in names:
        return OWN[weight]
    found = [name for name in names if _layer(name) == _layer(weight)]
    return found[0] if len(found) == 1 else None


def first_of(one: str, other: str) -> str | None:
    """Which of two layers comes first by its name; None if the names do not show it."""
    if {one, other} == set(OWN):
        return "V"
    if POSITION.fullmatch(one) and POSITION.fullmatch(other):
        return None  # a list of parameters is in the order of declaration, not of use
    found = {_by_words(one, other), _by_numbers(one, other)} - {None}
    return found.pop() if len(found) == 1 else None


def _by_words(one: str, other: str) -> str | None:
    mine, yours = set(words(one)), set(words(other))
    places = [_place(mine - yours), _place(yours - mine)]
    if places[0] == places[1]:
        return None
    return one if places[0] == 1 or places[1] == 2 else other


def _place(parts: set[str]) -> int | None:
    """1 or 2 for words of one kind without any of the other."""
    first, second = parts & FIRST_WORDS, parts & SECOND_WORDS
    if bool(first) == bool(second):
        return None
    return 1 if first else 2


def _by_numbers(one: str, other: str) -> str | None:
    """fc1 before fc2, 0.weight before 2.weight, dense before dense_1."""
    mine, yours = _numbers(one), _numbers(other)
    same_places = re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other)
    bare = [re.sub(r"[-_.]?\d+", "", name) for name in (one, other)]
    counted_on = bare[0] == bare[1] and abs(len(mine) - len(yours)) == 1
    if counted_on:
        shorter, longer = sorted((mine, yours), key=len)
        counted_on = longer[: len(shorter)] == shorter
    if mine == yours or not (same_places or counted_on):
        return None
    return one if mine < yours else other


def _numbers(name: str) -> list[int]:
    plain = re.sub(r":\d+$", "", name)
    return [int(number[:18]) for number in re.findall(r"\d+", plain)]


def _layer(name: str) -> tuple[str, ...]:
    """The words that the names of a layer's weights and of its bias have in common."""
    parts = words(name)
    if _compact(parts, "[wb]"):
        return (parts[0][-1],)
    return tuple(word for word in parts if word not in WEIGHT_WORDS | BIAS_WORDS)


def _compact(parts: list[str], letter: str) -> bool:
    """Whether a name is a letter for the kind and one for the layer: Wh, Wxh, Who, bh, bo."""
    return len(parts) == 1 and bool(re.fullmatch(rf"{letter}[ixh]?[hoy]", parts[0]))
