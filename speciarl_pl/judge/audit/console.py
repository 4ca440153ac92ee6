"""An audit report for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import LEVELS, Agreement
from speciarl_pl.judge.audit.findings import LABELS, AuditReport
from speciarl_pl.judge.audit.kappa import estimate_text
from speciarl_pl.judge.audit.paraphrase import Stability, UnstablePair
from speciarl_pl.judge.audit.share import share_text
from speciarl_pl.judge.audit.summary import JudgeSummary
from speciarl_pl.judge.audit.swap import EXPECTED, Asymmetry
from speciarl_pl.system.display import percent, shown, signed

MAX_LISTED: Final = 10
"""Pairs listed of each kind; the JSON file has them all."""

_TEXT: Final = 60
_CHANGES: Final = 2
_MARK: Final = {True: "bold green", False: "yellow"}


def console_report(report: AuditReport) -> RenderableType:
    """The report as tables for `rich.console.Console.print`.

    Foreign text comes as `Text`, so that `rich` reads no markup into it, and without control
    characters.

    Example:
        >>> from rich.console import Console
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.judge.audit import PairFile, audit
        >>> report = audit(ExactJudge(), PairFile("pairs.csv", 0, ()))
        >>> console = Console(width=80)
        >>> with console.capture() as capture:
        ...     console.print(console_report(report))
        >>> print(capture.get().splitlines()[0])
        pairs.csv: 0 of 0 rows asked about (seed 0), 0 repeated, 0 labelled
    """
    return Group(*_parts(report))


def _parts(report: AuditReport) -> Iterator[RenderableType]:
    yield Text(
        f"{shown(report.file)}: {report.asked:,} of {report.rows:,} rows asked about (seed "
        f"{report.seed}), {report.duplicates:,} repeated, {report.labelled:,} labelled"
    )
    for summary in report.judges:
        yield from _summary(summary)
    for agreement in report.agreements:
        yield from _agreement(agreement)
    if not report.agreements:
        yield Text("\nNo labels and no second judge, so no agreement to report.")
    yield from _asymmetry(report.asymmetry)
    yield from _stability(report.stability)


def _summary(summary: JudgeSummary) -> Iterator[RenderableType]:
    yield _heading(f"Verdicts of {summary.name}")
    lines = [(name or "(no name)", line) for name, line in summary.datasets.items()]
    if len(lines) > 1:
        lines.append(("all", summary.verdicts))
    yield _counts("data set", lines)
    sources = ", ".join(f"{name} {n:,}" for name, n in summary.sources.items()) or "none"
    figures = {
        "sources": shown(sources),
        "from a store": share_text(summary.cached),
        "without the LLM": share_text(summary.without_llm),
    }
    yield _figures(figures)
    if summary.reasons:
        yield Text(f"{summary.unjudged:,} unjudged:")
        for reason, n in summary.reasons.items():
            yield Text(f"  {n:,} x {shown(reason)}")
        yield from _rest(summary.unjudged - sum(summary.reasons.values()), "for other reasons")


def _agreement(agreement: Agreement) -> Iterator[RenderableType]:
    yield _heading(f"Agreement: rows {agreement.reference}, columns {agreement.judge}")
    good = {(level, level) for level in range(LEVELS)}
    yield _counts("", list(zip(LABELS, agreement.confusion, strict=True)), good)
    yield _figures(
        {
            "judged by both": f"{agreement.judged:,} ({agreement.unjudged:,} left out)",
            "same category": share_text(agreement.accuracy),
            "kappa": estimate_text(agreement.kappa),
            "kappa, linear": estimate_text(agreement.kappa_linear),
            "kappa, quadratic": estimate_text(agreement.kappa_quadratic),
            "wrong judged right": share_text(agreement.wrong_judged_right),
            "right judged wrong": share_text(agreement.right_judged_wrong),
            "mean level difference": signed(agreement.mean_difference),
        }
    )
    table = _listing("truth", "prediction", "reference", "judge")
    for each in agreement.disagreements[:MAX_LISTED]:
        pair = each.row.pair
        table.add_row(*_texts(pair.truth, pair.prediction, each.reference.label, each.judged.label))
    yield from _listed(table, "disagreements", len(agreement.disagreements))


def _asymmetry(asymmetry: Asymmetry) -> Iterator[RenderableType]:
    yield _heading("Asymmetry: rows the verdict, columns that with truth and prediction swapped")
    good = {(int(row), int(column)) for row, fits in EXPECTED.items() for column in fits}
    lines = zip(LABELS[:LEVELS], asymmetry.table, strict=True)
    asked = [row for row in Category if row is not Category.ABSTAIN]
    yield _counts("", [line for row, line in enumerate(lines) if row in asked], good, asked)
    yield _figures({"swap fits": share_text(asymmetry.consistent)} | _left(asymmetry.left_out))
    table = _listing("truth", "prediction", "verdict", "swapped")
    for each in asymmetry.inconsistent[:MAX_LISTED]:
        pair = each.row.pair
        table.add_row(*_texts(pair.truth, pair.prediction, each.verdict.label, each.swapped.label))
    yield from _listed(table, "pairs whose swap does not fit", len(asymmetry.inconsistent))


def _stability(stability: Stability) -> Iterator[RenderableType]:
    yield _heading("Stability: the prediction X in other words")
    table = _table()
    table.add_column("wording")
    for name in ("same verdict", "judged", "unjudged", "unsuited"):
        table.add_column(name, justify="right")
    for each in stability.rewordings:
        numbers = (f"{n:,}" for n in (each.same.of, each.unjudged, each.unsuited))
        table.add_row(Text(each.name), percent(each.same.value), *numbers)
    yield table
    incomplete = {"unjudged in some": f"{stability.incomplete:,}"}
    yield _figures(
        {"same in all wordings": share_text(stability.stable)}
        | incomplete
        | _left(stability.left_out)
    )
    table = _listing("truth", "prediction", "verdict", "in other words")
    for pair in stability.unstable[:MAX_LISTED]:
        truth, prediction = pair.row.pair.truth, pair.row.pair.prediction
        table.add_row(*_texts(truth, prediction, pair.verdict.label), Text(_changes(pair)))
    yield from _listed(table, "pairs that change", len(stability.unstable))


def _changes(pair: UnstablePair) -> str:
    named = [f"{each.rewording}: {each.verdict.label}" for each in pair.changed[:_CHANGES]]
    more = len(pair.changed) - _CHANGES
    return "\n".join([*named, f"and {more} more"] if more > 0 else named)


def _heading(text: str) -> Text:
    return Text(f"\n{shown(text)}", style="bold")


def _counts(
    corner: str,
    lines: Sequence[tuple[str, Sequence[int]]],
    good: set[tuple[int, int]] | None = None,
    rows: Sequence[int] | None = None,
) -> Table:
    """Counts by category; `good` places stand out, `rows` being the places of the lines."""
    table = _table()
    table.add_column(corner, max_width=13)
    for label in LABELS:
        table.add_column(label.replace(" ", "\n"), justify="right", vertical="bottom")
    for place, (name, counts) in zip(rows or range(len(lines)), lines, strict=True):
        cells = [
            Text(f"{n:,}" if n else "\u00b7", style=_style(n, place, column, good))
            for column, n in enumerate(counts)
        ]
        table.add_row(Text(shown(name, _TEXT)), *cells)
    return table


def _style(n: int, row: int, column: int, good: set[tuple[int, int]] | None) -> str:
    if not n:
        return "dim"
    return "" if good is None or LEVELS in (row, column) else _MARK[(row, column) in good]


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)


def _figures(figures: Mapping[str, str]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in figures.items():
        table.add_row(name, Text(value))
    return table


def _left(reasons: Mapping[str, int]) -> dict[str, str]:
    text = ", ".join(f"{name} {n:,}" for name, n in reasons.items())
    return {"left out": text} if text else {}


def _listing(*columns: str) -> Table:
    table = _table()
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _texts(*texts: str) -> list[Text]:
    return [Text(shown(text, _TEXT)) for text in texts]


def _listed(table: Table, what: str, total: int) -> Iterator[RenderableType]:
    if not total:
        yield Text(f"no {what}")
        return
    yield Text(f"\n{what}: {total:,}")
    yield table
    yield from _rest(total - MAX_LISTED, "more, in the JSON file (--out)")


def _rest(number: int, what: str) -> Iterator[RenderableType]:
    if number > 0:
        yield Text(f"  and {number:,} {what}")
