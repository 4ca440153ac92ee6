"""From a sample to the tensors of its prompt: chat template, image tokens, pixels."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from speciarl_pl.errors import ModelError, PromptError
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
        other_token_ids: What else around images and videos a question must not name.
    """

    def __init__(
        self,
        tokenizer: Any,
        image_processor: Any,
        image_token_id: int,
        other_token_ids: Sequence[int] = (),
    ) -> None:
        super().__init__(tokenizer, image_processor)
        self.image_token_id = image_token_id
        self.other_token_ids = list(other_token_ids)

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
        return _texts(
            self.tokenizer, {self.image_token_id: None, **dict.fromkeys(self.other_token_ids)}
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
            raise _misplaced(len(found), self._names())
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
        """Encode the image and the question of a sample.

        Raises:
            PromptError: As of `QwenPromptEncoder`.
            ModelError: If images of this model cannot be joined to batches.
        """
        names = self._names()
        check_question(sample.prompt, names)
        text = self.render(sample.prompt)
        encoded = self._process(sample.image, text)
        input_ids = encoded.pop("input_ids")
        kinds = torch.isin(input_ids[0], torch.tensor(self.image_token_ids)).long()
        if not kinds.any():
            raise _misplaced(0, names)
        of_tokens = {n: v for n, v in encoded.items() if v.shape == input_ids.shape}
        vision = {name: value for name, value in encoded.items() if name not in of_tokens}
        per_token = {name: value[0].long() for name, value in of_tokens.items()}
        return EncodedPrompt(
            input_ids[0], per_token.pop("mm_token_type_ids", kinds), vision, per_token
        )

    def _process(self, image: Image, text: str) -> dict[str, Tensor]:
        """What the processor makes of an image and a rendered turn, for the model."""
        begins = self.tokenizer.bos_token
        encoded = dict(
            self.processor(
                images=[image],
                text=[text],
                return_tensors="pt",
                # Most templates write the token that begins a text; it must not be there twice.
                add_special_tokens=not (begins and text.startswith(begins)),
            )
        )
        for name in ("attention_mask", "labels"):  # made for each row, and for no loss of its own
            encoded.pop(name, None)
        for name, value in encoded.items():
            if not isinstance(value, Tensor) or value.dim() == 0:
                raise ModelError(
                    f"model.base: {type(self.processor).__name__} makes {name} a "
                    f"{type(value).__name__} of an image, expected a tensor with a first dimension "
                    "to join images along; choose a model of another family"
                )
        return encoded

    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""
        return _rendered(self.processor, prompt)

    def _names(self) -> list[str]:
        """Texts that the processor turns into an image, wherever they come from."""
        own = (getattr(self.processor, name, None) for name in ("image_token", "boi_token"))
        names = [name for name in own if isinstance(name, str) and name]
        return list(dict.fromkeys([*names, *_texts(self.tokenizer, self.image_token_ids)]))


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
        raise _misplaced(1 + named, placeholders)


def _texts(tokenizer: Any, token_ids: Iterable[int]) -> list[str]:
    found = tokenizer.convert_ids_to_tokens(list(token_ids))
    return [token for token in found if isinstance(token, str)]  # None where there is no such id


def _misplaced(found: int, placeholders: Sequence[str]) -> PromptError:
    return PromptError(
        f"data.prompt: expected one image placeholder after the chat template, got {found}; the "
        "template must place one image, and the question must not name a placeholder "
        f"({', '.join(placeholders)})"
    )


def _rendered(template: Any, prompt: str) -> str:
    text: Any = template.apply_chat_template(
        user_turn(prompt), tokenize=False, add_generation_prompt=True
    )
    return str(text)
