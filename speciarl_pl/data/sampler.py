"""Which samples make up which batch, on which rank: pure functions of seed, epoch and position.

Both samplers deal with the ranks of a distributed run themselves. With W ranks and B samples a
batch on each, step s of training takes the same W x B samples as one rank with batches of W x B.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the data that one process of a distributed run takes."""

    rank: int = 0
    """0 to `world_size` - 1."""
    world_size: int = 1
    """Number of processes."""


def epoch_order(size: int, seed: int, epoch: int) -> list[int]:
    """Give the order of all positions in one epoch.

    Args:
        size: Number of samples.
        seed: Seed of the run's order, at least 0.
        epoch: Epoch, from 0.

    Returns:
        A permutation of `range(size)`.

    Example:
        >>> epoch_order(5, seed=0, epoch=0) == epoch_order(5, seed=0, epoch=0)
        True
    """
    order = np.random.default_rng([seed, epoch]).permutation(size)
    return [int(index) for index in order]


class TrainBatches(Sampler[list[int]]):
    """Batches of one training epoch: shuffled, equal on all ranks, the remainder dropped.

    What is dropped differs from epoch to epoch, as the order does.

    Args:
        size: Number of samples in the data set.
        batch_size: Samples a batch, on each rank.
        seed: Seed of the order.
        share: This process.
        shuffle: Whether to shuffle at all.

    Raises:
        ValueError: If there are fewer samples than one step takes.

    Example:
        >>> batches = TrainBatches(size=5, batch_size=2, seed=0)
        >>> len(batches), len(list(batches))
        (2, 2)
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        share: Share | None = None,
        shuffle: bool = True,
    ) -> None:
        self.share = share or Share()
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.epoch = 0
        self.start = 0
        if size < self.step_size:
            raise ValueError(
                f"batch_size: {batch_size} on {self.share.world_size} process(es) takes"
                f" {self.step_size} samples a step, more than the {size} training images there are"
            )

    @property
    def step_size(self) -> int:
        """Samples that all ranks together take in one step."""
        return self.batch_size * self.share.world_size

    def __len__(self) -> int:
        """Give the batches of a whole epoch, wherever `start` is."""
        return self.size // self.step_size

    def __iter__(self) -> Iterator[list[int]]:
        """Give this rank's batches of epoch `epoch` from batch `start` on."""
        order = list(range(self.size))
        if self.shuffle:
            order = epoch_order(self.size, self.seed, self.epoch)
        for step in range(self.start, len(self)):
            taken = order[step * self.step_size : (step + 1) * self.step_size]
            yield taken[self.share.rank :: self.share.world_size]


class EvalBatches(Sampler[list[int]]):
    """Batches of an evaluation: in the order of the data, each sample once, none twice.

    Samples are dealt to the ranks in turn, so their numbers may differ by one. Lightning does not
    mend unequal numbers of batches in an evaluation: a rank that has run out leaves the loop, and
    whatever the others still do together with it (a sharded forward pass, a gather within a step)
    waits for ever. Hence every rank gets the same number of *batches*, of which the last may be
    smaller or empty on some: an empty batch has to be taken like one whose images are all broken.

    Args:
        size: Number of samples in the data set.
        batch_size: Samples a batch, on each rank.
        share: This process.
        done: Positions to leave out, since an interrupted run has been there. Where that is all of
            them there is one empty batch: Lightning does not begin a loop without batches.

    Example:
        >>> [list(EvalBatches(5, 2, Share(rank, 2))) for rank in range(2)]
        [[[0, 2], [4]], [[1, 3], []]]
        >>> list(EvalBatches(5, 2, done={0, 1, 3}))
        [[2, 4]]
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        share: Share | None = None,
        done: Collection[int] = (),
    ) -> None:
        self.share = share or Share()
        self.size = size
        self.batch_size = batch_size
        self.left = [position for position in range(size) if position not in done]
        self.all_done = size > 0 and not self.left

    def __len__(self) -> int:
        return self.all_done or -(-len(self.left) // (self.batch_size * self.share.world_size))

    def __iter__(self) -> Iterator[list[int]]:
        mine = self.left[self.share.rank :: self.share.world_size]
        for step in range(len(self)):
            yield mine[step * self.batch_size : (step + 1) * self.batch_size]
