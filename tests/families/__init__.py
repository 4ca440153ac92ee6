"""Tiny random vision-language models, family by family, in the form of their real repositories.

A repository holds what the real one holds, with its names and in its way: `config.json`, the image
processor and its size options in `preprocessor_config.json`, `processor_config.json` where there is
one, a tokenizer that begins texts as the real one does, a chat template with the turn markers of
the family, kept in the file where the real repository keeps it, and weights in one file or several.
"""

from collections.abc import Callable
from pathlib import Path

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


def save(directory: Path, family: str) -> Path:
    """Write the repository of a family."""
    FAMILIES[family]().save(directory)
    return directory
