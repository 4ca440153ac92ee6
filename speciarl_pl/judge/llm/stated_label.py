"""What label an LLM's reply states, whatever it wears: thoughts, marks, fences, JSON."""

import re
from collections.abc import Collection
from typing import Any, Final

from speciarl_pl.text import after_thinking, parse_json, unwrapped

_NAMES: Final = "category|level|verdict|classification|rating|answer|label"
_KEY = re.compile(rf"(?:final|predicted)?[ _-]?(?:{_NAMES})", re.IGNORECASE)
_STATEMENT = re.compile(
    rf"(?:(?:the|my|its) )?(?:final |correct )?(?:{_NAMES}) ?(?:is|:|=|->|\u2192) ?:? ?(.+)"
)
"""A line that says which level, once folded."""
_EDGES: Final = " \t\r\n\"'`*#.!:\u201c\u201d\u2018\u2019\u00ab\u00bb"
_GAPS = re.compile(r"[ \t_-]+")


def read_one(reply: str, labels: Collection[str]) -> str | None:
    r"""The one label that `reply` states, or None if it states none or more than one.

    A label is stated by the whole of what is said after thinking, by a line or a JSON member
    named `category`, `level`, `answer` and the like, or by a paragraph of its own. Case,
    underscores, quotes, marks and the stop at its end make no difference.

    Example:
        >>> labels = ["specific", "less specific"]
        >>> read_one("generic? No.</think> **Less_specific.**<|im_end|>", labels)
        'less specific'
        >>> read_one('```json\n{"category": "Specific", "why": "same breed",}\n```', labels)
        'specific'
        >>> read_one("It names the breed.\nCategory: specific", labels)
        'specific'
        >>> read_one("specific or less specific", labels) is None
        True
    """
    said = after_thinking(reply)
    if said is None:
        return None
    text, folded = unwrapped(said), _folded(labels)
    if text.startswith("{"):
        return _of_object(text, folded)
    return folded.get(_fold(text)) or _of_lines(text, folded)


def read_batch(reply: str, labels: Collection[str], count: int) -> list[str] | None:
    """The labels of pairs 1 to `count`, in order, or None unless each is there exactly once.

    Example:
        >>> read_batch('{"2": "no", "1": "Yes."}', ["yes", "no"], 2)
        ['yes', 'no']
        >>> read_batch('{"1": "no", "1": "yes"}', ["yes", "no"], 2) is None
        True
    """
    said = after_thinking(reply)
    read = parse_json(unwrapped(said)) if said is not None else None
    keys = [str(number) for number in range(1, count + 1)]
    if not isinstance(read, dict) or read.keys() != set(keys):
        return None
    folded = _folded(labels)
    found = [_label(read[key], folded) for key in keys]
    stated = [label for label in found if label is not None]
    return stated if len(stated) == count else None


def _of_object(text: str, folded: dict[str, str]) -> str | None:
    """The label that a JSON object gives under a telling name, or as its only member."""
    read = parse_json(text)
    if not isinstance(read, dict):
        return None
    telling = [value for key, value in read.items() if _KEY.fullmatch(key)]
    if not telling and len(read) == 1:
        telling = list(read.values())
    found = {_label(value, folded) for value in telling}
    return found.pop() if len(found) == 1 else None


def _of_lines(text: str, folded: dict[str, str]) -> str | None:
    """The label that lines or paragraphs of a longer text state, if they all agree."""
    found: set[str | None] = set()
    for line in map(_fold, text.splitlines()):
        statement = _STATEMENT.fullmatch(line)
        if statement is not None:
            found.add(_stated(statement.group(1), folded))
        elif line in folded:
            found.add(folded[line])
    found.discard("")
    return found.pop() if len(found) == 1 else None


def _stated(value: str, folded: dict[str, str]) -> str | None:
    """The label that `value` is; None if it is a choice of labels, "" if it is about others."""
    if _fold(value) in folded:
        return folded[_fold(value)]
    return None if any(re.search(rf"\b{re.escape(one)}\b", value) for one in folded) else ""


def _label(value: Any, folded: dict[str, str]) -> str | None:
    return folded.get(_fold(value)) if isinstance(value, str) else None


def _folded(labels: Collection[str]) -> dict[str, str]:
    return {_fold(label): label for label in labels}


def _fold(text: str) -> str:
    return _GAPS.sub(" ", text.replace("**", "")).strip(_EDGES).casefold()
