"""The judge as a web service: verdicts by HTTP, whether it is ready, and its counters."""

from collections.abc import AsyncGenerator
from importlib.metadata import version
from typing import Any, Final

import anyio
from fastapi import Depends, FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST

from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.service.answers import answer_each, in_a_thread
from speciarl_pl.judge.service.models import Alive, ErrorReply, JudgeReply, JudgeRequest, Ready
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.readiness import BackendCheck
from speciarl_pl.judge.service.requests import Gate, first_fault
from speciarl_pl.judge.service.service_metrics import RequestCounter, ServiceMetrics
from speciarl_pl.judge.wire import encode_done, encode_line, encode_reply
from speciarl_pl.records import Judgement

JUDGE_PATH: Final = "/v1/judge"
"""Where verdicts are asked for."""
METRICS_PATH: Final = "/metrics"
"""Where counters are shown."""

_LINES: Final = """\
{"index":1,"category":"specific","source":"exact:same","cached":false}
{"index":0,"unjudged":"LLMJudge: timeout","transient":true}
{"done":2}
"""
_TOKEN: Final = HTTPBearer(
    scheme_name="token",
    description="The token that the service was started with.",
    auto_error=False,  # it is here to be documented; `Gate` looks at it before all else
)


def build_app(judge: Judge, options: ServiceOptions | None = None) -> FastAPI:
    """An application that serves `judge`.

    A request is answered with 200 whatever becomes of its pairs: what has no verdict is unjudged,
    pair by pair. Verdicts are asked for in threads, so that many clients wait at once.

    Args:
        judge: An opened judge; it is asked from several threads.
        options: Limits, and the token that clients need.
    """
    options = options or ServiceOptions()
    service = _Service(judge, options)
    app = FastAPI(
        title="SpeciaRL judge",
        version=version("speciarl_pl"),
        description="How specific and how right an answer is, given the truth.",
        exception_handlers={RequestValidationError: first_fault},
    )
    app.add_middleware(Gate, paths=(JUDGE_PATH, METRICS_PATH), options=options)
    app.add_middleware(RequestCounter, path=JUDGE_PATH, metrics=service.metrics)
    guards = [Depends(_TOKEN)] if options.token else []
    request = JudgeRequest.at_most(options.max_pairs)

    @app.post(
        JUDGE_PATH,
        dependencies=guards,
        response_model=JudgeReply,
        responses=_judge_responses(options),
    )
    async def judge_pairs(asked: request) -> Response:  # type: ignore[valid-type]
        """Judge pairs of truth and prediction."""
        return await service.judge(asked)

    app.add_api_route("/healthz", service.healthz)
    app.add_api_route(
        "/readyz",
        service.readyz,
        response_model=Ready,
        responses={503: {"model": Ready, "description": "The back-end does not answer."}},
    )
    app.add_api_route(
        METRICS_PATH,
        service.show_metrics,
        dependencies=guards,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **_strangers(options),
        },
        response_class=Response,
    )
    return app


class _Service:
    """The routes of one application."""

    def __init__(self, judge: Judge, options: ServiceOptions) -> None:
        self._judge = judge
        judge.stats  # noqa: B018  (made here, before several threads ask for it)
        self._options = options
        self._threads = anyio.CapacityLimiter(options.max_asking)
        self._check = BackendCheck(judge, options.check_interval_s, options.check_timeout_s)
        self.metrics = ServiceMetrics()

    async def judge(self, asked: JudgeRequest) -> Response:
        """Judge pairs, whole or as a stream."""
        if asked.stream:
            return StreamingResponse(self._lines(asked), media_type="application/x-ndjson")
        found = dict([each async for chunk in self._chunks(asked) for each in chunk])
        reply = encode_reply([found[place] for place in range(len(asked.pairs))])
        return Response(reply, media_type="application/json")

    async def healthz(self) -> Alive:
        """Tell that the process lives."""
        return Alive(alive=True)

    async def readyz(self) -> Response:
        """Tell whether the back-end answers."""
        state = await self._check.state()
        status = 200 if state.ready else 503
        return Response(state.model_dump_json(), status, media_type="application/json")

    async def show_metrics(self) -> Response:
        """Show all counters in the text format of Prometheus."""
        return Response(self.metrics.text(self._judge), media_type=CONTENT_TYPE_LATEST)

    async def _lines(self, asked: JudgeRequest) -> AsyncGenerator[bytes, None]:
        async for chunk in self._chunks(asked):
            yield b"".join(encode_line(place, judgement) for place, judgement in chunk)
        yield encode_done(len(asked.pairs))

    def _chunks(self, asked: JudgeRequest) -> AsyncGenerator[list[tuple[int, Judgement]], None]:
        """Judgements as they come; a thread is at the judge as long as this is read."""
        limit, count_bug = self._options.max_chars, self.metrics.count_bug
        return in_a_thread(answer_each(self._judge, asked.pairs, limit, count_bug), self._threads)


def _strangers(options: ServiceOptions) -> dict[int | str, dict[str, Any]]:
    """The answer to those without a token or, where none is needed, from elsewhere."""
    if options.token is None:
        said = "The Host is no loopback address, and there is no token."
        return {421: {"model": ErrorReply, "description": said}}
    header = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    said = "No bearer token, or another one."
    return {401: {"model": ErrorReply, "description": said, "headers": header}}


def _judge_responses(options: ServiceOptions) -> dict[int | str, dict[str, Any]]:
    """The answers of `POST /v1/judge`."""
    refusals = {
        400: "The body cannot be parsed.",
        408: f"The body did not come within {options.receive_s:g} s.",
        413: f"The body has more than {options.max_body_bytes} bytes.",
        415: "The body is not declared as JSON.",
        422: f"The body is no such request, or has more than {options.max_pairs} pairs.",
    }
    return {
        200: {
            "description": "One result per pair. With `stream`, one line of JSON for each, in the "
            "order in which they come, with the `index` of the pair, and a last line "
            "`done` with the number of pairs.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": _LINES}},
        },
        **_strangers(options),
        **{status: {"model": ErrorReply, "description": said} for status, said in refusals.items()},
    }
