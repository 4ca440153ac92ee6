"""Rollouts on shared-prefix rows: laid out once, scored in every pass."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.rows.decoders import row_limit
from speciarl_pl.policy.rows.logprob import score_tokens
from speciarl_pl.policy.rows.packing import PackedRow, layout_of, pack
from speciarl_pl.policy.rows.split_attention import IMPLEMENTATION, row_blocks
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
    return limit is None or layout_of(groups).longest <= limit.tokens


@lru_cache
def say_once(message: str) -> None:
    """Log a warning, from the first rank only and once a process."""
    from lightning.pytorch.utilities import rank_zero_only  # seconds; mostly nothing is to be said

    if not getattr(rank_zero_only, "rank", 0):
        logging.getLogger(__name__).warning(message)


@dataclass(frozen=True, slots=True)
class SharedRows:
    """A micro-batch in one row, with all that its passes have in common."""

    row: PackedRow
    """Its tokens, their positions, and how layers take it apart."""
    features: list[ImageFeatures]
    """Of the image of each group."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of every completion, in order."""
        return self.row.layout.completions

    def score(self, model: Any, *, temperature: float, banned: Tensor, entropy: bool) -> FlatScores:
        """Score all completions; as `Policy.score`, with the ids [K] that are never drawn."""
        return score_tokens(
            self._last_hidden(model).index_select(0, self.row.predictors),
            model.get_output_embeddings().weight,
            self.row.targets,
            temperature=temperature,
            banned=banned,
            entropy=entropy,
        )

    def _last_hidden(self, model: Any) -> Tensor:
        """Hidden states [L, hidden] of the row after the last layer.

        Raises:
            ModelError: If layers attended in another way than over the row.
        """
        decoder, row = model.get_decoder(), self.row
        blocks = row_blocks(row.index)
        embeds = decoder.get_input_embeddings()(row.input_ids)
        output = decoder(
            inputs_embeds=scatter(embeds, row.image_mask, self.features),
            attention_mask=_no_mask(row.input_ids.device),
            position_ids=row.positions,
            use_cache=False,
            row_blocks=blocks,
            **deepstack_arguments(row.image_mask, self.features),
        )
        layers = decoder.config.num_hidden_layers
        if (missing := layers - len(blocks.attended)) != 0:
            raise ModelError(f"{missing} of its {layers} layers attend otherwise")
        hidden: Tensor = output.last_hidden_state[0]
        return hidden


def shared_rows(model: Any, groups: Sequence[RolloutGroup], *, pad_token_id: int) -> SharedRows:
    """Lay groups out in one row, and run their images through the tower.

    Args:
        model: A VLM that `prepare` has seen, with or without an adapter inside.
        groups: B groups that `fits` says yes to.
        pad_token_id: Fills the rows in which images go through the tower.
    """
    row = pack(model, groups, model.device)
    prompts = [group.prompt for group in groups]
    features = image_features(model, prompts, pad_token_id=pad_token_id)
    return SharedRows(row, features)


def _no_mask(device: torch.device) -> Tensor:
    """What transformers takes for a ready mask; None, it would make one of the size of the row.

    It does so where positions begin anew, as those of completions do.
    """
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
