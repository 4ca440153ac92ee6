"""Tensors as what JSON holds: numbers, pairs, None for the undefined."""

import math
from typing import TypeAlias

from torch import Tensor

Interval: TypeAlias = list[float] | None
"""Low and high; None where the value is undefined."""


def number(value: Tensor) -> float | None:
    """A scalar as a number, NaN as None.

    Example:
        >>> import torch
        >>> number(torch.tensor(0.5)), number(torch.tensor(torch.nan))
        (0.5, None)
    """
    plain = float(value.item())
    return None if math.isnan(plain) else plain


def interval(bounds: Tensor) -> Interval:
    """Bounds [2] as a pair, NaN as None.

    Example:
        >>> import torch
        >>> interval(torch.tensor([0.25, 0.5])), interval(torch.tensor([torch.nan, torch.nan]))
        ([0.25, 0.5], None)
    """
    low, high = bounds.tolist()
    return None if math.isnan(low) else [low, high]
