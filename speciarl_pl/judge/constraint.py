"""Ways to hold an LLM to the names of the levels, and to read what it then says."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, TypeAlias

Mode: TypeAlias = Literal["choice", "guided_choice", "json_schema", "text"]
"""How a reply is constrained: by vLLM's `structured_outputs`, its older `guided_choice`, a JSON
schema as of hosted APIs, or not at all."""

Constraint: TypeAlias = Literal["auto", "choice", "guided_choice", "json_schema", "text"]
"""A mode, or `auto` to take the first that works."""

MODES: Final[tuple[Mode, ...]] = ("choice", "guided_choice", "json_schema", "text")
"""All modes, in the order in which `auto` tries them."""

_KEY: Final = "category"
_SLACK: Final = 16
"""Tokens beyond a label: the end of the turn, quotes, white space."""

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A```(?:json)?\s(.*)```\Z", re.DOTALL)
_EDGES: Final = " \t\r\n\"'`*\u201c\u201d\u2018\u2019\u00ab\u00bb"


def one_field(mode: Mode, labels: Sequence[str]) -> dict[str, Any]:
    """Fields of a request whose reply is one of `labels`.

    Example:
        >>> one_field("guided_choice", ["yes", "no"])
        {'guided_choice': ['yes', 'no']}
    """
    if mode == "choice":
        return {"structured_outputs": {"choice": list(labels)}}
    if mode == "guided_choice":
        return {"guided_choice": list(labels)}
    return _schema_field(mode, _schema([_KEY], labels))


def batch_field(mode: Mode, labels: Sequence[str], count: int) -> dict[str, Any]:
    """Fields of a request whose reply gives each of the numbers 1 to `count` one of `labels`."""
    schema = _schema([str(number) for number in range(1, count + 1)], labels)
    if mode == "choice":
        return {"structured_outputs": {"json": schema}}
    if mode == "guided_choice":
        return {"guided_json": schema}
    return _schema_field(mode, schema)


def tokens_needed(labels: Collection[str]) -> int:
    """Tokens that are enough for any of `labels` in any mode, for each pair of a call.

    A token is at least a byte. An LLM that thinks aloud needs more.
    """
    return max(len(json.dumps({_KEY: label})) for label in labels) + _SLACK


def read_one(mode: Mode, reply: str, labels: Collection[str]) -> str | None:
    """The one label that `reply` states and nothing besides, or None.

    Example:
        >>> labels = ["specific", "less specific"]
        >>> read_one("text", "<think>specific?</think> **Less specific.**", labels)
        'less specific'
        >>> read_one("text", "specific or less specific", labels) is None
        True
        >>> read_one("json_schema", '{"category": "specific"}', labels)
        'specific'
    """
    if mode == "text":
        return _spoken(_THOUGHT.sub("", reply), labels)
    if mode == "json_schema":
        read = _read_object(reply, [_KEY], labels)
        return read[0] if read else None
    trimmed = reply.strip()
    return trimmed if trimmed in labels else None


def read_batch(mode: Mode, reply: str, labels: Collection[str], count: int) -> list[str] | None:
    """The labels of pairs 1 to `count`, in order, or None unless each is there exactly once.

    Example:
        >>> read_batch("json_schema", '{"2": "no", "1": "yes"}', ["yes", "no"], 2)
        ['yes', 'no']
        >>> read_batch("json_schema", '{"1": "no", "1": "yes"}', ["yes", "no"], 2) is None
        True
    """
    if mode == "text":
        reply = _THOUGHT.sub("", reply).strip()
        fenced = _FENCE.match(reply)
        reply = fenced.group(1) if fenced else reply
    return _read_object(reply, [str(number) for number in range(1, count + 1)], labels)


def _schema_field(mode: Mode, schema: dict[str, Any]) -> dict[str, Any]:
    if mode == "text":
        return {}
    named = {"name": "verdict", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _schema(keys: list[str], labels: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: {"type": "string", "enum": list(labels)} for key in keys},
        "required": keys,
        "additionalProperties": False,
    }


def _spoken(text: str, labels: Collection[str]) -> str | None:
    said = text.strip(_EDGES).removesuffix(".").strip(_EDGES).casefold()
    return {label.casefold(): label for label in labels}.get(said)


def _read_object(text: str, keys: list[str], labels: Collection[str]) -> list[str] | None:
    """Values of a JSON object with exactly `keys`, all of them among `labels`."""
    try:
        read = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or read.keys() != set(keys):
        return None
    values = [read[key] for key in keys]
    return values if all(isinstance(v, str) and v in labels for v in values) else None


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) < len(members):
        raise ValueError("a key is given twice")
    return read
