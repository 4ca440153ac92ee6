"""Outcomes of several samples an image, kept image by image."""

import torch
from torch import Tensor
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.metrics.by_image import ByImage
from speciarl_pl.metrics.functional.counts import checked, outcome_counts
from speciarl_pl.metrics.functional.rates import category_rates
from speciarl_pl.metrics.functional.samples import summarize_samples
from speciarl_pl.metrics.functional.specificity import Weights
from speciarl_pl.metrics.functional.summary import Summary
from speciarl_pl.metrics.plots import bars


class SampleOutcomes(ByImage):
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

    def plot(self, val: Tensor | None = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plot the share of each category among all samples as bars.

        Args:
            val: Result of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        codes = self.compute() if val is None else val
        return bars(category_rates(outcome_counts(codes)), "share of samples", ax)
