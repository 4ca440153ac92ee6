import factory
import pytest
from counting import FAILED, CountingJudge

from speciarl_pl.category import Category
from speciarl_pl.errors import UnjudgedError
from speciarl_pl.judge import ExactJudge
from speciarl_pl.records import Verdict
from speciarl_pl.step.judging import RolloutJudging


def judging(**options):
    return RolloutJudging(**{"max_answer_chars": 50, "max_unjudged_share": 0.5, **options})


def test_rollouts_told_of_are_judged_early_and_once():
    judge, group = CountingJudge(), factory.group([3, 3, 3])
    own = judging(patience_s=0)
    finished = own.begin(judge)
    finished(group.sample, group.rollouts[0].text)
    (judged,) = own.judge(judge, [group])
    assert len(judge.asked) == 1, "all three say the same"
    assert [outcome.source for outcome in judged.outcomes] == ["llm:counting"] * 3


def test_a_judge_that_answers_at_once_is_not_told():
    own, group = judging(patience_s=0), factory.group([3])
    assert own.begin(ExactJudge()) is None
    (judged,) = own.judge(ExactJudge(), [group])
    assert judged.outcomes == (Verdict(Category.WRONG, "exact:other"),)


def test_a_batch_that_is_never_judged_leaves_nothing_behind():
    judge, group = CountingJudge(), factory.group([3])
    own = judging(patience_s=0)
    own.begin(judge)(group.sample, group.rollouts[0].text)
    own.begin(judge)
    (judged,) = own.judge(judge, [group])
    assert len(judge.asked) == 2
    assert judged.outcomes[0].source == "llm:counting"


def test_too_much_unjudged_stops_with_the_last_reason():
    group = factory.group([3, 3])
    outcomes = (Verdict(Category.WRONG, "x"), FAILED)
    judged = [factory.judged_group(group, outcomes)]
    judging(patience_s=0).check(judged, 1, 2)
    with pytest.raises(UnjudgedError, match=r"^6 of 8 .*=0\.5; by .*; the last reason: llm: down"):
        judging(patience_s=0).check(judged, 6.0, 8.0)


def test_a_rank_stops_with_the_others_when_too_much_is_unjudged_there():
    """Otherwise it would wait for them for ever."""
    with pytest.raises(UnjudgedError, match=r"^6 of 8 .*; the last reason: known to another"):
        judging(patience_s=0).check([], 6.0, 8.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_unjudged_share": 1.5}, "max_unjudged_share: expected 0 to 1, got 1.5"),
        ({"patience_s": -1}, "judge_patience_s: expected a number >= 0, got -1"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        judging(**{"patience_s": 0, **options})
