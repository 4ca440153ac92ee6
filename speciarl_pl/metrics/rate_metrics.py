"""How often predictions are right, and how specific the right ones are."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.metrics.functional.counts import N_OUTCOMES, outcome_counts
from speciarl_pl.metrics.functional.rates import (
    Weights,
    correctness,
    harmonic_mean,
    level_weights,
    specificity,
)


class OutcomeMetric(Metric):
    """A metric of outcome counts that is one number from 0 to 1, the higher the better.

    The counts are the whole state, so processes are synchronised by adding them up, and all such
    metrics of one `MetricCollection` form one compute group.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    plot_lower_bound: float | None = 0.0
    plot_upper_bound: float | None = 1.0

    counts: Tensor
    """int64 [8], in the order of `OUTCOME_LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(N_OUTCOMES, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, codes: Tensor) -> None:
        """Count the outcomes of some predictions.

        Args:
            codes: Integers of any shape: `Category` values, `UNPARSED` (-1), `UNJUDGED` (-2).

        Raises:
            ValueError: If `codes` are no integers or out of range.
        """
        self.counts = self.counts + outcome_counts(codes).to(self.counts.device)

    def plot(
        self, val: Tensor | Sequence[Tensor] | None = None, ax: _AX_TYPE | None = None
    ) -> _PLOT_OUT_TYPE:
        """Plot one value, or several as a curve.

        Args:
            val: Results of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        return self._plot(val, ax)


class Correctness(OutcomeMetric):
    """Share of predictions that are generic or better.

    Unparsed predictions count as wrong, unjudged ones are left out. NaN before the first
    prediction.

    Example:
        >>> import torch
        >>> metric = Correctness()
        >>> metric(torch.tensor([0, 2, 4, -1, -2]))
        tensor(0.5000)
    """

    def compute(self) -> Tensor:
        """The share so far, a scalar."""
        return correctness(self.counts)


class Specificity(OutcomeMetric):
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

    def __init__(self, weights: Weights = "release") -> None:
        super().__init__()
        self.weights = level_weights(weights)

    def compute(self) -> Tensor:
        """The mean so far, a scalar."""
        return specificity(self.counts, self.weights)


class HarmonicMean(Specificity):
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
