"""Several judges in a row: each decides what it is certain of and passes the rest on."""

from collections.abc import Callable, Iterator, Sequence

from speciarl_pl.judge.base import Judge, StreamingJudge, each_or_unjudged
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Verdict

Indexed = tuple[int, Judgement]


class CascadeJudge(StreamingJudge):
    """Asks its stages in order; a pair that one leaves unjudged goes to the next.

    Cheap and certain stages come first, such as `ExactJudge(unknown="unjudged")` and a
    `TaxonomyJudge(unknown="unjudged")` for each data set, and an LLM, if any, last. What no stage
    decides is unjudged, for the reason of the last one.

    Args:
        stages: The judges, at least one.

    Raises:
        ValueError: If there is no stage.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> judge = CascadeJudge([ExactJudge(unknown="unjudged"), ExactJudge()])
        >>> [v.category.label for v in judge.judge([Pair("dog", "dog"), Pair("dog", "cat")])]
        ['specific', 'wrong']
        >>> judge.stats.value("stage", stage="1:ExactJudge", result="decided")
        1.0
    """

    def __init__(self, stages: list[Judge]) -> None:
        if not stages:
            raise ValueError("stages: expected at least one judge, got none")
        self.stages = tuple(stages)
        self._names = [f"{n}:{type(stage).__name__}" for n, stage in enumerate(stages, start=1)]

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
        left = list(range(len(pairs)))
        for name, stage in zip(self._names, self.stages, strict=True):
            asked, left = left, []
            for index, judgement in each_or_unjudged(stage, [pairs[place] for place in asked]):
                decided = isinstance(judgement, Verdict)
                if not decided:
                    left.append(asked[index])
                if decided or name == self._names[-1]:
                    yield asked[index], judgement
            self.stats.count_stage(name, len(asked) - len(left), len(left))


def _error_of(close: Callable[[], None]) -> Exception | None:
    try:
        close()
    except Exception as error:
        return error
    return None
