import io
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import pytest
from rich.console import Console

from speciarl_pl.category import Category
from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.audit import LabelledPair, PairFile, audit, console_report
from speciarl_pl.judge.audit.agreement import Disagreement
from speciarl_pl.records import Pair


def lines_of(rows, judge=None, **kwargs) -> list[str]:
    file = PairFile("pairs.csv", len(rows), tuple(rows))
    return printed(audit(judge or ExactJudge(), file, **kwargs))


def printed(report):
    screen = io.StringIO()
    Console(file=screen, width=80).print(console_report(report))
    return screen.getvalue().splitlines()


def test_the_report_fits_80_columns():
    rows = [
        LabelledPair(
            Pair("American Staffordshire Terrier", f"Staffordshire Bull Terrier {n}"),
            n,
            "a data set with a long name",
            Category.GENERIC,
        )
        for n in range(12)
    ]
    names = ("configs/judge/a.yaml", "b.yaml")
    report = audit(ExactJudge(), PairFile("pairs.csv", 12, tuple(rows)), ExactJudge(), names)

    lines = printed(a_thousand_times(report))

    assert max(map(len, lines)) <= 80
    assert any(line.startswith("wrong judged right") for line in lines)
    matrix = next(line for line in lines if line.startswith("generic "))
    assert matrix.split() == ["generic", "12,000", *"\u00b7" * 6]
    assert "disagreements: 12,000" in lines
    assert "  and 11,990 more, in the JSON file (--out)" in lines


def a_thousand_times(report):
    """The report with all its counts and lists as if of a thousand times the pairs."""
    if isinstance(report, bool | float | str) or report is None:
        return report
    if isinstance(report, int):
        return 1000 * report
    if isinstance(report, tuple) and report and isinstance(report[0], Disagreement):
        return report * 1000
    if isinstance(report, tuple):
        return tuple(map(a_thousand_times, report))
    if isinstance(report, Mapping):
        return {name: a_thousand_times(value) for name, value in report.items()}
    if is_dataclass(report) and not isinstance(report, Disagreement):
        names = [field.name for field in fields(report) if field.init]
        return replace(report, **{name: a_thousand_times(getattr(report, name)) for name in names})
    return report


def test_figures_that_do_not_exist_are_dashes():
    text = "\n".join(lines_of([]))

    assert "swap fits  \u2013 (0 of 0)" in text
    assert "No labels and no second judge" in text
    assert "nan" not in text.lower()
    assert "None" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[red]dog[/red]", "[red]dog[/red]"),
        ("[/]", "[/]"),
        ("\x1b[31mdog", "\\x1b[31mdog"),
        ("a\nb", "a\\nb"),
        (":dog:", ":dog:"),
    ],
)
def test_foreign_text_is_neither_markup_nor_control(text, expected):
    rows = [LabelledPair(Pair("truth", text), 1, "", Category.SPECIFIC)]

    lines = lines_of(rows)

    assert any(expected in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_unjudged_pairs_are_explained():
    rows = [LabelledPair(Pair("truth", "other"), 1), LabelledPair(Pair("truth", "truth"), 2)]

    lines = lines_of(rows, judge=ExactJudge("unjudged"))

    assert lines[lines.index("1 unjudged:") + 1] == "  1 x exact: not the truth as written"
