"""Checks of what an LLM judge is made with."""

import copy
import json
from typing import Any, Final, get_args

import httpx2

from speciarl_pl.judge.constraint import Constraint

_OURS: Final = frozenset(
    {
        "model",
        "messages",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stream",
        "structured_outputs",
        "guided_choice",
        "guided_json",
        "response_format",
        "tools",
        "tool_choice",
    }
)


def check_url(name: str, url: str) -> None:
    """Raise a `ValueError` unless `url` can be asked over HTTP."""
    try:
        read = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError):
        read = httpx2.URL("")
    if read.scheme not in ("http", "https") or not read.host:
        raise ValueError(
            f"{name}: expected a URL that begins with http:// or https://, got {url!r}"
        )


def check_text(name: str, text: str) -> None:
    """Raise a `ValueError` unless `text` is a non-empty text."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name}: expected a non-empty text, got {text!r}")


def check_constraint(constraint: str) -> None:
    """Raise a `ValueError` unless `constraint` is one of `Constraint`."""
    known = get_args(Constraint)
    if constraint not in known:
        raise ValueError(f"constraint: expected one of {', '.join(known)}; got {constraint!r}")


def check_number(name: str, number: int, least: int) -> None:
    """Raise a `ValueError` unless `number` is an int of at least `least`."""
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ValueError(f"{name}: expected an int >= {least}, got {number!r}")


def check_extra_body(fields: dict[str, Any]) -> dict[str, Any]:
    """A copy of `fields`.

    Raises:
        ValueError: If they are not JSON, or set what the judge sets.
    """
    taken = sorted(_OURS & fields.keys())
    if taken:
        raise ValueError(f"extra_body: expected fields that the judge does not set, got {taken}")
    try:
        json.dumps(fields, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"extra_body: expected what JSON can hold: {error}") from error
    return copy.deepcopy(fields)
