import factory
import pytest
import torch

from speciarl_pl.category import Category
from speciarl_pl.grpo import group_advantages
from speciarl_pl.records import ScoredGroup, Unjudged, Unparsed, Verdict
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.rollout_stats import rollout_stats
from speciarl_pl.step.totals import step_totals

ONE = Ranks(backward=lambda loss: None, sum=lambda tensor: tensor, count=1, no_sync=None)


def stats_of(*scored, skipped=0):
    totals = step_totals(scored, skipped, ONE, torch.device("cpu"))
    return rollout_stats(scored, totals, ONE, torch.device("cpu"))


def test_shares_of_what_came_from_a_store_and_from_an_llm():
    outcomes = (
        Verdict(Category.SPECIFIC, "exact:same"),
        Verdict(Category.WRONG, "llm:single@1:m", cached=True),
        Verdict(Category.WRONG, "llm:single@1:m"),
        Verdict(Category.GENERIC, "taxonomy:ancestor"),
        Unjudged("down"),
        Unparsed("no answer"),
    )
    rewards = torch.tensor([1.0, 0, 0, 0, torch.nan, -1])
    judged = factory.judged_group(factory.group([3] * 6), outcomes)
    scored = ScoredGroup(judged, rewards, group_advantages(rewards))
    stats = stats_of(scored)
    assert stats["judge/cached_share"] == pytest.approx(1 / 4)
    assert stats["judge/llm_share"] == pytest.approx(2 / 4)
    assert stats["categories/unjudged"] == pytest.approx(1 / 6)


def test_no_rollout_no_figures():
    assert stats_of() == {"rollouts": 0.0, "tokens": 0.0}
    assert stats_of(skipped=2) == {"rollouts": 0.0, "tokens": 0.0, "skipped_share": 1.0}


def test_a_mean_of_nothing_is_left_out():
    outcomes = (Unjudged("down"),) * 2
    rewards = torch.full((2,), torch.nan)
    judged = factory.judged_group(factory.group([3, 3]), outcomes)
    stats = stats_of(ScoredGroup(judged, rewards, torch.zeros(2)))
    undefined = {"reward", "correctness", "specificity", "hm"}
    assert not (undefined | {"judge/cached_share", "judge/llm_share"}) & stats.keys()
    assert stats["categories/unjudged"] == 1.0
    assert stats["signal_share"] == 0.0


def test_nothing_right_has_no_specificity():
    outcomes = (Verdict(Category.WRONG, "exact"),) * 2
    judged = factory.judged_group(factory.group([3, 3]), outcomes)
    scored = ScoredGroup(judged, torch.zeros(2), torch.zeros(2))
    stats = stats_of(scored)
    assert "specificity" not in stats
    assert stats["correctness"] == stats["reward"] == 0.0
