"""QLoRA: the linear layers of the language model in 4-bit NormalFloat, and nothing else."""

import warnings
from importlib.util import find_spec
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

from speciarl_pl.errors import MissingExtraError, ModelError
from speciarl_pl.policy.weights.linear_layers import decoder_linears, other_linears


def nf4_config(config: Any, compute_dtype: torch.dtype) -> Any:
    """Loading options for NF4.

    transformers matches the names to skip from the start of a module's full name
    (`model.visual...`), so every linear layer to spare is named in full.

    Args:
        config: Of the VLM.
        compute_dtype: In which 4-bit layers multiply.

    Returns:
        The options for `from_pretrained`.

    Raises:
        MissingExtraError: If bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError("bitsandbytes", "qlora")
    auto_model: Any = AutoModelForImageTextToText
    with torch.device("meta"):
        skeleton = auto_model.from_config(config, trust_remote_code=False)
    options: Any = BitsAndBytesConfig
    return options(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=other_linears(skeleton),
    )


def quantized_names(model: torch.nn.Module) -> list[str]:
    """Full names of all 4-bit layers of a model."""
    return [name for name, module in model.named_modules() if _is_4bit(type(module))]


def check_quantized(model: Any, path: str) -> None:
    """Make sure that exactly the language model's linear layers are 4-bit.

    Raises:
        ModelError: If the vision tower, the projector or the head was quantised, or a layer of
            the language model was not.
    """
    found, wanted = set(quantized_names(model)), set(decoder_linears(model))
    if found != wanted:
        odd = ", ".join(sorted(found ^ wanted)[:3])
        raise ModelError(
            f"{path}: expected 4-bit weights in the {len(wanted)} linear layers of the language"
            f" model only, got {len(found)} 4-bit layers; wrong are {odd}"
        )


def warn_of_experts(model: Any, path: str) -> None:
    """Say that the experts of a mixture stay wide, which are no linear layers in transformers."""
    experts = [
        parameter
        for name, parameter in model.get_decoder().named_parameters()
        if ".experts." in name and parameter.is_floating_point()
    ]
    if experts:
        size = sum(parameter.numel() * parameter.element_size() for parameter in experts)
        warnings.warn(
            f"{path}: quantization=nf4 leaves the experts of this model as they are, "
            f"{size / 2**30:.1f} GiB of {experts[0].dtype}; only its other layers are 4-bit",
            stacklevel=3,
        )


def keep_trainable(model: torch.nn.Module) -> None:
    """Keep 4-bit layers from repacking their weights on CPUs with AVX512-BF16.

    bitsandbytes does that in the first forward pass in eval mode without gradient, such as
    `generate`'s, into a form that has no backward pass; nothing turns them back for training.
    """
    layers: list[Any] = [module for module in model.modules() if _is_4bit(type(module))]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False


def _is_4bit(kind: type) -> bool:
    """Whether it is the layer itself, and not PEFT's wrapper of the same name."""
    return kind.__name__ == "Linear4bit" and kind.__module__.startswith("bitsandbytes")
