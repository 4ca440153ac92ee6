"""How many predictions had which outcome."""

from torch import Tensor

from speciarl_pl.metrics.base import OutcomeMetric


class OutcomeCounts(OutcomeMetric):
    """Counts of the eight outcomes, from which `functional.summarize` makes everything else.

    Example:
        >>> import torch
        >>> counts = OutcomeCounts()
        >>> counts.update(torch.tensor([4, 4, 0, -1]))
        >>> counts.compute()
        tensor([0, 1, 1, 0, 0, 0, 2, 0])
    """

    higher_is_better = None
    plot_upper_bound = None

    def compute(self) -> Tensor:
        """Counts as int64 [8], in the order of `OUTCOME_LABELS`."""
        return self.counts
