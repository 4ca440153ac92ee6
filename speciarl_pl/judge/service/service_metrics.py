"""What the judge service counts about its requests, and how it shows all that was counted."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speciarl_pl.judge.base import Judge

_SECONDS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class ServiceMetrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "speciarl_judge_requests",
            "Requests for verdicts, by status of the answer",
            ["status"],
            registry=self.registry,
        )
        self._bugs = Counter(
            "speciarl_judge_bugs",
            "Requests in which the judge failed as it never should; the log says how",
            registry=self.registry,
        )
        self._seconds = Histogram(
            "speciarl_judge_request_seconds",
            "Seconds until a request was answered in full",
            registry=self.registry,
            buckets=_SECONDS,
        )

    def count_bug(self) -> None:
        """Count a request in which the judge failed as it never should."""
        self._bugs.inc()

    def count_request(self, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def text(self, judge: Judge) -> bytes:
        """All counters of the service and of its judge, in the text format of Prometheus."""
        return generate_latest(self.registry) + generate_latest(judge.stats.registry)


class RequestCounter:
    """ASGI middleware that counts the requests to one path.

    Args:
        app: The application inside.
        path: The path whose requests are counted.
        metrics: Where they are counted.
    """

    def __init__(self, app: ASGIApp, path: str, metrics: ServiceMetrics) -> None:
        self._app = app
        self._path = path
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request and count its answer."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499  # the client left before an answer

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.count_request(status, time.perf_counter() - began)
