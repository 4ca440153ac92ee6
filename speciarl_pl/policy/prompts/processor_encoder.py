"""Prompts through a model's own processor."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from PIL.Image import Image
from torch import Tensor

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.prompts.encoder import (
    PromptEncoder,
    check_question,
    misplaced,
    texts_of,
    user_turn,
)
from speciarl_pl.policy.prompts.image_tokens import brought_token_ids, declared_tokens, probes
from speciarl_pl.records import EncodedPrompt, Sample

WITHOUT_TEMPLATE: Final = ("paligemma",)
"""Families that know no turns: an image and a question make their prompt."""

_NOT_FOR_THE_MODEL: Final = ("attention_mask", "labels")
"""Made for each row, and for no loss of its own."""


class ProcessorPromptEncoder(PromptEncoder):
    """For any VLM whose processor turns a text and an image into a prompt.

    Args:
        processor: As given by `AutoProcessor`.
        image_token_ids: Placeholders of image tokens, as the model knows them.
        other_token_ids: What else around images and videos a question must not name.

    Raises:
        ModelError: If no prompt can be made, as of a call: it is tried at once.
        PromptError: The same.
    """

    def __init__(
        self, processor: Any, image_token_ids: Sequence[int], other_token_ids: Sequence[int] = ()
    ) -> None:
        known = [*image_token_ids, *other_token_ids]
        super().__init__(processor.tokenizer, processor.image_processor, known)
        self.processor = processor
        self.image_token_ids = list(image_token_ids)
        self.placeholders = [*declared_tokens(processor), *texts_of(self.tokenizer, known)]
        """Texts that the processor turns into an image or puts around one."""
        self.banned_token_ids = sorted({*known, *self._brought_token_ids()})
        named = [*self.placeholders, *texts_of(self.tokenizer, self.banned_token_ids)]
        self.placeholders = list(dict.fromkeys(named))

    def __call__(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample.

        Raises:
            PromptError: As of `QwenPromptEncoder`.
            ModelError: If images of this model cannot be joined to batches.
        """
        check_question(sample.prompt, self.placeholders)
        encoded = self._process(sample.image, self.render(sample.prompt))
        input_ids = encoded.pop("input_ids")
        kinds = torch.isin(input_ids[0], torch.tensor(self.image_token_ids)).long()
        if not kinds.any():
            raise misplaced(0, self.placeholders)
        # An image has fewer tiles than tokens, so that its own tensors are not taken for these.
        of_tokens = {n: v for n, v in encoded.items() if v.shape[:2] == input_ids.shape}
        vision = {name: value for name, value in encoded.items() if name not in of_tokens}
        per_token = {name: value[0].long() for name, value in of_tokens.items()}
        return EncodedPrompt(
            input_ids[0], per_token.pop("mm_token_type_ids", kinds), vision, per_token
        )

    def render(self, prompt: str) -> str:
        """The text of a turn that asks `prompt`, up to where the answer begins."""
        if self.processor.chat_template is None:
            return f"{self.processor.image_token}{prompt}"
        return self._rendered(user_turn(prompt))

    def _brought_token_ids(self) -> list[int]:
        """Special tokens that an image brings into a prompt, found by trying it."""
        question = "What is it?"
        shown = [Sample("probe", "probe", "", question, image) for image in probes()]
        whole = [self(sample).input_ids for sample in shown]
        return brought_token_ids(self.tokenizer, whole, self._without_image(question))

    def _without_image(self, prompt: str) -> list[int]:
        if self.processor.chat_template is None:
            text = prompt
        else:
            turn = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
            text = self._rendered(turn)
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _rendered(self, conversation: list[dict[str, Any]]) -> str:
        # The tokenizer renders what the processor would, which thinks of videos and says so.
        text: Any = self.tokenizer.apply_chat_template(
            conversation,
            chat_template=self.processor.chat_template,
            tokenize=False,
            add_generation_prompt=True,
        )
        return str(text)

    def _process(self, image: Image, text: str) -> dict[str, Tensor]:
        """What the processor makes of an image and a rendered turn, for the model."""
        begins = self.tokenizer.bos_token
        encoded = self.processor(
            images=[image],
            text=[text],
            return_tensors="pt",
            # Most templates write the token that begins a text; it must not be there twice.
            add_special_tokens=not (begins and text.startswith(begins)),
        )
        return self._checked(
            {name: value for name, value in encoded.items() if name not in _NOT_FOR_THE_MODEL}
        )

    def _checked(self, encoded: Mapping[str, Any]) -> dict[str, Tensor]:
        for name, value in encoded.items():
            if not isinstance(value, Tensor) or value.dim() == 0:
                raise ModelError(
                    f"model.base: {type(self.processor).__name__} makes {name} a "
                    f"{type(value).__name__} of an image, expected a tensor with a first dimension "
                    "to join images along; choose a model of another family"
                )
        return dict(encoded)
