"""State that is kept image by image, over all processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from speciarl_pl.metrics.functional.counts import checked
from speciarl_pl.metrics.functional.rates import Weights
from speciarl_pl.metrics.functional.summary import (
    MajoritySummary,
    Summary,
    summarize_majority,
    summarize_samples,
)


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


class MajorityOutcomes(ByImage):
    """The outcome of the majority vote of every image and its votes; see `ByImage`.

    Args:
        samples: Samples an image, all of which vote.

    Raises:
        ValueError: If `samples` is not positive.

    Example:
        >>> from speciarl_pl.metrics.functional import majority_vote
        >>> vote = majority_vote(["dog", "samoyed", "samoyed", None])
        >>> outcomes = [2, 4, 4, -1]
        >>> metric = MajorityOutcomes(samples=4)
        >>> metric.update(
        ...     torch.tensor([0]), torch.tensor([outcomes[vote.index]]), torch.tensor([vote.votes])
        ... )
        >>> summary = metric.summary()
        >>> summary["specificity"], summary["agreement"]
        (1.0, 0.5)
    """

    def __init__(self, samples: int) -> None:
        if samples < 1:
            raise ValueError(f"samples: expected an int >= 1, got {samples}")
        super().__init__(  # int32, as processes cannot send each other int16
            codes=torch.zeros(0, dtype=torch.int8), votes=torch.zeros(0, dtype=torch.int32)
        )
        self.samples = samples

    def update(self, positions: Tensor, codes: Tensor, votes: Tensor) -> None:
        """Keep the votes of some images.

        Args:
            positions: int64 [images], where the images are in the data set.
            codes: Integers [images], the outcome of the answer that won.
            votes: Integers [images], how many samples gave it.

        Raises:
            ValueError: If a shape is wrong, or the values are no integers or out of range.
        """
        if votes.numel() and not 1 <= int(votes.min()) <= int(votes.max()) <= self.samples:
            raise ValueError(
                f"votes: expected values from 1 to {self.samples} samples, got "
                f"{int(votes.min())} to {int(votes.max())}"
            )
        self.keep(positions=positions, codes=checked(codes), votes=votes)

    def compute(self) -> dict[str, Tensor]:
        """`codes`, int8 [images], and `votes`, int32 [images], in the order of the positions."""
        rows = self.rows()
        return {"codes": rows["codes"], "votes": rows["votes"]}

    def summary(self, weights: Weights = "release", seed: int = 0) -> MajoritySummary:
        """What `functional.summarize_majority` makes of the votes in all processes.

        Args:
            weights: As for `Specificity`.
            seed: Of the bootstrap.

        Raises:
            ValueError: If `weights` are invalid.
        """
        found = self.compute()
        codes, votes = found["codes"].reshape(-1), found["votes"].reshape(-1)
        return summarize_majority(codes, votes, self.samples, weights, seed)


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
