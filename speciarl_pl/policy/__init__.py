"""The policy: a vision-language model with a LoRA adapter."""

from speciarl_pl.policy.identity import check_adapter, check_base, differing
from speciarl_pl.policy.load import load_policy
from speciarl_pl.policy.policy import Policy, Rows
from speciarl_pl.policy.prompts.encoder import PromptEncoder
from speciarl_pl.policy.scores import TokenScores
from speciarl_pl.policy.spec import Dtype, LoraSpec, Quantization, RowKind
from speciarl_pl.policy.weights.trainable import check_trainable

__all__ = [
    "Dtype",
    "LoraSpec",
    "Policy",
    "PromptEncoder",
    "Quantization",
    "RowKind",
    "Rows",
    "TokenScores",
    "check_adapter",
    "check_base",
    "check_trainable",
    "differing",
    "load_policy",
]
