"""Measures how a model names the images of the world."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2VLImageProcessorPil

from speciarl_pl.answer import extract_answer
from speciarl_pl.records import Unparsed
from speciarl_pl.world.architecture import token_id
from speciarl_pl.world.lessons import encode_images, encode_question, usual_question
from speciarl_pl.world.samples import WorldSpec
from speciarl_pl.world.wording import level_of

_WEIGHTS = {"kind": 0.2, "family": 0.6, "variant": 1.0}
_ROWS = 512


@dataclass(frozen=True, slots=True)
class Policy:
    """A model with what it needs to look at an image."""

    model: Any
    """A Qwen2.5-VL, bare or with an adapter."""
    tokenizer: PreTrainedTokenizerFast
    """Its tokenizer."""
    image_processor: Qwen2VLImageProcessorPil
    """Its image processor."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Rates over all samples of a list of images, each 0 to 1."""

    shares: dict[str, float]
    """Share of each level among all answers, with `wrong`."""
    correctness: float
    """Share of true answers: `kind`, `family` or `variant`."""
    specificity: float
    """Mean weight of the true answers: .2, .6 and 1 by level."""
    reaches_variant: float
    """Share of images for which at least one sample is the variant."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


@torch.no_grad()
def sample_answers(policy: Policy, specs: Sequence[WorldSpec], n: int) -> list[list[str]]:
    """Sample `n` completions an image at temperature 1, from torch's global seed.

    Returns:
        Texts [image][sample], without special tokens.
    """
    question = encode_question(policy.tokenizer, usual_question())
    step = max(1, _ROWS // n)
    texts: list[list[str]] = []
    for start in range(0, len(specs), step):
        chunk = specs[start : start + step]
        flat = _generate(policy, question, encode_images(policy.image_processor, chunk), n)
        texts.extend(flat[i : i + n] for i in range(0, len(flat), n))
    return texts


def _generate(policy: Policy, question: Tensor, pixels: Tensor, n: int) -> list[str]:
    ids = question.expand(len(pixels), -1)
    image_token = token_id(policy.tokenizer, "<|image_pad|>")
    out = policy.model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == image_token).long(),
        pixel_values=pixels.float().flatten(0, 1),
        image_grid_thw=torch.tensor([[1, 4, 4]] * len(pixels)),
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=40,
        num_return_sequences=n,
    )
    decoded: list[str] = policy.tokenizer.batch_decode(
        out[:, ids.shape[1] :], skip_special_tokens=True
    )
    return decoded


def judge_texts(spec: WorldSpec, texts: Sequence[str]) -> list[str]:
    """Level of each completion about `spec`; one without an answer is `wrong`."""
    answers = [extract_answer(text) for text in texts]
    return ["wrong" if isinstance(a, Unparsed) else level_of(spec, a.text) for a in answers]


def measure(policy: Policy, specs: Sequence[WorldSpec], n: int) -> Behaviour:
    """Sample `n` answers an image and count what they are."""
    texts = sample_answers(policy, specs, n)
    levels = [judge_texts(spec, group) for spec, group in zip(specs, texts, strict=True)]
    counts = Counter(level for group in levels for level in group)
    true = sum(counts[level] for level in _WEIGHTS)
    weight = sum(counts[level] * _WEIGHTS[level] for level in _WEIGHTS)
    return Behaviour(
        shares={level: counts[level] / counts.total() for level in sorted(counts)},
        correctness=true / counts.total(),
        specificity=weight / max(true, 1),
        reaches_variant=sum("variant" in group for group in levels) / len(levels),
    )
