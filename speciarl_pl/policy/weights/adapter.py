"""The LoRA adapter: attach, load, save."""

import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.utils import get_peft_model_state_dict, load_peft_weights, set_peft_model_state_dict
from torch import Tensor

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.spec import LoraSpec
from speciarl_pl.policy.weights.adapter_limits import check_numbers
from speciarl_pl.policy.weights.finite import check_finite
from speciarl_pl.policy.weights.linear_layers import decoder_linears, decoder_name, other_linears


def attach(base: Any, spec: LoraSpec) -> PeftModel:
    """Put a fresh adapter on the language model; everything else is frozen.

    Adapter weights are float32 whatever the type of the base: the small steps of RL vanish in
    bfloat16. A fresh adapter changes nothing (its B matrices are 0).

    A quantised base needs no more than that. PEFT's `prepare_model_for_kbit_training` would also
    make norms, embeddings and head float32, which costs gigabytes on a 7B model and buys nothing:
    norms compute in float32 anyway, and scores leave the head as float32.
    """
    names = _targets(base, spec)
    outside = rf"(?!{re.escape(decoder_name(base))}\.).*"
    shares_names = any(name.rsplit(".", 1)[-1] in names for name in other_linears(base))
    config = LoraConfig(
        r=spec.r,
        lora_alpha=spec.alpha,
        lora_dropout=0.0,
        target_modules=names,
        exclude_modules=outside if shares_names else None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, config)


def replace(model: PeftModel, config: LoraConfig) -> PeftModel:
    """Put a fresh adapter in the place of the one that a model has."""
    return get_peft_model(model.unload(), config)


def load(base: Any, directory: str) -> PeftModel:
    """Put a saved adapter on the base, to be trained on or evaluated.

    PEFT only warns when tensors of the file find no place in the model, or the other way round,
    and then serves a partly or wholly fresh adapter; here that is an error.

    Raises:
        ModelError: If the directory holds no adapter, one of another model, one that changes
            more than the language model, or one that is not finite.
    """
    if not (Path(directory) / "adapter_config.json").is_file():
        raise ModelError(f"{directory}: no adapter_config.json; needed: an adapter saved by PEFT")
    inside = decoder_name(base)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Found missing adapter keys")
            found = load_peft_weights(directory, device="cpu")
            check_numbers(directory, found)
            model = PeftModel.from_pretrained(base, directory, is_trainable=True)
    except UnpicklingError as error:
        raise ModelError(
            f"{directory}: its file holds more than tensors, which could run code; "
            "needed: adapter_model.safetensors"
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise ModelError(f"{directory}: does not fit the base model: {error}") from error
    _check_names(directory, found.keys(), state_dict(model).keys(), inside)
    check_finite(found.items(), directory, "take the adapter of an earlier checkpoint")
    # Saved again, it names the base that it was trained on last, which is here.
    model.peft_config["default"].base_model_name_or_path = base.name_or_path
    return model


def state_dict(model: PeftModel) -> dict[str, Tensor]:
    """Adapter tensors under the names that PEFT saves them with."""
    state: dict[str, Tensor] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return state


def scales(model: PeftModel) -> dict[str, float]:
    """By what PEFT multiplies the product of B and A, by name of the adapted module."""
    layers = {name: one for name, one in model.named_modules() if isinstance(one, LoraLayer)}
    return {name: float(layer.scaling["default"]) for name, layer in layers.items()}


def load_state_dict(model: PeftModel, state: Mapping[str, Tensor]) -> None:
    """Replace the adapter's tensors.

    Raises:
        ModelError: If names are missing or unknown, a shape differs, or a tensor is not finite;
            the adapter is then as it was.
    """
    own = state_dict(model)
    differing = sorted(state.keys() ^ own.keys())
    if differing:
        raise ModelError(f"adapter tensors do not match the model: {', '.join(differing[:3])}")
    shapes = [(name, tuple(state[name].shape), tuple(own[name].shape)) for name in sorted(own)]
    odd = [f"{name}: {found} in place of {own}" for name, found, own in shapes if found != own]
    if odd:
        raise ModelError(
            f"adapter tensors do not match the model: {len(odd)} have another shape, e.g. {odd[0]};"
            " was it trained with another rank (--model.lora.r)?"
        )
    check_finite(state.items(), "adapter", "take an earlier checkpoint")
    set_peft_model_state_dict(model, dict(state))


def save(model: PeftModel, directory: Path | str) -> None:
    """Write the adapter in PEFT format, with the path of its base in its config.

    Raises:
        ModelError: If a tensor is not finite; nothing is written.
    """
    advice = "nothing was written; go back to an earlier checkpoint, with a lower learning rate"
    check_finite(state_dict(model).items(), "adapter", advice)
    model.save_pretrained(str(directory), save_embedding_layers=False)


def _check_names(
    directory: str, found: Collection[str], wanted: Collection[str], inside: str
) -> None:
    """Raise a `ModelError` unless a file's tensors are the model's, and all in the decoder."""
    if differing := sorted(set(found) ^ set(wanted)):
        raise ModelError(
            f"{directory}: does not fit the base model: tensors without a place or missing:"
            f" {', '.join(differing[:3])}"
        )
    if outside := sorted(name for name in found if f".{inside}." not in name):
        raise ModelError(
            f"{directory}: expected an adapter of the language model ({inside}) only, got"
            f" {outside[0]}"
        )


def _targets(base: Any, spec: LoraSpec) -> list[str]:
    """Last names of the linear layers to adapt."""
    known = {name.rsplit(".", 1)[-1] for name in decoder_linears(base)}
    if spec.target_modules == "all-linear":
        return sorted(known)
    asked = spec.target_modules
    names = {asked} if isinstance(asked, str) else set(asked)
    if names - known:
        raise ValueError(
            f"target_modules: expected 'all-linear' or names among {sorted(known)},"
            f" got {sorted(names - known)}"
        )
    return sorted(names)
