"""LLM inclusion: a judge is asked whether each answer names its truth."""

from collections.abc import Sequence

from speciarl_pl.judge import Judge, judge_pairs
from speciarl_pl.protocol.pairs import TextPair
from speciarl_pl.records import Pair, Verdict


def ask_inclusion(judge: Judge, pairs: Sequence[TextPair]) -> list[bool | None]:
    """Ask `judge` about each pair; a verdict that is correct is a yes.

    Made for an `LLMJudge` with the prompt `inclusion`, which answers yes or no; any judge does.

    Args:
        judge: An opened judge.
        pairs: Truths and answers.

    Returns:
        One answer a pair: False for an unparsed answer, about which nobody is asked; None where the
        judge has no verdict.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_pairs`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> ask_inclusion(ExactJudge(), [("cat", "Cat"), ("cat", "dog"), ("cat", None)])
        [True, False, False]
    """
    asked = [Pair(truth, answer) for truth, answer in pairs if answer is not None]
    judgements = iter(judge_pairs(judge, asked))
    answers: list[bool | None] = []
    for _, answer in pairs:
        judgement = next(judgements) if answer is not None else None
        said = judgement.category.is_correct if isinstance(judgement, Verdict) else None
        answers.append(False if answer is None else said)
    return answers
