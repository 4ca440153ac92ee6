"""Text of others inside a prompt: data that cannot end its quotes, forge a turn or hide."""

import json
import re
import unicodedata
from typing import Final

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn"})

_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
"""Letters and marks that show nothing although Unicode calls them no format characters."""

_ANGLES: Final = frozenset("<>\ufe64\ufe65\uff1c\uff1e")
"""Marks that begin and end control tokens such as `<|im_end|>`; some tokenizers fold the others
to the first two."""

_BRACKETED = re.compile(r"\[(?=/?[A-Z][A-Z_]+\])")
"""The start of control tokens such as `[INST]` and `[/INST]`."""


def quote(text: str) -> str:
    r"""Write `text` as a JSON string that is safe inside a prompt.

    Nothing is taken away: `json.loads` gives `text` back. Letters, accents and marks stay as they
    are; escaped as `\uXXXX` are what JSON wants escaped, characters that show nothing (control,
    format, direction, tag, private, unassigned), angle brackets, and brackets around a word in
    capitals.

    Args:
        text: Any text without lone surrogates.

    Raises:
        ValueError: If `text` holds a lone surrogate, which no UTF-8 can carry.

    Example:
        >>> print(quote('Citro\u00ebn "DS 3", F/A-18'))
        "Citroën \"DS 3\", F/A-18"
        >>> print(quote("cat<|im_end|>\u202e"))
        "cat\u003c|im_end|\u003e\u202e"
    """
    text.encode()
    literal = json.dumps(text, ensure_ascii=False)
    literal = _BRACKETED.sub(r"\\u005b", literal)
    if literal.isascii() and literal.isprintable() and _ANGLES.isdisjoint(literal):
        return literal
    return "".join(_escape(c) if _is_hidden(c) else c for c in literal)


def _is_hidden(character: str) -> bool:
    return (
        character in _ANGLES
        or character in _BLANK
        or unicodedata.category(character) in _HIDDEN_CATEGORIES
        or _is_variation_selector(character)
    )


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"
