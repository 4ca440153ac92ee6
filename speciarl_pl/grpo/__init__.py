"""GRPO as pure functions of tensors: advantages, loss, KL, filtering."""

from speciarl_pl.grpo.advantage import AdvantageScale, group_advantages
from speciarl_pl.grpo.groups import (
    groups_to_learn_from,
    has_signal,
    micro_batches,
    mini_batches,
    normalizer,
    token_batch,
)
from speciarl_pl.grpo.kl import kl_per_token
from speciarl_pl.grpo.loss import GRPOLoss, Normalizer, TokenBatch

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
