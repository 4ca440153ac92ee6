"""Text as people bring it, without what nobody sees: invisible characters, entities, odd blanks."""

import re
import unicodedata
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import Final

_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|(\w{2,31}));")
"""A whole one: `AT&T` and `&copy 2020` are no entities."""

_JOINERS: Final = "\u200c\u200d"
"""Zero-width joiner and non-joiner: invisible, yet part of how some scripts are spelt."""

_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Fillers that Unicode calls letters or marks, and that show nothing."""

_SHOWN_FORMATS: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
"""Signs that Unicode calls formats, and that do show."""


@lru_cache(maxsize=2**15)  # labels and answers come again and again
def tidy(text: str) -> str:
    r"""Drop what cannot be seen, read HTML entities, and make any run of blanks one blank.

    Gone are control, format and bidirectional characters, soft hyphens, zero-width spaces and byte
    order marks; joiners stay between letters of scripts that spell with them. No-break and other
    blanks become plain ones, none stays at an edge. All that shows is kept as written.

    Example:
        >>> tidy("\ufeffBlack\u200bbird"), tidy("Lynx\u00a0 rufus\u00ad "), tidy("M&amp;M&#39;s")
        ('Blackbird', 'Lynx rufus', "M&M's")
        >>> tidy("AT&T"), tidy("F/A-18")
        ('AT&T', 'F/A-18')
    """
    while (read := _ENTITY.sub(_read_entity, text)) != text:  # some were escaped twice
        text = read
    if not text.isascii() or not text.isprintable():
        text = "".join(one for at, one in enumerate(text) if _shows(text, at))
    return " ".join(text.split())


def without_joiners(text: str) -> str:
    """Drop the joiners that `tidy` keeps: spelling with or without them names the same thing."""
    return text.translate(dict.fromkeys(map(ord, _JOINERS)))


def _read_entity(found: re.Match[str]) -> str:
    name = found.group(1)
    return unescape(found.group()) if name is None else html5.get(f"{name};", found.group())


def _shows(text: str, at: int) -> bool:
    one = text[at]
    if one in _JOINERS:
        return 0 < at < len(text) - 1 and _joins(text[at - 1]) and _joins(text[at + 1])
    if one.isspace() or one in _SHOWN_FORMATS:
        return True
    return unicodedata.category(one) not in ("Cc", "Cf") and one not in _BLANK_LETTERS


def _joins(one: str) -> bool:
    """Whether it is of a script that spells with joiners: Arabic, Indic and their like."""
    return "\u0600" <= one < "\u1100" or "\u1780" <= one < "\u1900"
