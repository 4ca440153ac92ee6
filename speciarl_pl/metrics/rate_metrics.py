"""The state that all metrics share."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchmetrics import Metric

from speciarl_pl.metrics.functional.counts import N_OUTCOMES, OUTCOME_LABELS, outcome_counts
from speciarl_pl.metrics.functional.rates import (
    Weights,
    category_rates,
    correctness,
    harmonic_mean,
    level_weights,
    specificity,
)
from speciarl_pl.metrics.plotting import PlottedMetric, SharesMetric


class OutcomeMetric(Metric):
    """A metric of outcome counts.

    The counts are the whole state, so processes are synchronised by adding them up, and all such
    metrics of one `MetricCollection` form one compute group.
    """

    is_differentiable = False
    full_state_update = False

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


class OneValueMetric(PlottedMetric, OutcomeMetric):
    """A metric of outcome counts that is one number from 0 to 1, the higher the better."""


# How often predictions are right.


class Correctness(OneValueMetric):
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


# Where predictions lie on the six levels.


class CategoryRates(SharesMetric, OutcomeMetric):
    """Share of each category, of the unparsed and of the unjudged.

    Example:
        >>> import torch
        >>> rates = CategoryRates()(torch.tensor([0, 2, 4, -1, -2]))
        >>> rates["wrong_rate"], rates["specific_rate"], rates["unjudged_rate"]
        (tensor(0.5000), tensor(0.2500), tensor(0.2000))
    """

    parts_of = "share"

    higher_is_better = None

    def compute(self) -> dict[str, Tensor]:
        """The shares so far by name, scalars; see `functional.category_rates`."""
        return category_rates(self.counts)

    def parts(self, value: dict[str, Tensor]) -> Mapping[str, Tensor]:
        """The shares themselves."""
        return value


# How many predictions had which outcome.


class OutcomeCounts(SharesMetric, OutcomeMetric):
    """Counts of the eight outcomes, from which `functional.summarize` makes everything else.

    Example:
        >>> import torch
        >>> counts = OutcomeCounts()
        >>> counts.update(torch.tensor([4, 4, 0, -1]))
        >>> counts.compute()
        tensor([0, 1, 1, 0, 0, 0, 2, 0])
    """

    higher_is_better = None

    def compute(self) -> Tensor:
        """Counts as int64 [8], in the order of `OUTCOME_LABELS`."""
        return self.counts

    def parts(self, value: Tensor) -> Mapping[str, Tensor]:
        """The counts by outcome."""
        return dict(zip(OUTCOME_LABELS, value, strict=True))


# How specific the correct predictions are, alone and together with correctness.


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
