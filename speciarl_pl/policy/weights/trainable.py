"""Whether a policy's number format can be trained in."""

from typing import Any

import torch

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.policy import Policy


def check_trainable(policy: Policy) -> None:
    """Make sure that no part of the base computes in float16.

    A token's share of the loss is about 2e-6 in the paper's step. In float16 many gradients of that
    size are exactly 0 (42 % of an adapter's in a tiny model), while loss and gradient norm look
    healthy. Scoring and sampling have no such trouble.

    Args:
        policy: The policy that is to be trained.

    Raises:
        ModelError: If a weight is float16, or a 4-bit layer multiplies in it.
    """
    found = [name for name, dtype in _formats(policy.base) if dtype == torch.float16]
    if not found:
        return
    others = f" and {len(found) - 1} others" if len(found) > 1 else ""
    raise ModelError(
        f"dtype: expected bfloat16 or float32 for training, got float16 ({found[0]}{others};"
        " `auto` takes what the checkpoint was saved in), whose small gradients become 0; pass"
        " --model.dtype bfloat16"
    )


def _formats(base: Any) -> list[tuple[str, torch.dtype]]:
    """Names of the base's weights with the format in which each is multiplied."""
    weights = [(name, parameter.dtype) for name, parameter in base.named_parameters()]
    quantised = [
        (name, layer.compute_dtype)
        for name, layer in base.named_modules()
        if isinstance(getattr(layer, "compute_dtype", None), torch.dtype)
    ]
    return weights + quantised
