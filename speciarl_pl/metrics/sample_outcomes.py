"""Outcomes of several samples an image, kept image by image."""

from collections.abc import Mapping

import torch
from torch import Tensor

from speciarl_pl.metrics.by_image import ByImage
from speciarl_pl.metrics.functional.counts import checked, outcome_counts
from speciarl_pl.metrics.functional.rates import category_rates
from speciarl_pl.metrics.functional.samples import summarize_samples
from speciarl_pl.metrics.functional.specificity import Weights
from speciarl_pl.metrics.functional.summary import Summary
from speciarl_pl.metrics.plotted import SharesMetric


class SampleOutcomes(SharesMetric, ByImage):
    """The outcome of every sample of every image, one byte each; see `ByImage`.

    Args:
        samples: Samples an image.

    Raises:
        ValueError: If `samples` is not positive.

    Example:
        >>> import torch
        >>> metric = SampleOutcomes(samples=2)
        >>> metric.update(torch.tensor([1, 0]), torch.tensor([[4, 2], [0, -1]]))
        >>> metric.update(torch.tensor([1]), torch.tensor([[4, 2]]))
        >>> metric.compute()
        tensor([[ 0, -1],
                [ 4,  2]], dtype=torch.int8)
        >>> metric.summary()["correctness"]
        0.5
    """

    parts_of = "share of samples"

    def __init__(self, samples: int) -> None:
        if samples < 1:
            raise ValueError(f"samples: expected an int >= 1, got {samples}")
        super().__init__(codes=torch.zeros(0, samples, dtype=torch.int8))
        self.samples = samples

    def update(self, positions: Tensor, codes: Tensor) -> None:
        """Keep the outcomes of some images.

        Args:
            positions: int64 [images], where the images are in the data set.
            codes: Integers [images, samples]: `Category` values, `UNPARSED` (-1), `UNJUDGED` (-2).

        Raises:
            ValueError: If a shape is wrong, or the values are no integers or out of range.
        """
        self.keep(positions=positions, codes=checked(codes))

    def compute(self) -> Tensor:
        """Codes by image, int8 [images, samples], in the order of their positions.

        torchmetrics takes the dimensions off a result of one element; see `table`.
        """
        return self.rows()["codes"]

    def table(self) -> Tensor:
        """What `compute` gives, int8 [images, samples] whatever their number."""
        codes: Tensor = self.compute()
        return codes.reshape(-1, self.samples)

    def summary(self, weights: Weights = "release", seed: int = 0) -> Summary:
        """What `functional.summarize_samples` makes of the codes of all processes.

        Args:
            weights: As for `Specificity`.
            seed: Of the bootstrap.

        Raises:
            ValueError: If `weights` are invalid.
        """
        return summarize_samples(self.table(), weights, seed)

    def parts(self, value: Tensor) -> Mapping[str, Tensor]:
        """Share of each category among the samples."""
        return category_rates(outcome_counts(value))
