"""Outcomes of the answers that most samples of each image give."""

from collections.abc import Mapping

import torch
from torch import Tensor

from speciarl_pl.metrics.by_image import ByImage
from speciarl_pl.metrics.functional.counts import checked, outcome_counts
from speciarl_pl.metrics.functional.rates import category_rates
from speciarl_pl.metrics.functional.samples import summarize_majority
from speciarl_pl.metrics.functional.specificity import Weights
from speciarl_pl.metrics.functional.summary import MajoritySummary
from speciarl_pl.metrics.plotted import SharesMetric


class MajorityOutcomes(SharesMetric, ByImage):
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

    parts_of = "share of images"

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

    def parts(self, value: dict[str, Tensor]) -> Mapping[str, Tensor]:
        """Share of each category among the images."""
        return category_rates(outcome_counts(value["codes"]))
