"""From a sample to the tensors of its prompt: chat template, image tokens, pixels."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.errors import ModelError
from speciarl_pl.records import EncodedPrompt, Sample


class PromptEncoder(ABC):
    """Encodes one user turn, image first, ready for the answer; picklable for data workers."""

    def __init__(self, tokenizer: Any, image_processor: Any) -> None:
        self.tokenizer = tokenizer
        self.image_processor = image_processor

    @abstractmethod
    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample; tensors are on the CPU."""


def user_turn(prompt: str) -> list[dict[str, Any]]:
    """The conversation that chat templates take: one user turn, image first."""
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    return [{"role": "user", "content": content}]


class QwenPromptEncoder(PromptEncoder):
    """For Qwen2-VL, Qwen2.5-VL and Qwen3-VL, whose own processor class needs torchvision.

    Args:
        tokenizer: With a chat template that knows images.
        image_processor: Gives `pixel_values` and `image_grid_thw`.
        image_token_id: Placeholder of one image token.
    """

    def __init__(self, tokenizer: Any, image_processor: Any, image_token_id: int) -> None:
        super().__init__(tokenizer, image_processor)
        self.image_token_id = image_token_id

    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample.

        Raises:
            ValueError: If the question itself holds the placeholder of an image.
        """
        vision = self.image_processor(images=[sample.image], return_tensors="pt")
        input_ids = self._expand(self._tokenize(sample.prompt), self._image_tokens(vision))
        return EncodedPrompt(
            input_ids=input_ids,
            mm_token_type_ids=(input_ids == self.image_token_id).long(),
            vision={name: vision[name] for name in ("pixel_values", "image_grid_thw")},
        )

    def _tokenize(self, prompt: str) -> Tensor:
        text = self.tokenizer.apply_chat_template(
            user_turn(prompt), tokenize=False, add_generation_prompt=True
        )
        encoded = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        return torch.as_tensor(encoded["input_ids"][0])

    def _image_tokens(self, vision: Mapping[str, Tensor]) -> int:
        return int(vision["image_grid_thw"].prod()) // int(self.image_processor.merge_size) ** 2

    def _expand(self, input_ids: Tensor, count: int) -> Tensor:
        """Repeat the one placeholder `count` times."""
        found = (input_ids == self.image_token_id).nonzero().flatten().tolist()
        if len(found) != 1:
            raise ValueError(
                f"prompt: expected one image placeholder after the chat template, got {len(found)};"
                " the template must place one image, the question must not name the placeholder"
            )
        image = input_ids.new_full((count,), self.image_token_id)
        return torch.cat([input_ids[: found[0]], image, input_ids[found[0] + 1 :]])


class ProcessorPromptEncoder(PromptEncoder):
    """For any other VLM, through its own processor.

    Args:
        processor: As given by `AutoProcessor`.
        image_token_ids: Placeholders of image tokens.
    """

    def __init__(self, processor: Any, image_token_ids: list[int]) -> None:
        super().__init__(processor.tokenizer, processor.image_processor)
        self.processor = processor
        self.image_token_ids = image_token_ids

    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample."""
        text = self.processor.apply_chat_template(
            user_turn(sample.prompt), tokenize=False, add_generation_prompt=True
        )
        begins = self.tokenizer.bos_token
        encoded = dict(
            self.processor(
                images=[sample.image],
                text=[text],
                return_tensors="pt",
                # Most templates write the token that begins a text; it must not be there twice.
                add_special_tokens=not (begins and text.startswith(begins)),
            )
        )
        input_ids = encoded.pop("input_ids")
        for name in ("attention_mask", "labels"):  # made for each row, and for no loss of its own
            encoded.pop(name, None)
        self._check(encoded)
        of_tokens = {n: v for n, v in encoded.items() if v.shape == input_ids.shape}
        vision = {name: value for name, value in encoded.items() if name not in of_tokens}
        kinds = torch.isin(input_ids[0], torch.tensor(self.image_token_ids)).long()
        per_token = {name: value[0].long() for name, value in of_tokens.items()}
        return EncodedPrompt(
            input_ids[0], per_token.pop("mm_token_type_ids", kinds), vision, per_token
        )

    def _check(self, encoded: Mapping[str, Any]) -> None:
        """Make sure that images can be joined to batches at all."""
        for name, value in encoded.items():
            if not isinstance(value, Tensor) or value.dim() == 0:
                raise ModelError(
                    f"model.base: {type(self.processor).__name__} makes {name} a "
                    f"{type(value).__name__} of an image, expected a tensor with a first dimension "
                    "to join images along; choose a model of another family"
                )
