"""What the base learns from: images as the model takes them, questions and completions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2VLImageProcessorPil

from speciarl_pl.world.drawing import draw
from speciarl_pl.world.samples import WorldSpec
from speciarl_pl.world.wording import completion

IMAGE_TOKENS: Final = 4
"""Tokens of one world image."""

IGNORED: Final = -100
"""Target of a position that is not learned from."""

_PROMPTS = Path(__file__).parents[1] / "data" / "prompts"
_USUAL, *_OTHERS = ("brief", "general", "specific")
_USUAL_SHARE = 0.85
_CHUNK = 256
_ANSWER_WEIGHT = 3.0


def usual_question() -> str:
    """The question that the base is asked most: the prompt `brief`."""
    return (_PROMPTS / f"{_USUAL}.txt").read_text(encoding="utf-8").strip()


def other_questions() -> tuple[str, ...]:
    """Other wordings, long and short, so that another prompt does not break the base."""
    own = Path(__file__).with_name("questions.txt").read_text(encoding="utf-8")
    files = [(_PROMPTS / f"{name}.txt").read_text(encoding="utf-8").strip() for name in _OTHERS]
    return (*files, *own.strip().splitlines())


def draw_question(rng: np.random.Generator) -> str:
    """The usual question, now and then another."""
    others = other_questions()
    if rng.random() < _USUAL_SHARE:
        return usual_question()
    return others[int(rng.integers(len(others)))]


def encode_question(tokenizer: PreTrainedTokenizerFast, question: str) -> Tensor:
    """Token ids of one user turn about a world image, int64 [P]."""
    content = [{"type": "image"}, {"type": "text", "text": question}]
    conversation: Any = [{"role": "user", "content": content}]
    text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    expanded = str(text).replace("<|image_pad|>", "<|image_pad|>" * IMAGE_TOKENS)
    return torch.tensor(tokenizer(expanded)["input_ids"])


def encode_images(processor: Qwen2VLImageProcessorPil, specs: Sequence[WorldSpec]) -> Tensor:
    """Draw images and cut them into patches, float16 [n, patches, patch dimension]."""
    chunks = []
    for start in range(0, len(specs), _CHUNK):
        images = [draw(spec) for spec in specs[start : start + _CHUNK]]
        pixels = processor(images=images, return_tensors="pt")["pixel_values"]
        chunks.append(pixels.view(len(images), -1, pixels.shape[-1]).half())
    return torch.cat(chunks)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One batch of the supervised run; all its rows ask the same question."""

    input_ids: Tensor
    """int64 [B, L]: question, completion, padding at the end."""
    targets: Tensor
    """int64 [B, C]: the completions' tokens, `IGNORED` where there is padding; C = L - P."""
    weights: Tensor
    """float32 [B, C]: how much each token counts; the answer's count more than the thought's."""


def make_lesson(
    tokenizer: PreTrainedTokenizerFast, specs: Sequence[WorldSpec], rng: np.random.Generator
) -> Lesson:
    """Ask one question about every image and draw a completion for each."""
    question = encode_question(tokenizer, draw_question(rng))
    texts = [completion(spec, rng) + str(tokenizer.eos_token) for spec in specs]
    encoded = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    tokens, mask = torch.as_tensor(encoded["input_ids"]), torch.as_tensor(encoded["attention_mask"])
    rows = torch.cat([question.expand(len(texts), -1), tokens], dim=1)
    answers = (tokens == tokenizer.get_vocab()["<answer>"]).cumsum(dim=1)
    weights = (1 + (_ANSWER_WEIGHT - 1) * answers) * mask
    return Lesson(rows, tokens.masked_fill(mask == 0, IGNORED), weights)
