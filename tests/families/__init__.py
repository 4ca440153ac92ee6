"""Tiny random vision-language models, family by family, in the form of their real repositories.

A repository holds what the real one holds, with its names and in its way: `config.json`, the image
processor and its size options in `preprocessor_config.json`, `processor_config.json` where there is
one, a tokenizer that begins texts as the real one does, a chat template with the turn markers of
the family, kept in the file where the real repository keeps it, and weights in one file or several.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from speciarl_pl.policy.prompts.processors import image_backend

from . import google, llava, mosaic, others, qwen
from .repository import Repository

FAMILIES: dict[str, Callable[[], Repository]] = {
    one.__name__: one
    for one in (
        qwen.qwen2_vl,
        qwen.qwen2_5_vl,
        qwen.qwen3_vl,
        qwen.qwen3_vl_moe,
        qwen.qwen3_5,
        qwen.glm4v,
        mosaic.smolvlm,
        mosaic.idefics3,
        llava.llava,
        llava.llava_onevision,
        llava.llava_next,
        others.internvl,
        google.gemma3,
        others.mistral3,
        others.mllama,
        google.paligemma,
    )
}

NEED_TORCHVISION = ("smolvlm", "llava_onevision", "internvl", "mistral3")
"""Families whose processor of transformers cannot be had without it."""


_SKIPPED = pytest.mark.skip(reason="its processor needs torchvision")

FEW = ("idefics3", "gemma3", "mllama")
"""Three that differ most: tiles with names, tokens that see each other, layers for the image."""


def marked(names: Iterable[str] = FAMILIES, slow: bool = True) -> list[object]:
    """Families as parameters, without those that cannot be had here; all but a few are slow."""
    absent = image_backend() == "pil"
    return [
        pytest.param(
            name,
            marks=[
                *([pytest.mark.slow] if slow and name not in FEW else []),
                *([_SKIPPED] if absent and name in NEED_TORCHVISION else []),
            ],
        )
        for name in names
    ]


def chosen() -> list[object]:
    """Families that are trained through the command line: all with `FAMILIES=all`, else a few."""
    return marked(FAMILIES if os.environ.get("FAMILIES") == "all" else FEW, slow=False)


def save(directory: Path, family: str, weights: bool = True) -> Path:
    """Write the repository of a family, or what of it is read before the weights."""
    FAMILIES[family]().save(directory, weights)
    return directory
