"""Log-probability and entropy of tokens, without ever keeping a [tokens, vocabulary] matrix.

The head is frozen, so the gradient of one token's log-probability to its hidden state does not
depend on the loss: `(onehot - p) @ W / temperature`. The forward pass computes it chunk by chunk
beside the score itself; the backward pass only scales it. That saves the second pass through the
head which recomputation would need.

Confident tokens, of which a completion has most, live on `1 - p`. So nothing is rounded before it
is small: logits are float32, the largest one is left out of the sum that normalises them (the log
of `1 + rest` is exact where that of a sum near 1 is not), and `onehot - p` is formed in float32
before it meets 16-bit weights.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speciarl_pl.policy.rows.wide import wide_product
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
    with _no_autocast(logits):
        scores = _LogitScores.apply(logits, targets, entropy)  # type: ignore[no-untyped-call]
    return FlatScores(*scores)


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
    with _no_autocast(hidden):
        scores = _FrozenHeadScores.apply(  # type: ignore[no-untyped-call]
            hidden, weight.detach(), targets, temperature, banned, entropy, chunk
        )
    return FlatScores(*scores)


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
            logits = _scale_(wide_product(hidden[part], weight), temperature, banned)
            logprobs[part], shares, log_total = _score_(logits, targets[part])
            if entropy:
                spread[part] = _entropy(logits, shares, log_total)
            if slopes is not None:
                slope = _slope_(shares, log_total, targets[part], logprobs[part], temperature)
                slopes[part] = slope.to(weight.dtype) @ weight
        ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(spread)
        return logprobs, spread

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        product = grad[:, None] * slopes  # in float32: a token's weight in the loss is tiny
        return (product.to(slopes.dtype), None, None, None, None, None, None)


class _LogitScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, entropy: bool) -> tuple[Tensor, Tensor]:
        logits = logits.clone()
        logprobs, shares, log_total = _score_(logits, targets)
        spread = _entropy(logits, shares, log_total) if entropy else torch.zeros_like(logprobs)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(_slope_(shares, log_total, targets, logprobs))
        ctx.mark_non_differentiable(spread)
        return logprobs, spread

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return grad[:, None] * slope, None, None


def chunk_rows(vocabulary: int, device: torch.device) -> int:
    """Tokens whose logits to hold at a time."""
    elements = CHUNK_ELEMENTS.get(device.type, CHUNK_ELEMENTS["cuda"])
    return max(LEAST_ROWS, elements // vocabulary)


def _no_autocast(tensor: Tensor) -> torch.autocast:
    """Context in which float32 stays float32: autocast rounds even `vecdot`, to NaN by `NEVER`."""
    return torch.autocast(tensor.device.type, enabled=False)


def _scale_(logits: Tensor, temperature: float, banned: Tensor) -> Tensor:
    """`scaled_logits`, in the memory of `logits` [m, V], which no graph holds."""
    logits = logits.float()
    if temperature != 1.0:
        logits.div_(temperature)
    return logits.index_fill_(-1, banned, NEVER)


def _score_(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities [m] of targets, and what entropy and slope are made of.

    Args:
        logits: float32 [m, V], scaled; made relative to the largest of each row, in place.
        targets: int64 [m].

    Returns:
        Log-probabilities [m]; `exp(logits)` [m, V], 1 at the largest; log of their sum [m, 1].
    """
    top, place = logits.max(-1, keepdim=True)
    shares = logits.sub_(top).exp()
    rest = shares.scatter_(-1, place, 0.0).sum(-1, keepdim=True)
    shares.scatter_(-1, place, 1.0)
    log_total = rest.log1p()
    logprobs = logits.gather(-1, targets[:, None]) - log_total
    return logprobs.squeeze(-1), shares, log_total


def _entropy(logits: Tensor, shares: Tensor, log_total: Tensor) -> Tensor:
    """Entropy [m] in nats, from what `_score_` leaves."""
    mean: Tensor = torch.linalg.vecdot(shares, logits) / log_total.exp().squeeze(-1)
    return log_total.squeeze(-1) - mean


def _slope_(
    shares: Tensor, log_total: Tensor, targets: Tensor, logprobs: Tensor, temperature: float = 1.0
) -> Tensor:
    """Gradient `(onehot - p) / temperature` [m, V] of each log-probability, in place of `shares`.

    At the target that is `-expm1(log p)`, which is exact where `1 - p` has lost its digits.
    """
    shares.mul_((-log_total).exp().div_(-temperature))
    own = logprobs.expm1().div_(-temperature)
    return shares.scatter_(-1, targets[:, None], own[:, None])
