"""How much of what could be judged was judged, and by what."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypedDict

from speciarl_pl.metrics.functional.intervals import wilson_interval
from speciarl_pl.metrics.functional.numbers import Interval
from speciarl_pl.records import Outcome, Unparsed, Verdict

SOURCES: Final = ("exact", "taxonomy", "llm", "other")
"""What may have given a verdict."""


class Coverage(TypedDict):
    """Value `judge_coverage` of a data set in results.json; None stands for an undefined number."""

    value: float | None
    """Share of the parsed predictions that have a verdict."""
    ci95: Interval
    """Wilson's."""
    n: int
    """Parsed predictions."""
    by_source: dict[str, float | None]
    """Shares of them by what gave the verdict, for all of `SOURCES`; they add up to the value."""


def judge_coverage(outcomes: Iterable[Outcome]) -> Coverage:
    """Share of the parsed predictions that have a verdict, and the shares that make it up.

    Args:
        outcomes: What became of each prediction; the unparsed are left out, as no judge is asked
            about them.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unjudged
        >>> exact = Verdict(Category.SPECIFIC, "exact:same")
        >>> found = judge_coverage([exact, Unjudged("timeout"), Unparsed("no answer")])
        >>> found["value"], found["n"], found["by_source"]["exact"], found["by_source"]["llm"]
        (0.5, 2, 0.5, 0.0)
    """
    counts = Counter(_source(outcome) for outcome in outcomes if not isinstance(outcome, Unparsed))
    n, judged = counts.total(), sum(counts[source] for source in SOURCES)
    return {
        "value": judged / n if n else None,
        "ci95": wilson_interval(judged, n),
        "n": n,
        "by_source": {source: counts[source] / n if n else None for source in SOURCES},
    }


def _source(outcome: Outcome) -> str | None:
    if not isinstance(outcome, Verdict):
        return None
    source = outcome.source.partition(":")[0]
    return source if source in SOURCES else "other"
