"""How much of what could be judged was judged, and by what."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.counts import as_real
from speciarl_pl.metrics.functional.intervals import wilson_interval
from speciarl_pl.records import Outcome, Unparsed, Verdict

COVERAGE_LABELS: Final = ("unjudged", "exact", "taxonomy", "llm", "cached", "other")
"""What each place of the counts counts; all but `unjudged` are verdicts, each in one place."""


def judge_coverage(outcomes: Iterable[Outcome]) -> dict[str, Tensor]:
    """Share of the parsed predictions that have a verdict, and the shares that make it up.

    Args:
        outcomes: What became of each prediction; the unparsed are left out, as no judge is asked
            about them.

    Returns:
        `coverage`, and by what gave the verdict `exact_share`, `taxonomy_share`, `llm_share`,
        `cached_share` (taken from a store, whoever said it first) and `other_share` (another
        judge), which add up to it; scalars, NaN if nothing is parsed.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unjudged
        >>> exact = Verdict(Category.SPECIFIC, "exact:same")
        >>> shares = judge_coverage([exact, exact, Unjudged("timeout"), Unparsed("no answer")])
        >>> shares["coverage"], shares["exact_share"], shares["llm_share"]
        (tensor(0.6667), tensor(0.6667), tensor(0.))
    """
    return coverage_rates(coverage_counts(outcomes))


def coverage_counts(outcomes: Iterable[Outcome]) -> Tensor:
    """Count parsed predictions by what judged them; int64 [6] in the order of `COVERAGE_LABELS`.

    Example:
        >>> from speciarl_pl.category import Category
        >>> coverage_counts([Verdict(Category.WRONG, "llm:single@1:m", cached=True)])
        tensor([0, 0, 0, 0, 1, 0])
    """
    counts = Counter(_label(outcome) for outcome in outcomes if not isinstance(outcome, Unparsed))
    return torch.tensor([counts[label] for label in COVERAGE_LABELS], dtype=torch.int64)


def coverage_rates(counts: Tensor) -> dict[str, Tensor]:
    """The shares of `judge_coverage` from counts [..., 6]; each [...]."""
    counts = as_real(counts)
    shares = counts / counts.sum(-1, keepdim=True)
    by_source = zip(COVERAGE_LABELS[1:], shares[..., 1:].unbind(-1), strict=True)
    return {"coverage": shares[..., 1:].sum(-1)} | {f"{s}_share": share for s, share in by_source}


def coverage_interval(counts: Tensor, confidence: float = 0.95) -> Tensor:
    """Wilson interval of the coverage; counts [..., 6] -> float64 [..., 2].

    Raises:
        ValueError: If `confidence` is not between 0 and 1.

    Example:
        >>> coverage_interval(torch.tensor([2, 4, 4, 0, 0, 0]))
        tensor([0.4902, 0.9433], dtype=torch.float64)
    """
    return wilson_interval(counts[..., 1:].sum(-1), counts.sum(-1), confidence)


def _label(outcome: Outcome) -> str:
    if not isinstance(outcome, Verdict):
        return "unjudged"
    source = "cached" if outcome.cached else outcome.source.partition(":")[0]
    return source if source in COVERAGE_LABELS[1:] else "other"
