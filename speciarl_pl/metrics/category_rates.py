"""Where predictions lie on the six levels."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.metrics.base import OutcomeMetric
from speciarl_pl.metrics.functional.rates import category_rates
from speciarl_pl.metrics.plots import bars, curves


class CategoryRates(OutcomeMetric):
    """Share of each category, of the unparsed and of the unjudged.

    Example:
        >>> import torch
        >>> rates = CategoryRates()(torch.tensor([0, 2, 4, -1, -2]))
        >>> rates["wrong_rate"], rates["specific_rate"], rates["unjudged_rate"]
        (tensor(0.5000), tensor(0.2500), tensor(0.2000))
    """

    higher_is_better = None

    def compute(self) -> dict[str, Tensor]:
        """The shares so far by name, scalars; see `functional.category_rates`."""
        return category_rates(self.counts)

    def plot(
        self,
        val: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]] | None = None,
        ax: _AX_TYPE | None = None,
    ) -> _PLOT_OUT_TYPE:
        """Plot the shares as bars, or several results as a line per share.

        Args:
            val: Results of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        found = self.compute() if val is None else val
        if isinstance(found, Mapping):
            return bars(found, "share", ax)
        lines = {name: torch.stack([values[name] for values in found]) for name in found[0]}
        return curves(range(len(found)), lines, "step", "share", ax)
