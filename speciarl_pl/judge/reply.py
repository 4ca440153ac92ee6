"""The body of a chat completion, read without trust."""

import json
from dataclasses import dataclass
from typing import Any, Final

from speciarl_pl.unwrap import after_thinking

_EXCERPT: Final = 80
_CUT: Final = ("length", "content_filter", "tool_calls", "function_call")
"""Reasons to finish after which the content is not what the LLM meant to say."""


class UnreadableReplyError(Exception):
    """A reply that does not say what it should; the message quotes the start of it."""

    def __init__(self, what: str, text: object) -> None:
        shown = repr(text[: _EXCERPT + 1] if isinstance(text, str | bytes) else text)
        shown = shown if len(shown) <= _EXCERPT else shown[: _EXCERPT - 3] + "..."
        super().__init__(f"{what}: {shown}")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a completion cost."""

    prompt_tokens: int
    """Tokens read; 0 if the server does not say."""
    completion_tokens: int
    """Tokens written; 0 if the server does not say."""


def read_completion(body: bytes) -> tuple[str | UnreadableReplyError, Usage]:
    r"""What a chat completion says, or why that cannot be read, and what it cost.

    Example:
        >>> message = '{"choices": [{"message": {"content": "wrong"}, "finish_reason": "stop"}]}'
        >>> read_completion(message.encode())
        ('wrong', Usage(prompt_tokens=0, completion_tokens=0))
        >>> read_completion(b"\xff")[0]
        UnreadableReplyError("no JSON: b'\\xff'")
    """
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return UnreadableReplyError("no JSON", body), Usage(0, 0)
    usage = _member(read, "usage")
    cost = Usage(_number(usage, "prompt_tokens"), _number(usage, "completion_tokens"))
    try:
        return _content(read), cost
    except UnreadableReplyError as error:
        return error, cost


def _content(read: object) -> str:
    choices = _member(read, "choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise UnreadableReplyError("not one choice", choices)
    message, finish = _member(choices[0], "message"), _member(choices[0], "finish_reason")
    content = _member(message, "content")
    if finish == "length" and _thinks(message, content):
        raise UnreadableReplyError("cut while thinking, raise max_tokens", content or "")
    if finish in _CUT:
        raise UnreadableReplyError(f"ended by {finish}", content)
    for name in ("refusal", "tool_calls", "function_call"):
        if _member(message, name):
            raise UnreadableReplyError(name, _member(message, name))
    if not isinstance(content, str):
        raise UnreadableReplyError("no text", content)
    return content


def _thinks(message: object, content: object) -> bool:
    """Whether a reply ends within its thoughts, in its own field or in the text."""
    if isinstance(content, str) and content.strip():
        return after_thinking(content) is None
    return bool(_member(message, "reasoning") or _member(message, "reasoning_content"))


def _member(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _number(value: object, name: str) -> int:
    number = _member(value, name)
    return number if isinstance(number, int) and number > 0 else 0
