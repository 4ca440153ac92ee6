"""What a request has to be before the judge service looks at its pairs."""

import hmac
import json
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from fastapi import FastAPI, HTTPException, Request
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from pydantic_core import from_json

from speciarl_pl.judge.service.models import ErrorReply, JudgeReply, JudgeRequest, PairModel, Ready
from speciarl_pl.judge.service.options import ServiceOptions, is_loopback


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


# The OpenAPI document of the judge service.


_REF: Final = "#/components/schemas/{model}"

_LINES: Final = "\n".join(
    [
        '{"index":1,"category":"specific","source":"exact:same","cached":false}',
        '{"index":0,"unjudged":"LLMJudge: timeout","transient":true}',
        '{"done":2}',
        "",
    ]
)

REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model="JudgeRequest")}}},
    }
}
"""What the route says of its body, which it parses itself."""

_UNAUTHORIZED: Final[dict[str, Any]] = {
    "model": ErrorReply,
    "description": "No bearer token, or another one.",
    "headers": {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
}


_MISDIRECTED: Final[dict[str, Any]] = {
    "model": ErrorReply,
    "description": "The Host is no loopback address, and there is no token.",
}


def unauthorized(options: ServiceOptions) -> dict[int | str, dict[str, Any]]:
    """The answer to those without a token or, where none is needed, from elsewhere."""
    return {421: _MISDIRECTED} if options.token is None else {401: _UNAUTHORIZED}


def judge_responses(options: ServiceOptions) -> dict[int | str, dict[str, Any]]:
    """The answers of `POST /v1/judge`."""
    return {
        200: {
            "model": JudgeReply,
            "description": "One result per pair. With `stream`, one line of JSON for each, in the "
            "order in which they come, with the `index` of the pair, and a last line "
            "`done` with the number of pairs.",
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}, "example": _LINES},
            },
        },
        **unauthorized(options),
        408: {
            "model": ErrorReply,
            "description": f"The body did not come within {options.receive_s:g} s.",
        },
        413: {
            "model": ErrorReply,
            "description": f"The body has more than {options.max_body_bytes} bytes.",
        },
        415: {"model": ErrorReply, "description": "The body is not declared as JSON."},
        422: {
            "model": ErrorReply,
            "description": f"The body is not such a request, or has more than {options.max_pairs} "
            "pairs.",
        },
    }


READY_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Ready, "description": "The back-end answers."},
    503: {"model": Ready, "description": "It does not, or the service is shutting down."},
}
"""The answers of `GET /readyz`."""


def document(app: FastAPI, options: ServiceOptions) -> dict[str, Any]:
    """The OpenAPI document of `app`, with the body that its routes parse themselves."""
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    _, parts = models_json_schema([(JudgeRequest, "validation")], ref_template=_REF)
    schemas = found["components"]["schemas"]
    schemas.update(parts["$defs"])
    schemas["JudgeRequest"]["properties"]["pairs"]["maxItems"] = options.max_pairs
    return found
