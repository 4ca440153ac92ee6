"""Several judges in a row: each decides what it is certain of and passes the rest on."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from speciarl_pl.judge.base import Judge, StreamingJudge, each_or_unjudged
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Verdict

_KEPT: Final = 100
"""Disagreements remembered; all are counted."""

_log = logging.getLogger(__name__)

Indexed = tuple[int, Judgement]


class CascadeJudge(StreamingJudge):
    """Asks its stages in order; a pair that one leaves unjudged goes to the next.

    Cheap and certain stages come first, such as `ExactJudge(unknown="unjudged")` and a
    `TaxonomyJudge(unknown="unjudged")` for each data set, and an LLM, if any, last. What no stage
    decides is unjudged, for the reason of the last one.

    Certain verdicts can be checked: a share of them, chosen by the text of the pair and so the
    same in every run, is also put to the last stage. The certain verdict stands; whether the two
    agree is counted in `stats` and the disagreements are kept in `disagreements`.

    Args:
        stages: The judges, at least one.
        check_share: Share of the certain verdicts that is checked, from 0 to 1.

    Raises:
        ValueError: If there is no stage, `check_share` is out of range, or there is nothing to
            check with because only one stage is given.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> judge = CascadeJudge([ExactJudge(unknown="unjudged"), ExactJudge()])
        >>> [v.category.label for v in judge.judge([Pair("dog", "dog"), Pair("dog", "cat")])]
        ['specific', 'wrong']
        >>> judge.stats.value("stage", stage="1:ExactJudge", result="decided")
        1.0
    """

    def __init__(self, stages: list[Judge], check_share: float = 0.0) -> None:
        if not stages:
            raise ValueError("stages: expected at least one judge, got none")
        if not 0 <= check_share <= 1:
            raise ValueError(f"check_share: expected 0 to 1, got {check_share}")
        if check_share and len(stages) == 1:
            raise ValueError("check_share: expected 0 with a single stage; nothing checks it")
        self.stages = tuple(stages)
        self.check_share = check_share
        self.disagreements: list[tuple[Pair, Verdict, Verdict]] = []
        """Pair, certain verdict, verdict of the last stage; the first ones of this process."""
        self._names = [f"{n}:{type(stage).__name__}" for n, stage in enumerate(stages, start=1)]

    @property
    def early_share(self) -> float | None:
        """Share of the pairs so far that never needed the last stage; None before the first."""
        asked, left = self._asked(self._names[0]), self._asked(self._names[-1])
        return 1 - left / asked if asked else None

    def _asked(self, stage: str) -> float:
        results = ("decided", "passed")
        return sum(self.stats.value("stage", stage=stage, result=result) for result in results)

    @property
    def waits(self) -> bool:
        """Whether any stage waits for a service."""
        return any(stage.waits for stage in self.stages)

    def use(self, stats: JudgeStats) -> None:
        """Count into `stats`, as do all stages."""
        super().use(stats)
        for stage in self.stages:
            stage.use(stats)

    def open(self) -> None:
        """Open all stages; if one fails, those before it are closed again."""
        self.use(self.stats)
        opened: list[Judge] = []
        try:
            for stage in self.stages:
                stage.open()
                opened.append(stage)
        except BaseException:
            for stage in opened:
                stage.close()
            raise

    def close(self) -> None:
        """Close all stages, also if one of them fails to."""
        errors = [error for stage in self.stages if (error := _error_of(stage.close))]
        if errors:
            raise errors[0]

    def check(self) -> None:
        """Make sure that all stages answer."""
        for stage in self.stages:
            stage.check()

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[Indexed]:
        """Judge `pairs`; what early stages decide comes before the last one is asked."""
        open_places: list[int] = list(range(len(pairs)))
        to_check: dict[int, Verdict] = {}
        for name, stage in zip(self._names[:-1], self.stages[:-1], strict=True):
            each = each_or_unjudged(stage, [pairs[place] for place in open_places])
            judged = [(open_places[index], judgement) for index, judgement in each]
            decided = [(place, one) for place, one in judged if isinstance(one, Verdict)]
            open_places = [place for place, one in judged if not isinstance(one, Verdict)]
            self.stats.count_stage(name, len(decided), len(open_places))
            to_check.update((p, one) for p, one in decided if self._is_checked(pairs[p]))
            yield from decided
        yield from self._last(pairs, open_places, to_check)

    def _last(
        self, pairs: Sequence[Pair], places: list[int], to_check: dict[int, Verdict]
    ) -> Iterator[Indexed]:
        """Ask the last stage about what is left, and about what is to be checked."""
        asked = [*places, *to_check]
        counts = Counter[str]()
        for index, judgement in each_or_unjudged(self.stages[-1], [pairs[p] for p in asked]):
            place = asked[index]
            if place in to_check:
                self._compare(pairs[place], to_check[place], judgement, counts)
                continue
            counts["decided" if isinstance(judgement, Verdict) else "passed"] += 1
            yield place, judgement
        self.stats.count_stage(self._names[-1], counts["decided"], counts["passed"])
        self.stats.count_checked(counts["agreed"], counts["disagreed"])

    def _is_checked(self, pair: Pair) -> bool:
        if not self.check_share:
            return False
        text = f"{len(pair.truth)} {pair.truth} {pair.prediction}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
        return number < self.check_share * 2**64

    def _compare(
        self, pair: Pair, certain: Verdict, other: Judgement, counts: Counter[str]
    ) -> None:
        if not isinstance(other, Verdict):
            return
        agreed = other.category == certain.category
        counts["agreed" if agreed else "disagreed"] += 1
        if not agreed and len(self.disagreements) < _KEPT:
            self.disagreements.append((pair, certain, other))
            _log.info("judges disagree on %r: %s, %s", pair, certain, other)


def _error_of(close: Callable[[], None]) -> Exception | None:
    try:
        close()
    except Exception as error:
        return error
    return None
