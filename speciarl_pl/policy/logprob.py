"""Log-probability and entropy of tokens, without ever keeping a [tokens, vocabulary] matrix.

The head is frozen, so the gradient of one token's log-probability to its hidden state does not
depend on the loss: `(W[y] - sum_v p_v W[v]) / temperature`. The forward pass computes it chunk by
chunk beside the score itself; the backward pass only scales it. That saves the second pass
through the head which recomputation would need.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speciarl_pl.policy.scores import FlatScores

CHUNK_ELEMENTS = 2**24
"""Logits computed at a time; 64 MiB in float32."""

NEVER = torch.finfo(torch.float32).min
"""Logit of a banned token: probability 0, and finite, so that `0 * NEVER` is 0."""


def scaled_logits(logits: Tensor, temperature: float, banned: Tensor) -> Tensor:
    """Logits [..., V] as the sampler sees them: float32, divided, banned ids [K] never drawn."""
    return (logits.float() / temperature).index_fill(-1, banned, NEVER)


def scores_of_logits(logits: Tensor, targets: Tensor, *, entropy: bool) -> FlatScores:
    """Score targets [M] under scaled logits float32 [M, V]; differentiable, keeps [M, V]."""
    chosen = logits.gather(-1, targets[:, None]).squeeze(-1)
    logprobs = chosen - logits.logsumexp(-1)
    with torch.no_grad():
        spread = _entropy(logits) if entropy else torch.zeros_like(logprobs)
    return FlatScores(logprobs, spread)


def score_tokens(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    temperature: float,
    banned: Tensor,
    entropy: bool = True,
    chunk_elements: int = CHUNK_ELEMENTS,
) -> FlatScores:
    """Score tokens from the hidden states before them, through a frozen head.

    Args:
        hidden: [M, H], last hidden states; may require grad.
        weight: [V, H], of the head; must not require grad.
        targets: int64 [M], the tokens that were sampled.
        temperature: Of the sampler; divides the logits.
        banned: int64 [K], ids that the sampler may not draw.
        entropy: Whether to compute entropies too.
        chunk_elements: Logits held at a time.

    Returns:
        Scores of the M tokens; no [M, V] matrix is kept.
    """
    chunk = max(1, chunk_elements // weight.shape[0])
    logprobs, spread = _FrozenHeadScores.apply(  # type: ignore[no-untyped-call]
        hidden, weight.detach(), targets, temperature, banned, entropy, chunk
    )
    return FlatScores(logprobs, spread)


class _FrozenHeadScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        temperature: float,
        banned: Tensor,
        entropy: bool,
        chunk: int,
    ) -> tuple[Tensor, Tensor]:
        logprobs = hidden.new_empty(targets.shape, dtype=torch.float32)
        spread = torch.zeros_like(logprobs)
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, targets.numel(), chunk):
            part = slice(start, start + chunk)
            logits = scaled_logits(hidden[part] @ weight.T, temperature, banned)
            scores = scores_of_logits(logits, targets[part], entropy=entropy)
            logprobs[part], spread[part] = scores.logprobs, scores.entropy
            if slopes is not None:
                slopes[part] = _slope(logits, weight, targets[part]) / temperature
        ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(spread)
        return logprobs, spread

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return (grad[:, None].to(slopes.dtype) * slopes, None, None, None, None, None, None)


def _slope(logits: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Gradient [M, H] of each log-probability to its hidden state, at temperature 1."""
    expected = logits.softmax(-1).to(weight.dtype) @ weight
    return weight[targets] - expected


def _entropy(logits: Tensor) -> Tensor:
    """Entropy [M] in nats of logits [M, V]."""
    return logits.logsumexp(-1) - (logits.softmax(-1) * logits).sum(-1)
