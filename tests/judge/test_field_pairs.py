"""Answers as models give them, judged by all packaged trees without knowing the data set.

`field_pairs.csv` holds the kinds of answers that users reported: operators in brackets, hedges and
further sentences, "or", hypernyms, homonyms, things that are no kind of the truth. The shared
`judge_pairs.csv`, where it is there, holds those that were reported. The labels say what is true.
"""

import csv
from pathlib import Path

import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge.config import offline_judge
from speciarl_pl.records import Pair, Verdict

OWN = Path(__file__).with_name("field_pairs.csv")
REPORTED = Path(__file__).parents[3] / "shared" / "field" / "judge_pairs.csv"
KINDS = (Category.WRONG, Category.ABSTAIN)


@pytest.fixture(scope="module")
def judge():
    return offline_judge()


@pytest.mark.parametrize(("path", "least"), [(OWN, 450), (REPORTED, 38)], ids=["own", "reported"])
def test_no_right_answer_is_wrong_and_no_wrong_one_right(judge, path, least):
    if not path.exists():
        pytest.skip(f"needs the shared data file {path.name}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    judged = judge.judge([Pair(row["truth"], row["prediction"]) for row in rows])
    known = [
        (row, one.category)
        for row, one in zip(rows, judged, strict=True)
        if isinstance(one, Verdict)
    ]
    false = [
        (row, said)
        for row, said in known
        if (Category.parse(row["category"]) in KINDS or said in KINDS)
        and Category.parse(row["category"]) is not said
    ]
    assert len(rows) >= least
    assert false == []
    assert len(known) > 0.75 * len(rows)
