"""What the best of k samples an image reaches, as curves over k."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional.best_of_k import (
    counts_of_best,
    curve_ks,
    exact_sum,
    reached_by_best,
)
from speciarl_pl.metrics.functional.counts import image_counts
from speciarl_pl.metrics.functional.rates import SCORES, Weights, headline, level_weights
from speciarl_pl.metrics.plotting import curves, new_axis


class BestOfK(Metric):
    """Best of k samples for k = 1, 2, 4, ... and all, without bias; see `functional.best_of_k`.

    Its state does not grow: sums over images for each k, which processes add up.

    Args:
        samples: Samples an image.
        weights: As for `Specificity`.

    Raises:
        ValueError: If `samples` is not positive or `weights` are invalid.

    Example:
        >>> import torch
        >>> metric = BestOfK(samples=4)
        >>> curve = metric(torch.tensor([[2, 2, 4, 4], [0, 0, 0, 2]]))
        >>> curve["k"], curve["correctness"]
        (tensor([1, 2, 4]), tensor([0.6250, 0.7500, 1.0000], dtype=torch.float64))
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    sums: Tensor
    """float64 [K, 7]: sums over images of `functional.best_of_k.reached_by_best`."""

    def __init__(self, samples: int, weights: Weights = "release") -> None:
        super().__init__()
        if samples < 1:
            raise ValueError(f"samples: expected an int >= 1, got {samples}")
        self.samples = samples
        self.weights = level_weights(weights)
        self.ks = curve_ks(samples)
        sums = torch.zeros(len(self.ks), 1 + len(Category), dtype=torch.float64)
        self.add_state("sums", sums, dist_reduce_fx="sum")

    def update(self, codes: Tensor) -> None:
        """Count some images.

        Args:
            codes: Integers [images, samples]: `Category` values, `UNPARSED` (-1), `UNJUDGED` (-2).

        Raises:
            ValueError: If `codes` have another number of samples, are no integers or out of range.
        """
        counts = image_counts(codes)
        if codes.shape[1] != self.samples:
            raise ValueError(
                f"codes: expected {self.samples} samples an image, got {codes.shape[1]}"
            )
        self.sums = self.sums + exact_sum(reached_by_best(counts, self.ks)).to(self.sums.device)

    def compute(self) -> dict[str, Tensor]:
        """The curves so far.

        Returns:
            `k`, int64 [K]; by category, such as `less_specific`, the share of images whose best of
            k reaches it; `correctness`, `specificity` and `hm` of the best. float64 [K], NaN where
            undefined.
        """
        shares = (self.sums[:, 1:] / self.sums[:, :1]).T
        values = headline(counts_of_best(self.sums), self.weights)
        return {
            "k": torch.tensor(self.ks, device=self.sums.device),
            **{category.name.lower(): shares[category] for category in Category},
            **{name: values[name] for name in SCORES},
        }

    def plot(
        self, curve: Mapping[str, Tensor] | None = None, ax: _AX_TYPE | None = None
    ) -> _PLOT_OUT_TYPE:
        """Plot a line per category, and the harmonic mean.

        Args:
            curve: Result of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        found = self.compute() if curve is None else curve
        lines = {
            name: found[name] for name in (c.name.lower() for c in Category if c > Category.WRONG)
        }
        ks = found["k"].reshape(-1).tolist()
        figure, axis = new_axis(ax)
        axis.set_xscale("log", base=2)
        hm = found["hm"].reshape(-1).tolist()
        axis.plot(ks, hm, color="black", linestyle="dashed", marker="o", label="hm")
        curves(ks, lines, "k", "share of images; hm", axis)
        return figure, axis
