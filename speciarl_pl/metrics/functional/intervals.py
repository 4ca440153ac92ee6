"""Confidence intervals: of a share, of a mean, and the bootstrap for what is made of counts."""

from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[attr-defined]
from torch import Tensor

from speciarl_pl.category import UNJUDGED
from speciarl_pl.metrics.functional.counts import FIRST_CODE
from speciarl_pl.metrics.functional.numbers import Interval

# The bootstrap over images: rollouts of one image are not independent, images are.


RESAMPLES: Final = 2000
"""Draws of a bootstrap, unless told otherwise."""

_CHUNK: Final = 2**21
"""Numbers drawn at once; bounds the memory."""

_GRID: Final = 2.0**36
"""Features are rounded to 1 / _GRID; see `resample_images`."""


def resample_images(
    rows: Tensor,
    features: Callable[[Tensor], Tensor] = Tensor.double,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Tensor:
    """Sum features over images that are drawn with replacement, as many as there are.

    An image comes with all its rollouts (a cluster bootstrap). Features are rounded to 2^-36; the
    sums over up to 100,000 images are then exact, whatever the number of threads.

    Args:
        rows: Integers [images, columns], such as the outcome counts of each image.
        features: Takes distinct rows [distinct, columns] and returns float64 [distinct, features],
            whole numbers or from 0 to 1; by default the rows themselves.
        resamples: Number of draws.
        seed: Equal seeds give equal draws.

    Returns:
        float64 [resamples, features], on the CPU; 0 if there is no image.

    Raises:
        ValueError: If `resamples` is not positive.

    Example:
        >>> sums = resample_images(torch.tensor([[1, 0], [1, 0], [0, 1]]), resamples=4)
        >>> sums.shape, sums.sum(1)
        (torch.Size([4, 2]), tensor([3., 3., 3., 3.], dtype=torch.float64))
    """
    check_resamples(resamples)
    distinct, group = torch.unique(rows.detach().cpu(), dim=0, return_inverse=True)
    table = (features(distinct) * _GRID).round() / _GRID
    sums = [weights @ table for weights in _drawn(group.numpy(), len(table), resamples, seed)]
    return torch.cat(sums)


def check_resamples(resamples: int) -> None:
    """Refuse a number of draws that is not positive.

    Raises:
        ValueError: If it is not.
    """
    if resamples < 1:
        raise ValueError(f"resamples: expected an int >= 1, got {resamples}")


def _drawn(group: NDArray[np.int64], distinct: int, resamples: int, seed: int) -> Iterator[Tensor]:
    """How often each distinct row is drawn, float64 [some draws, distinct] at a time.

    What is drawn are places of images, whatever their rows: a comparison draws the same images
    whichever run comes first.
    """
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(1, len(group)))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = group[generator.integers(len(group), size=(size, len(group)))]
        drawn += distinct * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * distinct)
        yield torch.from_numpy(times).reshape(size, distinct).double()


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a share, without continuity correction.

    Args:
        successes: From 0 to `n`.
        n: Number of trials.
        confidence: Between 0 and 1.

    Returns:
        Low and high; None if `n` is 0. Exactly 0 at the low end without successes, exactly 1 at the
        high end without failures.

    Raises:
        ValueError: If `confidence` is not between 0 and 1.

    Example:
        >>> [round(bound, 4) for bound in wilson_interval(8, 10)]
        [0.4902, 0.9433]
    """
    _check_confidence(confidence)
    if not n:
        return None
    low, high = binomtest(successes, n).proportion_ci(confidence, "wilson")
    return [float(low), float(high)]


def clustered_interval(values: Tensor, clusters: Tensor, confidence: float = 0.95) -> Tensor:
    """Normal interval of the mean of values that are independent between clusters only.

    Several samples of one image say less than as many images. The variance of the mean is that of
    the clusters' sums of residuals, with the usual factor K / (K - 1) for K clusters; with one
    value a cluster it is that of the mean of independent values.

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
    _check_confidence(confidence)
    if values.ndim != 1 or values.shape != clusters.shape:
        raise ValueError(
            f"clusters: expected [n] as values, got {tuple(clusters.shape)} for values of shape "
            f"{tuple(values.shape)}"
        )
    values = values.double()
    mean = values.mean()
    residuals = torch.bincount(clusters, weights=values - mean)
    n = int((torch.bincount(clusters) > 0).sum())
    if n < 2:
        return torch.full((2,), torch.nan, dtype=torch.float64)
    error = (residuals.square().sum() * n / (n - 1)).sqrt() / values.numel()
    half = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return torch.stack((mean - half, mean + half))


def bootstrap_interval(
    counts: Tensor,
    statistic: Callable[[Tensor], Tensor],
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Tensor:
    """Percentile bootstrap interval of a statistic of outcome counts.

    To resample n predictions is to draw their counts from a multinomial, so the cost does not
    depend on n. Unjudged outcomes are left out. With very few predictions the interval is too
    narrow, and a single distinct outcome gives one of no width.

    Args:
        counts: [8], as from `outcome_counts`.
        statistic: Takes float64 [resamples, 8] and returns [resamples], e.g. `specificity`.
        confidence: Between 0 and 1.
        resamples: Number of draws.
        seed: Equal seeds give equal intervals.

    Returns:
        float64 [2], low and high, over the draws for which the statistic is defined; NaN if for
        none.

    Raises:
        ValueError: If `confidence` is not between 0 and 1 or `resamples` is not positive.

    Example:
        >>> from speciarl_pl.metrics.functional.rates import specificity
        >>> bootstrap_interval(torch.tensor([0, 0, 10, 0, 20, 0, 70, 0]), specificity)
        tensor([0.7488, 0.8884], dtype=torch.float64)
    """
    _check_confidence(confidence)
    check_resamples(resamples)
    observed = counts.detach().cpu().double().numpy().copy()
    observed[UNJUDGED - FIRST_CODE] = 0.0
    n = int(observed.sum())
    if n == 0:
        return torch.full((2,), torch.nan, dtype=torch.float64)
    drawn = np.random.default_rng(seed).multinomial(n, observed / n, size=resamples)
    return percentile_interval(statistic(torch.from_numpy(drawn).double()), confidence)


def percentile_interval(values: Tensor, confidence: float = 0.95) -> Tensor:
    """Interval between two quantiles of bootstrap draws.

    Args:
        values: float64 [resamples, ...]; undefined draws (NaN) are left out.
        confidence: Between 0 and 1.

    Returns:
        float64 [..., 2], low and high; NaN where no draw is defined.

    Raises:
        ValueError: If `confidence` is not between 0 and 1.

    Example:
        >>> percentile_interval(torch.arange(101).double())
        tensor([ 2.5000, 97.5000], dtype=torch.float64)
    """
    _check_confidence(confidence)
    tail = (1 - confidence) / 2
    tails = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    return values.nanquantile(tails, dim=0).movedim(0, -1)


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}")
