"""Two numbers that tell one adapter matrix from another, computed alike in trainer and engine."""

from typing import Final

import torch
from torch import Tensor

TOLERANCE: Final = 1e-6
"""Fingerprints of equal matrices differ by less than this times their norm: float64 rounding."""


def fingerprint(matrix: Tensor) -> list[float]:
    """Norm of a matrix, and its product with two fixed vectors.

    Rows and columns of zeros at the end, with which engines pad, change neither.

    Args:
        matrix: [rows, columns], any type, any device.

    Returns:
        `[norm, product]`.

    Example:
        >>> fingerprint(torch.eye(2)) == fingerprint(torch.eye(3, 2))
        True
    """
    values = matrix.detach().double()
    left, right = (_waves(size, values.device) for size in values.shape)
    return [torch.linalg.matrix_norm(values).item(), (left @ values @ right).item()]


def same(one: list[float], other: list[float]) -> bool:
    """Whether two fingerprints are of equal matrices."""
    limit = TOLERANCE * max(one[0], other[0])
    return all(abs(a - b) <= limit for a, b in zip(one, other, strict=True))


def _waves(size: int, device: torch.device) -> Tensor:
    """Numbers in [-1, 1] without a pattern that a change of weights could share."""
    return torch.arange(1, size + 1, dtype=torch.float64, device=device).square().cos()
