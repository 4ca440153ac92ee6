"""Means of real values and their intervals, from sums that add up over processes."""

from statistics import NormalDist
from typing import Final

import torch
from torch import Tensor

SUM_LABELS: Final = ("n", "sum", "sum of squares")
"""What each place of the sums holds."""


def value_sums(values: Tensor) -> Tensor:
    """Sums of values; any shape -> float64 [3] in the order of `SUM_LABELS`.

    Raises:
        ValueError: If a value is not finite.

    Example:
        >>> value_sums(torch.tensor([1.0, 3.0]))
        tensor([ 2.,  4., 10.], dtype=torch.float64)
    """
    if not bool(values.isfinite().all()):
        raise ValueError("values: expected finite numbers, got NaN or infinity; leave those out")
    exact = values.double().reshape(-1)
    return torch.stack((exact.new_tensor(exact.numel()), exact.sum(), exact.square().sum()))


def mean_of(sums: Tensor) -> Tensor:
    """Mean of the values behind `sums`; [..., 3] -> [...], NaN where there are none."""
    return sums[..., 1] / sums[..., 0]


def mean_interval(sums: Tensor, confidence: float = 0.95) -> Tensor:
    """Normal interval of the mean of independent values.

    Args:
        sums: [..., 3], as from `value_sums`.
        confidence: Between 0 and 1.

    Returns:
        float64 [..., 2], low and high; NaN where there are fewer than two values.

    Raises:
        ValueError: If `confidence` is not between 0 and 1.

    Example:
        >>> mean_interval(value_sums(torch.tensor([0.2, 0.4, 0.6])))
        tensor([0.1737, 0.6263], dtype=torch.float64)
    """
    n, mean = sums[..., 0].double(), mean_of(sums).double()
    spread = (sums[..., 2] - n * mean.square()).clamp(min=0)  # rounding may go below 0
    return _around(mean, (spread / (n - 1) / n).sqrt(), n, confidence)


def clustered_interval(values: Tensor, clusters: Tensor, confidence: float = 0.95) -> Tensor:
    """Normal interval of the mean of values that are independent between clusters only.

    Several samples of one image say less than as many images. The variance of the mean is that of
    the clusters' sums of residuals, with the usual factor K / (K - 1) for K clusters; with one
    value a cluster it is that of `mean_interval`.

    Args:
        values: [n], finite.
        clusters: int64 [n], not negative: number of the cluster of each value.
        confidence: Between 0 and 1.

    Returns:
        float64 [2], low and high; NaN with fewer than two clusters.

    Raises:
        ValueError: If the shapes differ or `confidence` is not between 0 and 1.

    Example:
        >>> clustered_interval(torch.tensor([0.2, 0.4, 0.6]), torch.tensor([0, 1, 2]))
        tensor([0.1737, 0.6263], dtype=torch.float64)
        >>> clustered_interval(torch.tensor([0.2, 0.2, 0.6, 0.6]), torch.tensor([0, 0, 1, 1]))
        tensor([0.0080, 0.7920], dtype=torch.float64)
    """
    if values.ndim != 1 or values.shape != clusters.shape:
        raise ValueError(
            f"clusters: expected [n] as values, got {tuple(clusters.shape)} for values of shape "
            f"{tuple(values.shape)}"
        )
    values = values.double()
    mean = values.mean()
    residuals = torch.bincount(clusters, weights=values - mean)
    n = (torch.bincount(clusters) > 0).sum().double()
    error = (residuals.square().sum() * n / (n - 1)).sqrt() / values.numel()
    return _around(mean, error, n, confidence)


def _around(mean: Tensor, error: Tensor, n: Tensor, confidence: float) -> Tensor:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}")
    half = NormalDist().inv_cdf((1 + confidence) / 2) * error
    bounds = torch.stack((mean - half, mean + half), -1)
    return bounds.masked_fill((n < 2).unsqueeze(-1), torch.nan)
