"""From a sample to the tensors of its prompt: chat template, image tokens, pixels."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.errors import PromptError
from speciarl_pl.records import EncodedPrompt, Sample

_OPEN_THINK = re.compile(r"<think\s*>\s*$", re.IGNORECASE)


class PromptEncoder(ABC):
    """Encodes one user turn, image first, ready for the answer; picklable for data workers.

    Args:
        tokenizer: The tokenizer of the model.
        image_processor: The image processor of the model.
        banned_token_ids: Tokens that only an image may bring into a row.
    """

    def __init__(
        self, tokenizer: Any, image_processor: Any, banned_token_ids: Sequence[int]
    ) -> None:
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.banned_token_ids = sorted(set(banned_token_ids))

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
    """For Qwen-VL and GLM-4V of all versions, whose own processor classes need torchvision.

    Args:
        tokenizer: With a chat template that knows images.
        image_processor: Gives `pixel_values` and `image_grid_thw`.
        image_token_id: Placeholder of one image token.
        other_token_ids: What else around images and videos a question must not name.
    """

    def __init__(
        self,
        tokenizer: Any,
        image_processor: Any,
        image_token_id: int,
        other_token_ids: Sequence[int] = (),
    ) -> None:
        super().__init__(tokenizer, image_processor, [image_token_id, *other_token_ids])
        self.image_token_id = image_token_id

    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample.

        Raises:
            PromptError: If the question itself names the placeholder of an image, or the template
                places no image or several.
        """
        check_question(sample.prompt, self._names())
        vision = self.image_processor(images=[sample.image], return_tensors="pt")
        input_ids = self._expand(self._tokenize(sample.prompt), self._image_tokens(vision))
        return EncodedPrompt(
            input_ids=input_ids,
            mm_token_type_ids=(input_ids == self.image_token_id).long(),
            vision={name: vision[name] for name in ("pixel_values", "image_grid_thw")},
        )

    def _names(self) -> list[str]:
        ids = dict.fromkeys([self.image_token_id, *self.banned_token_ids])
        return texts_of(self.tokenizer, ids)

    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""
        text: Any = self.tokenizer.apply_chat_template(
            user_turn(prompt), tokenize=False, add_generation_prompt=True
        )
        return str(text)

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
            raise misplaced(len(found), self._names())
        image = input_ids.new_full((count,), self.image_token_id)
        return torch.cat([input_ids[: found[0]], image, input_ids[found[0] + 1 :]])


def check_question(prompt: str, placeholders: Sequence[str]) -> None:
    """Refuse a question that names a placeholder, which would become an image too.

    Args:
        prompt: Text of the user's turn.
        placeholders: Texts that stand for an image, or for the beginning or end of one.

    Raises:
        PromptError: If one of them is in `prompt`.

    Example:
        >>> check_question("What is in <image>?", ["<image>"])
        Traceback (most recent call last):
            ...
        speciarl_pl.errors.PromptError: data.prompt: expected one image placeholder after the \
chat template, got 2; the template must place one image, and the question must not name a \
placeholder (<image>)
    """
    named = sum(prompt.count(name) for name in placeholders)
    if named:
        raise misplaced(1 + named, placeholders)


def texts_of(tokenizer: Any, token_ids: Iterable[int]) -> list[str]:
    """Texts of tokens, without those that the tokenizer does not know."""
    found = tokenizer.convert_ids_to_tokens(list(token_ids))
    return [token for token in found if isinstance(token, str)]  # None where there is no such id


def misplaced(found: int, placeholders: Sequence[str]) -> PromptError:
    """The error of a prompt that holds no image, or several."""
    return PromptError(
        f"data.prompt: expected one image placeholder after the chat template, got {found}; the "
        "template must place one image, and the question must not name a placeholder "
        f"({', '.join(placeholders)})"
    )
