"""Words of a command line that are put in order before a parser sees them."""

import re
from collections.abc import Sequence
from typing import Final

from jsonargparse import ArgumentParser

_LISTS: Final = ("--data.val", "--data.test")
_ONE: Final = re.compile(r"(?!null$|none$)[A-Za-z_][\w.]*|\{.*\}", re.IGNORECASE | re.DOTALL)
_LAST: Final = ("trainer", "checkpoint")


def one_is_a_list(words: Sequence[str]) -> list[str]:
    """Have `--data.val ImageFolder` mean a list of one, as `--data.train ImageFolder` is one.

    Example:
        >>> one_is_a_list(["--data.val", "ImageFolder", "--data.val=[]", "--data.train", "X"])
        ['--data.val', '[ImageFolder]', '--data.val=[]', '--data.train', 'X']
    """
    found: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if found and found[-1] in _LISTS and _is_one(word):
            word = f"[{word}]"
        elif equals and name in _LISTS and _is_one(value):
            word = f"{name}=[{value}]"
        found.append(word)
    return found


def own_options_first(parser: ArgumentParser) -> None:
    """Have `--help` say what this package takes before what Lightning takes."""
    last = [group for group in parser._action_groups if _leads(group, _LAST)]
    first = [group for group in parser._action_groups if group not in last]
    parser._action_groups = [*first, *last]


def _is_one(value: str) -> bool:
    return bool(_ONE.fullmatch(value)) and not value.endswith((".yaml", ".yml", ".json"))


def _leads(group: object, names: Sequence[str]) -> bool:
    """Whether the options of a group are those of one of `names`."""
    actions = getattr(group, "_group_actions", [])
    tops = {str(action.dest).partition(".")[0] for action in actions}
    return bool(tops) and tops <= set(names)
