"""Calls of a service: how they fail, whether they are made again, and when."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from speciarl_pl.records import Unjudged

PASSING: Final = frozenset({408, 409, 425, 429})
"""Statuses below 500 of a service that may answer when asked again."""
LONGEST_WAIT_S: Final = 60.0
"""A service that asks for a longer wait is not asked again for now."""


class CallError(Exception):
    """A call that brought no answer, or not all of it.

    Args:
        reason: What failed, in one line, naming the service.
        kind: Under which it is counted, e.g. `timeout`.
        transient: Whether the same call may work later.
        status: HTTP status code, if there was one.
        wait_s: How long the service asked to wait before, if it did.
    """

    def __init__(
        self,
        reason: str,
        kind: str,
        transient: bool = True,
        status: int | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind, self.transient, self.status, self.wait_s = kind, transient, status, wait_s

    @property
    def unjudged(self) -> Unjudged:
        """What it makes of a pair."""
        return Unjudged(str(self), self.transient)


def may_pass(status: int) -> bool:
    """Whether a refusal with this status says nothing about the request."""
    return status >= 500 or status in PASSING


def retrying(retries: int, first_wait_s: float, longest_wait_s: float) -> AsyncRetrying:
    """Attempts at a call, until one does not raise a transient `CallError`.

    The pauses double and are spread, unless the service says how long to wait.

    Args:
        retries: Attempts after the first.
        first_wait_s: Seconds of the first pause.
        longest_wait_s: Seconds of the longest pause.

    Returns:
        See tenacity; the last error is raised as it is.
    """
    pauses = wait_exponential_jitter(
        multiplier=first_wait_s, max=longest_wait_s, jitter=first_wait_s
    )

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.wait_s if isinstance(error, CallError) else None
        return pauses(state) if asked is None else asked

    return AsyncRetrying(
        retry=retry_if_exception(_is_worth_another),
        stop=stop_after_attempt(retries + 1),
        wait=pause,
        reraise=True,
    )


def _is_worth_another(error: BaseException) -> bool:
    return (
        isinstance(error, CallError) and error.transient and (error.wait_s or 0) <= LONGEST_WAIT_S
    )


def retry_after(value: str) -> float | None:
    """Seconds that a `Retry-After` header asks to wait; None if it asks nothing.

    Example:
        >>> retry_after("3"), retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), retry_after("soon")
        (3.0, 0.0, None)
    """
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((moment.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)
