"""Tokenizer and image processor of a model, before any weights are read."""

import json
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any, Final, Literal

import transformers as typed_transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from speciarl_pl.errors import ModelError
from speciarl_pl.hub_ids import pinned
from speciarl_pl.policy.prompts.encoder import PromptEncoder, QwenPromptEncoder
from speciarl_pl.policy.prompts.image_tokens import declared_token_ids, image_token_ids, probes
from speciarl_pl.policy.prompts.pixels import limit_pixels
from speciarl_pl.policy.prompts.processor_encoder import WITHOUT_TEMPLATE, ProcessorPromptEncoder
from speciarl_pl.records import Sample
from speciarl_pl.system.torchvision_repair import NEED_TORCHVISION

transformers: Any = typed_transformers  # its classes are only partly typed

QWEN_LIKE: Final = (
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "qwen3_vl_moe",
    "qwen3_5",
    "qwen3_5_moe",
    "glm4v",
    "glm4v_moe",
)
"""Types of models whose prompts need a tokenizer and an image processor alone."""


def load_encoder(
    path: str, config: Any, min_pixels: int | None = None, max_pixels: int | None = None
) -> PromptEncoder:
    """The prompt encoder of a model.

    Args:
        path: A directory, or a hub id.
        config: Of the model.
        min_pixels: As of `load_policy`.
        max_pixels: As of `load_policy`.

    Raises:
        ModelError: If the tokenizer, the image processor or the chat template is missing, or no
            prompt can be made with them.
        PromptError: If the chat template places no image.
        ValueError: If the image processor cannot keep to the limits.
    """
    load = _qwen_parts if config.model_type in QWEN_LIKE else _parts
    try:
        processor, images = load(path, config)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(_reason(path, config, error)) from error
    limit_pixels(images, min_pixels, max_pixels)
    others = declared_token_ids(config)
    if config.model_type in QWEN_LIKE:
        return QwenPromptEncoder(processor, images, config.image_token_id, others)
    try:
        return ProcessorPromptEncoder(processor, image_token_ids(config), others)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise ModelError(
            f"{path}: the processor of {config.model_type} makes no prompt of an image and a "
            f"question: {type(error).__name__}: {_first_line(error)}; take another family"
        ) from error


def check_shown(path: str, config: Any, encoder: PromptEncoder) -> None:
    """Make sure, before weights are read, that a prompt can be made and that the model sees it.

    What a forward pass does not know by name is not passed on; the image must not be among that.

    Raises:
        ModelError: Names the class of the model, if it takes no image under that name.
        PromptError: If the chat template places no image.
    """
    model: Any = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(config)]
    known = signature(model.forward).parameters
    image = Sample("probe", "probe", "", "What is it?", probes()[0])
    pixels = max(encoder(image).vision.items(), key=lambda named: named[1].numel())[0]
    if pixels not in known:
        raise ModelError(
            f"{path}: {model.__name__} takes no {pixels}, which its processor makes of an image; "
            "take another family"
        )


def image_backend() -> Literal["torchvision", "pil"]:
    """`torchvision` where it is installed and works with this torch, else `pil`."""
    if find_spec("torchvision") is None:
        return "pil"
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError):
        return "pil"
    return "torchvision"


def _qwen_parts(path: str, config: Any) -> tuple[Any, Any]:
    """Tokenizer, with its chat template, and image processor."""
    name, revision = pinned(path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        name, revision=revision, trust_remote_code=False
    )
    tokenizer.chat_template = _chat_template(path) or tokenizer.chat_template
    if tokenizer.chat_template is None:
        raise ValueError("neither processor nor tokenizer has a chat template")
    images = transformers.AutoImageProcessor.from_pretrained(name, **_options(revision))
    return tokenizer, images


def _parts(path: str, config: Any) -> tuple[Any, Any]:
    """Processor, with its chat template, and its image processor."""
    name, revision = pinned(path)
    processor = transformers.AutoProcessor.from_pretrained(name, **_options(revision))
    if processor.chat_template is None:
        processor.chat_template = processor.tokenizer.chat_template
    if processor.chat_template is None and config.model_type not in WITHOUT_TEMPLATE:
        raise ValueError("neither processor nor tokenizer has a chat template")
    return processor, processor.image_processor


def _options(revision: str | None) -> dict[str, Any]:
    # Code of a repository is never run; unless told so, transformers would ask on the terminal.
    return {"backend": image_backend(), "revision": revision, "trust_remote_code": False}


def _chat_template(path: str) -> str | None:
    """The template that a processor would take before that of the tokenizer, if it has a file."""
    repository, revision = pinned(path)
    for name in ("chat_template.jinja", "chat_template.json"):
        try:
            file: str = transformers.utils.cached_file(repository, name, revision=revision)
            text = Path(file).read_text(encoding="utf-8")
        except OSError:
            continue
        return text if name.endswith("jinja") else str(json.loads(text)["chat_template"])
    return None


def _reason(path: str, config: Any, error: Exception) -> str:
    """Why a processor cannot be had, and what to install if that is the reason."""
    kind = config.model_type
    asks = "torchvision" in str(error) or "Video processor" in str(error)
    if image_backend() == "pil" and (kind in NEED_TORCHVISION or asks):
        return (
            f"{path}: the processor of {kind} models needs torchvision, which is missing or does "
            "not fit the installed torch; run: pip install torchvision (beside a torch for CPUs "
            "then also: python -m speciarl_pl doctor --repair)"
        )
    return f"{path}: tokenizer or image processor of {kind} cannot be loaded: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
