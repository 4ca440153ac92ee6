"""How often predictions are right."""

from torch import Tensor

from speciarl_pl.metrics.base import OneValueMetric
from speciarl_pl.metrics.functional.rates import correctness


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
