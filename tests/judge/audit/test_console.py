import io

import pytest
from rich.console import Console

from speciarl_pl.category import Category
from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.audit import LabelledPair, PairFile, audit, console_report
from speciarl_pl.records import Pair


def lines_of(rows, judge=None, **kwargs) -> list[str]:
    file = PairFile("pairs.csv", len(rows), tuple(rows))
    report = audit(judge or ExactJudge(), file, **kwargs)
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
        for n in range(12_000)
    ]

    lines = lines_of(rows, against=ExactJudge(), names=("configs/judge/a.yaml", "b.yaml"))

    assert max(map(len, lines)) <= 80
    assert any(line.startswith("wrong judged right") for line in lines)
    matrix = next(line for line in lines if line.startswith("generic "))
    assert matrix.split() == ["generic", "12,000", *"\u00b7" * 6]
    assert "disagreements: 12,000" in lines
    assert "  and 11,990 more, in the JSON file (--out)" in lines


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
