import random
from collections import Counter

import pytest
import torch
from scipy.stats import binomtest

from speciarl_pl.category import Category
from speciarl_pl.records import Unjudged, Unparsed, Verdict
from speciarl_pl.reward import BestOfGroupReward, NoisyVerdicts, StaticReward, perturb, trial_group

OUTCOMES = [
    *(Verdict(category, "test") for category in Category),
    Unparsed("no answer"),
    Unjudged("down"),
]


def test_without_noise_it_is_the_inner_reward():
    inner = BestOfGroupReward()
    noisy = NoisyVerdicts(inner, probability=0.0)
    group = trial_group(OUTCOMES)
    torch.testing.assert_close(noisy(group), inner(group), equal_nan=True)


def test_same_seed_same_rewards_and_another_seed_others():
    group, another = (trial_group(OUTCOMES * 10, seed) for seed in (5, 6))
    noisy = NoisyVerdicts(StaticReward("graded1"), probability=0.5, seed=1)
    again = NoisyVerdicts(StaticReward("graded1"), probability=0.5, seed=1)
    noisy(another)
    first = noisy(group).nan_to_num(9)
    assert first.equal(again(group).nan_to_num(9))
    assert not first.equal(noisy(another).nan_to_num(9))
    other_study = NoisyVerdicts(StaticReward("graded1"), probability=0.5, seed=2)
    assert not first.equal(other_study(group).nan_to_num(9))


@pytest.mark.parametrize("category", Category, ids=lambda category: category.label)
def test_moves_one_rank_at_the_given_rate(category):
    n = 4000
    moved = perturb([Verdict(category, "test")] * n, 0.25, random.Random(0))
    steps = Counter(outcome.category - category for outcome in moved)
    assert set(steps) <= {-1, 0, 1}
    assert binomtest(n - steps[0], n, 0.25).pvalue > 1e-4
    if category not in (Category.WRONG, Category.MORE_SPECIFIC):
        assert binomtest(steps[1], n - steps[0], 0.5).pvalue > 1e-4
    assert {outcome.source for outcome in moved} == {"test", "test+noise"}


def test_only_verdicts_move():
    moved = perturb(OUTCOMES, 1.0, random.Random(0))
    assert moved[-2:] == OUTCOMES[-2:]
    assert all(new != old for new, old in zip(moved[:-2], OUTCOMES[:-2], strict=True))


def test_a_missing_verdict_does_not_change_the_noise_of_the_others():
    before = perturb(OUTCOMES, 0.5, random.Random(0))
    after = perturb([Unjudged("down"), *OUTCOMES[1:]], 0.5, random.Random(0))
    assert before[1:] == after[1:]


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_bad_probability(probability):
    with pytest.raises(ValueError, match="probability: expected a number from 0 to 1"):
        NoisyVerdicts(BestOfGroupReward(), probability)
