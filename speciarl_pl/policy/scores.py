"""Scores of completion tokens, on the grid of rollouts by tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from speciarl_pl.records import RolloutGroup


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What the policy says of each token of R completions, padded on the right to T tokens."""

    logprobs: Tensor
    """float32 [R, T]: natural log of the probability of each token, 0 at padding; carries the
    gradient to the adapter unless computed under `no_grad`."""
    entropy: Tensor
    """float32 [R, T] without gradient, in nats, 0 at padding; all 0 if it was not asked for."""
    mask: Tensor
    """bool [R, T]: true on tokens, false on padding."""


@dataclass(frozen=True, slots=True)
class FlatScores:
    """The same before padding: the M tokens of all completions in a line."""

    logprobs: Tensor
    """float32 [M]."""
    entropy: Tensor
    """float32 [M], without gradient."""


def completion_lengths(groups: Sequence[RolloutGroup]) -> list[int]:
    """Tokens of every completion of all groups, in order."""
    return [rollout.tokens.numel() for group in groups for rollout in group.rollouts]


def length_mask(lengths: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """Bool [R, T], true on the first `lengths[r]` places of row r; T is the longest."""
    places = torch.arange(max(lengths), device=device)
    return places < torch.tensor(lengths, device=device)[:, None]


def to_grid(flat: FlatScores, lengths: Sequence[int]) -> TokenScores:
    """Lay M = sum(lengths) scores out as [R, T], 0 at padding."""
    mask = length_mask(lengths, flat.logprobs.device)
    blank = flat.logprobs.new_zeros(mask.shape)
    return TokenScores(
        logprobs=blank.masked_scatter(mask, flat.logprobs),
        entropy=blank.masked_scatter(mask, flat.entropy),
        mask=mask,
    )
