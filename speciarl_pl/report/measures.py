"""What results hold beyond the headline: majority vote, the older protocol and so on."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from speciarl_pl.report.headline_table import LABELS, Estimate
from speciarl_pl.report.stages import Stage

_MEASURES: Final = ("majority", "older", "hierarchical", "judge_coverage")
_NOT_SHOWN: Final = ("ci95", "counts", "n", "images", "samples")


def measures(stages: Sequence[Stage]) -> dict[str, dict[tuple[str, str], Estimate]]:
    """What results hold beyond the headline: majority vote, the older protocol and so on.

    Returns:
        By name of the measure: its values by data set and stage.
    """
    found: dict[str, dict[tuple[str, str], Estimate]] = {}
    for stage in stages:
        for dataset, result in stage.results.datasets.items():
            for key in _MEASURES:
                for name, estimate in _numbers(key, result.get(key)):
                    found.setdefault(name, {})[dataset, stage.name] = estimate
    return found


def _numbers(name: str, value: Any) -> Iterator[tuple[str, Estimate]]:
    """All single numbers below `value`, each by its path."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield _words(name), Estimate(value)
    elif isinstance(value, dict) and isinstance(value.get("value"), int | float):
        ends = value.get("ci95") or (None, None)
        yield _words(name), Estimate(value["value"], *ends)
    elif isinstance(value, dict):
        intervals = value.get("ci95") or {}
        for key, inner in value.items():
            if key in _NOT_SHOWN:
                continue
            for found, estimate in _numbers(f"{name}: {key}", inner):
                yield found, _with(estimate, intervals.get(key))


def _with(estimate: Estimate, ends: Any) -> Estimate:
    if estimate.low is None and isinstance(ends, list) and len(ends) == 2:
        return Estimate(estimate.value, *ends)
    return estimate


def _words(name: str) -> str:
    """`majority: wrong_rate` as tables call it."""
    return ": ".join(LABELS.get(part, part.replace("_", " ")) for part in name.split(": "))
