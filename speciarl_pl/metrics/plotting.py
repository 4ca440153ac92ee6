"""What metrics share: how they are drawn, and an interval over all processes."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE


class PlottedMetric(Metric):
    """A metric with `plot`."""

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    plot_lower_bound: float | None = 0.0
    plot_upper_bound: float | None = 1.0

    def plot(
        self, val: Tensor | Sequence[Tensor] | None = None, ax: _AX_TYPE | None = None
    ) -> _PLOT_OUT_TYPE:
        """Plot one value, or several as a curve.

        Args:
            val: Results of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        return self._plot(val, ax)


class SharesMetric(Metric):
    """A metric that is drawn as a bar, or over several results a line, for each of its parts."""

    parts_of = "predictions"
    """What the axis says of the parts."""

    @abstractmethod
    def parts(self, value: Any) -> Mapping[str, Tensor]:
        """Parts of a result of `compute`, scalars by what stands beneath the bar."""

    def plot(self, val: Any = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plot one result as bars, or a list of several as a line per part.

        Args:
            val: Results of `forward` or `compute`; by default what `compute` gives now.
            ax: A matplotlib axis to draw on.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: If matplotlib is not installed.
        """
        found = self.compute() if val is None else val
        if not isinstance(found, list | tuple):
            return bars(self.parts(found), self.parts_of, ax)
        each = [self.parts(value) for value in found]
        lines = {name: torch.stack([parts[name] for parts in each]) for name in each[0]}
        return curves(range(len(each)), lines, "step", self.parts_of, ax)


class IntervalMetric(PlottedMetric):
    """A metric whose state also gives an interval."""

    def interval(self, confidence: float = 0.95) -> Tensor:
        """Confidence interval of what `compute` gives now, over all processes.

        Args:
            confidence: Between 0 and 1.

        Returns:
            float64 [2], low and high; NaN where it is undefined.

        Raises:
            ValueError: If `confidence` is not between 0 and 1.
        """
        self.sync(dist_sync_fn=self.dist_sync_fn)
        try:
            return self._interval(confidence)
        finally:
            self.unsync(should_unsync=self._is_synced)

    @abstractmethod
    def _interval(self, confidence: float) -> Tensor:
        """The interval of the state as it is."""


# How the metrics that have several values are drawn.


def new_axis(ax: _AX_TYPE | None) -> tuple[Any, Any]:
    """Figure and axis to draw on: those of `ax`, or new ones.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    if ax is not None:
        return ax.get_figure(), ax
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "plot needs matplotlib; install it with `pip install matplotlib`"
        ) from error
    return plt.subplots(layout="constrained")


def bars(values: Mapping[str, Tensor], ylabel: str, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
    """One bar per value, its number above it.

    Args:
        values: By what stands beneath the bar, scalars; NaN gives no bar.
        ylabel: What the values are.
        ax: A matplotlib axis to draw on.

    Returns:
        Figure and axis.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    figure, axis = new_axis(ax)
    names = [name.replace("_", " ") for name in values]
    heights = [value.item() for value in values.values()]
    drawn = axis.bar(names, heights)
    axis.bar_label(drawn, [f"{height:.3g}" for height in heights], padding=2)
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axis.set_ylabel(ylabel)
    axis.margins(y=0.1)
    return figure, axis


def curves(
    x: Sequence[float],
    values: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    ax: _AX_TYPE | None = None,
) -> _PLOT_OUT_TYPE:
    """One line per value, named in a legend beside the plot.

    Args:
        x: Place of each point, n of them.
        values: By what the legend says, each [n]; NaN leaves a gap.
        xlabel: What `x` is.
        ylabel: What the values are.
        ax: A matplotlib axis to draw on.

    Returns:
        Figure and axis.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    figure, axis = new_axis(ax)
    for name, line in values.items():
        axis.plot(x, line.detach().cpu().reshape(-1), marker="o", label=name.replace("_", " "))
    axis.set_xticks(x, [f"{place:g}" for place in x])
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.grid(visible=True, alpha=0.4)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure, axis
