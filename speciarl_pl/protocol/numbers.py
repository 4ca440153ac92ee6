"""Scores as plain numbers for a JSON file."""

import math
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.metrics.functional import clustered_interval, wilson_interval
from speciarl_pl.protocol.pairs import DistinctPairs


def number(value: Tensor) -> float | None:
    """A scalar; None if it is NaN, for which JSON has no word."""
    plain = float(value)
    return None if math.isnan(plain) else plain


def bounds(interval: Tensor) -> list[float] | None:
    """Low and high of [2]; None if they are NaN."""
    low, high = map(float, interval)
    return None if math.isnan(low) else [low, high]


def share(values: Tensor, found: DistinctPairs) -> dict[str, Any]:
    """Share of a yes, with its interval.

    Args:
        values: float64 [pairs]: 1 for yes, 0 for no, NaN for a pair to leave out.
        found: The pairs.

    Returns:
        `value` and `ci95` (None where undefined), `n` predictions behind them and `left_out`. The
        interval is Wilson's, or that of clusters if images have several predictions.

    Example:
        >>> from speciarl_pl.protocol.pairs import distinct_pairs
        >>> from speciarl_pl.protocol.prediction import Prediction
        >>> found = distinct_pairs(Prediction("cat", answer) for answer in ("cat", "dog", "lynx"))
        >>> scored = share(torch.tensor([1.0, 0.0, torch.nan]), found)
        >>> scored["value"], scored["n"], scored["left_out"]
        (0.5, 2, 1)
        >>> [round(bound, 3) for bound in scored["ci95"]]
        [0.095, 0.905]
    """
    kept, images, scored = _kept(values, found)
    if found.repeats_images:
        return scored | {"ci95": _clustered(kept, images, 0.0)}
    interval = wilson_interval(kept.sum(), torch.tensor(kept.numel()))
    return scored | {"ci95": bounds(interval)}


def mean(values: Tensor, found: DistinctPairs) -> dict[str, Any]:
    """Mean of values from -1 to 1; as `share`, but the interval is always that of clusters.

    With one prediction an image, that is the normal interval of a mean.
    """
    kept, images, scored = _kept(values, found)
    return scored | {"ci95": _clustered(kept, images, -1.0)}


def _kept(values: Tensor, found: DistinctPairs) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Value and image of each prediction that is not left out, and what is said of them."""
    each = values.double()[found.pair_of]
    keep = ~each.isnan()
    kept = each[keep]
    scored = {"value": number(kept.mean()), "ci95": None, "n": kept.numel()}
    return kept, found.image_of[keep], scored | {"left_out": int((~keep).sum())}


def _clustered(values: Tensor, images: Tensor, lowest: float) -> list[float] | None:
    return bounds(clustered_interval(values, images).clamp(lowest, 1.0)) if len(values) else None
