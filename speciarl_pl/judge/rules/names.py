"""Forms under which two spellings count as one name.

Both are stricter than they look: they drop marks at the edges and articles, never the marks inside
a name that the other text rules read.
"""

# ruff: noqa: SIM905
import re
import unicodedata
from functools import lru_cache
from typing import Final

from speciarl_pl.answer import answer_key

_EDGES: Final = " \t.,;:!?\"'`*_~()[]{}<>\u201c\u201d\u2018\u2019\u00ab\u00bb"
_ARTICLE = re.compile(r"^(?:an?|the) (?=\S)")
_FRAME = re.compile(
    r"^(?:(?:it|this|that)(?: is|'s) )?(?:(?:an?|the) )?(?:photo|picture|image)(?:graph)? of (?=\S)"
    r"|^(?:it|this|that)(?: is|'s) (?=\S)"
)
_JOINERS = re.compile(r"[\s\-_\u2010-\u2015\u2212]+")
_LATIN_MARKS = re.compile(r"[\u0300-\u036f]")
_NO_PLURAL: Final = ("ss", "us", "is")
_PLURAL_ONLY: Final = frozenset(
    "afters chips clothes eats electronics fries goods greens grits leaves oats pants pulses "
    "scissors series species sweets trousers woods".split()
)
"""Lower-case words of which the form without "s" is another thing or none."""
_YEAR: Final = r"(?:19|20)\d\d"
_YEARS = re.compile(rf"\b{_YEAR}\b")
_FIRST = re.compile(rf"({_YEAR})[\s,]+(.+)", re.DOTALL)
_LAST = re.compile(rf"(.+?)[\s,]+[(\[]?({_YEAR})[)\]]?", re.DOTALL)


@lru_cache(maxsize=2**15)  # every tree of a cascade asks for the same ones
def plain_name(text: str) -> str:
    """Key of a name without quotes and stops at its edges, "it is", "a photo of" and an article.

    Example:
        >>> plain_name("**The Lion.**")
        'lion'
        >>> plain_name("F/A-18"), plain_name("It is a photo of a lion")
        ('f/a-18', 'lion')
    """
    key = answer_key(text).replace("\u2019", "'").strip(_EDGES)
    return _ARTICLE.sub("", _FRAME.sub("", key, count=1), count=1)


@lru_cache(maxsize=2**15)
def loose_name(text: str) -> str:
    """`plain_name` without hyphens, blanks and the accents of Latin letters.

    Example:
        >>> loose_name("Citro\u00ebn C-3") == loose_name("citroen c3")
        True
    """
    bare = _LATIN_MARKS.sub("", unicodedata.normalize("NFD", plain_name(text)))
    return _JOINERS.sub("", unicodedata.normalize("NFC", bare))


def singular_names(text: str) -> tuple[str, ...]:
    """What the name may be in the singular, likelier first; empty if it is no English plural.

    Example:
        >>> singular_names("poppies"), singular_names("boxes"), singular_names("iris")
        (('poppy', 'poppie'), ('box', 'boxe'), ())
    """
    name = plain_name(text)
    if len(name) < 4 or not name.endswith("s") or name.endswith(_NO_PLURAL):
        return ()
    if name.endswith("ies"):
        return name[:-3] + "y", name[:-1]
    if name.endswith("oes"):
        return name[:-2], name[:-1]
    if name.endswith(("ses", "xes", "zes", "ches", "shes")):
        return name[:-2], name[:-1]
    return (name[:-1],)


def singular_of_name(name: str) -> tuple[str, ...]:
    """As `singular_names` for a name in a tree, none where it may be no English plural.

    A word with a capital is a proper, Latin or foreign name: a mop is no pug, though "Mops" is.

    Example:
        >>> singular_of_name("cup cakes"), singular_of_name("Mops"), singular_of_name("corn grits")
        (('cup cake',), (), ())
    """
    last = name.split()[-1]
    return () if last[:1].isupper() or last in _PLURAL_ONLY else singular_names(name)


def split_year(text: str) -> tuple[str, int] | None:
    """Split off the year that a name begins or ends with.

    Returns:
        The rest and the year; None without a year there, and where another year stands in the text,
        as it may then be a span or a number that only looks like a year.

    Example:
        >>> split_year("2012 Audi R8"), split_year("Audi R8 (2012)"), split_year("Audi R8")
        (('Audi R8', 2012), ('Audi R8', 2012), None)
        >>> split_year("Audi R8 2007-2015") is None
        True
    """
    text = text.strip(" \t\n.\"'*")
    if len(_YEARS.findall(text)) != 1:
        return None
    if first := _FIRST.fullmatch(text):
        return first[2], int(first[1])
    last = _LAST.fullmatch(text)
    return (last[1], int(last[2])) if last else None
