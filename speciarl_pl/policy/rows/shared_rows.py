"""Scores of rollouts on shared-prefix rows."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.rows.decoders import row_limit
from speciarl_pl.policy.rows.logprob import score_tokens
from speciarl_pl.policy.rows.packing import SharedRow, layout_of, pack
from speciarl_pl.policy.rows.split_attention import IMPLEMENTATION, longest, row_blocks
from speciarl_pl.policy.rows.vision import (
    ImageFeatures,
    deepstack_arguments,
    image_features,
    scatter,
)
from speciarl_pl.policy.scores import FlatScores
from speciarl_pl.records import RolloutGroup


def prepare(model: Any) -> None:
    """Let the language model of a base model attend over shared-prefix rows, and over others."""
    model.get_decoder().config._attn_implementation = IMPLEMENTATION


def fits(model: Any, groups: Sequence[RolloutGroup]) -> bool:
    """Whether every rollout of these groups, with its prompt, is within the model's `row_limit`."""
    limit = row_limit(model)
    return limit is None or longest(layout_of(groups)) <= limit.tokens


@lru_cache
def say_once(message: str) -> None:
    """Log a warning, from the first rank only and once a process."""
    from lightning.pytorch.utilities import rank_zero_only  # seconds; mostly nothing is to be said

    if not getattr(rank_zero_only, "rank", 0):
        logging.getLogger(__name__).warning(message)


def score_shared(
    model: Any,
    groups: Sequence[RolloutGroup],
    *,
    temperature: float,
    banned: Tensor,
    entropy: bool,
    pad_token_id: int,
    features: Sequence[ImageFeatures] | None = None,
) -> FlatScores:
    """Score all completions of all groups in one row.

    Args:
        model: A VLM that `prepare` has seen, with or without an adapter inside.
        groups: B groups.
        temperature: Of the sampler.
        banned: int64 [K], ids that the sampler may not draw.
        entropy: Whether to compute entropies.
        pad_token_id: Fills the rows in which images go through the tower.
        features: Of the image of each group; computed here if missing.

    Returns:
        Scores of the M completion tokens.
    """
    row = pack(model, groups, model.device)
    if features is None:
        prompts = [group.prompt for group in groups]
        features = image_features(model, prompts, pad_token_id=pad_token_id)
    hidden = last_hidden(model, row, features)
    return score_tokens(
        hidden.index_select(0, row.predictors),
        model.get_output_embeddings().weight,
        row.targets,
        temperature=temperature,
        banned=banned,
        entropy=entropy,
    )


def last_hidden(model: Any, row: SharedRow, features: Sequence[ImageFeatures]) -> Tensor:
    """Hidden states [L, hidden] of a row after the last layer.

    Raises:
        ModelError: If layers attended in another way than over the row.
    """
    decoder = model.get_decoder()
    blocks = row_blocks(row.layout, row.input_ids.device)
    embeds = decoder.get_input_embeddings()(row.input_ids)
    output = decoder(
        inputs_embeds=scatter(embeds, row.image_mask, features),
        attention_mask=_no_mask(row.input_ids.device),
        position_ids=row.positions,
        use_cache=False,
        row_blocks=blocks,
        **deepstack_arguments(row.image_mask, features),
    )
    layers = decoder.config.num_hidden_layers
    if len(blocks.attended) != layers:
        raise ModelError(f"{layers - len(blocks.attended)} of its {layers} layers attend otherwise")
    hidden: Tensor = output.last_hidden_state[0]
    return hidden


def _no_mask(device: torch.device) -> Tensor:
    """What transformers takes for a ready mask; None, it would make one of the size of the row.

    It does so where positions begin anew, as those of completions do.
    """
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
