"""What a request has to be before the judge service looks at its pairs."""

import hmac
import json
from typing import Any

from fastapi import HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError

from speciarl_pl.judge.service_models import JudgeRequest


class TokenCheck(HTTPBearer):
    """A dependency that lets in those who send the token.

    Raises:
        HTTPException: 401, if the header is missing or other.
    """

    def __init__(self, token: str) -> None:
        super().__init__(
            scheme_name="token",
            description="The token that the service was started with.",
            auto_error=False,
        )
        self._token = token.encode()

    async def __call__(self, request: Request) -> HTTPAuthorizationCredentials | None:
        """Compare in a time that tells nothing about the token."""
        found = await super().__call__(request)
        given = b"" if found is None else found.credentials.encode("latin-1", "replace")
        if not hmac.compare_digest(given, self._token):
            raise HTTPException(
                401, "expected the bearer token of this service", {"WWW-Authenticate": "Bearer"}
            )
        return found


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read the body of a request, and no more than `max_bytes` and a chunk of it.

    Raises:
        HTTPException: 413 if it is larger, 415 if it is not declared as JSON.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise HTTPException(415, f"Content-Type: expected application/json, got {kind[:100]!r}")
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def parse_request(body: bytes, max_pairs: int) -> JudgeRequest:
    """Parse the body of a request.

    Raises:
        HTTPException: 422, naming the first thing that is wrong.
    """
    try:
        request = _parse(body)
    except ValidationError as error:
        raise HTTPException(422, _first(error)) from None
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, f"expected JSON in UTF-8: {error}"[:300]) from None
    if len(request.pairs) > max_pairs:
        raise HTTPException(
            422, f"pairs: expected at most {max_pairs} in a request, got {len(request.pairs)}"
        )
    return request


def _parse(body: bytes) -> JudgeRequest:
    try:
        return JudgeRequest.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid" or b"\\u" not in body:
            raise
    # A lone surrogate is what pydantic's parser refuses and JSON allows.
    return JudgeRequest.model_validate(json.loads(body.decode()))


def _first(error: ValidationError) -> str:
    details: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part)[:100] for part in details["loc"])
    return f"{place}: {details['msg']}" if place else str(details["msg"])


def _too_large(max_bytes: int) -> HTTPException:
    # The rest is not read, so that the connection is of no further use.
    return HTTPException(
        413, f"expected a body of at most {max_bytes} bytes", {"Connection": "close"}
    )
