"""From a name and a few options to a policy."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import transformers as typed_transformers
from peft import PeftModel

from speciarl_pl.errors import ModelError
from speciarl_pl.hub_ids import pinned
from speciarl_pl.policy import identity
from speciarl_pl.policy.base_model import quiet, resolve, vlm_config
from speciarl_pl.policy.policy import Policy
from speciarl_pl.policy.prompts.encoder import PromptEncoder
from speciarl_pl.policy.prompts.pixels import share_shapes
from speciarl_pl.policy.prompts.processors import check_shown, load_encoder
from speciarl_pl.policy.rows.trial import choose_rows
from speciarl_pl.policy.rows.wide import widen_head
from speciarl_pl.policy.spec import Dtype, LoraSpec, Quantization, RowKind
from speciarl_pl.policy.weights import adapter as adapters
from speciarl_pl.policy.weights.dropout import switch_off_dropout
from speciarl_pl.policy.weights.finite import check_finite, weights
from speciarl_pl.policy.weights.quantize import (
    check_quantized,
    keep_trainable,
    nf4_config,
    warn_of_experts,
)

transformers: Any = typed_transformers  # its classes are only partly typed


def load_policy(
    base: str,
    *,
    lora: LoraSpec | None = None,
    quantization: Quantization | None = None,
    dtype: Dtype = "auto",
    gradient_checkpointing: bool = False,
    rows: RowKind = "auto",
    adapter: str | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> Policy:
    """Load a vision-language model and put a LoRA adapter on its language model.

    Args:
        base: `world`, a directory, or a hub id of a VLM of transformers, with `@` and a revision
            behind it if it is to stay the same (`owner/name@revision`).
        lora: The fresh adapter; `LoraSpec()` if missing. Not looked at when `adapter` is given.
        quantization: `nf4` for QLoRA.
        dtype: Type of the frozen weights.
        gradient_checkpointing: Recompute activations in the backward pass: slower, smaller.
        rows: How rollouts are laid out for scoring; `auto` tries whether the model computes
            shared-prefix rows as it does plain ones, and says so if not.
        adapter: Directory of a saved adapter to start from.
        min_pixels: Smaller images are enlarged to this area; the model's own if missing.
        max_pixels: Larger images are shrunk to this area; the model's own if missing. What both
            mean for families that count in tiles or know one size: `policy/prompts/pixels.py`.

    Returns:
        The policy, in eval mode, on the default device; on the GPU if it is quantised and there is
        one.

    Raises:
        ModelError: If `base` is not a usable VLM, or `adapter` does not fit it.
        MissingExtraError: If bitsandbytes is needed and absent.
        PromptError: If the chat template places no image.
        ValueError: If shared rows are asked for and the model does not allow them, or its image
            processor cannot keep to the limits.
    """
    place = torch.get_default_device()
    # Lightning calls this with the GPU as default device. The weights may go there at once, but
    # prompts are made on the CPU, as data workers make them, and so is a fresh adapter, whose
    # numbers are then the same on every machine.
    with torch.device("cpu"):
        path = resolve(base)
        config = vlm_config(path)
        with quiet():
            encoder = load_encoder(path, config, min_pixels, max_pixels)
            check_shown(path, config, encoder)
            with place:
                model = load_base(path, config, dtype, quantization)
            share_shapes(model, encoder.image_processor)
            adapted = (
                adapters.load(model, adapter)
                if adapter
                else adapters.attach(model, lora or LoraSpec())
            )
        without_dropout(adapted, adapter)
        if gradient_checkpointing:
            enable_checkpointing(model)
        policy = _on_plain_rows(adapted, encoder)
        policy.base_name = base
        if adapter and (needed := identity.read(adapter)):
            where = str(Path(adapter, identity.NAME))
            identity.check_base(needed, policy.identity, where, exported=True)
        policy.rows = choose_rows(policy, rows)
    return policy


def _on_plain_rows(adapted: PeftModel, encoder: PromptEncoder) -> Policy:
    """A policy as any model allows it, in eval mode."""
    model = adapted.get_base_model()
    policy = Policy(
        adapted,
        encoder,
        rows="plain",
        banned_token_ids=banned_token_ids(model, encoder),
        eos_token_ids=eos_token_ids(model, encoder.tokenizer),
        pad_token_id=pad_token_id(encoder.tokenizer),
    )
    return policy.eval()


def without_dropout(model: Any, adapter: str | None) -> None:
    """Switch dropout off, and say so if a loaded adapter was trained with it."""
    share = model.peft_config["default"].lora_dropout
    switch_off_dropout(model)
    if share:
        warnings.warn(
            f"{adapter}: its lora_dropout of {share} is switched off: ratio, clipping and KL"
            " compare passes that must see the same network; what is saved says 0",
            stacklevel=3,
        )


def load_base(path: str, config: Any, dtype: Dtype, quantization: Quantization | None) -> Any:
    """The frozen model, complete.

    Raises:
        ModelError: If weights are missing, do not fit the config, or are not finite.
        MissingExtraError: If bitsandbytes is needed and absent.
    """
    name, revision = pinned(path)
    options: dict[str, Any] = {
        "dtype": dtype,
        "attn_implementation": "sdpa",
        "revision": revision,
        "trust_remote_code": False,
    }
    if quantization == "nf4":
        options["quantization_config"] = nf4_config(config, _compute_dtype(config, dtype))
        options["device_map"] = {
            "": torch.cuda.current_device() if torch.cuda.is_available() else "cpu"
        }
    try:
        model, info = transformers.AutoModelForImageTextToText.from_pretrained(
            name, output_loading_info=True, **options
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: the weights cannot be loaded: {error}") from error
    if info["missing_keys"]:
        names = ", ".join(sorted(info["missing_keys"])[:3])
        raise ModelError(f"{path}: weights are missing from the checkpoint, e.g. {names}")
    advice = "the files are damaged, or hold numbers too large for this dtype; take another"
    check_finite(weights(model), path, advice)
    if quantization == "nf4":
        check_quantized(model, path)
        warn_of_experts(model, path)
        keep_trainable(model)
    model.requires_grad_(False)
    widen_head(model)
    return model


def enable_checkpointing(model: Any) -> None:
    """Recompute the layers of the language model in the backward pass.

    The non-reentrant form needs no input that requires grad, so nothing else has to change; it
    acts in training mode only.
    """
    decoder = model.get_decoder()
    # Since transformers 5.23 that is its name, and `gradient_...` warns.
    enable = getattr(decoder, "activation_checkpointing_enable", None)
    (enable or decoder.gradient_checkpointing_enable)({"use_reentrant": False})


def banned_token_ids(model: Any, encoder: PromptEncoder) -> list[int]:
    """Tokens that only an image may bring into a row, and that the head could choose.

    Mllama's head does not reach as far as its image token.
    """
    end = int(model.get_output_embeddings().weight.shape[0])
    return [token for token in encoder.banned_token_ids if token < end]


def eos_token_ids(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end a turn: the model's own, and the tokenizer's."""
    own = model.generation_config.eos_token_id
    listed: Iterable[Any] = own if isinstance(own, list) else [own]
    return sorted({int(token) for token in (*listed, tokenizer.eos_token_id) if token is not None})


def pad_token_id(tokenizer: Any) -> int:
    """Token that fills rows; the end token where the tokenizer has no other."""
    token = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if token is None else token)


def _compute_dtype(config: Any, dtype: Dtype) -> torch.dtype:
    saved = config.dtype or config.get_text_config().dtype
    chosen = saved if dtype == "auto" else getattr(torch, dtype)
    return chosen if isinstance(chosen, torch.dtype) else torch.float32
