"""Arguments of a VLM for plain rows: prompts and completions between padding, and their images."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speciarl_pl.records import EncodedPrompt

_OF_COMPLETIONS: Final = {("paligemma", "token_type_ids"): 1}
"""What a per-token argument says of completions where that is not 0, by type of model. PaliGemma's
prompt (0) is seen as a whole by all its tokens; a completion must not be."""

_AS_THE_LAST: Final = ("cross_attention_mask",)
"""Arguments that say of a completion what they say of the last token of its prompt: Mllama's tells
which tiles of the image a token sees."""


def row_inputs(
    model: Any,
    prompts: Sequence[EncodedPrompt],
    completions: Sequence[Tensor] | None = None,
    *,
    pad_token_id: int,
) -> dict[str, Tensor]:
    """What a VLM takes for R rows `[padding | prompt | completion | padding]`.

    Args:
        model: Any VLM; only what its forward pass knows by name is given, on its device.
        prompts: R prompts whose images can be joined, see `joinable`.
        completions: R completions, int64 [T each]; None for prompts that wait for an answer.
        pad_token_id: Fills the rows.

    Returns:
        `input_ids`, `attention_mask` and what the processor says of each token, int64
        [R, P + T, ...], and the images.
    """
    ends = completions or [prompt.input_ids[:0] for prompt in prompts]
    ids = [prompt.input_ids for prompt in prompts]
    kinds = [{"mm_token_type_ids": p.mm_token_type_ids, **p.per_token} for p in prompts]
    rows = {
        "input_ids": _rows(ids, ends, pad_token_id),
        "attention_mask": _rows(list(map(torch.ones_like, ids)), list(map(torch.ones_like, ends))),
        **{name: _kinds(model, name, [kind[name] for kind in kinds], ends) for name in kinds[0]},
        **_join([prompt.vision for prompt in prompts]),
    }
    return {name: value.to(model.device) for name, value in accepted(model, rows).items()}


def accepted(model: Any, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs that the forward pass of this model knows by name."""
    known = signature(model.forward).parameters
    return {name: value for name, value in inputs.items() if name in known}


def joinable(prompts: Sequence[EncodedPrompt]) -> list[list[int]]:
    """Places of prompts whose images go through the model together, in the order of the first.

    Images are joined along their first dimension. What a processor makes of images of different
    sizes may differ in others: pixels, where it does not resize, or tiles of an image.

    Args:
        prompts: R prompts.

    Returns:
        A list for each shape; each of the R places is in one of them.
    """
    found: dict[object, list[int]] = {}
    for place, prompt in enumerate(prompts):
        shapes = tuple((name, tuple(prompt.vision[name].shape[1:])) for name in prompt.vision)
        found.setdefault(shapes, []).append(place)
    return list(found.values())


def _join(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Image arguments of several rows, in the order of the rows."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _kinds(model: Any, name: str, prompts: Sequence[Tensor], ends: Sequence[Tensor]) -> Tensor:
    """A per-token argument: 0 at padding, and on completions but for a few models."""
    if name in _AS_THE_LAST:
        later = [
            p[-1:].expand(len(end), *p.shape[1:]) for p, end in zip(prompts, ends, strict=True)
        ]
        return _rows(prompts, later)
    kind = _OF_COMPLETIONS.get((model.config.model_type, name), 0)
    return _rows(prompts, [torch.full_like(end, kind) for end in ends])


def _rows(prompts: Sequence[Tensor], completions: Sequence[Tensor], filler: int = 0) -> Tensor:
    """Pad prompts on the left and completions on the right: int64 [R, P + T, ...]."""
    left = [prompt.cpu() for prompt in prompts]
    right = [completion.cpu() for completion in completions]
    return torch.cat(
        [
            pad_sequence(left, batch_first=True, padding_value=filler, padding_side="left"),
            pad_sequence(right, batch_first=True, padding_value=filler),
        ],
        dim=1,
    )
