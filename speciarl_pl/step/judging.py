"""Judging the rollouts of a batch: early, patiently, and not past what may stay unjudged."""

from collections.abc import Iterable, Sequence

from speciarl_pl.errors import UnjudgedError
from speciarl_pl.judge import EarlyJudge, Judge, PatientJudge, judge_groups
from speciarl_pl.judge.grouping import judged_as
from speciarl_pl.records import JudgedGroup, RolloutGroup, Unjudged
from speciarl_pl.sampling import Finished


class RolloutJudging:
    """Has rollouts judged, from the first finished one of a batch to its last verdict.

    Args:
        max_answer_chars: A longer answer counts as unparsed.
        max_unjudged_share: Largest share of a batch that may be left without a verdict.
        patience_s: Seconds that a batch waits for a judge that is down.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, max_answer_chars: int, max_unjudged_share: float, patience_s: float) -> None:
        if not 0 <= max_unjudged_share <= 1:
            raise ValueError(f"max_unjudged_share: expected 0 to 1, got {max_unjudged_share}")
        if not patience_s >= 0:
            raise ValueError(f"judge_patience_s: expected a number >= 0, got {patience_s}")
        self._max_chars = max_answer_chars
        self._max_unjudged_share = max_unjudged_share
        self._patience_s = patience_s
        self._early: EarlyJudge | None = None
        self._title = "the judge"
        self.thinking_opened = False
        """Whether completions begin inside a thought; set by the module once it knows."""

    def begin(self, judge: Judge) -> Finished | None:
        """Get ready for the rollouts of a batch.

        Returns:
            What to tell of each finished rollout; None where judging takes no time worth saving.
        """
        self._end()
        if not judge.waits:
            return None
        early = self._early = EarlyJudge(judge, self._max_chars, self.thinking_opened)
        return lambda sample, text: early.add(sample.truth, text, judged_as(sample))

    def judge(self, judge: Judge, groups: Sequence[RolloutGroup]) -> list[JudgedGroup]:
        """Judge all rollouts of a batch, waiting for what was begun early."""
        self._title = judge_title(judge)
        patient = PatientJudge(self._early or judge, self._patience_s)
        judged = judge_groups(patient, groups, self._max_chars, self.thinking_opened)
        self._end()
        return judged

    def check(self, judged: Sequence[JudgedGroup], unjudged: float, rollouts: float) -> None:
        """Stop if too much was left unjudged.

        Args:
            judged: The groups of this process, for the reason.
            unjudged: How many rollouts have no verdict, in this process or in all.
            rollouts: Of how many.

        Raises:
            UnjudgedError: If that is more than `max_unjudged_share`.
        """
        if unjudged <= self._max_unjudged_share * rollouts:
            return
        left = [
            (group.group.sample.truth, outcome)
            for group in judged
            for outcome in group.outcomes
            if isinstance(outcome, Unjudged)
        ]
        known = f"by {self._title}, for the labels {quoted([truth for truth, _ in left])}; "
        advice = "; if it does not know these labels, give data.judge one that does"
        for_good = left and not any(outcome.transient for _, outcome in left)
        raise UnjudgedError(
            f"{unjudged:.0f} of {rollouts:.0f} rollouts were left unjudged, more than "
            f"max_unjudged_share={self._max_unjudged_share}; {known if left else ''}the last "
            f"reason: {left[-1][1].reason if left else 'known to another process'}"
            f"{advice if for_good else ''}"
        )

    def _end(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            early.close()


def judge_title(judge: Judge) -> str:
    """What a message calls a judge: its class, and those of its stages.

    Example:
        >>> from speciarl_pl.judge import CascadeJudge, ExactJudge
        >>> judge_title(CascadeJudge([ExactJudge("unjudged"), ExactJudge()]))
        'CascadeJudge(ExactJudge, ExactJudge)'
    """
    stages = [judge_title(stage) for stage in getattr(judge, "stages", ())]
    name = type(judge).__name__
    return f"{name}({', '.join(stages)})" if stages else name


def quoted(texts: Iterable[str], most: int = 5, longest: int = 40) -> str:
    """The first different ones of some texts, for a message.

    Example:
        >>> quoted(["rose", "oak", "rose"])
        "'rose', 'oak'"
        >>> quoted(map(str, range(9)), most=2)
        "'0', '1' and 7 more"
    """
    distinct = list(dict.fromkeys(texts))
    cut = [text if len(text) <= longest else f"{text[:longest]}..." for text in distinct[:most]]
    more = f" and {len(distinct) - most} more" if len(distinct) > most else ""
    return ", ".join(map(repr, cut)) + more
