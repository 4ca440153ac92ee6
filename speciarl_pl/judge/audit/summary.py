"""What one judge said of all pairs, and where its verdicts came from."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speciarl_pl.judge.audit.agreement import LEVELS
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.records import Judgement, Unjudged, Verdict
from speciarl_pl.system.display import shown

TOP_REASONS: Final = 5
"""How many reasons are named."""

LLM: Final = "llm"
"""First word of the source of a verdict that an LLM gave."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class JudgeSummary:
    """The judgements of one judge on the pairs as they are."""

    name: str
    """Name of the judge."""
    fingerprint: str | None
    """See `Judge.fingerprint`."""
    datasets: Mapping[str, tuple[int, ...]]
    """By data set, sorted: pairs of each category, in order of level, then the unjudged ones."""
    sources: Mapping[str, int]
    """Verdicts by the first word of their source, most of them first."""
    cached: Share
    """Verdicts from a store, among all verdicts."""
    without_llm: Share
    """Pairs with a verdict that no LLM gave, among all pairs."""
    unjudged: int
    """Pairs without a verdict."""
    reasons: Mapping[str, int]
    """Unjudged pairs by reason, the `TOP_REASONS` commonest; quoted parts are left out so that
    alike reasons count as one."""

    @property
    def verdicts(self) -> tuple[int, ...]:
        """All pairs of each category, in order of level, then the unjudged ones."""
        nothing = (0,) * (LEVELS + 1)
        return tuple(map(sum, zip(nothing, *self.datasets.values(), strict=True)))


def summarise(
    name: str,
    fingerprint: str | None,
    rows: Sequence[LabelledPair],
    judgements: Sequence[Judgement],
) -> JudgeSummary:
    """Count what a judge said.

    Args:
        name: Name of the judge.
        fingerprint: Its fingerprint.
        rows: The pairs.
        judgements: One per pair.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.records import Pair
        >>> pairs = [Pair("lion", "Lion"), Pair("lion", "cat")]
        >>> rows = [LabelledPair(pair, 1, "zoo") for pair in pairs]
        >>> summary = summarise("exact", None, rows, ExactJudge().judge(pairs))
        >>> summary.datasets, summary.sources
        ({'zoo': (1, 0, 0, 0, 1, 0, 0)}, {'exact': 2})
    """
    verdicts = [judgement for judgement in judgements if isinstance(judgement, Verdict)]
    sources = Counter(verdict.source.partition(":")[0] for verdict in verdicts)
    reasons = Counter(
        shown(_QUOTED.sub("'...'", judgement.reason))
        for judgement in judgements
        if isinstance(judgement, Unjudged)
    )
    return JudgeSummary(
        name=name,
        fingerprint=fingerprint,
        datasets=_by_dataset(rows, judgements),
        sources=dict(sources.most_common()),
        cached=Share(sum(verdict.cached for verdict in verdicts), len(verdicts)),
        without_llm=Share(len(verdicts) - sources[LLM], len(judgements)),
        reasons=dict(reasons.most_common(TOP_REASONS)),
        unjudged=len(judgements) - len(verdicts),
    )


def _by_dataset(
    rows: Sequence[LabelledPair], judgements: Sequence[Judgement]
) -> dict[str, tuple[int, ...]]:
    counts = {name: [0] * (LEVELS + 1) for name in sorted({row.dataset for row in rows})}
    for row, judgement in zip(rows, judgements, strict=True):
        place = int(judgement.category) if isinstance(judgement, Verdict) else LEVELS
        counts[row.dataset][place] += 1
    return {name: tuple(line) for name, line in counts.items()}
