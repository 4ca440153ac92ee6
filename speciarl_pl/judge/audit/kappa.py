"""Cohen's kappa: agreement beyond what two judges with these habits reach by chance."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speciarl_pl.system.display import interval_text, number_text

Weights: TypeAlias = Literal["none", "linear", "quadratic"]
"""How much a disagreement counts: the same whatever it is, by its levels, by their square."""

_MAX_UNDEFINED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float | None
    """The figure; None where it is undefined."""
    low: float | None = None
    """Lower bound; None where there is no interval."""
    high: float | None = None
    """Upper bound; None where there is no interval."""


def kappa(counts: NDArray[np.integer], weights: Weights = "none") -> NDArray[np.float64]:
    """Weighted kappa of confusion matrices: 1 - observed / expected disagreement (Cohen, 1968).

    Args:
        counts: [..., K, K], rows the reference's category, columns the judge's, in order of level.
        weights: How much a disagreement counts.

    Returns:
        [...]: 1 for full agreement, 0 for chance, below it for less; NaN where chance alone leaves
        no disagreement, such as with one category only, or no pairs.

    Raises:
        ValueError: If `weights` is none of the three.

    Example:
        >>> float(kappa(np.array([[20, 5], [10, 15]])).round(3))
        0.4
    """
    table = counts.astype(np.float64)
    total = table.sum((-2, -1))
    chance = table.sum(-1)[..., :, None] * table.sum(-2)[..., None, :]
    cost = _cost(table.shape[-1], weights)
    observed, expected = (table * cost).sum((-2, -1)) * total, (chance * cost).sum((-2, -1))
    ratio = np.full(total.shape, np.nan)
    np.divide(observed, expected, out=ratio, where=expected > 0)
    return 1 - ratio


def kappa_estimate(
    counts: NDArray[np.integer], weights: Weights = "none", seed: int = 0, resamples: int = 2000
) -> Estimate:
    """Kappa of one confusion matrix with a percentile bootstrap interval over its pairs.

    Drawing n pairs with replacement and counting them anew is the same as drawing a confusion
    matrix from a multinomial with the observed shares, so that all resamples are one call.
    Resamples without a kappa are left out; there is no interval if they are more than 5 %, or for
    fewer than two pairs. Pairs count as independent, also equal ones. Where all pairs agree so do
    all resamples, and the interval is [1, 1] however few they are: look at Wilson's interval of
    the accuracy then. With some dozens of pairs the interval is somewhat too narrow.

    Args:
        counts: [K, K], as for `kappa`.
        weights: As for `kappa`.
        seed: Seed of the bootstrap.
        resamples: How many to draw.

    Returns:
        Kappa and its interval, each None where undefined.

    Raises:
        ValueError: If `weights` is none of the three.
    """
    value, total = float(kappa(counts, weights)), int(counts.sum())
    if np.isnan(value):
        return Estimate(None)
    if total < 2:
        return Estimate(value)
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=resamples)
    kappas = kappa(drawn.reshape(resamples, *counts.shape), weights)
    defined = kappas[~np.isnan(kappas)]
    if len(defined) < (1 - _MAX_UNDEFINED) * resamples:
        return Estimate(value)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _cost(size: int, weights: Weights) -> NDArray[np.float64]:
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    powers = {"none": 0, "linear": 1, "quadratic": 2}
    if weights not in powers:
        raise ValueError(f"weights: expected one of {', '.join(powers)}, got {weights!r}")
    return np.where(apart > 0, apart ** powers[weights], 0.0)


def estimate_text(estimate: Estimate) -> str:
    """A figure with its interval.

    Example:
        >>> estimate_text(Estimate(0.81234, 0.7, 0.9)), estimate_text(Estimate(0.5))
        ('0.812 [0.700, 0.900]', '0.500')
    """
    interval = interval_text(estimate.low, estimate.high)
    return f"{number_text(estimate.value)} {interval}".rstrip()
