import math

import pytest
import torch

from speciarl_pl.category import Category
from speciarl_pl.records import Unjudged, Unparsed, Verdict
from speciarl_pl.reward import StaticReward, trial_group

EACH = [Verdict(category, "test") for category in reversed(Category)]
"""More specific to wrong, as the paper writes its tables."""

PAPER = {
    "binary": [1, 1, 0, 0, 0, 0],
    "graded1": [1, 1, 0.75, 0.5, 0.25, 0],
    "graded2": [1, 1, 0.75, 0.5, 0, 0],
    "graded3": [1, 1, 0.75, 0, 0, 0],
}


@pytest.mark.parametrize(("name", "rewards"), PAPER.items(), ids=PAPER)
def test_tables_of_the_paper(name, rewards):
    assert StaticReward(name)(trial_group(EACH)).tolist() == rewards


def test_own_table_and_what_has_no_verdict():
    labels = [category.label for category in Category]
    reward = StaticReward(dict(zip(labels, [-1, 0, 1, 2, 3, 4], strict=True)), unparsed_reward=-2)
    rewards = reward(trial_group([*EACH, Unparsed("empty answer"), Unjudged("down")]))
    assert rewards.dtype == torch.float32
    assert rewards[:-1].tolist() == [4, 3, 2, 1, 0, -1, -2]
    assert math.isnan(rewards[-1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("graded4", "weights: expected one of binary, graded1, graded2, graded3 or a mapping"),
        ({"specific": 1.0}, "missing wrong, abstain, generic, less specific, more specific"),
        ({"exact": 1.0}, "category: expected one of wrong, .*; got 'exact'"),
        ({category.label: math.inf for category in Category}, "expected finite numbers"),
    ],
    ids=["unknown name", "labels missing", "unknown label", "not finite"],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        StaticReward(weights)


def test_no_rollouts():
    assert StaticReward()(trial_group([])).shape == (0,)
