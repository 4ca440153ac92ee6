"""The table that a run prints when it is done."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from speciarl_pl.metrics.functional import Summary, counted, group_averages, macro_average
from speciarl_pl.report.headline_table import MACRO, group_label
from speciarl_pl.report.remarks import SHARES, share, skipped
from speciarl_pl.run.results import COMPARED
from speciarl_pl.system.terminal import visible

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
    for metric in (*COMPARED, *more):
        table.add_column(metric, justify="right", no_wrap=True)
    for name, summary in last.items():
        cells = [_cell(results[name][metric] for results in stages.values()) for metric in COMPARED]
        voted = [_cell(_several(results[name])[i] for results in stages.values()) for i in (0, 1)]
        table.add_row(Text(visible(name)), str(summary["images"]), *cells, *(voted if more else ()))
    for name, means in _means(stages, groups):
        cells = [_cell(mean[metric] for mean in means) for metric in COMPARED]
        table.add_row(Text(visible(name)), "", *cells, *("" for _ in more))
    return table


def trouble_table(stages: Mapping[str, Results]) -> Table | None:
    """Images that were skipped, and shares of the answers that were unparsed, cut or unjudged.

    It has a column for whatever is not 0 in some stage, and a row for each data set.

    Args:
        stages: As of `results_table`.

    Returns:
        The table; None if all is 0.
    """
    parts = [part for part in SHARES if _any(stages, partial(share, part=part))]
    skips = ["skipped"] if _any(stages, skipped) else []
    if not parts and not skips:
        return None
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("data set")
    for name in (*skips, *parts):
        table.add_column(name, justify="right", no_wrap=True)
    for name in list(stages.values())[-1]:
        of_each = [results[name] for results in stages.values()]
        left = [" | ".join(str(skipped(each)) for each in of_each)] if skips else []
        table.add_row(
            Text(visible(name)), *left, *(_cell(share(s, part) for s in of_each) for part in parts)
        )
    return table


def _any(stages: Mapping[str, Results], count: Callable[[Summary], float]) -> bool:
    return any(count(summary) for results in stages.values() for summary in results.values())


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
    if (count := len(counted(last))) > 1:
        yield f"{MACRO} ({count})", [macro_average(one) for one in stages.values()]


def _cell(values: Iterator[float | None]) -> str:
    return " | ".join("-" if value is None else f"{value:.3f}" for value in values)
