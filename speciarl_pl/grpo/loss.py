"""The clipped surrogate of GRPO and its variants, over completion tokens (paper, section 4)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

# Estimates of KL(policy || base) from the log-probabilities of sampled tokens.


KLEstimator = Literal["k1", "k2", "k3"]

_LOG_RATIO_LIMIT = 20.0  # exp stays finite in float32, and one freak token cannot rule a step


def kl_per_token(logprobs: Tensor, reference: Tensor, estimator: KLEstimator = "k3") -> Tensor:
    """Per-token estimate, in nats.

    `k1` is unbiased but noisy and may be negative, and its gradient is zero on average; `k2` and
    `k3` are non-negative, `k3` unbiased as well.

    Args:
        logprobs: The policy's log-probabilities of the sampled tokens, any shape; carries the
            gradient.
        reference: The base's, same shape, no gradient.
        estimator: Which of the three.

    Returns:
        Same shape as `logprobs`.

    Example:
        >>> import torch
        >>> kl_per_token(torch.tensor([-1.0]), torch.tensor([-1.0]))
        tensor([0.])
    """
    log_ratio = (reference - logprobs).clamp(-_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT)
    if estimator == "k1":
        return -log_ratio
    if estimator == "k2":
        return 0.5 * log_ratio.square()
    return log_ratio.expm1() - log_ratio


Aggregation = Literal["sequence", "token", "constant"]
"""How token losses become one number: `sequence` takes the mean over the tokens of a completion,
then over completions (GRPO); `token` the mean over all tokens (DAPO); `constant` divides each
completion's sum by a fixed length (Dr.GRPO)."""


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """What the loss of one micro-batch is made of; R completions of up to T tokens."""

    logprobs: Tensor
    """float32 [R, T]: the policy's, with gradient."""
    old_logprobs: Tensor
    """float32 [R, T]: the policy's before this rollout batch was learned from."""
    advantages: Tensor
    """float32 [R]."""
    mask: Tensor
    """bool [R, T]: tokens that count; false at padding and on unjudged rollouts."""
    sampler_logprobs: Tensor | None = None
    """float32 [R, T]: the rollout engine's; None switches the importance correction off."""
    reference_logprobs: Tensor | None = None
    """float32 [R, T]: the base's; needed if the KL coefficient is above 0."""


@dataclass(frozen=True, slots=True)
class Normalizer:
    """The size of the whole mini-batch, over all micro-batches and ranks.

    Groups that were dropped for lack of signal count, so that dropping them changes nothing.
    """

    sequences: float
    """Judged completions."""
    tokens: float
    """Their tokens."""


@dataclass(frozen=True)  # no slots: jsonargparse reads the default's __dict__
class GRPOLoss:
    """A clipped policy gradient with an optional KL term to the base.

    Args:
        clip_low: The ratio is clipped below at 1 - clip_low where the advantage is negative.
        clip_high: The ratio is clipped above at 1 + clip_high where the advantage is positive.
        dual_clip: Upper bound of the ratio where the advantage is negative (DAPO: 10); None: none.
        kl_coefficient: Weight of the KL term; 0 skips the base's forward pass.
        kl_estimator: Which estimate of the KL.
        importance_cap: The weight exp(old - sampler), by which tokens of an engine that does not
            quite agree with the trainer are corrected, is cut here; None: no correction.
        aggregation: How token losses become one number.
        constant_length: Tokens by which `constant` divides; needed there alone.
    """

    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float | None = None
    kl_coefficient: float = 0.01
    kl_estimator: KLEstimator = "k3"
    importance_cap: float | None = 2.0
    aggregation: Aggregation = "sequence"
    constant_length: int | None = None

    def __post_init__(self) -> None:
        for name in ("clip_low", "clip_high"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a number > 0, got {getattr(self, name)}")
        if self.dual_clip is not None and self.dual_clip <= 1 + self.clip_high:
            raise ValueError(
                f"dual_clip: expected more than 1 + clip_high = {1 + self.clip_high}, "
                f"got {self.dual_clip}"
            )
        if self.kl_coefficient < 0:
            raise ValueError(f"kl_coefficient: expected >= 0, got {self.kl_coefficient}")
        if self.importance_cap is not None and self.importance_cap < 1:
            raise ValueError(f"importance_cap: expected >= 1 or null, got {self.importance_cap}")
        if (self.aggregation == "constant") != (self.constant_length is not None):
            raise ValueError(
                "constant_length: needed with aggregation 'constant' and only there, got "
                f"{self.constant_length} with {self.aggregation!r}"
            )

    def __call__(
        self, batch: TokenBatch, normalizer: Normalizer
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of one micro-batch; the losses of all micro-batches add up to the mini-batch's.

        Returns:
            The scalar loss, and sums over the counted tokens (no gradient) under the names
            `tokens`, `clipped`, `kl`, `ratio`, `importance_weight`.
        """
        surrogate, sums = self._surrogate(batch)
        if self.kl_coefficient > 0:
            assert batch.reference_logprobs is not None, "the base's log-probs are needed for KL"
            kl = kl_per_token(batch.logprobs, batch.reference_logprobs, self.kl_estimator)
            surrogate = surrogate + self.kl_coefficient * kl
            sums["kl"] = _masked_sum(kl, batch.mask)
        loss = torch.where(batch.mask, surrogate, 0.0) * self._weights(batch.mask, normalizer)
        return loss.sum(), sums

    def _surrogate(self, batch: TokenBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Per-token surrogate [R, T], to be minimised, and its sums."""
        ratio = (batch.logprobs - batch.old_logprobs).clamp(-20.0, 20.0).exp()
        advantages = batch.advantages[:, None]
        plain = -advantages * ratio
        clipped = -advantages * ratio.clamp(1 - self.clip_low, 1 + self.clip_high)
        surrogate = torch.maximum(plain, clipped)
        if self.dual_clip is not None:
            bound = torch.where(advantages < 0, -advantages * self.dual_clip, torch.inf)
            surrogate = torch.minimum(surrogate, bound)
        weight = self._importance_weight(batch)
        sums = {
            "tokens": batch.mask.sum(),
            "clipped": _masked_sum((surrogate != plain).float(), batch.mask),
            "ratio": _masked_sum(ratio, batch.mask),
            "importance_weight": _masked_sum(weight, batch.mask),
        }
        return surrogate * weight, sums

    def _importance_weight(self, batch: TokenBatch) -> Tensor:
        """Truncated weight [R, T] between sampler and trainer, without gradient."""
        if self.importance_cap is None or batch.sampler_logprobs is None:
            return torch.ones_like(batch.old_logprobs)
        log_weight = (batch.old_logprobs - batch.sampler_logprobs).detach().clamp(-20.0, 20.0)
        return log_weight.exp().clamp(max=self.importance_cap)

    def _weights(self, mask: Tensor, normalizer: Normalizer) -> Tensor:
        """Weight of each token in the mini-batch's loss, broadcastable to [R, T]."""
        if self.aggregation == "token":
            return mask.new_full((1, 1), 1 / normalizer.tokens, dtype=torch.float32)
        if self.aggregation == "constant":
            assert self.constant_length is not None
            scale = 1 / (normalizer.sequences * self.constant_length)
            return mask.new_full((1, 1), scale, dtype=torch.float32)
        lengths = mask.sum(dim=1, keepdim=True).clamp(min=1)
        return 1 / (lengths * normalizer.sequences)


def _masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values.detach(), 0.0).sum()
