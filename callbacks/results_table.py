"""The table that a run prints when it is done."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from speciarl_pl.metrics.functional import Summary, group_averages, macro_average
from speciarl_pl.report.table import MACRO, group_label

_SHOWN: Final = ("specificity", "correctness", "hm")

Results = Mapping[str, Summary]
"""Summaries by data set."""


def results_table(
    stages: Mapping[str, Results], groups: Mapping[str, str | None] = MappingProxyType({})
) -> Table:
    """One row per data set and mean, one column per metric, in each cell the stages side by side.

    Args:
        stages: By title, such as `base` and `trained`: the results by data set.
        groups: Group of each data set, over which means are shown too.
    """
    last = list(stages.values())[-1]
    samples = max((summary["samples"] for summary in last.values()), default=1)
    table = Table(title=" | ".join(stages), box=SIMPLE, pad_edge=False)
    table.add_column("data set")
    table.add_column("images", justify="right")
    more = (f"best of {samples}", "majority") if samples > 1 else ()
    if more:
        table.caption = f"{more[0]}, {more[1]}: hm of the best answer and of the most frequent one"
    for metric in (*_SHOWN, *more):
        table.add_column(metric, justify="right", no_wrap=True)
    for name, summary in last.items():
        cells = [_cell(results[name][metric] for results in stages.values()) for metric in _SHOWN]
        voted = [_cell(_several(results[name])[i] for results in stages.values()) for i in (0, 1)]
        table.add_row(Text(name), str(summary["images"]), *cells, *(voted if more else ()))
    for name, means in _means(stages, groups):
        cells = [_cell(mean[metric] for mean in means) for metric in _SHOWN]
        table.add_row(Text(name), "", *cells, *("" for _ in more))
    return table


def _several(summary: Summary) -> tuple[float | None, float | None]:
    """Harmonic mean of the best of all samples, and of the majority vote."""
    if "best_of_k" not in summary or "majority" not in summary:
        return None, None
    return summary["best_of_k"]["hm"][-1], summary["majority"]["hm"]


def _means(
    stages: Mapping[str, Results], groups: Mapping[str, str | None]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Title of each mean, and the mean of each stage."""
    last = list(stages.values())[-1]
    by_stage = [group_averages(results, groups) for results in stages.values()]
    for name, found in by_stage[-1].items():
        if (count := len(found["datasets"])) > 1:
            yield f"{group_label(name)} ({count})", [dict(averages[name]) for averages in by_stage]
    if len(last) > 1:
        yield f"{MACRO} ({len(last)})", [macro_average(one) for one in stages.values()]


def _cell(values: Iterator[float | None]) -> str:
    return " | ".join("-" if value is None else f"{value:.3f}" for value in values)
