"""Advantages: rewards relative to the other rollouts of the same group (paper, section 4)."""

from typing import Literal

import torch
from torch import Tensor

AdvantageScale = Literal["std", "none"]
"""`std` divides by the group's standard deviation (GRPO), `none` does not (Dr.GRPO)."""

_EPSILON = 1e-6


def group_advantages(rewards: Tensor, scale: AdvantageScale = "std") -> Tensor:
    """Center the rewards of one group, and scale them.

    Rollouts without a reward (NaN) take no part in the mean and get advantage 0. A group in which
    all rewards are equal, or in which fewer than two are known, has no signal: all zeros.

    Args:
        rewards: float32 [N], NaN where a rollout was not judged.
        scale: Whether to divide by the unbiased standard deviation of the known rewards.

    Returns:
        float32 [N].

    Example:
        >>> group_advantages(torch.tensor([1.0, 0.0, float("nan"), 0.0, 1.0]), scale="none")
        tensor([ 0.5000, -0.5000,  0.0000, -0.5000,  0.5000])
        >>> group_advantages(torch.tensor([1.0, 1.0]))
        tensor([0., 0.])
    """
    advantages = torch.zeros_like(rewards)
    known = ~rewards.isnan()
    values = rewards[known]
    if values.numel() < 2 or bool((values == values[0]).all()):
        return advantages
    centered = values - values.mean()
    if scale == "std":
        centered = centered / (values.std(correction=1) + _EPSILON)
    advantages[known] = centered
    return advantages
