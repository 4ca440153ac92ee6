"""One request to a judge service, and what its answer means."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import anyio
import httpx
from pydantic_core import from_json

from speciarl_pl.judge.calls import CallError, may_pass, retry_after
from speciarl_pl.judge.wire import decode_line, encode_request
from speciarl_pl.records import Judgement

_MAX_LINE: Final = 2**16
"""Longest line that is read; a judgement takes a tenth of it at most."""
_MAX_NONSENSE: Final = 1000
"""Lines passed over before an answer is given up."""
_LAST_S: Final = 1.0
"""Seconds that the end of an answer may take once every pair has its judgement."""
_READY_S: Final = 10.0
"""Seconds until a service counts as not ready; it may check what is behind it first."""
_JSON: Final = {"Content-Type": "application/json"}


async def ask_once(
    client: httpx.AsyncClient,
    url: str,
    pairs: Sequence[bytes],
    give: Callable[[int, Judgement], None],
) -> None:
    """Ask about encoded pairs in one request.

    Args:
        client: Connections to the service, with its token.
        url: Where verdicts are asked for.
        pairs: See `encode_pair`.
        give: Called with the place of a pair and its judgement as soon as that has come; never
            twice for one place. Lines that are anything else are passed over.

    Raises:
        CallError: If a pair has no judgement in the end.
    """
    missing = set(range(len(pairs)))
    try:
        async with client.stream(
            "POST", url, content=encode_request(pairs, stream=True), headers=_JSON
        ) as answer:
            await _check(answer)
            await _read(answer, missing, give)
    except httpx.TimeoutException as error:
        raise CallError(f"{url}: no answer in time ({_text(error)})", "timeout") from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        if missing:
            raise CallError(f"{url}: {_text(error)}", "connection") from error
    if missing:
        raise CallError(
            f"{url}: the answer ended with {len(missing)} of {len(pairs)} pairs unanswered", "reply"
        )


async def ask_ready(client: httpx.AsyncClient, url: str) -> None:
    """Make sure that a service says it is ready.

    Raises:
        CallError: If it does not; says why.
    """
    try:
        answer = await client.get(url, timeout=_READY_S)
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise CallError(f"{url}: {_text(error)}", "connection") from error
    if answer.status_code != 200:
        raise CallError(f"{url}: {answer.status_code}: {_detail(answer.content)}", "ready")


async def _read(
    answer: httpx.Response, missing: set[int], give: Callable[[int, Judgement], None]
) -> None:
    """Hand on what the lines of an answer say, until it ends or tells nonsense only."""
    nonsense = 0
    with anyio.CancelScope() as scope:
        async for line in _lines(answer):
            item = decode_line(line)
            if isinstance(item, tuple) and item[0] in missing:
                missing.remove(item[0])
                give(*item)
                if not missing:
                    scope.deadline = anyio.current_time() + _LAST_S
            elif not isinstance(item, int):
                nonsense += 1
            if nonsense > _MAX_NONSENSE:
                return


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of an answer; what comes after the last line break was cut off and is none."""
    rest = b""
    async for chunk in answer.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > _MAX_LINE:
            return


async def _check(answer: httpx.Response) -> None:
    """Raise a `CallError` unless the answer is one to read."""
    status = answer.status_code
    if status == 200:
        return
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MAX_LINE:
            break
    raise CallError(
        f"{answer.url}: {status}: {_detail(body)}",
        f"status_{status}",
        transient=may_pass(status),
        status=status,
        wait_s=retry_after(answer.headers.get("Retry-After", "")),
    )


def _detail(body: bytes) -> str:
    """What an error answer says, in a line."""
    try:
        value = from_json(body)
        found = value.get("detail") or value.get("reason") or value
    except (ValueError, AttributeError):
        found = body.decode(errors="replace")
    return " ".join(str(found).split())[:300]


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
