"""Specificity and its harmonic mean with correctness (version 1 of the project's definitions)."""

import math
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.counts import as_real, correct_levels, n_predictions
from speciarl_pl.metrics.functional.rates import correctness

Weights: TypeAlias = Literal["release", "ordinal"] | Sequence[float]
"""Named level weights, or four numbers: generic, less specific, specific, more specific."""

LEVEL_WEIGHTS: Final = {
    "release": (0.2, 0.6, 1.0, 1.0),
    "ordinal": (1 / 3, 2 / 3, 1.0, 1.0),
}
"""The named weights; `release` is the evaluation scale of the paper's published code."""


def level_weights(weights: Weights) -> tuple[float, ...]:
    """Resolve `weights` to four numbers.

    Raises:
        ValueError: If the name is unknown, or there are not four numbers from 0 to 1.

    Example:
        >>> level_weights("release")
        (0.2, 0.6, 1.0, 1.0)
    """
    if isinstance(weights, str):
        if weights not in LEVEL_WEIGHTS:
            known = ", ".join(LEVEL_WEIGHTS)
            raise ValueError(f"weights: expected one of {known} or 4 numbers, got {weights!r}")
        return LEVEL_WEIGHTS[weights]
    if len(weights) != 4 or not all(math.isfinite(w) and 0 <= w <= 1 for w in weights):
        raise ValueError(
            "weights: expected 4 numbers from 0 to 1 (generic, less specific, specific, more "
            f"specific), got {weights!r}"
        )
    return tuple(float(weight) for weight in weights)


def specificity(counts: Tensor, weights: Weights = "release") -> Tensor:
    """Mean level weight of the correct predictions.

    Args:
        counts: [..., 8], as from `outcome_counts`.
        weights: What a correct prediction of each level is worth, from 0 to 1.

    Returns:
        [...], from 0 to 1; NaN where no prediction is correct.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> specificity(torch.tensor([0, 0, 5, 0, 1, 0, 1, 0]))
        tensor(0.6000)
    """
    levels = correct_levels(as_real(counts))
    values = torch.tensor(level_weights(weights), dtype=levels.dtype, device=levels.device)
    return (levels * values).sum(-1) / levels.sum(-1)


def harmonic_mean(counts: Tensor, weights: Weights = "release") -> Tensor:
    """Harmonic mean of specificity and correctness.

    Args:
        counts: [..., 8], as from `outcome_counts`.
        weights: As for `specificity`.

    Returns:
        [...], from 0 to 1: 0 where predictions exist and none is correct, though specificity is
        undefined there, since no value of it would give another mean; NaN where there is none.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> harmonic_mean(torch.tensor([0, 0, 2, 0, 1, 0, 1, 0]))
        tensor(0.5455)
        >>> harmonic_mean(torch.tensor([0, 0, 2, 0, 0, 0, 0, 0]))
        tensor(0.)
    """
    share = correctness(counts)
    level = specificity(counts, weights).nan_to_num(0.0)
    mean = 2 * share * level / (share + level)
    return torch.where((share == 0) & (n_predictions(counts) > 0), torch.zeros_like(mean), mean)
