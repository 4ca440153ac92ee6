"""What an adapter was trained on and as: kept beside it, and compared wherever it is loaded.

The same tensors under another rank or scale, on another base or on other bits of the same base are
another model, and nothing in the tensors says so.
"""

import hashlib
import json
import shlex
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig
from torch import Tensor, nn

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.weights.quantize import quantized_names

NAME: Final = "speciarl_pl.json"
"""The file beside an exported adapter."""

SCHEMA: Final = 1
"""Version of the form of that file."""

_VALUES: Final = 64
"""Values of a tensor that a fingerprint looks at."""

_BASE_OPTIONS: Final = {
    "base": "--model.base",
    "dtype": "--model.dtype",
    "quantization": "--model.quantization",
}

_LORA_OPTIONS: Final = {
    "r": "--model.lora.r",
    "lora_alpha": "--model.lora.alpha",
    "target_modules": "--model.lora.target_modules",
}
"""What of an adapter's config has an option of its own."""

_LORA_FIELDS: Final = (
    *_LORA_OPTIONS,
    "exclude_modules",
    "use_rslora",
    "use_dora",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "layers_pattern",
    "bias",
    "modules_to_save",
)
"""What of PEFT's config the adapter's function depends on."""


def fingerprint(base: nn.Module) -> str:
    """Digest of the frozen weights of a base, cheap also for billions of them.

    It looks at names, shapes and a few values of every floating-point tensor, so that a base has
    the same one wherever it lies, and a fine-tune of it another. Quantised storage is left out;
    norms, embeddings, head and vision tower are not quantised.

    Args:
        base: The model, with or without an adapter inside.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(_frozen(base).items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        values = tensor.detach().flatten()[:: max(tensor.numel() // _VALUES, 1)]
        digest.update(values.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _frozen(base: nn.Module) -> dict[str, Tensor]:
    """Floating-point weights of the base itself, under their names without an adapter."""
    return {
        name.replace(".base_layer", ""): parameter
        for name, parameter in base.named_parameters()
        if parameter.is_floating_point() and "lora_" not in name
    }


def adapter_config(config: LoraConfig) -> dict[str, Any]:
    """What an adapter's function depends on, beside its tensors, as JSON values."""
    return {name: _plain(getattr(config, name, None)) for name in _LORA_FIELDS}


def identity(base: nn.Module, name: str, dtype: torch.dtype, config: LoraConfig) -> dict[str, Any]:
    """What a checkpoint says that it needs.

    Args:
        base: The transformers model.
        name: What the user calls it.
        dtype: Of its unquantised layers.
        config: Of the adapter.

    Returns:
        `base`, `fingerprint`, `dtype`, `quantization` and `adapter`, as JSON values.
    """
    return {
        "base": name,
        "fingerprint": fingerprint(base),
        "dtype": str(dtype).removeprefix("torch."),
        "quantization": "nf4" if quantized_names(base) else None,
        "adapter": adapter_config(config),
    }


def check_base(
    needed: Mapping[str, Any], found: Mapping[str, Any], what: str, exported: bool = False
) -> None:
    """Make sure that an adapter meets the base it was trained on.

    Args:
        needed: Identity that it was saved with.
        found: Identity of the policy.
        what: What was saved, such as `the checkpoint`.
        exported: Whether it is there to be used elsewhere, as an adapter that was trained on 4 bit
            may be with 16: then another number format is warned of and another base refused.

    Raises:
        ModelError: Naming both, and the options to pass.
    """
    names = [name for name in ("dtype", "quantization") if needed[name] != found[name]]
    if not names and needed["fingerprint"] != found["fingerprint"]:
        names, exported = ["base"], False  # another number format has other values
    if not names:
        return
    have, want = (", ".join(_named(one, name) for name in names) for one in (found, needed))
    options = " ".join(f"{_BASE_OPTIONS[name]} {_value(needed[name])}" for name in names)
    effect = "is not quite what was trained" if exported else "would give other results"
    message = f"{what}: trained on {want}; this run has {have}, on which it {effect}."
    if not exported:
        raise ModelError(f"{message} Pass {options}")
    warnings.warn(f"{message} {options} is what it was trained with", stacklevel=3)


def _named(one: Mapping[str, Any], name: str) -> str:
    if name == "base":
        return f"base {one['base']} (fingerprint {one['fingerprint']})"
    return f"{name} {_value(one[name])}"


def differing(needed: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Names of what differs between the adapter configs of two identities."""
    one, other = needed["adapter"], found["adapter"]
    return [name for name in one if name in other and one[name] != other[name]]


def check_adapter(needed: Mapping[str, Any], found: Mapping[str, Any], what: str) -> None:
    """Make sure that training goes on with an adapter of the same form.

    Raises:
        ModelError: Naming what differs, and the options to pass.
    """
    names = differing(needed, found)
    if not names:
        return
    one, other = needed["adapter"], found["adapter"]
    said = ", ".join(f"{name} {_value(one[name])}" for name in names)
    have = ", ".join(f"{name} {_value(other[name])}" for name in names)
    if set(names) <= _LORA_OPTIONS.keys():
        advice = " ".join(f"{_LORA_OPTIONS[name]} {_value(one[name])}" for name in names)
        advice += " (and no --model.adapter, whose own numbers would be taken)"
    else:
        advice = "--model.adapter with the adapter that its run began with, or the one it left"
    raise ModelError(
        f"{what}: its adapter has {said}; the one of this run has {have}. Pass {advice}"
    )


def lora_config(needed: Mapping[str, Any]) -> LoraConfig:
    """The PEFT config of the adapter of an identity."""
    return LoraConfig(task_type="CAUSAL_LM", **needed["adapter"])


def write(directory: Path | str, one: Mapping[str, Any]) -> None:
    """Write an identity beside an adapter; PEFT, transformers and vLLM do not look at it."""
    text = json.dumps({"schema": SCHEMA, **one}, indent=2, ensure_ascii=False)
    Path(directory, NAME).write_text(text + "\n", encoding="utf-8")


def read(directory: Path | str) -> dict[str, Any] | None:
    """The identity beside an adapter; None where there is none, as beside an older one.

    Raises:
        ModelError: If the file is not one.
    """
    path = Path(directory, NAME)
    if not path.is_file():
        return None
    try:
        one = json.loads(path.read_text(encoding="utf-8"))
        return {name: one[name] for name in ("base", "fingerprint", "dtype", "quantization")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: not what speciarl_pl writes beside an adapter ({type(error).__name__}:"
            f" {error}); remove it to load the adapter without a check of its base"
        ) from error


def _plain(value: Any) -> Any:
    """A JSON value, the same for all orders of a set."""
    if isinstance(value, set | frozenset | list | tuple):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def _value(value: Any) -> str:
    """A value as an option takes it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return shlex.quote(value if isinstance(value, str) else json.dumps(value))
