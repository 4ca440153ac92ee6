"""Shared-prefix rows: all rollouts of an image behind one copy of its prompt.

The tokens of B groups with R completions in all lie in ONE row without padding,
`[prompt 1 | .. | prompt B | completion 1 | .. | completion R]`, so that linear layers see each
real token once and nothing else. `split_attention` keeps the groups and the completions apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.policy.rows.decoders import image_token_id
from speciarl_pl.policy.scores import completion_lengths, length_mask
from speciarl_pl.records import EncodedPrompt, RolloutGroup


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Where the prompts and completions lie in the row."""

    prompts: tuple[int, ...]
    """Tokens of each of the B prompts."""
    completions: tuple[int, ...]
    """Tokens of each of the R completions, those of the first prompt first."""
    sizes: tuple[int, ...]
    """Completions of each of the B prompts; they sum to R."""

    @property
    def prefix(self) -> int:
        """Tokens of all prompts; the completions start here."""
        return sum(self.prompts)

    @property
    def owners(self) -> list[int]:
        """Index of the prompt of each completion."""
        return [index for index, size in enumerate(self.sizes) for _ in range(size)]

    @property
    def longest(self) -> int:
        """Tokens of the longest completion together with its prompt."""
        own = zip(self.owners, self.completions, strict=True)
        return max(self.prompts[owner] + length for owner, length in own)


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Index tensors that take a row of L tokens apart into padded blocks, and back."""

    prompts: Tensor
    """int64 [B, P]: places of the prompt tokens; 0 at padding."""
    prompt_mask: Tensor
    """bool [B, P]: false at padding."""
    completions: Tensor
    """int64 [R, T]: places of the completion tokens; 0 at padding."""
    owners: Tensor
    """int64 [R]: prompt of each completion."""
    back: Tensor
    """int64 [L]: place of each token of the row in [B * P | R * T] flattened."""
    longest: int
    """Tokens of the longest completion with its prompt."""


@dataclass(frozen=True, slots=True)
class PackedRow:
    """The row that the language model takes, L tokens long, M of them completion tokens."""

    input_ids: Tensor
    """int64 [1, L]."""
    positions: Tensor
    """int64 [1, L], or [3, 1, L] with M-RoPE; every completion goes on where its prompt ended."""
    image_mask: Tensor
    """bool [1, L]: true on the image tokens of the prompts."""
    predictors: Tensor
    """int64 [M]: place in the row of the token before each completion token."""
    targets: Tensor
    """int64 [M]: the completion tokens."""
    layout: RowLayout
    """Where everything lies."""
    index: RowIndex
    """How attention takes it apart."""


def pack(model: Any, groups: Sequence[RolloutGroup], device: torch.device) -> PackedRow:
    """Lay groups out as one row.

    Args:
        model: A VLM; knows its image token, and the positions of image tokens.
        groups: B groups, with prompts and completions of any length.
        device: Where the row goes.

    Returns:
        The row.
    """
    layout = layout_of(groups)
    targets = torch.cat([rollout.tokens for group in groups for rollout in group.rollouts])
    prompt_ids = [group.prompt.input_ids.cpu() for group in groups]
    of_images = torch.cat(prompt_ids) == image_token_id(model)
    image_mask = torch.cat([of_images, torch.zeros_like(targets, dtype=torch.bool)])
    return PackedRow(
        input_ids=torch.cat([*prompt_ids, targets])[None].to(device),
        positions=_row_positions(model, groups).to(device),
        image_mask=image_mask[None].to(device),
        predictors=predictor_index(layout).to(device),
        targets=targets.to(device),
        layout=layout,
        index=row_index(layout, device),
    )


def layout_of(groups: Sequence[RolloutGroup]) -> RowLayout:
    """Count the tokens of every prompt and completion."""
    return RowLayout(
        prompts=tuple(group.prompt.input_ids.numel() for group in groups),
        completions=tuple(completion_lengths(groups)),
        sizes=tuple(len(group.rollouts) for group in groups),
    )


def row_index(layout: RowLayout, device: torch.device) -> RowIndex:
    """Index tensors for a layout."""
    prompt_mask, own_mask = (length_mask(x) for x in (layout.prompts, layout.completions))
    both = torch.cat([prompt_mask.flatten(), own_mask.flatten()])
    return RowIndex(
        prompts=_places(prompt_mask, 0).to(device),
        prompt_mask=prompt_mask.to(device),
        completions=_places(own_mask, layout.prefix).to(device),
        owners=torch.tensor(layout.owners).to(device),
        back=both.nonzero().squeeze(-1).to(device),
        longest=layout.longest,
    )


def predictor_index(layout: RowLayout) -> Tensor:
    """Place [M] of the token before each completion token: a first token follows its prompt."""
    lengths = torch.tensor(layout.completions)
    firsts = lengths.cumsum(0) - lengths
    before = torch.arange(int(lengths.sum())) + layout.prefix - 1
    prompt_ends = torch.tensor(layout.prompts).cumsum(0) - 1
    before[firsts] = prompt_ends[torch.tensor(layout.owners)]
    return before


def prompt_positions(model: Any, prompt: EncodedPrompt) -> Tensor:
    """Positions of one prompt, on the CPU: M-RoPE int64 [3, P] where a model has it, else [P]."""
    ids = prompt.input_ids.cpu()
    indexer = getattr(model.base_model, "get_rope_index", None)
    if indexer is None:
        return torch.arange(ids.numel())
    known = signature(indexer).parameters
    grids = {name: grid.cpu() for name, grid in prompt.vision.items() if name in known}
    positions, _ = indexer(ids[None], prompt.mm_token_type_ids.cpu()[None], **grids)
    return torch.as_tensor(positions[:, 0])


def _row_positions(model: Any, groups: Sequence[RolloutGroup]) -> Tensor:
    prompts = [prompt_positions(model, group.prompt) for group in groups]
    completions = [
        _positions_after(prompt, rollout.tokens.numel())
        for prompt, group in zip(prompts, groups, strict=True)
        for rollout in group.rollouts
    ]
    return torch.cat([*prompts, *completions], dim=-1).unsqueeze(-2)


def _positions_after(prompt: Tensor, length: int) -> Tensor:
    """Positions [length] or [3, length] of a completion: it goes on where its prompt ended."""
    following = torch.arange(length) + int(prompt.max()) + 1
    return following.expand(*prompt.shape[:-1], -1)


def _places(mask: Tensor, offset: int) -> Tensor:
    """Number the true places of a bool mask from `offset` on; 0 at the others."""
    numbers = mask.flatten().cumsum(0).view(mask.shape) - 1 + offset
    return numbers.masked_fill(~mask, 0)
