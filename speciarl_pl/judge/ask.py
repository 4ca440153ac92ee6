"""One pair for a human at the keyboard."""

from dataclasses import dataclass
from typing import Final

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.shown import shown
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.rollouts import judge_pairs
from speciarl_pl.records import Pair, Verdict

_MEANINGS: Final = {
    Category.WRONG: "false, unrelated, malformed, or several options at once",
    Category.ABSTAIN: "declines to name anything",
    Category.GENERIC: "right, but much broader than the truth",
    Category.LESS_SPECIFIC: "right, one step broader than the truth",
    Category.SPECIFIC: "the same thing as the truth",
    Category.MORE_SPECIFIC: "right, and finer than the truth",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What to tell the human."""

    text: str
    """Lines to print."""
    exit_code: int
    """0 with a verdict, 1 without."""


def ask(judge: Judge, truth: str, prediction: str, dataset: str = "") -> Reply:
    """Ask `judge` about one pair.

    Args:
        judge: An opened judge.
        truth: The label of the data set.
        prediction: The answer of the model.
        dataset: Its tree or data set, where the judge has trees of several.

    Returns:
        The category, its meaning and where it came from, or the reason why there is no verdict.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_pairs`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> print(ask(ExactJudge(), "lion", "The Lion.").text)
        specific: the same thing as the truth
        source: exact:same
    """
    judgement = judge_pairs(judge, [Pair(truth, prediction, dataset)])[0]
    if not isinstance(judgement, Verdict):
        again = "\nasking again later may help" if judgement.transient else ""
        return Reply(f"unjudged: {shown(judgement.reason, 500)}{again}", 1)
    category = judgement.category
    stored = " (from a store)" if judgement.cached else ""
    return Reply(
        f"{category.label}: {_MEANINGS[category]}\nsource: {shown(judgement.source)}{stored}", 0
    )
