"""The OpenAPI document of the judge service."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from speciarl_pl.judge.service_models import ErrorReply, JudgeReply, JudgeRequest, Ready
from speciarl_pl.judge.service_options import ServiceOptions

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
