"""One OpenAI-compatible endpoint: a request becomes a text, or an error that says what failed."""

import json
import logging
import os
import re
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit

import anyio
import httpx

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.calls import CallError, may_pass, retry_after, retrying
from speciarl_pl.text import after_thinking

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

    def without(self, error: CallError) -> Self | None:
        """The dialect to try next if `error` refuses a field of this one, else None."""
        if not isinstance(error, RefusedError) or error.status not in _REFUSED:
            return None
        if not _UNKNOWN.search(error.told):
            return None
        about = f"{error.field} {error.told}"
        if self.length == "max_tokens" and re.search(r"\bmax_tokens\b", about):
            return replace(self, length="max_completion_tokens")
        if self.temperature and re.search(r"\btemperature\b", about):
            return replace(self, temperature=False)
        return None


_log = logging.getLogger(__name__)

_CHECK_S: Final = 3.0
_MESSAGE: Final = 200
_PAUSES_S: Final = (0.5, 8.0)
"""The first and the longest pause between tries."""


class RefusedError(CallError):
    """An answer that is no completion.

    Args:
        reason: As of any call.
        status: HTTP status code.
        wait_s: As of any call.
        told: What the endpoint says of it.
        field: Field of the request that it is about; empty if the endpoint does not say.
    """

    def __init__(
        self, reason: str, status: int, wait_s: float | None, told: str, field: str
    ) -> None:
        super().__init__(reason, f"status_{status}", may_pass(status), status, wait_s)
        self.told, self.field = told, field


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
        self._endpoint = _without_password(base_url)
        self._model, self._extra_body = model, extra_body
        self._timeout_s, self._retries = timeout_s, retries
        self._dialect = Dialect()
        self._secret = _key(api_key_env)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {self._secret or 'none'}",
                "Content-Type": "application/json",
            },
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.aclose()

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
        response = await self._create(messages, max_tokens, fields, self._retries, self._timeout_s)
        text, usage = read_completion(response.content)
        return text, usage, response.elapsed.total_seconds()

    async def check(self) -> None:
        """Ask for one token, once and quickly.

        Raises:
            CallError: If there was no reply.
        """
        await self._create([{"role": "user", "content": "Hi"}], 1, {}, 0, _CHECK_S)

    async def _create(
        self,
        messages: list[dict[str, str]],
        max_tokens: int,
        fields: dict[str, Any],
        retries: int,
        timeout_s: float,
    ) -> httpx.Response:
        body = {"model": self._model, "messages": messages}
        while True:
            dialect = self._dialect
            sent = {**body, **dialect.fields(max_tokens), **self._extra_body, **fields}
            attempts = retrying(retries, *_PAUSES_S)
            try:
                return await attempts(self._post, json.dumps(sent).encode(), timeout_s)
            except CallError as error:
                # Others may have learned the same meanwhile; what was sent here is what counts.
                learned = dialect.without(error)
                if learned is None:
                    raise
                self._learn(dialect, learned)

    def _learn(self, sent: Dialect, learned: Dialect) -> None:
        if self._dialect == sent and not learned.temperature and sent.temperature:
            message = "%s at %s takes no temperature of 0: its own is used"
            _log.warning(message, self._model, self._endpoint)
        self._dialect = learned

    async def _post(self, body: bytes, timeout_s: float) -> httpx.Response:
        """One try."""
        try:
            with anyio.fail_after(timeout_s):  # also if it sends a byte now and then
                response = await self._client.post(
                    "chat/completions", content=body, timeout=timeout_s
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            raise CallError(self._reason("no answer in time"), "timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            raise CallError(self._reason(what), "connection") from error
        if not response.is_success:
            raise self._refused(response)
        return response

    def _refused(self, response: httpx.Response) -> RefusedError:
        status, (told, field) = response.status_code, _refusal(response)
        reason = self._reason(f"{status}: {told}")
        return RefusedError(reason, status, _asked_wait_s(response.headers), told, field)

    def _reason(self, what: str) -> str:
        told = what.replace(self._secret, "***") if self._secret else what
        shown = "".join(c if c.isprintable() else " " for c in told)
        line = " ".join(shown.split())
        line = line if len(line) <= _MESSAGE else line[: _MESSAGE - 3] + "..."
        return f"llm: {self._endpoint}: {line}"


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


def _refusal(response: httpx.Response) -> tuple[str, str]:
    """What the endpoint says of its refusal, and the field that it is about, if it says."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = response.text.strip()
    if isinstance(body, dict):
        body = body.get("error", body)
    told = _member(body, "message") or _member(body, "detail") or body
    return str(told or response.reason_phrase), str(_member(body, "param") or "")


def _asked_wait_s(headers: httpx.Headers) -> float | None:
    """The wait that an answer asks for, also in the header that hosted APIs have for it."""
    milliseconds = headers.get("retry-after-ms", "")
    if milliseconds.isdecimal():
        return int(milliseconds) / 1000
    return retry_after(headers.get("retry-after", ""))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
