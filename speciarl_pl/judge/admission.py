"""What a request has to be before the judge service looks at its pairs."""

import hmac
import json
from typing import Any
from urllib.parse import urlsplit

import anyio
from fastapi import HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from speciarl_pl.judge.service_models import JudgeRequest, PairModel
from speciarl_pl.judge.service_options import ServiceOptions, is_loopback


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


async def check_host(request: Request) -> None:
    """Let in only those who call this machine by a name of its own.

    Without a token a service is there for this machine alone. A page in a browser of this machine
    can send requests too, under the name of a site whose address is made to be this machine's.

    Raises:
        HTTPException: 421, if the Host is no loopback address.
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_loopback(host):
        raise HTTPException(
            421, f"Host: expected localhost or a loopback address, got {host[:100]!r}"
        )


async def read_body(request: Request, options: ServiceOptions) -> bytes:
    """Read the body of a request, and no more of it than is allowed and a chunk.

    Raises:
        HTTPException: 408 if it does not come in time, 413 if it is too large, 415 if it is not
            declared as JSON.
    """
    max_bytes = options.max_body_bytes
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise HTTPException(415, f"Content-Type: expected application/json, got {kind[:100]!r}")
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        with anyio.fail_after(options.receive_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError:
        raise HTTPException(
            408, f"expected the body within {options.receive_s:g} s", {"Connection": "close"}
        ) from None
    return bytes(body)


def parse_request(body: bytes, max_pairs: int) -> JudgeRequest:
    """Parse the body of a request.

    What is too much is refused before it is looked at member by member, since each fault would
    become an error of its own.

    Raises:
        HTTPException: 422, naming the first thing that is wrong.
    """
    try:
        fields = _loaded(body)
        _check_size(fields, max_pairs)
        return JudgeRequest.model_validate(fields)
    except ValidationError as error:
        raise HTTPException(422, _first(error)) from None
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, f"Invalid JSON: {error}"[:300]) from None


def _loaded(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        if b"\\u" not in body:
            raise
    # A lone surrogate is what pydantic's parser refuses and JSON allows.
    return json.loads(body.decode())


def _check_size(fields: Any, max_pairs: int) -> None:
    if not isinstance(fields, dict):
        raise HTTPException(422, "Input should be an object")
    _check_members("", fields, JudgeRequest)
    pairs = fields.get("pairs")
    if not isinstance(pairs, list):
        return
    if len(pairs) > max_pairs:
        raise HTTPException(
            422, f"pairs: expected at most {max_pairs} in a request, got {len(pairs)}"
        )
    for place, pair in enumerate(pairs):
        if isinstance(pair, dict):
            _check_members(f"pairs.{place}.", pair, PairModel)


def _check_members(place: str, fields: dict[str, Any], model: type[BaseModel]) -> None:
    for name in fields:
        if name not in model.model_fields:
            raise HTTPException(422, f"{place}{name[:100]}: Extra inputs are not permitted")


def _first(error: ValidationError) -> str:
    details: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part)[:100] for part in details["loc"])
    return f"{place}: {details['msg']}" if place else str(details["msg"])


def _too_large(max_bytes: int) -> HTTPException:
    # The rest is not read, so that the connection is of no further use.
    return HTTPException(
        413, f"expected a body of at most {max_bytes} bytes", {"Connection": "close"}
    )
