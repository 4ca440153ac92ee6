"""What the parser found wrong, in a line that says what was meant.

jsonargparse says which types it has tried, one below the other. What a user wrote wrong is nearly
always a name: that of an option, of a key, of a class or of an argument of a class.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final

from speciarl_pl.commands.config_files import place_of
from speciarl_pl.nearest import did_you_mean
from speciarl_pl.shipped_configs import names

_CLASS: Final = re.compile(r"Expected a dot import path string: (\w+)$", re.MULTILINE)
_BASE: Final = re.compile(r"<class '([\w.]+)'>|list\[([\w.]+)\]")
_ARGUMENT: Final = re.compile(
    r"Problem with given class_path '([\w.]+)':\s+Option '([\w.]+)' is not accepted"
)
_MISSING: Final = re.compile(
    r"given class_path '([\w.]+)':\s+the following arguments are required: ([\w., ]+)"
)
_ATTRIBUTE: Final = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'")
_KEY: Final = re.compile(r'Parser key "([\w.]+)"')
_NO_OPTION: Final = re.compile(r"does not accept option '([\w.]+)'")


def said_plainly(error: Exception, options: Iterable[str], words: Sequence[str]) -> str:
    """A line in place of what the parser said.

    Args:
        error: What the parser raised.
        options: All it knows, such as `--data.batch_size`.
        words: The command line.
    """
    text = str(error)
    key = match.group(1) if (match := _KEY.search(text)) else ""
    if match := _ARGUMENT.search(text):
        return _argument(key, match.group(1), match.group(2), words)
    if match := _CLASS.search(text):
        return _class(key, match.group(1), text, words)
    if match := _NO_OPTION.search(text):
        name = match.group(1)
        near = did_you_mean(name, (one.removeprefix("--") for one in options))
        return f"{place_of(words, name)}{name}: there is no such option{near}"
    if text.startswith("unrecognized arguments: "):
        return _unknown(text, options)
    if "Expected a <class 'list'>" in text and key in ("data.val", "data.test"):
        return f"{place_of(words, key)}{key}: expected a list of data sets, such as [ImageFolder]"
    return f"{place_of(words, key)}{_in_a_line(text)}"


def _in_a_line(text: str) -> str:
    r"""What the parser said, without the types that it tried beside the one that was meant.

    Example:
        >>> _in_a_line("Parser key \"a.b\":\n  Expected a <class 'int'>. Got value: x")
        'a.b: Expected a int. Got value: x'
    """
    if match := _MISSING.search(text):
        name = match.group(1).rpartition(".")[2]
        needs = f"{name} needs {match.group(2)}"
        return f"{key.group(1)}: {needs}" if (key := _KEY.search(text)) else needs
    near = ""
    if match := _ATTRIBUTE.search(text):
        near = did_you_mean(match.group(2), dir(import_module(match.group(1))))
    text = re.sub(r"- Expected a path but \S+ either not accessible or invalid", "", text)
    text = re.sub(
        r"- Expected a <class 'NoneType'>|Does not validate .*\n|Subtypes: .*\n", "", text
    )
    text = _KEY.sub(r"\1", re.sub(r"<class '([\w.]+)'>", r"\1", text))
    return " ".join(text.split()) + near


def _unknown(text: str, options: Iterable[str]) -> str:
    first = text.removeprefix("unrecognized arguments: ").split(" ")[0].partition("=")[0]
    near = did_you_mean(first, options) if first.startswith("-") else ""
    return f"{text}{near}"


def _class(key: str, name: str, text: str, words: Sequence[str]) -> str:
    known = sorted({one for base in _bases(text) for one in _short_names(base)})
    if key == "data.judge":
        known += [one.removeprefix("judge/") for one in names() if one.startswith("judge/")]
    where = place_of(words, key)
    some = f"one of {', '.join(known)}; or " if known else ""
    near = did_you_mean(name, known)
    return f"{where}{key}: expected {some}the dotted name of a class; got {name!r}{near}"


def _argument(key: str, path: str, option: str, words: Sequence[str]) -> str:
    kind = _load(path)
    known = sorted(set(_arguments(kind))) if kind else []
    where = place_of(words, f"{key}.init_args.{option}") or place_of(words, key)
    takes = f"; it takes {', '.join(known)}" if known else ""
    near = did_you_mean(option, known)
    return f"{where}{key}: {path.rpartition('.')[2]} has no argument {option!r}{takes}{near}"


def _bases(text: str) -> Iterator[type]:
    subtypes = re.search(r"Subtypes: \[(.*)\]$", text, re.MULTILINE)
    for plain, listed in _BASE.findall(subtypes.group(1) if subtypes else ""):
        kind = _load(plain or listed)
        if kind is not None and kind is not type(None):
            yield kind


def _load(path: str) -> type | None:
    module, _, name = path.rpartition(".")
    try:
        found: Any = getattr(import_module(module), name) if module else None
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) else None


def _short_names(base: type) -> Iterator[str]:
    """Names of the classes of this package below `base` that can be made."""
    kinds: list[type] = base.__subclasses__()
    for kind in kinds:
        if kind.__module__.startswith("speciarl_pl.") and not inspect.isabstract(kind):
            yield kind.__name__
        yield from _short_names(kind)


def _arguments(kind: type) -> Iterator[str]:
    """Names of what a class takes, and what its bases take where it hands on the rest."""
    for one in kind.__mro__:
        if "__init__" not in vars(one):
            continue
        parameters = list(inspect.signature(one).parameters.values())
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        yield from (each.name for each in parameters if each.kind in named)
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
            return
