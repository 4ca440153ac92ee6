"""`--data.val.X` reaches all validation sets, where jsonargparse gives it to the last."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import yaml
from jsonargparse import Namespace

_ROLES: Final = ("val", "test")
_OPTION: Final = r"--data\.{}\.(?:init_args\.)?(?!class_path$|help$|dict_kwargs)([^=\s]+)"


def parse_for_all(parse: Callable[[list[str]], Namespace], words: Sequence[str]) -> Namespace:
    """Parse a command line, and give options of data sets to each of several.

    A data set that is added on the command line itself (`--data.val+=`) has its own options behind
    it, and they are left to it alone.

    Args:
        parse: Parses a command line.
        words: The command line.
    """
    words = list(words)
    for role in _ROLES:
        kept, given = _split(words, role)
        added = any(word.startswith(f"--data.{role}+") for word in words)
        if given and not added and _several(parse(_unprinted(words)), role):
            sets = [_with(one.as_dict(), given) for one in _of(parse(_unprinted(kept)), role)]
            words = [*kept, f"--data.{role}={json.dumps(sets, default=str)}"]
    return parse(words)


def _unprinted(words: Sequence[str]) -> list[str]:
    """Without what has the parser print the configuration and end."""
    return [word for word in words if not word.startswith("--print_config")]


def _split(words: Sequence[str], role: str) -> tuple[list[str], dict[str, Any]]:
    """The words without the options of a role's data sets, and those by name.

    Example:
        >>> _split(["fit", "--data.val.init_args.n", "5", "--data.val.init_args.x=[a]"], "val")
        (['fit'], {'n': 5, 'x': ['a']})
    """
    kept: list[str] = []
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if option := re.fullmatch(_OPTION.format(role), name):
            given[option.group(1)] = yaml.safe_load(value if equals else next(rest, ""))
        else:
            kept.append(word)
    return kept, given


def _of(config: Namespace, role: str) -> Any:
    return config[config.subcommand].data.get(role)


def _several(config: Namespace, role: str) -> bool:
    sets = _of(config, role)
    return isinstance(sets, list) and len(sets) > 1


def _with(data_set: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A data set with other arguments; a dotted name is one within another."""
    for name, value in given.items():
        *outer, last = name.split(".")
        inner = data_set.setdefault("init_args", {})
        for one in outer:
            inner = inner.setdefault(one, {})
        inner[last] = value
    return data_set
