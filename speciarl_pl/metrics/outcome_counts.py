"""How many predictions had which outcome."""

from collections.abc import Mapping

from torch import Tensor

from speciarl_pl.metrics.base import OutcomeMetric
from speciarl_pl.metrics.functional.counts import OUTCOME_LABELS
from speciarl_pl.metrics.plotted import SharesMetric


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
