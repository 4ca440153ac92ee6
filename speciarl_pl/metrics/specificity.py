"""How specific the correct predictions are, alone and together with correctness."""

from torch import Tensor

from speciarl_pl.metrics.base import OneValueMetric
from speciarl_pl.metrics.functional.specificity import (
    Weights,
    harmonic_mean,
    level_weights,
    specificity,
)


class _WeightedMetric(OneValueMetric):
    """A metric that values the levels of correct predictions.

    Args:
        weights: `release` (0.2, 0.6, 1, 1), `ordinal` (1/3, 2/3, 1, 1), or four numbers from 0 to
            1: generic, less specific, specific, more specific.

    Raises:
        ValueError: If `weights` are invalid.
    """

    def __init__(self, weights: Weights = "release") -> None:
        super().__init__()
        self.weights = level_weights(weights)


class Specificity(_WeightedMetric):
    """Mean level weight of the correct predictions; NaN as long as there is none.

    Args:
        weights: `release` (0.2, 0.6, 1, 1), `ordinal` (1/3, 2/3, 1, 1), or four numbers from 0 to
            1: generic, less specific, specific, more specific.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> import torch
        >>> metric = Specificity()
        >>> metric(torch.tensor([0, 2, 4, -1, -2]))
        tensor(0.6000)
    """

    def compute(self) -> Tensor:
        """The mean so far, a scalar."""
        return specificity(self.counts, self.weights)


class HarmonicMean(_WeightedMetric):
    """Harmonic mean of `Specificity` and `Correctness`; 0 if no prediction is correct.

    Args:
        weights: As for `Specificity`.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> import torch
        >>> metric = HarmonicMean()
        >>> metric(torch.tensor([0, 2, 4, -1, -2]))
        tensor(0.5455)
    """

    def compute(self) -> Tensor:
        """The mean so far, a scalar."""
        return harmonic_mean(self.counts, self.weights)
