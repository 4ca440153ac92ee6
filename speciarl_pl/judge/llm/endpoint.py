"""One OpenAI-compatible endpoint: a request becomes a text, or an error that says what failed."""

import json
import logging
import os
import re
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit

import anyio
import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    OpenAIError,
)

from speciarl_pl.errors import JudgeError
from speciarl_pl.records import Unjudged
from speciarl_pl.unwrap import after_thinking

# The body of a chat completion, read without trust.


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


# What an endpoint calls the fields of a request, learned from what it refuses.


_REFUSED: Final = (400, 422)
_UNKNOWN = re.compile(
    r"(?:un|not |n't |does not |no longer )support|unrecogni[sz]ed|unknown|unexpected|deprecated"
    r"|not (?:permitted|allowed|available)|use '?max_completion_tokens|only the default",
    re.IGNORECASE,
)
"""How a refusal says that it is about the field, not about its value."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one endpoint wants to be told how long a reply may be, and at which temperature.

    Example:
        >>> Dialect().fields(8)
        {'max_tokens': 8, 'temperature': 0}
        >>> Dialect("max_completion_tokens", temperature=False).fields(8)
        {'max_completion_tokens': 8}
    """

    length: str = "max_tokens"
    """Name of the field with the longest reply, in tokens."""
    temperature: bool = True
    """Whether a temperature may be given."""

    def fields(self, max_tokens: int) -> dict[str, Any]:
        """Fields of a request."""
        return {self.length: max_tokens} | ({"temperature": 0} if self.temperature else {})

    def without(self, error: OpenAIError) -> Self | None:
        """The dialect to try next if `error` refuses a field of this one, else None."""
        if not isinstance(error, APIStatusError) or error.status_code not in _REFUSED:
            return None
        body = error.body if isinstance(error.body, dict) else {}
        told = str(body.get("message") or body.get("detail") or error.body)
        if not _UNKNOWN.search(told):
            return None
        about = f"{body.get('param') or ''} {told}"
        if self.length == "max_tokens" and re.search(r"\bmax_tokens\b", about):
            return replace(self, length="max_completion_tokens")
        if self.temperature and re.search(r"\btemperature\b", about):
            return replace(self, temperature=False)
        return None


_log = logging.getLogger(__name__)

_PASSING: Final = (408, 409, 425, 429)
"""Status codes below 500 that say nothing about the request."""

_CHECK_S: Final = 3.0
_MESSAGE: Final = 200


class CallError(Exception):
    """A call that brought no reply.

    Args:
        reason: What failed, in one line, naming the endpoint.
        kind: Under which it is counted.
        transient: Whether the same call may work later.
        status: HTTP status code, if there was one.
    """

    def __init__(self, reason: str, kind: str, transient: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.kind, self.transient, self.status = kind, transient, status

    @property
    def unjudged(self) -> Unjudged:
        """What it makes of a pair."""
        return Unjudged(str(self), self.transient)


class Chat:
    """Asks one model at one endpoint, at temperature 0 if it takes one; used on one event loop.

    Args:
        base_url: Of the API, such as `http://127.0.0.1:8000/v1`.
        model: Name of the model there.
        timeout_s: Seconds for each try.
        retries: Further tries after a failure that may pass.
        api_key_env: Name of the environment variable with the key.
        extra_body: Further fields of each request.
        connections: Connections kept open at most.

    Raises:
        JudgeError: If the key cannot be sent.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        timeout_s: float,
        retries: int,
        api_key_env: str,
        extra_body: dict[str, Any],
        connections: int,
    ) -> None:
        self.endpoint = _without_password(base_url)
        self.target = f"{model} at {self.endpoint}"
        """Model, endpoint and further fields, for people and as a key."""
        if extra_body:
            self.target += f" with {json.dumps(extra_body, sort_keys=True)}"
        self._model, self._extra_body = model, extra_body
        self._dialect = Dialect()
        self._secret = _key(api_key_env)
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = AsyncOpenAI(
            api_key=self._secret or "none",
            base_url=base_url,
            timeout=timeout_s,
            max_retries=retries,
            http_client=_TimedClient(limits=limits),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.close()

    async def complete(
        self, messages: list[dict[str, str]], max_tokens: int, fields: dict[str, Any]
    ) -> tuple[str | UnreadableReplyError, Usage, float]:
        """Ask for a completion.

        Args:
            messages: The turns.
            max_tokens: Longest reply.
            fields: Further fields of the request.

        Returns:
            The text of the reply or, if it has none, an `UnreadableReplyError`; what it cost; and
            the seconds that the last try took.

        Raises:
            CallError: If there was no reply.
        """
        response = await self._create(self._client, messages, max_tokens, fields)
        text, usage = read_completion(response.content)
        return text, usage, response.elapsed.total_seconds()

    async def check(self) -> None:
        """Ask for one token, once and quickly.

        Raises:
            CallError: If there was no reply.
        """
        quick = self._client.with_options(timeout=_CHECK_S, max_retries=0)
        await self._create(quick, [{"role": "user", "content": "Hi"}], 1, {})

    async def _create(
        self,
        client: AsyncOpenAI,
        messages: list[dict[str, str]],
        max_tokens: int,
        fields: dict[str, Any],
    ) -> httpx2.Response:
        while True:
            dialect = self._dialect
            try:
                response = await client.chat.completions.with_raw_response.create(
                    model=self._model,
                    messages=messages,  # type: ignore[arg-type]
                    extra_body={**dialect.fields(max_tokens), **self._extra_body, **fields},
                )
                return response.http_response
            except OpenAIError as error:
                # Others may have learned the same meanwhile; what was sent here is what counts.
                learned = dialect.without(error)
                if learned is None:
                    raise self._error(error) from error
                self._learn(dialect, learned)

    def _learn(self, sent: Dialect, learned: Dialect) -> None:
        if self._dialect == sent and not learned.temperature and sent.temperature:
            _log.warning("%s takes no temperature of 0: its own is used", self.target)
        self._dialect = learned

    def _error(self, error: OpenAIError) -> CallError:
        if isinstance(error, APIStatusError):
            status = error.status_code
            transient = status >= 500 or status in _PASSING
            return self._call_error(
                f"{status}: {_told(error)}", f"status_{status}", transient, status
            )
        if isinstance(error, APITimeoutError):
            return self._call_error("no answer in time", "timeout", True)
        if isinstance(error, APIConnectionError):
            cause = error.__cause__ or error
            return self._call_error(
                f"{type(cause).__name__}: {cause}".rstrip(": "), "connection", True
            )
        return self._call_error(f"{type(error).__name__}: {error}", "client", False)

    def _call_error(
        self, what: str, kind: str, transient: bool, status: int | None = None
    ) -> CallError:
        told = what.replace(self._secret, "***") if self._secret else what
        shown = "".join(c if c.isprintable() else " " for c in told)
        line = " ".join(shown.split())
        line = line if len(line) <= _MESSAGE else line[: _MESSAGE - 3] + "..."
        return CallError(f"llm: {self.endpoint}: {line}", kind, transient, status)


class _TimedClient(DefaultAsyncHttpxClient):
    """Ends a try after its time also if the server sends a byte now and then."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send `request` and read the answer within the time that it has for reading."""
        try:
            with anyio.fail_after(request.extensions["timeout"]["read"]):
                return await super().send(request, **options)
        except TimeoutError as error:
            raise httpx2.ReadTimeout("no answer in time", request=request) from error


def _key(variable: str) -> str:
    """The key in an environment variable; empty if there is none.

    Raises:
        JudgeError: If it cannot be sent.
    """
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise JudgeError(
            f"api_key_env: expected a key in printable ASCII in the variable {variable}"
        )
    return key


def _told(error: APIStatusError) -> str:
    """What the server says of its refusal."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body
    return str(body) if body else error.response.reason_phrase


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
