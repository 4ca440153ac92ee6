"""Where predictions lie on the six levels."""

from collections.abc import Mapping

from torch import Tensor

from speciarl_pl.metrics.base import OutcomeMetric
from speciarl_pl.metrics.functional.rates import category_rates
from speciarl_pl.metrics.plotted import SharesMetric


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
