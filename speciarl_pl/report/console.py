"""What ran, and runs side by side, on a terminal; of benchmarks beside the paper's rows."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciarl_pl.metrics.functional.comparison import Difference
from speciarl_pl.report.compare import Comparison, compare_stages
from speciarl_pl.report.differences import Cautions, Differences, differences
from speciarl_pl.report.facts import PROMPT_TEXT, facts
from speciarl_pl.report.headline_table import (
    LABELS,
    Estimate,
    Row,
    group_label,
    headline_rows,
    measured_groups,
)
from speciarl_pl.report.paper_rows import NOTE, PUBLISHED
from speciarl_pl.report.stages import stages_of
from speciarl_pl.run.read import Run
from speciarl_pl.run.results import COMPARED
from speciarl_pl.system.display import (
    NOTHING,
    interval_text,
    number_text,
    p_text,
    shown,
    signed,
)

_WIDTH: Final = 28
_LONG: Final = 200


def console_report(runs: Sequence[Run]) -> RenderableType:
    """The numbers of some runs, their differences, and the paper's rows, for `rich`.

    Foreign text comes as `Text`, so that `rich` reads no markup into it, and without control
    characters.

    Args:
        runs: As of `read_runs`.
    """
    stages = stages_of(runs)
    differing = differences(runs)
    return Group(
        _ran(runs),
        Text(),
        *_unlike(runs, differing),
        *_parts(headline_rows(stages), compare_stages(stages), differing.by_pair(stages)),
    )


def _parts(
    rows: Sequence[Row], comparisons: Sequence[Comparison], cautions: Cautions
) -> Iterator[RenderableType]:
    yield _headline(rows)
    if comparisons:
        yield Text("\nDifferences with 95 % intervals; p-values are two-sided", style="bold")
        yield _differences(comparisons, cautions)
        yield from _left_out(comparisons)
    groups = measured_groups(rows)
    if groups:
        yield Text("\nThe paper's rows", style="bold")
        yield Text(NOTE)
        yield _published(groups)


def _ran(runs: Sequence[Run]) -> Table:
    """What ran, one column a run."""
    found = [facts(run) for run in runs]
    table = _table("what ran", *(shown(run.name, _WIDTH) for run in runs))
    for label in dict.fromkeys(label for own in found for label in own):
        if label != PROMPT_TEXT:
            table.add_row(label, *(Text(shown(own.get(label, NOTHING), _LONG)) for own in found))
    return table


def _unlike(runs: Sequence[Run], differing: Differences) -> Iterator[RenderableType]:
    """Settings in which several runs differ; what makes the comparison unfair is said after."""
    if len(runs) == 1:
        return
    yield Text("Settings that differ", style="bold")
    if not differing.values:
        yield Text("none that is known\n")
    else:
        columns = list(next(iter(differing.values.values())))
        table = _table("setting", *(shown(name, _WIDTH) for name in columns))
        for name, row in differing.values.items():
            table.add_row(shown(name), *(Text(shown(value, _LONG)) for value in row.values()))
        yield table
        yield Text()
    for line in differing.warnings:
        yield Text(f"WARNING: {shown(line, 10 * _LONG)}\n", style="bold yellow")


def _headline(rows: Sequence[Row]) -> Table:
    table = _table("data set", "model")
    for name in COMPARED:
        table.add_column(LABELS[name], justify="right")
    last = None
    for row in rows:
        scope = "" if row.scope == last else shown(row.scope, 3 * _WIDTH)
        cells = [_cell(row.values[name]) for name in COMPARED]
        table.add_row(Text(scope), Text(shown(row.stage, _WIDTH)), *cells)
        last = row.scope
    return table


def _cell(estimate: Estimate) -> Text:
    interval = interval_text(estimate.low, estimate.high)
    return Text(f"{number_text(estimate.value)}\n{interval}".rstrip())


def _differences(comparisons: Sequence[Comparison], cautions: Cautions) -> Table:
    table = _table("data set", "from -> to", "")
    for name in ("difference", "95 % interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in comparisons:
        careful = cautions[each.a, each.b]
        note = f"\nWARNING: not like for like ({', '.join(careful)})" if careful else ""
        heads = [shown(each.dataset, _WIDTH), _pair(each) + note]
        for place, name in enumerate(COMPARED):
            cells = _difference(each.differences[name])
            table.add_row(*map(Text, heads if not place else ("", "")), LABELS[name], *cells)
        table.add_row("", *_test(each), end_section=each is not comparisons[-1])
    return table


def _difference(found: Difference) -> tuple[str, str, str]:
    low, high = found.ci95 or (None, None)
    interval = interval_text(low, high, sign=True)
    return signed(found.difference, 3), interval, p_text(found.p_value)


def _test(each: Comparison) -> tuple[str, ...]:
    if each.method == "unpaired":
        return ("counts alone, unpaired",)
    found = each.mcnemar
    if found is None:
        return "", "McNemar", NOTHING, "", NOTHING
    return "", "McNemar", "right only in", f"{found.b:,} -> {found.c:,}", p_text(found.p_value)


def _pair(each: Comparison) -> str:
    return f"{shown(each.a, _WIDTH)} -> {shown(each.b, _WIDTH)}"


def _left_out(comparisons: Sequence[Comparison]) -> Iterator[Text]:
    for each in comparisons:
        if each.only_a or each.only_b or each.unlike:
            yield Text(
                f"{shown(each.dataset, _WIDTH)}, {_pair(each)}: over the {each.images:,} images of "
                "both; left out: "
                f"{each.only_a:,} only of the first, {each.only_b:,} only of the second, "
                f"{each.unlike:,} whose truths differ"
            )


def _published(groups: Collection[str]) -> Table:
    table = _table("mean of", "method")
    for name in COMPARED:
        table.add_column(LABELS[name], justify="right")
    for row in PUBLISHED:
        if row.group not in groups:
            continue
        scope = group_label(row.group).removeprefix("mean of ")
        rates = map(number_text, (row.specificity, row.correctness, row.hm))
        table.add_row(scope, row.method, *rates)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
