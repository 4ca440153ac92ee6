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

CHUNK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26}
"""Logits computed at a time: on a CPU 4 MiB, which stay in its cache, on a GPU 256 MiB."""

LEAST_ROWS = 64
"""Tokens computed at a time at least, so that the head's weights are not read too often."""

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
    chunk: int | None = None,
) -> FlatScores:
    """Score tokens from the hidden states before them, through a frozen head.

    Args:
        hidden: [M, H], last hidden states; may require grad.
        weight: [V, H], of the head; must not require grad.
        targets: int64 [M], the tokens that were sampled.
        temperature: Of the sampler; divides the logits.
        banned: int64 [K], ids that the sampler may not draw.
        entropy: Whether to compute entropies too.
        chunk: Tokens whose logits are held at a time; a fitting number if missing.

    Returns:
        Scores of the M tokens; no [M, V] matrix is kept.
    """
    chunk = chunk or chunk_rows(weight.shape[0], weight.device)
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
            logs = _log_softmax(hidden[part] @ weight.T, temperature, banned)
            logprobs[part] = logs.gather(-1, targets[part, None]).squeeze(-1)
            if entropy or slopes is not None:
                shares = logs.exp()
            if entropy:
                spread[part] = -torch.linalg.vecdot(shares, logs)
            if slopes is not None:
                expected = shares.to(weight.dtype) @ weight
                slopes[part] = (weight[targets[part]] - expected) / temperature
        ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(spread)
        return logprobs, spread

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return (grad[:, None].to(slopes.dtype) * slopes, None, None, None, None, None, None)


def chunk_rows(vocabulary: int, device: torch.device) -> int:
    """Tokens whose logits to hold at a time."""
    elements = CHUNK_ELEMENTS.get(device.type, CHUNK_ELEMENTS["cuda"])
    return max(LEAST_ROWS, elements // vocabulary)


def _log_softmax(logits: Tensor, temperature: float, banned: Tensor) -> Tensor:
    """Log-probabilities float32 [m, V]; reuses the memory of `logits`, which no graph holds."""
    logs = logits.float()
    if temperature != 1.0:
        logs.div_(temperature)
    logs.index_fill_(-1, banned, NEVER)
    return logs.sub_(logs.logsumexp(-1, keepdim=True))


def _entropy(logits: Tensor) -> Tensor:
    """Entropy [M] in nats of logits [M, V]."""
    return logits.logsumexp(-1) - (logits.softmax(-1) * logits).sum(-1)
