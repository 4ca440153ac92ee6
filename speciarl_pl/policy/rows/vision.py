"""Features of the frozen vision tower, computed once an image and scattered into the row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from speciarl_pl.policy.rows.decoders import decoder_call, image_token_id
from speciarl_pl.policy.rows.inputs import joinable, row_inputs
from speciarl_pl.records import EncodedPrompt


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What the frozen tower makes of one image; the same for policy, old and reference passes."""

    embeds: Tensor
    """[image tokens, hidden], in place of the embeddings of the image tokens."""
    deepstack: tuple[Tensor, ...] = ()
    """Qwen3-VL: one [image tokens, hidden] per early layer, added to its output."""


DEEPSTACK: Final = ("visual_pos_masks", "deepstack_visual_embeds")
"""Arguments of a language model that takes features in its early layers too."""


@torch.no_grad()
def image_features(
    model: Any, prompts: Sequence[EncodedPrompt], *, pad_token_id: int
) -> list[ImageFeatures]:
    """Run the tower once over the images of all prompts.

    Images that cannot be joined go through it one after the other.

    Args:
        model: Any VLM whose config names its image token.
        prompts: One image each, of any size.
        pad_token_id: Fills rows.

    Returns:
        The features of each image, on the model's device.
    """
    found: dict[int, ImageFeatures] = {}
    for places in joinable(prompts):
        part = [prompts[place] for place in places]
        found.update(zip(places, _of_batch(model, part, pad_token_id), strict=True))
    return [found[place] for place in range(len(prompts))]


def _of_batch(
    model: Any, prompts: Sequence[EncodedPrompt], pad_token_id: int
) -> Iterator[ImageFeatures]:
    inputs = row_inputs(model, prompts, pad_token_id=pad_token_id)
    call = decoder_call(model, inputs)
    of_images = inputs["input_ids"] == image_token_id(model)
    sizes = of_images.sum(-1).tolist()
    deepstack = call.extra.get(DEEPSTACK[1], ())
    levels = [level.split(sizes) for level in (call.embeds[of_images], *deepstack)]
    return (ImageFeatures(embeds, tuple(above)) for embeds, *above in zip(*levels, strict=True))


def scatter(embeds: Tensor, image_mask: Tensor, features: Sequence[ImageFeatures]) -> Tensor:
    """Put image features into the row.

    Args:
        embeds: [1, L, hidden], embeddings of the tokens of the row.
        image_mask: bool [1, L], true on the image tokens of the prompts.
        features: One per image, in the order of the row.

    Returns:
        [1, L, hidden].
    """
    images = torch.cat([feature.embeds for feature in features]).to(embeds)
    return embeds.masked_scatter(image_mask[..., None], images)


def deepstack_arguments(
    image_mask: Tensor, features: Sequence[ImageFeatures]
) -> dict[str, Tensor | list[Tensor]]:
    """Extra arguments of a language model that takes features in early layers; else empty.

    Args:
        image_mask: bool [1, L], true on the image tokens of the prompts.
        features: One per image, in the order of the row.

    Returns:
        Keyword arguments.
    """
    levels = zip(*(feature.deepstack for feature in features), strict=True)
    stacked = [torch.cat(level) for level in levels]
    if not stacked:
        return {}
    return dict(zip(DEEPSTACK, (image_mask, stacked), strict=True))
