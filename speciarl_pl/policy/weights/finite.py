"""Weights that are not numbers: found by name before they are used or exported."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from speciarl_pl.errors import ModelError

_SHOWN = 3


def check_finite(tensors: Iterable[tuple[str, Tensor]], where: str, advice: str) -> None:
    """Make sure that no tensor holds NaN or an infinity, by one reduction a tensor.

    Args:
        tensors: With their names; those that hold no floating-point numbers are passed over.
        where: What they are part of, for the message.
        advice: What to do, for the message.

    Raises:
        ModelError: Names the first few.
    """
    if wrong := not_finite(tensors):
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ModelError(
            f"{where}: weights that are NaN or infinite: {', '.join(wrong[:_SHOWN])}{more};"
            f" {advice}"
        )


def not_finite(tensors: Iterable[tuple[str, Tensor]]) -> list[str]:
    """Names of the tensors that hold NaN or an infinity."""
    return [name for name, tensor in tensors if not _is_finite(tensor)]


def weights(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters of a model; of 4-bit ones the scales, into which a NaN of the file has gone."""
    for name, parameter in model.named_parameters():
        state: Any = getattr(parameter, "quant_state", None)
        if state is None:
            yield name, parameter
            continue
        nested = getattr(state, "state2", None)
        scales = (state.absmax, state.offset, getattr(nested, "absmax", None))
        for scale in scales:
            if isinstance(scale, Tensor):
                yield name, scale


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or tensor.numel() == 0 or tensor.is_meta:
        return True
    if tensor.element_size() == 1:  # float8 has no reductions
        tensor = tensor.float()
    with torch.no_grad():
        least, largest = tensor.aminmax()  # NaN if there is one, and no copy is made
    return bool(torch.isfinite(least) & torch.isfinite(largest))
