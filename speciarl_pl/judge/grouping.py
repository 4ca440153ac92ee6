"""Rollout groups become judged groups."""

from collections.abc import Sequence

from speciarl_pl.answer import DEFAULT_MAX_CHARS, answer_key, extract_answer, thinking
from speciarl_pl.judge.base import Judge, each_or_unjudged
from speciarl_pl.records import (
    Answer,
    JudgedGroup,
    Judgement,
    Outcome,
    Pair,
    RolloutGroup,
    Sample,
    Unjudged,
    Unparsed,
)


def judge_groups(
    judge: Judge,
    groups: Sequence[RolloutGroup],
    max_chars: int = DEFAULT_MAX_CHARS,
    thinking_opened: bool = False,
) -> list[JudgedGroup]:
    """Read the answers of `groups` and have them judged in one call.

    Args:
        judge: An opened judge.
        groups: Rollout groups.
        max_chars: See `extract_answer`.
        thinking_opened: See `extract_answer`.

    Returns:
        One judged group per group, in order; unparsed rollouts stay unparsed.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_pairs`.
    """
    answers = [
        tuple(
            extract_answer(rollout.text, max_chars, thinking_opened) for rollout in group.rollouts
        )
        for group in groups
    ]
    pairs = [
        Pair(group.sample.truth, answer.text, judged_as(group.sample))
        for group, texts in zip(groups, answers, strict=True)
        for answer in texts
        if isinstance(answer, Answer)
    ]
    judgements = iter(judge_pairs(judge, pairs))
    outcomes: list[tuple[Outcome, ...]] = [
        tuple(answer if isinstance(answer, Unparsed) else next(judgements) for answer in texts)
        for texts in answers
    ]
    thoughts = [
        tuple(thinking(rollout.text, thinking_opened) for rollout in group.rollouts)
        for group in groups
    ]
    parts = zip(groups, answers, outcomes, thoughts, strict=True)
    return [JudgedGroup(*part) for part in parts]


def pair_key(pair: Pair) -> tuple[str, str, str]:
    """Key under which two pairs are one question."""
    return answer_key(pair.truth), answer_key(pair.prediction), pair.dataset


def judged_as(sample: Sample) -> str:
    """What a pair calls the data set of a sample: its tree, or its name where none is named."""
    return sample.taxonomy or sample.dataset


def judge_pairs(judge: Judge, pairs: Sequence[Pair]) -> list[Judgement]:
    """Judge `pairs`, asking once for those of a data set that differ in case and white space only.

    A pair without a truth is not asked about. If the service of the judge fails, all that was asked
    is unjudged: a failure is never a verdict. A bug in a judge is not caught.

    Args:
        judge: An opened judge.
        pairs: Truths and predictions as written; the first spelling of equal ones is asked.

    Returns:
        One judgement per pair, in order.

    Raises:
        JudgeError: If the judge does not give one judgement for each pair.
    """
    keys = [pair_key(pair) for pair in pairs]
    distinct: dict[tuple[str, str, str], Pair] = {}
    for key, pair in zip(keys, pairs, strict=True):
        if key[0]:
            distinct.setdefault(key, pair)
    names = list(distinct)
    each = each_or_unjudged(judge, list(distinct.values()))
    judged = {names[place]: judgement for place, judgement in each}
    return [judged.get(key, Unjudged("no truth to compare with")) for key in keys]
