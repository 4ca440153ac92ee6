"""State that is kept image by image, over all processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class ByImage(Metric):
    """A metric whose state is a table with one row an image.

    Images are told by their position in the data set: neither the size of batches, nor their order,
    nor the number of processes changes a result. An image that is seen again, as where a sampler
    fills up the last batch, counts once: the first time, and of several processes the one of the
    lowest rank.

    Args:
        **columns: By name, an empty tensor [0, ...] of the column's type and shape.
    """

    positions: list[Tensor] | Tensor
    """int64 [images] each; one tensor once the processes have been synchronised."""

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(self, **columns: Tensor) -> None:
        super().__init__()
        self._empty = {"positions": torch.zeros(0, dtype=torch.int64), **columns}
        for name in self._empty:
            self.add_state(name, [], dist_reduce_fx="cat")

    def keep(self, **columns: Tensor) -> None:
        """Add rows.

        Args:
            **columns: `positions`, int64 [images], and every column, [images, ...].

        Raises:
            ValueError: If `positions` are none, or a column has another shape.
        """
        positions = columns["positions"]
        if positions.ndim != 1 or positions.dtype != torch.int64:
            raise ValueError(
                "positions: expected int64 [images], got "
                f"{positions.dtype} {tuple(positions.shape)}"
            )
        for name, empty in self._empty.items():
            expected = (len(positions), *empty.shape[1:])
            if columns[name].shape != expected:
                raise ValueError(
                    f"{name}: expected shape {expected}, got {tuple(columns[name].shape)}"
                )
        for name, empty in self._empty.items():
            getattr(self, name).append(columns[name].to(self.device, empty.dtype))

    def rows(self) -> dict[str, Tensor]:
        """The table: `positions`, rising, and the columns in their order."""
        self._begin()
        positions, order = dim_zero_cat(self.positions).sort(stable=True)
        first = torch.ones_like(positions, dtype=torch.bool)
        first[1:] = positions[1:] != positions[:-1]
        return {name: dim_zero_cat(getattr(self, name))[order[first]] for name in self._empty}

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the states of all processes; see `torchmetrics.Metric.sync`."""
        self._begin()
        super().sync(*args, **kwargs)

    def _begin(self) -> None:
        """Put empty columns where there are no rows yet.

        What torchmetrics sends for a process without rows is of another type and shape than what
        the others send, and breaks the gathering.
        """
        if isinstance(self.positions, list) and not self.positions:
            self.keep(**self._empty)
