"""Scores of rollouts on plain rows: one per rollout, through the whole model.

The reference for shared-prefix rows in tests, and the way for every other VLM.
"""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speciarl_pl.policy.logprob import scaled_logits, scores_of_logits
from speciarl_pl.policy.scores import FlatScores, completion_lengths, length_mask
from speciarl_pl.records import EncodedPrompt, Rollout, RolloutGroup


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
    pairs = [(group.prompt, rollout) for group in groups for rollout in group.rollouts]
    inputs = plain_inputs(pairs, pad_token_id, model.device)
    lengths = completion_lengths(groups)
    longest = max(lengths)
    logits = completion_logits(model, inputs, longest)
    mask = length_mask(lengths, logits.device)
    targets = inputs["input_ids"][:, -longest:][mask]
    scaled = scaled_logits(logits[mask], temperature, banned)
    return scores_of_logits(scaled, targets, entropy=entropy)


def plain_inputs(
    pairs: Sequence[tuple[EncodedPrompt, Rollout]], pad_token_id: int, device: torch.device
) -> dict[str, Tensor]:
    """Arguments of a VLM for R rows `[padding | prompt | completion | padding]`.

    Args:
        pairs: R prompts, each with a completion.
        pad_token_id: Fills the rows.
        device: Where the arguments go.

    Returns:
        `input_ids`, `attention_mask`, `mm_token_type_ids`, int64 [R, P + T], and the images.
    """
    kinds = [(prompt.mm_token_type_ids, torch.zeros_like(r.tokens)) for prompt, r in pairs]
    ones = [(torch.ones_like(prompt.input_ids), torch.ones_like(r.tokens)) for prompt, r in pairs]
    rows = {
        "input_ids": _rows([(prompt.input_ids, r.tokens) for prompt, r in pairs], pad_token_id),
        "attention_mask": _rows(ones, 0),
        "mm_token_type_ids": _rows(kinds, 0),
        **join_vision([prompt.vision for prompt, _ in pairs]),
    }
    return {name: value.to(device) for name, value in rows.items()}


def join_vision(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Image arguments of several rows, joined along their first dimension."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def accepted(model: Any, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs that the forward pass of this model knows by name."""
    known = signature(model.forward).parameters
    return {name: value for name, value in inputs.items() if name in known}


def completion_logits(model: Any, inputs: Mapping[str, Tensor], length: int) -> Tensor:
    """Logits [R, length, V] that predict the last `length` tokens of every row."""
    keep = accepted(model, {"logits_to_keep": torch.tensor(length + 1)})
    extra = {name: length + 1 for name in keep}
    output = model(**accepted(model, inputs), use_cache=False, **extra)
    logits: Tensor = output.logits[:, -length - 1 : -1]
    return logits


def _rows(parts: Sequence[tuple[Tensor, Tensor]], filler: int) -> Tensor:
    """Pad prompts on the left and completions on the right: int64 [R, P + T]."""
    prompts = [prompt.cpu() for prompt, _ in parts]
    left = pad_sequence(prompts, batch_first=True, padding_value=filler, padding_side="left")
    completions = [completion.cpu() for _, completion in parts]
    return torch.cat([left, pad_sequence(completions, True, filler)], dim=1)
