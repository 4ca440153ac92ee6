"""Answers that offer several options at once."""

import re

from speciarl_pl.answer import answer_key

_CHOICE = re.compile(r"\bor\b|\bvs\b|\bversus\b|^either\b")
_SEPARATOR = re.compile(
    r" (?:and/or|or|and|vs\.?|versus|\+) | ?[/|;&()\[\]\n] ?| ?,(?!\d) ?", re.IGNORECASE
)
_SUM = re.compile(r"\band\b|\bwith\b| [&+] ")
_NO_SUM = re.compile(r"\bor\b|\bvs\b|\bversus\b|[/|;\n]")
_WORDS_OF_CHOICE = re.compile(r"\s(?:or|vs\.?|versus)\s|\s?,(?!\d)\s?", re.IGNORECASE)
_LEAD = re.compile(r"^(?:either|both|or|and) ", re.IGNORECASE)


def split_options(text: str) -> list[str]:
    r"""Parts of an answer between the marks that list things.

    The marks are or, and, vs, commas, semicolons, slashes, `&`, `|`, `+`, brackets and line ends. A
    name may hold one itself ("F/A-18"): look the whole text up first.

    Returns:
        The parts that hold a letter or digit, in order; one part where there is no mark.

    Example:
        >>> split_options("either a robin, a cardinal or a jay")
        ['a robin', 'a cardinal', 'a jay']
        >>> split_options("Airbus A320 / Boeing 737")
        ['Airbus A320', 'Boeing 737']
        >>> split_options("radio")
        ['radio']
    """
    lines = "\n".join(" ".join(line.split()) for line in text.splitlines())
    parts = (_LEAD.sub("", part.strip()) for part in _SEPARATOR.split(lines))
    return [part for part in parts if any(character.isalnum() for character in part)]


def choices(text: str) -> list[str]:
    """Parts of an answer between words that offer a choice, and commas; marks in names stay whole.

    Example:
        >>> choices("either an F/A-18 or an F-16")
        ['an F/A-18', 'an F-16']
    """
    parts = (_LEAD.sub("", part.strip()) for part in _WORDS_OF_CHOICE.split(text))
    return [part for part in parts if any(character.isalnum() for character in part)]


def offers_choice(text: str) -> bool:
    """Tell whether an answer says in words that it does not decide between options.

    Example:
        >>> offers_choice("robin or cardinal"), offers_choice("a small, brown bird")
        (True, False)
    """
    return _CHOICE.search(answer_key(text)) is not None


def is_sum(text: str) -> bool:
    """Tell whether an answer joins things that may all be there, and offers no choice of one.

    Example:
        >>> is_sum("steak and french fries"), is_sum("steak and/or fries"), is_sum("steak / fries")
        (True, False, False)
    """
    return _SUM.search(answer_key(text)) is not None and not _NO_SUM.search(answer_key(text))
