"""Features of the frozen vision tower, computed once an image and scattered into the row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.records import EncodedPrompt


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What the frozen tower makes of one image; the same for policy, old and reference passes."""

    embeds: Tensor
    """[image tokens, hidden], in place of the embeddings of the image tokens."""
    deepstack: tuple[Tensor, ...] = ()
    """Qwen3-VL: one [image tokens, hidden] per early layer, added to its output."""


@torch.no_grad()
def image_features(backbone: Any, prompts: Sequence[EncodedPrompt]) -> list[ImageFeatures]:
    """Run the tower once over the images of all prompts.

    Args:
        backbone: `Qwen2VLModel`, `Qwen2_5_VLModel` or `Qwen3VLModel`.
        prompts: One image each, of any size.

    Returns:
        The features of each image, on the tower's device.
    """
    device = backbone.device
    pixels = torch.cat([prompt.vision["pixel_values"] for prompt in prompts]).to(device)
    grids = torch.cat([prompt.vision["image_grid_thw"] for prompt in prompts]).to(device)
    found = backbone.get_image_features(pixels, grids, return_dict=True)
    levels = getattr(found, "deepstack_features", None) or []
    return [
        ImageFeatures(embeds, tuple(level[index] for level in levels))
        for index, embeds in enumerate(found.pooler_output)
    ]


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
    """Extra arguments of Qwen3-VL's language model; empty for the others.

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
    return {"visual_pos_masks": image_mask, "deepstack_visual_embeds": stacked}
