"""Text for streams that cannot show every character: consoles and files that are not UTF-8."""

from __future__ import annotations

import codecs
import locale
import re
import sys
import unicodedata

REPLACED = {
    "‖": "|",
    "±": "+-",
    "−": "-",
    "–": "-",
    "—": "-",
    "·": "*",
    "×": "x",
    "…": "...",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "→": "->",
    "≈": "~",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "∞": "inf",
    "√": "sqrt ",
    "Σ": "sum ",
    "°": " deg",
    "ᵀ": "'",
    "⁻": "^-",
    "⁺": "^+",
    "ᵏ": "^k",
    "½": "1/2",
    "α": "alpha",
    "β": "beta",
    "σ": "sigma",
    "ρ": "rho",
    "χ": "chi",
    "Ω": "Omega",
    "Φ": "Phi",
    "φ": "phi",
}
"""Replacements of characters that a stream cannot show. Superscripts become ^2, ^3, …, and letters
lose their accents."""

SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]")

FIRST = re.compile("( *)([^\x00-\x7f])")
"""A character beyond ASCII and the spaces before it, which make room for a longer replacement so
that columns stay aligned."""


def printable(text: str) -> str:
    """The text, with replacements for characters that are missing in standard output or in the
    default encoding of text files.

    >>> fitted("‖u‖      ±", "ascii"), fitted("‖u‖ ± x²", "latin-1")
    ('|u|     +-', '|u| ± x²')
    """
    if text.isascii():
        return text
    given = (getattr(sys.stdout, "encoding", None), locale.getpreferredencoding(False))
    for encoding in given:
        text = fitted(text, encoding)
    return text


def counted(count: int, noun: str) -> str:
    """
    >>> counted(1, "unit"), counted(2, "unit"), counted(2, "query")
    ('1 unit', '2 units', '2 queries')
    """
    return f"{count} {plural(noun, count)}"


def plural(noun: str, count: int = 2) -> str:
    """
    >>> plural("unit"), plural("query"), plural("query", 1)
    ('units', 'queries', 'query')
    """
    if count == 1:
        return noun
    return f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"


SPELT_WITH_VOWEL = ("nd", "np", "ns", "ML", "NP", "SV", "RF", "LS", "XG", "HT", "ONNX")
"""Beginnings of names that are pronounced letter by letter, starting with a vowel."""


def with_article(name: str) -> str:
    """
    >>> with_article("Softmax"), with_article("Elu"), with_article("ndarray"), with_article("ufunc")
    ('a Softmax', 'an Elu', 'an ndarray', 'a ufunc')
    """
    vowel = name[:1].lower() in tuple("aeio") or re.match("[uU]n[^i]", name) is not None
    return f"{'an' if vowel or name.startswith(SPELT_WITH_VOWEL) else 'a'} {name}"


def kind_of(value: object) -> str:
    """The type of a value, for an error message.

    >>> kind_of(3), kind_of("3")
    ('an int', 'a str')
    """
    return with_article(type(value).__name__)


def fitted(text: str, encoding: str | None) -> str:
    """The text in characters of the encoding; None has all characters, as a StringIO does."""
    if encoding is None or _has(text, encoding):
        return text

    def replaced(found: re.Match[str]) -> str:
        spaces, character = found[1], found[2]
        if _has(character, encoding):
            return found[0]
        instead = _replacement(character)
        spare = max(0, min(len(instead) - 1, len(spaces) - 1))
        return spaces[spare:] + instead

    return FIRST.sub(replaced, text)


def replace_unprintable() -> None:
    """Make standard output and standard error replace what they cannot show, including file names
    that are not text, instead of raising UnicodeEncodeError."""
    codecs.register_error("unrelu", _replaced)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # None for a closed stream or a StringIO
        if reconfigure is not None:
            reconfigure(errors="unrelu")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(map(_replacement, characters)), error.end


def _has(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _replacement(character: str) -> str:
    if character in REPLACED:
        return REPLACED[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if SUPERSCRIPT.match(character):
        return f"^{plain}"
    if plain or unicodedata.combining(character):
        return plain
    return character.encode("ascii", "backslashreplace").decode()
