"""The one place where rewards come in: what a reward gives is checked against its contract."""

from collections.abc import Sequence

import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.contracts import breach, described, own_code
from speciarl_pl.errors import RewardError
from speciarl_pl.records import Outcome, Unjudged, Unparsed, Verdict
from speciarl_pl.reward.reward import Reward, outcome_codes


def checked_rewards(reward: Reward, outcomes: Sequence[Outcome], seed: int | None) -> Tensor:
    """Rewards of one group, as `Reward.__call__` promises them.

    Raises:
        RewardError: Naming the class, what was expected and what came.

    Example:
        >>> from speciarl_pl.reward import StaticReward
        >>> checked_rewards(StaticReward(), [Unjudged("off")], seed=0)
        tensor([nan])
    """
    with own_code(reward, "__call__", RewardError):
        rewards = reward(outcomes, seed=seed)
    count = len(outcomes)
    if not isinstance(rewards, Tensor) or rewards.dtype != torch.float32:
        _refuse(reward, f"a float32 tensor [{count}]", described(rewards))
    if rewards.shape != (count,):
        _refuse(reward, f"one number for each of {count} outcomes", described(rewards))
    rewards = rewards.detach()
    missing = (outcome_codes(outcomes) == UNJUDGED).to(rewards.device)
    if (rewards.isinf() | (rewards.isnan() & ~missing)).any():
        what = "finite numbers, or NaN where there is no verdict"
        _refuse(reward, what, _beside(rewards, outcomes))
    if (~rewards.isnan() & missing).any():
        _refuse(reward, "NaN where there is no verdict", _beside(rewards, outcomes))
    return rewards


def check_reward(reward: Reward) -> None:
    """Try a reward, before anything is loaded, with every outcome that a rollout can have.

    Raises:
        RewardError: As `checked_rewards`.
    """
    verdicts = [Verdict(category, "a trial") for category in Category]
    checked_rewards(reward, [*verdicts, Unparsed("a trial"), Unjudged("a trial")], seed=0)
    checked_rewards(reward, [Unjudged("a trial")] * 2, seed=0)


def _beside(rewards: Tensor, outcomes: Sequence[Outcome]) -> str:
    names = [
        outcome.category.label if isinstance(outcome, Verdict) else type(outcome).__name__.lower()
        for outcome in outcomes
    ]
    pairs = zip(names, rewards.tolist(), strict=True)
    return ", ".join(f"{number:g} for {name}" for name, number in pairs)


def _refuse(reward: Reward, expected: str, got: str) -> None:
    raise RewardError(f"reward: {breach(reward, '', expected, got)}")
