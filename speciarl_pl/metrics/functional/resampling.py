"""The bootstrap over images: rollouts of one image are not independent, images are."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RESAMPLES: Final = 2000
"""Draws of a bootstrap, unless told otherwise."""

_CHUNK: Final = 2**21
"""Numbers drawn at once; bounds the memory."""

_GRID: Final = 2.0**36
"""Features are rounded to 1 / _GRID; see `resample_images`."""


def resample_images(
    rows: Tensor,
    features: Callable[[Tensor], Tensor] = Tensor.double,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Tensor:
    """Sum features over images that are drawn with replacement, as many as there are.

    An image comes with all its rollouts (a cluster bootstrap). Features are rounded to 2^-36; the
    sums over up to 100,000 images are then exact, whatever the number of threads.

    Args:
        rows: Integers [images, columns], such as the outcome counts of each image.
        features: Takes distinct rows [distinct, columns] and returns float64 [distinct, features],
            whole numbers or from 0 to 1; by default the rows themselves.
        resamples: Number of draws.
        seed: Equal seeds give equal draws.

    Returns:
        float64 [resamples, features], on the CPU; 0 if there is no image.

    Raises:
        ValueError: If `resamples` is not positive.

    Example:
        >>> sums = resample_images(torch.tensor([[1, 0], [1, 0], [0, 1]]), resamples=4)
        >>> sums.shape, sums.sum(1)
        (torch.Size([4, 2]), tensor([3., 3., 3., 3.], dtype=torch.float64))
    """
    check_resamples(resamples)
    distinct, group = torch.unique(rows.detach().cpu(), dim=0, return_inverse=True)
    table = (features(distinct) * _GRID).round() / _GRID
    sums = [weights @ table for weights in _drawn(group.numpy(), len(table), resamples, seed)]
    return torch.cat(sums)


def check_resamples(resamples: int) -> None:
    """Refuse a number of draws that is not positive.

    Raises:
        ValueError: If it is not.
    """
    if resamples < 1:
        raise ValueError(f"resamples: expected an int >= 1, got {resamples}")


def _drawn(group: NDArray[np.int64], distinct: int, resamples: int, seed: int) -> Iterator[Tensor]:
    """How often each distinct row is drawn, float64 [some draws, distinct] at a time.

    What is drawn are places of images, whatever their rows: a comparison draws the same images
    whichever run comes first.
    """
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(1, len(group)))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = group[generator.integers(len(group), size=(size, len(group)))]
        drawn += distinct * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * distinct)
        yield torch.from_numpy(times).reshape(size, distinct).double()
