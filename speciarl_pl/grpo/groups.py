"""From the rewards of groups to what the loss takes: advantages, which groups, in what parts."""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speciarl_pl.grpo.loss import Normalizer, TokenBatch
from speciarl_pl.records import ScoredGroup

# Advantages: rewards relative to the other rollouts of the same group (paper, section 4).


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


# The groups of a step on their way to the loss: which, in what parts, and what is told of them.


T = TypeVar("T")


def has_signal(group: ScoredGroup) -> bool:
    """Whether any rollout of the group is better or worse than another."""
    return bool(group.advantages.any())


def is_judged(group: ScoredGroup) -> bool:
    """Whether any rollout of the group has a reward."""
    return not bool(group.rewards.isnan().all())


def groups_to_learn_from(
    groups: Sequence[ScoredGroup], keep_without_signal: bool
) -> list[ScoredGroup]:
    """Drop the groups that cannot change the policy, before any forward pass.

    A group whose rewards are all equal adds nothing to the surrogate; with a KL term it still
    pulls towards the base.

    Args:
        groups: All scored groups of a mini-batch.
        keep_without_signal: Keep judged groups without signal, for their KL term.
    """
    keep = is_judged if keep_without_signal else has_signal
    return [group for group in groups if keep(group)]


def mini_batches(items: Sequence[T], count: int) -> list[list[T]]:
    """Cut into exactly `count` consecutive parts whose sizes differ by at most one.

    Parts may be empty, so that every rank takes the same number of optimiser steps.

    Example:
        >>> mini_batches([1, 2, 3, 4, 5], 2)
        [[1, 2, 3], [4, 5]]
    """
    size, longer = divmod(len(items), count)
    parts, start = [], 0
    for index in range(count):
        end = start + size + (index < longer)
        parts.append(list(items[start:end]))
        start = end
    return parts


def micro_batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut into consecutive parts of at most `size`.

    Example:
        >>> list(micro_batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def token_batch(
    groups: Sequence[ScoredGroup],
    logprobs: Tensor,
    mask: Tensor,
    old_logprobs: Tensor | None = None,
    reference_logprobs: Tensor | None = None,
) -> TokenBatch:
    """Gather what one micro-batch's loss is made of.

    Args:
        groups: The groups, R rollouts in all.
        logprobs: float32 [R, T], the policy's, with gradient.
        mask: bool [R, T], true on completion tokens.
        old_logprobs: float32 [R, T] before this rollout batch; None if the policy has not changed
            since, so that `logprobs` are the old ones.
        reference_logprobs: float32 [R, T], the base's, or None.
    """
    device = logprobs.device
    judged = ~torch.cat([group.rewards for group in groups]).isnan().to(device)
    sampler = pad_sequence(
        [rollout.logprobs for group in groups for rollout in group.group.rollouts],
        batch_first=True,
    )
    return TokenBatch(
        logprobs=logprobs,
        old_logprobs=logprobs.detach() if old_logprobs is None else old_logprobs,
        advantages=torch.cat([group.advantages for group in groups]).to(device),
        mask=mask & judged[:, None],
        sampler_logprobs=sampler.to(device),
        reference_logprobs=reference_logprobs,
    )


def normalizer(groups: Sequence[ScoredGroup]) -> Normalizer:
    """Count the judged completions of a mini-batch, and their tokens, on this rank."""
    lengths = [
        rollout.tokens.numel()
        for group in groups
        for rollout, reward in zip(group.group.rollouts, group.rewards, strict=True)
        if not reward.isnan()
    ]
    return Normalizer(sequences=len(lengths), tokens=sum(lengths))
