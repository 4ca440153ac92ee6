"""The year in a name such as "2012 Audi R8" or "Audi R8 (2012)"."""

import re
from typing import Final

_YEAR: Final = r"(?:19|20)\d\d"
_YEARS = re.compile(rf"\b{_YEAR}\b")
_FIRST = re.compile(rf"({_YEAR})[\s,]+(.+)", re.DOTALL)
_LAST = re.compile(rf"(.+?)[\s,]+[(\[]?({_YEAR})[)\]]?", re.DOTALL)


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
