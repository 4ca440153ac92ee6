"""Ways to hold an LLM to the names of the levels."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, TypeAlias

Constraint: TypeAlias = Literal["choice", "json_schema", "text"]
"""How a reply is constrained: by `structured_outputs` of vLLM, a JSON schema as of hosted APIs, or
not at all."""

_KEY: Final = "category"
_SLACK: Final = 16
"""Tokens beyond a label: the end of the turn, quotes, white space."""


def one_field(mode: Constraint, labels: Sequence[str]) -> dict[str, Any]:
    """Fields of a request whose reply is one of `labels`.

    Example:
        >>> one_field("choice", ["yes", "no"])
        {'structured_outputs': {'choice': ['yes', 'no']}}
    """
    if mode == "choice":
        return {"structured_outputs": {"choice": list(labels)}}
    return _schema_field(mode, _schema([_KEY], labels))


def batch_field(mode: Constraint, labels: Sequence[str], count: int) -> dict[str, Any]:
    """Fields of a request whose reply gives each of the numbers 1 to `count` one of `labels`."""
    schema = _schema([str(number) for number in range(1, count + 1)], labels)
    if mode == "choice":
        return {"structured_outputs": {"json": schema}}
    return _schema_field(mode, schema)


def tokens_needed(labels: Collection[str]) -> int:
    """Tokens that are enough for any of `labels` in any mode, for each pair of a call.

    A token is at least a byte. An LLM that thinks aloud needs more.
    """
    return max(len(json.dumps({_KEY: label})) for label in labels) + _SLACK


def _schema_field(mode: Constraint, schema: dict[str, Any]) -> dict[str, Any]:
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
