import json
from pathlib import Path

import pytest

from speciarl_pl.category import Category
from speciarl_pl.errors import RunError
from speciarl_pl.judge import ExactJudge, JudgeUnavailableError, TaxonomyJudge
from speciarl_pl.judge.audit import (
    LabelledPair,
    PairFile,
    audit,
    check_out,
    read_pairs,
    to_json,
    write_report,
)
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.records import Pair

PAIRS = Path(__file__).parents[4] / "shared" / "data" / "pairs"
REAL = PAIRS / "finer_openworld_pairs_dog_flower_pet.tsv"
LABELLED = Path(__file__).parents[1] / "labelled_pairs.csv"

ROWS = (
    LabelledPair(Pair("lion", "Lion"), 2, "", Category.SPECIFIC),
    LabelledPair(Pair("lion", "cat"), 3),
    LabelledPair(Pair("lion", "none"), 4, "", Category.WRONG),
)
FILE = PairFile("pairs.csv", 3, ROWS)


def test_labels_are_compared_where_there_are_any():
    report = audit(ExactJudge(), FILE)

    (agreement,) = report.agreements
    assert (agreement.reference, agreement.judge) == ("labels", "ExactJudge")
    assert agreement.accuracy == Share(1, 2)
    assert report.labelled == 2


def test_two_judges_are_compared_with_the_labels_and_with_each_other(rule_judge):
    other = rule_judge(lambda *_: Category.WRONG)

    report = audit(ExactJudge(), FILE, against=other, names=("a.yaml", "b.yaml"))

    assert [(each.reference, each.judge, each.accuracy) for each in report.agreements] == [
        ("labels", "a.yaml", Share(1, 2)),
        ("labels", "b.yaml", Share(1, 2)),
        ("b.yaml", "a.yaml", Share(1, 3)),
    ]
    assert [summary.name for summary in report.judges] == ["a.yaml", "b.yaml"]
    assert other.asked == [row.pair for row in ROWS]


def test_judges_of_one_name_are_told_apart():
    report = audit(ExactJudge(), FILE, against=ExactJudge())

    assert [summary.name for summary in report.judges] == ["ExactJudge", "ExactJudge (2)"]


def test_a_limit_draws_rows():
    rows = tuple(LabelledPair(Pair("a", str(n)), n) for n in range(50))

    report = audit(ExactJudge(), PairFile("pairs.csv", 50, rows), limit=10, seed=4)

    assert (report.rows, report.asked, report.seed) == (50, 10, 4)
    assert sum(report.judges[0].verdicts) == 10


def test_an_audit_gives_the_same_again():
    assert to_json(audit(ExactJudge(), FILE, seed=1)) == to_json(audit(ExactJudge(), FILE, seed=1))


def test_a_judge_that_is_down_leaves_all_unjudged(rule_judge):
    def down(truth, prediction):
        raise JudgeUnavailableError("no answer")

    report = audit(rule_judge(down), FILE)

    assert report.judges[0].reasons == {"RuleJudge: JudgeUnavailableError: no answer": 3}
    assert report.agreements[0].accuracy == Share(0, 0)
    assert report.asymmetry.left_out == report.stability.left_out == {"unjudged": 3}


def test_files_are_written_whole(tmp_path):
    report = audit(ExactJudge(), FILE)

    json_file, html_file = write_report(report, tmp_path / "out")

    assert json.loads(json_file.read_text(encoding="utf-8")) == to_json(report)
    assert html_file.read_text(encoding="utf-8").endswith("</html>\n")
    assert sorted(path.name for path in json_file.parent.iterdir()) == ["audit.html", "audit.json"]


def test_a_report_that_cannot_be_written_names_the_option(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")

    with pytest.raises(RunError, match=r"taken: the report cannot be written .*--out"):
        write_report(audit(ExactJudge(), FILE), taken)
    with pytest.raises(RunError, match=r"taken: the report cannot be written .*--out"):
        check_out(taken)


@pytest.mark.skipif(not REAL.exists(), reason="no real pairs in ../shared/data/pairs")
def test_real_pairs_run_through(tmp_path):
    report = audit(ExactJudge(), read_pairs(REAL), against=ExactJudge("unjudged"))

    assert report.asked == sum(report.judges[0].verdicts) == 2997
    assert report.judges[0].unjudged == 0
    assert report.judges[1].unjudged > 2000
    assert report.asymmetry.consistent.value == 1.0
    assert report.agreements[0].accuracy.value == 1.0
    same = {each.name: each.same.value for each in report.stability.rewordings}
    assert same["upper case"] == same["X."] == same['"X"'] == same["a X"] == 1.0
    assert same["It is a X"] == same["a photo of a X"] == 1.0
    write_report(report, tmp_path)


def test_the_hand_labelled_table_is_a_pair_file():
    file = read_pairs(LABELLED)

    report = audit(TaxonomyJudge("cub", unknown="unjudged"), file)

    assert file.labelled == file.rows >= 300
    assert report.agreements[0].judged > 50
    assert report.agreements[0].wrong_judged_right.count == 0
