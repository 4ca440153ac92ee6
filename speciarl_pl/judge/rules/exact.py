"""A judge that knows no names but the truth."""

from collections.abc import Sequence
from functools import lru_cache

from speciarl_pl.answer import is_refusal
from speciarl_pl.category import Category
from speciarl_pl.judge.base import Judge, WhenUnknown, check_when_unknown
from speciarl_pl.judge.rules.names import plain_name
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict
from speciarl_pl.text import answer_inside

_refuses = lru_cache(maxsize=2**15)(is_refusal)  # predictions come again with other truths


class ExactJudge(Judge):
    """Specific if the prediction is the truth, abstain if it refuses, else `unknown`.

    Case, white space, quotes and stops at the edges and a leading article make no difference.
    Without a taxonomy nothing can be generic, less or more specific.

    Args:
        unknown: What any other prediction is: `wrong`, or `unjudged` to leave it to another judge.

    Raises:
        ValueError: If `unknown` is neither.

    Example:
        >>> verdicts = ExactJudge().judge([Pair("Lion", "the lion."), Pair("Lion", "cat")])
        >>> [verdict.category.label for verdict in verdicts]
        ['specific', 'wrong']
    """

    def __init__(self, unknown: WhenUnknown = "wrong") -> None:
        check_when_unknown(unknown)
        self.unknown = unknown

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order."""
        return [self._one(pair) for pair in pairs]

    def _one(self, pair: Pair) -> Judgement:
        if plain_name(pair.truth) == plain_name(answer_inside(pair.prediction)):
            return Verdict(Category.SPECIFIC, "exact:same")
        if _refuses(pair.prediction):
            return Verdict(Category.ABSTAIN, "exact:refusal")
        if self.unknown == "unjudged":
            return Unjudged("exact: not the truth as written")
        return Verdict(Category.WRONG, "exact:other")
