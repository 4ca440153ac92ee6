"""How the metrics that have several values are drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE


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
