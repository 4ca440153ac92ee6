import pytest
from jsonargparse import ArgumentParser

from speciarl_pl.category import Category
from speciarl_pl.records import Unjudged, Unparsed, Verdict
from speciarl_pl.reward import BestOfGroupReward, NoisyVerdicts, Reward, StaticReward, outcome_codes

OWN = {category.label: 0.5 for category in Category}


def build(config):
    parser = ArgumentParser()
    parser.add_subclass_arguments(Reward, "reward")
    return parser.instantiate(parser.parse_object({"reward": config})).reward


def test_best_of_group():
    reward = build({"class_path": "BestOfGroupReward", "init_args": {"mode": "single"}})
    assert isinstance(reward, BestOfGroupReward)
    assert reward.mode == "single"


@pytest.mark.parametrize("weights", ["graded2", OWN], ids=["named", "own"])
def test_static(weights):
    reward = build({"class_path": "StaticReward", "init_args": {"weights": weights}})
    assert reward.table == StaticReward(weights).table


def test_noise_wraps_any_reward():
    inner = {"class_path": "StaticReward", "init_args": {"weights": "graded1"}}
    init = {"reward": inner, "probability": 0.25, "seed": 3}
    noisy = build({"class_path": "NoisyVerdicts", "init_args": init})
    assert isinstance(noisy, NoisyVerdicts)
    assert isinstance(noisy.reward, StaticReward)
    assert (noisy.probability, noisy.seed) == (0.25, 3)


def test_outcome_codes():
    outcomes = [Verdict(Category.GENERIC, "test"), Unparsed("empty answer"), Unjudged("down")]
    assert outcome_codes(outcomes).tolist() == [2, -1, -2]
    assert outcome_codes([]).shape == (0,)
