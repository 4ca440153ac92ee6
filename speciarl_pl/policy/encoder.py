"""From a sample to the tensors of its prompt: chat template, image tokens, pixels."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.records import EncodedPrompt, Sample

_OPEN_THINK = re.compile(r"<think\s*>\s*$", re.IGNORECASE)


class PromptEncoder(ABC):
    """Encodes one user turn, image first, ready for the answer; picklable for data workers."""

    def __init__(self, tokenizer: Any, image_processor: Any) -> None:
        self.tokenizer = tokenizer
        self.image_processor = image_processor

    @abstractmethod
    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample; tensors are on the CPU."""

    @abstractmethod
    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""

    @cached_property
    def thinking_opened(self) -> bool:
        """Whether the chat template itself opens `<think>`, as that of Qwen3-VL-Thinking does.

        A completion is then thought until its `</think>`.
        """
        return _OPEN_THINK.search(self.render("What is it?")) is not None


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

    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""
        return _rendered(self.tokenizer, prompt)

    def _tokenize(self, prompt: str) -> Tensor:
        text = self.render(prompt)
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
        text = self.render(sample.prompt)
        encoded = dict(self.processor(images=[sample.image], text=[text], return_tensors="pt"))
        input_ids = encoded.pop("input_ids")[0]
        for name in ("attention_mask", "mm_token_type_ids", "token_type_ids"):
            encoded.pop(name, None)
        kinds = torch.isin(input_ids, torch.tensor(self.image_token_ids)).long()
        return EncodedPrompt(input_ids, kinds, encoded)

    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""
        return _rendered(self.processor, prompt)


def _rendered(template: Any, prompt: str) -> str:
    text: Any = template.apply_chat_template(
        user_turn(prompt), tokenize=False, add_generation_prompt=True
    )
    return str(text)
