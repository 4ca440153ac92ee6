"""Asymmetry: a verdict tells what the judge must say with truth and prediction swapped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import LEVELS, Table, as_table
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.verdicts import Progress, categories, judge_all, why_left_out
from speciarl_pl.judge.base import Judge

EXPECTED: Final[Mapping[Category, frozenset[Category]]] = {
    Category.WRONG: frozenset({Category.WRONG}),
    Category.GENERIC: frozenset({Category.MORE_SPECIFIC}),
    Category.LESS_SPECIFIC: frozenset({Category.MORE_SPECIFIC}),
    Category.SPECIFIC: frozenset({Category.SPECIFIC}),
    Category.MORE_SPECIFIC: frozenset({Category.GENERIC, Category.LESS_SPECIFIC}),
}
"""What a pair may be swapped, by what it is; a refusal cannot be a truth."""


@dataclass(frozen=True, slots=True)
class SwappedPair:
    """A pair whose swap does not fit it."""

    row: LabelledPair
    """The pair, not swapped."""
    verdict: Category
    """What the judge says of it."""
    swapped: Category
    """What the judge says of it swapped."""


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """How well the verdicts on swapped pairs fit those on the pairs as they are."""

    consistent: Share
    """Pairs whose swap fits, among those with both verdicts."""
    left_out: Mapping[str, int]
    """Pairs without two verdicts: `unjudged`, `refusal`, `blank` (see `why_left_out`), and
    `swap unjudged`."""
    table: Table
    """[6, 7]: rows the verdict, columns that on the swapped pair; the last column is unjudged."""
    inconsistent: tuple[SwappedPair, ...]
    """Pairs whose swap does not fit, in the order of the file."""


def swap_pairs(
    judge: Judge,
    rows: Sequence[LabelledPair],
    verdicts: Sequence[Category | None],
    progress: Progress | None = None,
) -> Asymmetry:
    """Ask about `rows` with truth and prediction swapped.

    Args:
        judge: An opened judge.
        rows: The pairs.
        verdicts: What this judge says of each; None where it is unjudged.
        progress: Where to show how far it is.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_all`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.records import Pair
        >>> rows = [LabelledPair(Pair("lion", "Lion"), 1), LabelledPair(Pair("lion", "cat"), 2)]
        >>> swap_pairs(ExactJudge(), rows, [Category.SPECIFIC, Category.WRONG]).consistent
        Share(count=2, of=2)
    """
    left_out: Counter[str] = Counter()
    asked: list[tuple[LabelledPair, Category]] = []
    for row, verdict in zip(rows, verdicts, strict=True):
        reason = why_left_out(row.pair, verdict)
        if verdict is None or reason is not None:
            left_out[reason or "unjudged"] += 1
        else:
            asked.append((row, verdict))
    swapped = [
        replace(row.pair, truth=row.pair.prediction, prediction=row.pair.truth) for row, _ in asked
    ]
    answers = categories(judge_all(judge, swapped, "judging swapped pairs", progress))
    return _asymmetry(asked, answers, left_out)


def _asymmetry(
    asked: Sequence[tuple[LabelledPair, Category]],
    answers: Sequence[Category | None],
    left_out: Counter[str],
) -> Asymmetry:
    counts = np.zeros((LEVELS, LEVELS + 1), np.int64)
    inconsistent = []
    for (row, verdict), swapped in zip(asked, answers, strict=True):
        counts[verdict, LEVELS if swapped is None else swapped] += 1
        if swapped is None:
            left_out["swap unjudged"] += 1
        elif swapped not in EXPECTED[verdict]:
            inconsistent.append(SwappedPair(row, verdict, swapped))
    both = int(counts[:, :LEVELS].sum())
    return Asymmetry(
        consistent=Share(both - len(inconsistent), both),
        left_out=dict(sorted(left_out.items())),
        table=as_table(counts),
        inconsistent=tuple(inconsistent),
    )
