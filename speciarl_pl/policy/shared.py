"""Scores of rollouts on shared-prefix rows."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from speciarl_pl.policy.logprob import score_tokens
from speciarl_pl.policy.packing import SharedRow, pack
from speciarl_pl.policy.scores import FlatScores
from speciarl_pl.policy.split_attention import IMPLEMENTATION, row_blocks
from speciarl_pl.policy.vision import ImageFeatures, deepstack_arguments, image_features, scatter
from speciarl_pl.records import RolloutGroup

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Families whose language model takes such rows."""


def obstacle(model: Any) -> str | None:
    """Why a model cannot use shared-prefix rows; None if it can."""
    if model.config.model_type not in MODEL_TYPES:
        return f"model type {model.config.model_type} is none of {', '.join(MODEL_TYPES)}"
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or []
    if "sliding_attention" in kinds:
        return "some of its layers attend through a sliding window"
    return None


def prepare(model: Any) -> None:
    """Let the language model of a base model attend over shared-prefix rows."""
    model.model.language_model.config._attn_implementation = IMPLEMENTATION


def score_shared(
    model: Any,
    groups: Sequence[RolloutGroup],
    *,
    temperature: float,
    banned: Tensor,
    entropy: bool,
    features: Sequence[ImageFeatures] | None = None,
) -> FlatScores:
    """Score all completions of all groups in one row.

    Args:
        model: Qwen-VL for conditional generation, with or without an adapter inside.
        groups: B groups.
        temperature: Of the sampler.
        banned: int64 [K], ids that the sampler may not draw.
        entropy: Whether to compute entropies.
        features: Of the image of each group; computed here if missing.

    Returns:
        Scores of the M completion tokens.
    """
    row = pack(model.model, groups, model.device)
    if features is None:
        features = image_features(model.model, [group.prompt for group in groups])
    hidden = last_hidden(model, row, features)
    return score_tokens(
        hidden.index_select(0, row.predictors),
        model.lm_head.weight,
        row.targets,
        temperature=temperature,
        banned=banned,
        entropy=entropy,
    )


def last_hidden(model: Any, row: SharedRow, features: Sequence[ImageFeatures]) -> Tensor:
    """Hidden states [L, hidden] of a row after the last layer."""
    language_model = model.model.language_model
    embeds = language_model.embed_tokens(row.input_ids)
    output = language_model(
        inputs_embeds=scatter(embeds, row.image_mask, features),
        attention_mask=None,
        position_ids=row.positions,
        use_cache=False,
        row_blocks=row_blocks(row.layout, row.input_ids.device),
        **deepstack_arguments(row.image_mask, features),
    )
    hidden: Tensor = output.last_hidden_state[0]
    return hidden
