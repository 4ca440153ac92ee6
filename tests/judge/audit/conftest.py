from collections.abc import Callable

import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import Judge
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict


class RuleJudge(Judge):
    """Says what a rule says, and remembers what it was asked."""

    def __init__(self, rule: Callable[[str, str], Category | None]) -> None:
        self.rule = rule
        self.asked: list[Pair] = []

    def judge(self, pairs) -> list[Judgement]:
        self.asked += pairs
        said = [self.rule(pair.truth, pair.prediction) for pair in pairs]
        return [Unjudged("rule: none") if one is None else Verdict(one, "rule:it") for one in said]


@pytest.fixture
def rule_judge():
    return RuleJudge
