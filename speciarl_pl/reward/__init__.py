"""Rewards: a judged rollout group becomes numbers."""

from speciarl_pl.reward.best_of_group import BestOfGroupReward, best_of_group, reference_level
from speciarl_pl.reward.checked import check_reward, checked_rewards, trial_group
from speciarl_pl.reward.noisy import NoisyVerdicts, perturb
from speciarl_pl.reward.reward import Reward, outcome_codes
from speciarl_pl.reward.static import STATIC_TABLES, StaticReward

__all__ = [
    "STATIC_TABLES",
    "BestOfGroupReward",
    "NoisyVerdicts",
    "Reward",
    "StaticReward",
    "best_of_group",
    "check_reward",
    "checked_rewards",
    "outcome_codes",
    "perturb",
    "reference_level",
    "trial_group",
]
