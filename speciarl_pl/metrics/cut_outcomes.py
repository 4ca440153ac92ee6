"""How many answers were cut before they ended, image by image."""

import torch
from torch import Tensor

from speciarl_pl.metrics.by_image import ByImage


class CutOutcomes(ByImage):
    """Rollouts that were cut, kept by image so that each counts once; see `ByImage`.

    Example:
        >>> metric = CutOutcomes()
        >>> metric.update(torch.tensor([0, 1]), torch.tensor([2, 0]))
        >>> metric.update(torch.tensor([0]), torch.tensor([2]))
        >>> metric.compute()
        tensor(2)
    """

    def __init__(self) -> None:
        super().__init__(cut=torch.zeros(0, dtype=torch.int32))

    def update(self, positions: Tensor, cut: Tensor) -> None:
        """Keep the counts of some images.

        Args:
            positions: int64 [images], where the images are in the data set.
            cut: Integers [images], how many of their rollouts were cut.

        Raises:
            ValueError: If a shape is wrong.
        """
        self.keep(positions=positions, cut=cut)

    def compute(self) -> Tensor:
        """All that were cut, an int64 scalar."""
        return self.rows()["cut"].sum()
