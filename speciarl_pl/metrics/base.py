"""The state that all metrics share."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.metrics.functional.counts import N_OUTCOMES, outcome_counts


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


class OneValueMetric(OutcomeMetric):
    """A metric of outcome counts that is one number from 0 to 1, the higher the better."""

    higher_is_better = True
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

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
