"""Agreement of a judge with a reference: human labels or another judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.kappa import Estimate, kappa_estimate
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share

LEVELS: Final = len(Category)

Table = tuple[tuple[int, ...], ...]
"""A matrix of counts."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A pair on which the judge and the reference differ."""

    row: LabelledPair
    """The pair."""
    reference: Category
    """What the reference says."""
    judged: Category
    """What the judge says."""

    @property
    def severity(self) -> tuple[int, bool]:
        """Levels apart, then whether right was taken for wrong or the reverse; higher is worse."""
        apart = abs(self.judged - self.reference)
        return apart, self.judged.is_correct != self.reference.is_correct


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge agrees with a reference; right means `generic` or better.

    All figures but `confusion` are over the pairs that both of them judged.
    """

    reference: str
    """Name of the reference."""
    judge: str
    """Name of the judge."""
    confusion: Table
    """[7, 7]: rows the reference's category, columns the judge's; the last of each is unjudged."""
    accuracy: Share
    """Pairs of the same category."""
    kappa: Estimate
    """Cohen's kappa, all disagreements alike."""
    kappa_linear: Estimate
    """The same, a disagreement weighted by its levels."""
    kappa_quadratic: Estimate
    """The same, weighted by the square of its levels."""
    wrong_judged_right: Share
    """Among pairs wrong or abstained for the reference, those right for the judge."""
    right_judged_wrong: Share
    """Among pairs right for the reference, those wrong or abstained for the judge."""
    mean_difference: float | None
    """Mean of the judge's level minus the reference's; above 0 the judge is the kinder one. None of
    no pairs."""
    disagreements: tuple[Disagreement, ...]
    """Most severe first, then in the order of the file."""

    @property
    def judged(self) -> int:
        """Pairs that both judged."""
        return self.accuracy.of

    @property
    def unjudged(self) -> int:
        """Pairs that either left unjudged."""
        return sum(map(sum, self.confusion)) - self.judged


def compare(
    rows: Sequence[LabelledPair],
    reference: Sequence[Category | None],
    judged: Sequence[Category | None],
    names: tuple[str, str] = ("labels", "judge"),
    seed: int = 0,
) -> Agreement:
    """Compare a judge with a reference, pair by pair.

    Args:
        rows: The pairs.
        reference: What the reference says of each; None where it is unjudged.
        judged: What the judge says of each; None where it is unjudged.
        names: Names of the reference and of the judge.
        seed: Seed of the bootstrap.

    Example:
        >>> from speciarl_pl.records import Pair
        >>> rows = [LabelledPair(Pair("Samoyed", text), 1) for text in ("cat", "dog")]
        >>> agreement = compare(rows, [Category.WRONG, Category.GENERIC], [Category.WRONG] * 2)
        >>> agreement.accuracy.value, agreement.right_judged_wrong, agreement.mean_difference
        (0.5, Share(count=1, of=1), -1.0)
    """
    confusion = _confusion(reference, judged)
    both = confusion[:LEVELS, :LEVELS]
    right = int(Category.GENERIC)
    levels = np.arange(LEVELS)
    difference = (both * (levels[None, :] - levels[:, None])).sum()
    total = int(both.sum())
    return Agreement(
        *names,
        confusion=as_table(confusion),
        accuracy=Share(int(np.trace(both)), total),
        kappa=kappa_estimate(both, "none", seed),
        kappa_linear=kappa_estimate(both, "linear", seed),
        kappa_quadratic=kappa_estimate(both, "quadratic", seed),
        wrong_judged_right=Share(int(both[:right, right:].sum()), int(both[:right].sum())),
        right_judged_wrong=Share(int(both[right:, :right].sum()), int(both[right:].sum())),
        mean_difference=float(difference / total) if total else None,
        disagreements=_disagreements(rows, reference, judged),
    )


def as_table(counts: NDArray[np.integer]) -> Table:
    """The same counts as plain tuples."""
    return tuple(tuple(int(count) for count in row) for row in counts)


def _confusion(
    reference: Sequence[Category | None], judged: Sequence[Category | None]
) -> NDArray[np.int64]:
    counts = np.zeros((LEVELS + 1, LEVELS + 1), np.int64)
    for one, other in zip(reference, judged, strict=True):
        counts[LEVELS if one is None else one, LEVELS if other is None else other] += 1
    return counts


def _disagreements(
    rows: Sequence[LabelledPair],
    reference: Sequence[Category | None],
    judged: Sequence[Category | None],
) -> tuple[Disagreement, ...]:
    found = [
        Disagreement(row, one, other)
        for row, one, other in zip(rows, reference, judged, strict=True)
        if one is not None and other is not None and one != other
    ]
    return tuple(sorted(found, key=lambda each: each.severity, reverse=True))
