"""Waiting for a judge that is down."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from speciarl_pl.judge.base import Judge, JudgeUnavailableError, StreamingJudge, each_or_unjudged
from speciarl_pl.records import Judgement, Pair, Unjudged

_log = logging.getLogger(__name__)


class PatientJudge(StreamingJudge):
    """Asks another judge again, for a while, about what an outage left unjudged.

    Only transient failures are asked about again, and only once the judge says by `check` that it
    answers. When the patience is over the rest is unjudged.

    Args:
        judge: An opened judge.
        patience_s: Seconds to wait in all, from the first failure on; 0 does not ask again.
        pause_s: Seconds before the first and the longest pause.
        sleep: Waits for so many seconds.
        clock: Seconds from anywhere.

    Raises:
        ValueError: If `patience_s` is negative.
    """

    def __init__(
        self,
        judge: Judge,
        patience_s: float,
        pause_s: tuple[float, float] = (0.5, 15.0),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not patience_s >= 0:
            raise ValueError(f"patience_s: expected a number >= 0, got {patience_s}")
        self._judge, self._patience_s, self._pause_s = judge, patience_s, pause_s
        self._sleep, self._clock = sleep, clock

    @property
    def waits(self) -> bool:
        """Whether the judge behind waits."""
        return self._judge.waits

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs`; what an outage left unjudged comes last, after it or after patience."""
        places = list(range(len(pairs)))
        failed: dict[int, Unjudged] = {}
        wait: _Wait | None = None
        while True:
            for index, judgement in each_or_unjudged(self._judge, [pairs[p] for p in places]):
                if isinstance(judgement, Unjudged) and judgement.transient:
                    failed[places[index]] = judgement
                else:
                    failed.pop(places[index], None)
                    yield places[index], judgement
            if not failed:
                return
            wait = wait or self._begin(failed)
            if not self._answers_before_end(wait):
                yield from failed.items()
                return
            places = list(failed)

    def _begin(self, failed: dict[int, Unjudged]) -> "_Wait":
        if self._patience_s:
            reason = next(iter(failed.values())).reason
            message = "%d pairs wait for the judge, at most %.0f s: %s"
            _log.warning(message, len(failed), self._patience_s, reason)
        return _Wait(self._clock() + self._patience_s, self._pause_s[0])

    def _answers_before_end(self, wait: "_Wait") -> bool:
        """Wait until the judge answers; False if it does not in time."""
        while self._clock() + wait.pause_s <= wait.end:
            self._sleep(wait.pause_s)
            wait.pause_s = min(2 * wait.pause_s, self._pause_s[1])
            try:
                self._judge.check()
            except (OSError, JudgeUnavailableError) as error:
                _log.debug("still down: %s", error)
            else:
                return True
        return False


@dataclass
class _Wait:
    """How the wait for a judge stands."""

    end: float
    """When patience is over, on the clock."""
    pause_s: float
    """The next pause."""
