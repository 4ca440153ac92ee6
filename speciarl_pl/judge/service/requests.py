"""What a request has to be before the judge service looks at its pairs."""

import hmac
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import anyio
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.wire import encode_error, is_loopback


class Gate:
    """ASGI middleware that looks at who asks, then reads what is sent, and no more than allowed.

    Args:
        app: The application inside.
        paths: The paths that it guards.
        options: Limits, and the token that clients need.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], options: ServiceOptions) -> None:
        self._app = app
        self._paths = paths
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that may be answered, with its whole body."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            _check_caller(request, self._options.token)
            body = await _body(request, self._options) if request.method == "POST" else b""
        except HTTPException as refusal:
            await _refused(refusal.status_code, refusal.detail, refusal.headers)(
                scope, receive, send
            )
        except ClientDisconnect:
            pass  # nobody is there to be answered
        else:
            await self._app(scope, _once(body, receive), send)


def _check_caller(request: Request, token: str | None) -> None:
    """Let in those with the token or, without one, those who call this machine by its own name.

    Without a token a service is there for this machine alone. A page in a browser of this machine
    can send requests too, under the name of a site whose address is made to be this machine's.
    """
    if token is None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise HTTPException(
                421, f"Host: expected localhost or a loopback address, got {host[:100]!r}"
            )
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # In a time that tells nothing about the token.
    same = hmac.compare_digest(given.encode("latin-1", "replace"), token.encode())
    if scheme.lower() != "bearer" or not same:
        raise HTTPException(
            401, "expected the bearer token of this service", {"WWW-Authenticate": "Bearer"}
        )


async def _body(request: Request, options: ServiceOptions) -> bytes:
    """The body of a request; no more than what is allowed and a chunk is read.

    What refuses it closes the connection, of no further use as the rest is not read.
    """
    most, seconds = options.max_body_bytes, options.receive_s
    too_large = HTTPException(
        413, f"expected a body of at most {most} bytes", {"Connection": "close"}
    )
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > most:
        raise too_large
    body = bytearray()
    try:
        with anyio.fail_after(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise HTTPException(
            408, f"expected the body within {seconds:g} s", {"Connection": "close"}
        ) from None
    return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    """What receives `body` and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


async def first_fault(request: Request, error: Exception) -> Response:
    """The answer to a body that is no request: the first thing that is wrong, in a line."""
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes):  # FastAPI parses only what is declared as JSON
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        return _refused(415, f"Content-Type: expected application/json, got {kind[:100]!r}")
    fault: dict[str, Any] = error.errors()[0]
    if fault["type"] == "json_invalid":
        return _refused(422, f"Invalid JSON: {fault['ctx']['error']}")
    place = ".".join(str(part)[:100] for part in fault["loc"][1:])  # it begins with `body`
    return _refused(422, f"{place}: {fault['msg']}" if place else str(fault["msg"]))


def _refused(status: int, detail: str, headers: Any = None) -> Response:
    return Response(encode_error(detail), status, headers, media_type="application/json")
