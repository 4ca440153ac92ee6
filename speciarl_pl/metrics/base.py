"""The state that all metrics share."""

import torch
from torch import Tensor
from torchmetrics import Metric

from speciarl_pl.metrics.functional.counts import N_OUTCOMES, outcome_counts
from speciarl_pl.metrics.plotted import PlottedMetric


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
