"""From scored groups and the policy's log-probabilities to what the loss takes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speciarl_pl.grpo.loss import Normalizer, TokenBatch
from speciarl_pl.records import ScoredGroup


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
