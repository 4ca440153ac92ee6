"""Estimates of KL(policy || base) from the log-probabilities of sampled tokens.

The names k1, k2, k3 follow J. Schulman, "Approximating KL divergence" (2020). The release uses k3
("low variance"; paper, section 4).
"""

from typing import Literal

from torch import Tensor

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
