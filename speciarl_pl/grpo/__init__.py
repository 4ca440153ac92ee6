"""GRPO as pure functions of tensors: advantages, loss, KL, filtering."""

from speciarl_pl.grpo.groups import (
    AdvantageScale,
    group_advantages,
    groups_to_learn_from,
    has_signal,
    micro_batches,
    mini_batches,
    normalizer,
    token_batch,
)
from speciarl_pl.grpo.loss import GRPOLoss, Normalizer, TokenBatch, kl_per_token

__all__ = [
    "AdvantageScale",
    "GRPOLoss",
    "Normalizer",
    "TokenBatch",
    "group_advantages",
    "groups_to_learn_from",
    "has_signal",
    "kl_per_token",
    "micro_batches",
    "mini_batches",
    "normalizer",
    "token_batch",
]
