import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.judge.audit.pairs import read_pairs
from speciarl_pl.report.headline_table import Estimate, Row, numbers_csv
from speciarl_pl.run.results import RATES
from speciarl_pl.system.csv_cells import escaped, original_cell, safe_cell, safe_cells

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",  # noqa: RUF001
]


@pytest.mark.parametrize("text", FORMULAS, ids=repr)
def test_what_a_spreadsheet_would_run_stands_behind_a_mark(text):
    assert safe_cell(text) == "'" + text
    assert original_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["", "dog", "'", "'tis", "a=b", "1-2", " =1", "''", "5"], ids=repr)
def test_all_else_is_as_it_was(text):
    assert safe_cell(text) == text == original_cell(text)


@given(st.text(alphabet="'=+-@\t\r\na1 ", max_size=6))
def test_every_text_comes_back_and_none_can_be_run(text):
    assert original_cell(safe_cell(text)) == text
    assert safe_cell(text)[:1] not in set("=+-@\t\r\n")


def test_no_two_texts_are_written_alike():
    texts = [mark + rest for mark in ("", "'", "''", "'''") for rest in ("=1", "a", "")]
    assert len(set(map(safe_cell, texts))) == len(texts)


def test_numbers_stay_numbers():
    assert list(safe_cells([-0.5, None, True, "-0.5"])) == [-0.5, None, True, "'-0.5"]
    assert escaped([-0.5, None, "-0.5", "a"]) == 1


def written(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(safe_cells(row)) for row in rows])
    return path


def test_tables_and_pairs_are_read_as_they_were(tmp_path):
    texts = [text for text in FORMULAS if "\r" not in text]
    path = written(tmp_path / "a.csv", [("truth", "prediction"), *((one, one) for one in texts)])
    assert read_columns(path)["truth"] == texts
    assert [one.pair.prediction for one in read_pairs(path).pairs] == texts


def test_the_numbers_of_a_report_run_nothing_either():
    row = Row("=cmd()", "dataset", "@base", 1, 1, dict.fromkeys(RATES, Estimate(-0.5)))
    (found,) = csv.DictReader(io.StringIO(numbers_csv([row])))
    assert (found["scope"], found["stage"], found["hm"]) == ("'=cmd()", "'@base", "-0.5")
