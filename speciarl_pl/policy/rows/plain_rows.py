"""Scores of rollouts on plain rows: one per rollout, through the whole model.

The reference for shared-prefix rows in tests, and the way for every other VLM.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.policy.rows.inputs import accepted, joinable, row_inputs
from speciarl_pl.policy.rows.logprob import scaled_logits, scores_of_logits
from speciarl_pl.policy.scores import FlatScores, length_mask
from speciarl_pl.records import EncodedPrompt, RolloutGroup


def score_plain(
    model: Any,
    groups: Sequence[RolloutGroup],
    *,
    temperature: float,
    banned: Tensor,
    entropy: bool,
    pad_token_id: int,
) -> FlatScores:
    """Score every completion in a row of its own.

    Rows whose images cannot be joined go through the model one after the other.

    Args:
        model: Any VLM for conditional generation, with or without an adapter.
        groups: B groups with R rollouts in all.
        temperature: Of the sampler.
        banned: int64 [K], ids that the sampler may not draw.
        entropy: Whether to compute entropies.
        pad_token_id: Fills the rows.

    Returns:
        Scores of the M completion tokens.
    """
    rows = [(group.prompt, rollout.tokens) for group in groups for rollout in group.rollouts]
    found: dict[int, tuple[Tensor, Tensor]] = {}
    for places in joinable([prompt for prompt, _ in rows]):
        part = [rows[place] for place in places]
        scores = _score(model, part, temperature, banned, entropy, pad_token_id)
        lengths = [tokens.numel() for _, tokens in part]
        each = (torch.split(values, lengths) for values in (scores.logprobs, scores.entropy))
        found.update(zip(places, zip(*each, strict=True), strict=True))
    logprobs, entropies = zip(*(found[place] for place in range(len(rows))), strict=True)
    return FlatScores(torch.cat(logprobs), torch.cat(entropies))


def _score(
    model: Any,
    rows: Sequence[tuple[EncodedPrompt, Tensor]],
    temperature: float,
    banned: Tensor,
    entropy: bool,
    pad_token_id: int,
) -> FlatScores:
    """Score rows that go through the model together."""
    prompts, completions = zip(*rows, strict=True)
    inputs = row_inputs(model, prompts, completions, pad_token_id=pad_token_id)
    lengths = [tokens.numel() for tokens in completions]
    longest = max(lengths)
    logits = completion_logits(model, inputs, longest)
    mask = length_mask(lengths, logits.device)
    targets = inputs["input_ids"][:, -longest:][mask]
    scaled = scaled_logits(logits[mask], temperature, banned)
    return scores_of_logits(scaled, targets, entropy=entropy)


def completion_logits(model: Any, inputs: Mapping[str, Tensor], length: int) -> Tensor:
    """Logits [R, length, V] that predict the last `length` tokens of every row."""
    keep = accepted(model, {"logits_to_keep": torch.tensor(length + 1)})
    extra = {name: length + 1 for name in keep}
    output = model(**inputs, use_cache=False, **extra)
    logits: Tensor = output.logits[:, -length - 1 : -1]
    return logits
