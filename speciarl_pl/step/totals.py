"""What a training batch had to learn from, over all ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from speciarl_pl.category import Category
from speciarl_pl.grpo import has_signal
from speciarl_pl.metrics.functional import OUTCOME_LABELS, outcome_counts
from speciarl_pl.records import ScoredGroup
from speciarl_pl.step.ranks import Ranks


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Counts of one training batch, or of several; the same on every rank."""

    batches: int = 0
    """Training batches."""
    samples: int = 0
    """Their samples, readable or not."""
    skipped: int = 0
    """Samples that could not be read."""
    groups: int = 0
    """Groups of rollouts, one a readable sample."""
    signal: int = 0
    """Groups with signal: some rollout is better or worse than another."""
    rollouts: int = 0
    """Rollouts."""
    cut: int = 0
    """Rollouts that were cut before they ended."""
    counts: tuple[int, ...] = (0,) * len(OUTCOME_LABELS)
    """Outcomes of the rollouts, in the order of `OUTCOME_LABELS`."""

    @property
    def skipped_share(self) -> float:
        """Share of the samples that could not be read; 0 without a sample."""
        return self.skipped / max(self.samples, 1)

    @property
    def correct(self) -> int:
        """Rollouts whose answer is generic or better."""
        return sum(self.counts[OUTCOME_LABELS.index(Category.GENERIC.label) :])

    @property
    def unjudged(self) -> int:
        """Rollouts without a verdict."""
        return self.counts[OUTCOME_LABELS.index("unjudged")]

    def __add__(self, other: "StepTotals") -> "StepTotals":
        """Counts of both."""
        return StepTotals.of([a + b for a, b in zip(self.flat(), other.flat(), strict=True)])

    def flat(self) -> list[int]:
        """All counts in a row, as a checkpoint keeps them."""
        single = (self.batches, self.samples, self.skipped, self.groups, self.signal)
        return [*single, self.rollouts, self.cut, *self.counts]

    @classmethod
    def of(cls, flat: Sequence[float]) -> "StepTotals":
        """Read what `flat` gives.

        Example:
            >>> totals = StepTotals(batches=1, samples=4, skipped=1)
            >>> (StepTotals.of(totals.flat()) + totals).skipped
            2
        """
        numbers = [int(value) for value in flat]
        batches, samples, skipped, groups, signal, rollouts, cut, *counts = numbers
        single = (batches, samples, skipped, groups, signal, rollouts, cut)
        return cls(*single, tuple(counts))


def step_totals(
    scored: Sequence[ScoredGroup], skipped: int, ranks: Ranks, device: torch.device
) -> StepTotals:
    """Count a training batch, in one exchange between the ranks.

    Args:
        scored: The scored groups of this rank; may be empty.
        skipped: Samples of this rank's batch that could not be read.
        ranks: How to reach the other ranks.
        device: Where tensors for them have to be.
    """
    rollouts = [rollout for group in scored for rollout in group.group.rollouts]
    codes = [outcome.code for group in scored for outcome in group.judged.outcomes]
    local = StepTotals(
        batches=0,  # the same batch on all ranks, so that it is not to be added up
        samples=len(scored) + skipped,
        skipped=skipped,
        groups=len(scored),
        signal=sum(map(has_signal, scored)),
        rollouts=len(rollouts),
        cut=sum(rollout.finish_reason == "length" for rollout in rollouts),
        counts=tuple(outcome_counts(torch.tensor(codes, dtype=torch.int64)).tolist()),
    )
    flat = torch.tensor(local.flat(), dtype=torch.float64, device=device)
    return StepTotals.of(ranks.sum(flat).tolist()) + StepTotals(batches=1)
