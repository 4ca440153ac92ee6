"""Watches whether the service behind a judge answers."""

import threading
import time
from dataclasses import dataclass
from typing import Final

from speciarl_pl.judge.base import Judge

_POLL_S: Final = 0.2
"""How often a check that is under way is looked at, at most; far below any useful interval."""
_SLACK_S: Final = 2.0
"""By how much results may be late before the watch itself counts as stuck."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a service can give new verdicts."""

    ready: bool
    """Whether its back-end answers."""
    reason: str
    """Why not, or `ok`."""
    since: float
    """For how long that has been so, in seconds."""


class BackendWatch:
    """Calls `judge.check()` again and again, in threads of its own.

    With the defaults a back-end that stops turns the watch red within `interval_s + timeout_s`, 8
    seconds, and one that returns turns it green within `interval_s` and the time of its answer. A
    check that hangs counts as failed, unless the back-end answered other requests meanwhile: it is
    busy then, not gone. There is never more than one check under way.

    Args:
        judge: An opened judge.
        interval_s: Seconds from one check to the next.
        timeout_s: Seconds until a check that hangs counts as failed.

    Raises:
        ValueError: If a time is not positive.
    """

    def __init__(self, judge: Judge, interval_s: float = 3.0, timeout_s: float = 5.0) -> None:
        for name, seconds in (("check_interval_s", interval_s), ("check_timeout_s", timeout_s)):
            if not seconds > 0:
                raise ValueError(f"{name}: expected seconds > 0, got {seconds}")
        self._judge = judge
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._closed_down: str | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._failure: str | None = "not checked yet"
        self._changed = self._updated = time.monotonic()

    def start(self) -> None:
        """Begin to check."""
        self._thread = threading.Thread(target=self._run, name="judge-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the checks; one that hangs is left behind."""
        self.close_down()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def close_down(self) -> None:
        """Be red from now on, because the service is about to end."""
        with self._lock:
            if self._closed_down is None:
                self._closed_down, self._changed = "shutting down", time.monotonic()

    def state(self) -> Readiness:
        """What the last check said, unless it was too long ago."""
        now = time.monotonic()
        with self._lock:
            reason = self._closed_down or self._failure
            age = now - self._updated
            if reason is None and age > self._interval_s + self._timeout_s + _SLACK_S:
                reason = f"no check ended in the last {age:.0f} s"
            return Readiness(reason is None, reason or "ok", round(now - self._changed, 3))

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            self._watch(_Check(self._judge))
            self._stopping.wait(max(0.0, began + self._interval_s - time.monotonic()))

    def _watch(self, check: "_Check") -> None:
        """Wait for the end of one check; report it as failed while it hangs."""
        began = alive = time.monotonic()
        answers = self._answers()
        while not check.ended.wait(min(_POLL_S, self._timeout_s / 5)):
            if self._stopping.is_set():
                return
            now = time.monotonic()
            if self._answers() != answers:
                answers, alive = self._answers(), now
            if now - began >= self._timeout_s:
                hangs = now - alive >= self._timeout_s
                self._report(f"no answer within {self._timeout_s:g} s" if hangs else None)
        self._report(check.failure)

    def _answers(self) -> float | None:
        """Requests that the back-end has answered so far, other than checks."""
        registry = self._judge.stats.registry
        return registry.get_sample_value("speciarl_judge_backend_seconds_count")

    def _report(self, failure: str | None) -> None:
        with self._lock:
            self._updated = time.monotonic()
            if (failure is None) != (self._failure is None) and self._closed_down is None:
                self._changed = self._updated
            self._failure = failure


class _Check:
    """One call of `check`, in a thread that may never come back."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.failure: str | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._run, name="judge-check", daemon=True).start()

    def _run(self) -> None:
        try:
            self._judge.check()
        except Exception as error:  # whatever it is, the back-end did not prove to answer
            self.failure = str(error) or type(error).__name__
        finally:
            self.ended.set()
