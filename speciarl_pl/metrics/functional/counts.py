"""Outcome counts: all that the metrics need to know of any number of predictions."""

from typing import Final

import torch
from torch import Tensor

from speciarl_pl.category import OUTCOMES, UNJUDGED, UNPARSED, Category

OUTCOME_LABELS: Final = tuple(OUTCOMES)
"""What each place of a count vector counts; a code's place is `code + 2`."""

N_OUTCOMES: Final = len(OUTCOME_LABELS)
"""Length of a count vector."""

FIRST_CODE: Final = min(UNJUDGED, UNPARSED)
"""Code that is counted in place 0."""

_CORRECT: Final = Category.GENERIC - FIRST_CODE


def outcome_counts(codes: Tensor) -> Tensor:
    """Count outcomes.

    Args:
        codes: Integers of any shape: `Category` values, `UNPARSED` (-1), `UNJUDGED` (-2).

    Returns:
        int64 [8] in the order of `OUTCOME_LABELS`, on the device of `codes`.

    Raises:
        ValueError: If `codes` are no integers or out of range.

    Example:
        >>> outcome_counts(torch.tensor([0, 2, 2, 5, -1, -2]))
        tensor([1, 1, 1, 0, 2, 0, 0, 1])
    """
    return _count(checked(codes).reshape(-1))


def image_counts(codes: Tensor, name: str = "codes") -> Tensor:
    """Count the outcomes of each image.

    Args:
        codes: Integers [images, samples]: as for `outcome_counts`.
        name: What an error calls `codes`.

    Returns:
        int64 [images, 8] in the order of `OUTCOME_LABELS`, on the device of `codes`.

    Raises:
        ValueError: If `codes` are no integers, out of range or not two-dimensional.

    Example:
        >>> image_counts(torch.tensor([[4, 4], [0, -2]]))
        tensor([[0, 0, 0, 0, 0, 0, 2, 0],
                [1, 0, 1, 0, 0, 0, 0, 0]])
    """
    if codes.ndim != 2:
        raise ValueError(f"{name}: expected [images, samples], got shape {tuple(codes.shape)}")
    return _count(checked(codes, name))


def checked(codes: Tensor, name: str = "codes") -> Tensor:
    """Codes as they are, if they are codes.

    Raises:
        ValueError: If they are no integers or out of range.
    """
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise ValueError(f"{name}: expected integers, got {codes.dtype}")
    last = int(max(Category))
    if codes.numel() and not FIRST_CODE <= int(codes.min()) <= int(codes.max()) <= last:
        raise ValueError(
            f"{name}: expected values from {FIRST_CODE} to {last}, got "
            f"{int(codes.min())} to {int(codes.max())}"
        )
    return codes


def _count(codes: Tensor) -> Tensor:
    """Count along the last dimension; [..., n] -> int64 [..., 8]."""
    places = torch.arange(N_OUTCOMES, device=codes.device)
    return (codes.unsqueeze(-1).long() - FIRST_CODE == places).sum(-2)


def as_real(counts: Tensor) -> Tensor:
    """Counts as floating point: float64 stays, integers take the default type."""
    return counts if counts.is_floating_point() else counts.to(torch.get_default_dtype())


def n_predictions(counts: Tensor) -> Tensor:
    """Predictions that the rates are over: all but the unjudged.

    Args:
        counts: [..., 8].

    Returns:
        [...], of the type of `counts`.
    """
    return counts[..., UNPARSED - FIRST_CODE :].sum(-1)


def n_correct(counts: Tensor) -> Tensor:
    """Predictions that are generic or better; [..., 8] -> [...]."""
    return correct_levels(counts).sum(-1)


def correct_levels(counts: Tensor) -> Tensor:
    """Counts of generic, less specific, specific, more specific; [..., 8] -> [..., 4]."""
    return counts[..., _CORRECT:]


def count_of(counts: Tensor, code: int) -> Tensor:
    """Count of one outcome; [..., 8] -> [...]."""
    return counts[..., code - FIRST_CODE]
