"""Whether the service behind a judge answers."""

import asyncio
import time

import anyio

from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.service.models import Ready


class BackendCheck:
    """Calls `judge.check()` when it is asked, and keeps the answer for a while.

    A check that hangs counts as failed, unless the back-end answered other requests meanwhile: it
    is busy then, not gone. There is never more than one check under way.

    Args:
        judge: An opened judge.
        keep_s: Seconds for which an answer is kept.
        timeout_s: Seconds until a check that hangs counts as failed.
    """

    def __init__(self, judge: Judge, keep_s: float, timeout_s: float) -> None:
        self._judge = judge
        self._keep_s = keep_s
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._check: asyncio.Task[str | None] | None = None
        self._failure: str | None = None
        self._asked = self._changed = -float("inf")

    async def state(self) -> Ready:
        """What a check of now, or of some seconds ago, says."""
        async with self._lock:
            if time.monotonic() >= self._asked + self._keep_s:
                self._keep(await self._find_failure())
        since = round(time.monotonic() - self._changed, 3)
        return Ready(ready=self._failure is None, reason=self._failure or "ok", since=since)

    def _keep(self, failure: str | None) -> None:
        first, self._asked = self._asked < 0, time.monotonic()
        if first or (failure is None) != (self._failure is None):
            self._changed = self._asked
        self._failure = failure

    async def _find_failure(self) -> str | None:
        """What speaks against readiness; waits for a check that is under way still."""
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(anyio.to_thread.run_sync(_failure, self._judge))
        before = self._answers()
        await asyncio.wait([self._check], timeout=self._timeout_s)
        if self._check.done():
            return self._check.result()
        return None if self._answers() != before else f"no answer within {self._timeout_s:g} s"

    def _answers(self) -> float | None:
        """Requests that the back-end has answered so far, other than checks."""
        registry = self._judge.stats.registry
        return registry.get_sample_value("speciarl_judge_backend_seconds_count")


def _failure(judge: Judge) -> str | None:
    try:
        judge.check()
    except Exception as error:  # whatever it is, the back-end did not prove to answer
        return str(error) or type(error).__name__
    return None
