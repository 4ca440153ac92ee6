"""How many predictions had which outcome."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.metrics.base import OutcomeMetric
from speciarl_pl.metrics.functional.counts import OUTCOME_LABELS
from speciarl_pl.metrics.plots import bars, curves


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

    def compute(self) -> Tensor:
        """Counts as int64 [8], in the order of `OUTCOME_LABELS`."""
        return self.counts

    def plot(
        self, val: Tensor | Sequence[Tensor] | None = None, ax: _AX_TYPE | None = None
    ) -> _PLOT_OUT_TYPE:
        """Plot the counts as bars, or several results as a line per outcome.

        Args:
            val: Results of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        found = self.compute() if val is None else val
        if isinstance(found, Tensor):
            return bars(dict(zip(OUTCOME_LABELS, found, strict=True)), "predictions", ax)
        lines = dict(zip(OUTCOME_LABELS, torch.stack(list(found)).T, strict=True))
        return curves(range(len(found)), lines, "step", "predictions", ax)
