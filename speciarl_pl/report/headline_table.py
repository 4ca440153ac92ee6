"""The numbers that the page, the console and the downloads show: rows of rates, and the rest."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from speciarl_pl.report.remarks import aside
from speciarl_pl.report.stages import Stage, datasets_of
from speciarl_pl.run.results import RATES
from speciarl_pl.system.csv_cells import safe_cells

LABELS: Final = {
    "specificity": "specificity",
    "correctness": "correctness",
    "hm": "HM",
    "abstain_rate": "abstain",
    "wrong_rate": "wrong",
}
"""How tables call the values."""

MACRO: Final = "mean of all data sets"
"""Name of the rows of macro means."""

_MEASURES: Final = ("majority", "older", "hierarchical", "judge_coverage")
_NOT_SHOWN: Final = ("ci95", "counts", "n", "images", "samples")

Kind: TypeAlias = Literal["dataset", "group", "macro"]
"""What a row is about: one data set, a group of them, or all."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval."""

    value: float | None
    """None if it is undefined."""
    low: float | None = None
    """Lower end of the 95 % interval; None if there is none."""
    high: float | None = None
    """Upper end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stage on one data set, or its mean over several."""

    scope: str
    """Name of the data set, of a group, or `MACRO`."""
    kind: Kind
    """What `scope` names."""
    stage: str
    """Name of the stage."""
    images: int | None
    """Images; None for means."""
    samples: int | None
    """Rollouts an image; None for means."""
    values: Mapping[str, Estimate]
    """By name, for all of `RATES`."""
    group: str = ""
    """Name of the group; empty if it is none."""
    datasets: tuple[str, ...] = ()
    """What a mean is over."""
    aside: str = ""
    """What was skipped, cut, unparsed or unjudged; empty for means and where nothing was."""


def headline_rows(stages: Sequence[Stage]) -> list[Row]:
    """List data sets, then groups, then the mean over all, each with its stages side by side.

    A mean over a single data set is left out.
    """
    rows = [
        _row(name, "dataset", stage, stage.results.datasets[name])
        for name in datasets_of(stages)
        for stage in stages
        if name in stage.results.datasets
    ]
    groups = dict.fromkeys(name for stage in stages for name in stage.results.groups)
    for name in groups:
        rows += _means(name, [(stage, stage.results.groups.get(name)) for stage in stages])
    return rows + _means("", [(stage, _macro(stage)) for stage in stages])


def _macro(stage: Stage) -> dict[str, Any] | None:
    macro = {"datasets": list(stage.results.datasets), **stage.results.macro}
    return macro if len(macro["datasets"]) > 1 else None


def _means(group: str, found: Sequence[tuple[Stage, Mapping[str, Any] | None]]) -> list[Row]:
    """Rows of a mean; if it is not over the same data sets everywhere, they are named.

    So is what it leaves out, such as a data set of which no image could be read.
    """
    means = [(stage, mean, tuple(mean.get("datasets") or ())) for stage, mean in found if mean]
    alike = len({tuple(sorted(names)) for _, _, names in means}) == 1
    label = group_label(group) if group else MACRO
    if alike and group and len(means[0][2]) == 1:
        label = f"{label} (only {means[0][2][0]})"
    if alike and (left_out := means[0][1].get("left_out")):
        label = f"{label} but {', '.join(left_out)}"
    kind: Kind = "group" if group else "macro"
    by_scope: dict[str, list[Row]] = {}
    for stage, mean, names in means:
        scope = label if alike else f"{label}: {', '.join(names)}"
        by_scope.setdefault(scope, []).append(_row(scope, kind, stage, mean, group, names))
    return [row for rows in by_scope.values() for row in rows]


def measured_groups(rows: Sequence[Row]) -> set[str]:
    """Groups of the paper's benchmarks of which some row has a mean."""
    return {row.group for row in rows if row.kind == "group"}


def group_label(name: str) -> str:
    """How tables call the mean over a group.

    Example:
        >>> group_label("very_fine_grained")
        'mean of very fine-grained sets'
    """
    words = name.replace("fine_grained", "fine-grained").replace("_", " ")
    return f"mean of {words} sets"


def numbers_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV, one column for each value and each end of an interval."""
    file = io.StringIO()
    writer = csv.writer(file)
    ends = [f"{name}{end}" for name in RATES for end in ("", "_low", "_high")]
    writer.writerow(["scope", "kind", "stage", "images", "samples", *ends])
    for row in rows:
        estimates = [row.values[name] for name in RATES]
        numbers = [n for each in estimates for n in (each.value, each.low, each.high)]
        texts = safe_cells([row.scope, row.kind, row.stage])
        writer.writerow([*texts, row.images, row.samples, *numbers])
    return file.getvalue()


def _row(
    scope: str,
    kind: Kind,
    stage: Stage,
    result: Mapping[str, Any],
    group: str = "",
    datasets: tuple[str, ...] = (),
) -> Row:
    single = kind == "dataset"
    total = sum(result["counts"].values()) if single else None
    return Row(
        scope,
        kind,
        stage.name,
        result.get("images", total) if single else None,
        result.get("samples", 1) if single else None,
        {name: _estimate(result, name) for name in RATES},
        group,
        datasets,
        aside(result) if single else "",
    )


def _estimate(result: Mapping[str, Any], name: str) -> Estimate:
    low, high = (result.get("ci95") or {}).get(name) or (None, None)
    return Estimate(result.get(name), low, high)


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
