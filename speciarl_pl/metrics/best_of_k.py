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
        if ax is None:
            try:
                import matplotlib.pyplot as plt
            except ModuleNotFoundError as error:
                raise ModuleNotFoundError(
                    "plot needs matplotlib; install it with `pip install matplotlib`"
                ) from error
            _, ax = plt.subplots(layout="constrained")
        found = self.compute() if curve is None else curve
        drawn = {name: line.detach().cpu().reshape(-1) for name, line in found.items()}
        ax.set_xscale("log", base=2)
        ax.plot(drawn["k"], drawn["hm"], color="black", linestyle="dashed", marker="o", label="hm")
        for category in Category:
            if category > Category.WRONG:
                line = drawn[category.name.lower()]
                ax.plot(drawn["k"], line, marker="o", label=category.label)
        ax.set_xticks(drawn["k"].tolist(), map(str, drawn["k"].tolist()))
        ax.set_xlabel("k")
        ax.set_ylabel("share of images; hm")
        ax.grid(visible=True, alpha=0.4)
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return ax.get_figure(), ax
