"""The numbers of a saved adapter, looked at before PEFT makes room for them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from speciarl_pl.errors import ModelError

_SLACK: Final = 8
"""How far a rank may be above the largest of the file: one that no layer has may stand there."""

_LARGEST_SCALE: Final = 1e6
"""Of `alpha / r`; far above what anybody trains with, far below what overflows."""

_FIELDS: Final = {"r": "rank_pattern", "lora_alpha": "alpha_pattern"}


def check_numbers(directory: str, tensors: Mapping[str, Tensor]) -> None:
    """Make sure that ranks and scales of an adapter's config can belong to its tensors.

    Args:
        directory: The adapter, with `adapter_config.json`.
        tensors: Its tensors.

    Raises:
        ModelError: If the config is not one of LoRA, a rank is no positive int or far above those
            of the tensors, or a scale is not finite or too large; names the number.
    """
    config = _config(directory)
    if config.get("peft_type") != "LORA":
        raise ModelError(
            f"{directory}: expected an adapter of peft_type LORA, got {config.get('peft_type')!r}"
        )
    there = [int(one.shape[0]) for name, one in tensors.items() if "lora_A" in name and one.dim()]
    most = _SLACK * max(there, default=1)
    ranks = _numbers(config, "r", 8)
    for name, rank in ranks:
        if type(rank) is not int or not 1 <= rank <= most:
            found = f"up to {max(there)}" if there else "none"
            raise _odd(directory, name, f"a rank that its tensors have ({found})", rank)
    least = min(rank for _, rank in ranks)
    for name, alpha in _numbers(config, "lora_alpha", 8):
        if not _is_finite(alpha) or abs(alpha) / least > _LARGEST_SCALE:
            expected = f"a finite number, with alpha / r up to {_LARGEST_SCALE:g}"
            raise _odd(directory, name, expected, alpha)


def _config(directory: str) -> dict[str, Any]:
    path = Path(directory, "adapter_config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not readable JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: expected an object of JSON, got {type(config).__name__}")
    return config


def _numbers(config: Mapping[str, Any], name: str, otherwise: int) -> list[tuple[str, Any]]:
    """The number of all layers and those of single ones, by their names in the file."""
    pattern = config.get(_FIELDS[name]) or {}
    single = pattern.items() if isinstance(pattern, dict) else [("", pattern)]
    return [
        (name, config.get(name, otherwise)),
        *((f"{_FIELDS[name]}.{layer}", number) for layer, number in single),
    ]


def _is_finite(number: Any) -> bool:
    return type(number) in (int, float) and math.isfinite(number)


def _odd(directory: str, name: str, expected: str, found: Any) -> ModelError:
    return ModelError(f"{directory}: {name}: expected {expected}, got {str(found)[:40]}")
