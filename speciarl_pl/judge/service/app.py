"""The judge as a web service: verdicts by HTTP, its health and its counters."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from importlib.metadata import version
from typing import Any, Final

import anyio
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.service.answers import answer_each
from speciarl_pl.judge.service.health import BackendWatch
from speciarl_pl.judge.service.models import Alive, JudgeRequest
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.requests import (
    READY_RESPONSES,
    REQUEST,
    TokenCheck,
    check_host,
    document,
    judge_responses,
    parse_request,
    read_body,
    unauthorized,
)
from speciarl_pl.judge.service.service_metrics import RequestCounter, ServiceMetrics
from speciarl_pl.judge.service.streaming import Feed
from speciarl_pl.judge.wire import encode_done, encode_error, encode_line, encode_reply
from speciarl_pl.records import Judgement

JUDGE_PATH: Final = "/v1/judge"
"""Where verdicts are asked for."""
_CLOSE_S: Final = 10.0
"""Seconds that a judge may take to close before it is left as it is."""


def build_app(
    judge: Judge, options: ServiceOptions | None = None, closes_judge: bool = False
) -> FastAPI:
    """An application that serves `judge`.

    A request is answered with 200 whatever becomes of its pairs: what has no verdict is unjudged,
    pair by pair. Verdicts are asked for in threads, so that many clients wait at once.

    Args:
        judge: An opened judge; it is asked from several threads.
        options: Limits, and the token that clients need.
        closes_judge: Whether the judge is closed when the service has ended.

    Returns:
        The application; `app.state.watch` is its `BackendWatch`.
    """
    options = options or ServiceOptions()
    service = _Service(judge, options, closes_judge)
    app = FastAPI(
        title="SpeciaRL judge",
        version=version("speciarl_pl"),
        description="How specific and how right an answer is, given the truth.",
        lifespan=service.lifespan,
        exception_handlers={HTTPException: _refused},
    )
    app.state.watch = service.watch
    app.add_middleware(RequestCounter, path=JUDGE_PATH, metrics=service.metrics)
    guards = [Depends(check_host if options.token is None else TokenCheck(options.token))]
    app.add_api_route(
        JUDGE_PATH,
        service.judge,
        methods=["POST"],
        dependencies=guards,
        responses=judge_responses(options),
        openapi_extra=REQUEST,
        response_class=Response,
    )
    app.add_api_route("/healthz", service.healthz, response_model=Alive)
    app.add_api_route("/readyz", service.readyz, responses=READY_RESPONSES, response_class=Response)
    app.add_api_route(
        "/metrics",
        service.show_metrics,
        dependencies=guards,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **unauthorized(options),
        },
        response_class=Response,
    )
    app.openapi = lambda: document(app, options)  # type: ignore[method-assign]
    return app


class _Service:
    """The routes of one application."""

    def __init__(self, judge: Judge, options: ServiceOptions, closes_judge: bool) -> None:
        self._judge = judge
        judge.stats  # noqa: B018  (made here, before several threads ask for it)
        self._options = options
        self._closes_judge = closes_judge
        self._slots = asyncio.Semaphore(options.max_asking)
        self.watch = BackendWatch(judge, options.check_interval_s, options.check_timeout_s)
        self.metrics = ServiceMetrics()

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Watch the back-end while the service runs."""
        self.watch.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(self.watch.stop)
            if self._closes_judge:
                closing = threading.Thread(target=self._judge.close, daemon=True)
                closing.start()
                await anyio.to_thread.run_sync(closing.join, _CLOSE_S)

    async def judge(self, request: Request) -> Response:
        """Judge pairs of truth and prediction."""
        try:
            body = await read_body(request, self._options)
        except ClientDisconnect:
            raise HTTPException(499, "the client left") from None
        # In a thread, so that a large body holds nobody up.
        asked = await anyio.to_thread.run_sync(parse_request, body, self._options.max_pairs)
        if asked.stream:
            return StreamingResponse(self._lines(asked), media_type="application/x-ndjson")
        found: dict[int, Judgement] = {}
        async for chunk in self._chunks(asked):
            found.update(chunk)
        judgements = [found[place] for place in range(len(asked.pairs))]
        return Response(encode_reply(judgements), media_type="application/json")

    async def healthz(self) -> Any:
        """Tell that the process lives."""
        return {"alive": True}

    async def readyz(self) -> Response:
        """Tell whether the back-end answers."""
        state = self.watch.state()
        return Response(to_json(state), 200 if state.ready else 503, media_type="application/json")

    async def show_metrics(self) -> Response:
        """Show all counters in the text format of Prometheus."""
        text = await anyio.to_thread.run_sync(self.metrics.text, self._judge)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _lines(self, asked: JudgeRequest) -> AsyncGenerator[bytes, None]:
        async for chunk in self._chunks(asked):
            yield b"".join(encode_line(place, judgement) for place, judgement in chunk)
        yield encode_done(len(asked.pairs))

    def _chunks(self, asked: JudgeRequest) -> AsyncGenerator[list[tuple[int, Judgement]], None]:
        """Judgements as they come; a thread is at the judge as long as this is read."""
        return Feed(self._answers(asked), self._slots).chunks()

    def _answers(self, asked: JudgeRequest) -> Generator[tuple[int, Judgement], None, None]:
        given: list[Judgement] = []
        limit = self._options.max_chars
        answers = answer_each(self._judge, asked.pairs, limit, self.metrics.count_bug)
        try:
            with contextlib.closing(answers):
                for place, judgement in answers:
                    given.append(judgement)
                    yield place, judgement
        finally:
            self._judge.stats.count(given)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Response(
        encode_error(str(error.detail)),
        error.status_code,
        dict(error.headers or {}),
        media_type="application/json",
    )
