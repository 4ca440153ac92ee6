import pytest

from speciarl_pl.judge import ExactJudge
from speciarl_pl.records import Pair, Unjudged

CASES = [
    ("Lion", "lion", "specific"),
    ("Lion", "A lion.", "specific"),
    ("F/A-18", "F/A-18", "specific"),
    ("F/A-18", "F A 18", "wrong"),
    ("Citroën C3", "CITROE\u0308N  C3", "specific"),
    ("lion", "lions", "wrong"),
    ("lion", "lion or tiger", "wrong"),
    ("lion", "I don't know", "abstain"),
    ("none-so-pretty", "None-so-pretty", "specific"),
]


@pytest.mark.parametrize(("truth", "prediction", "expected"), CASES)
def test_cases(truth, prediction, expected):
    [verdict] = ExactJudge().judge([Pair(truth, prediction)])
    assert verdict.category.label == expected
    assert verdict.source.startswith("exact:")


def test_unknown_may_be_left_to_another_judge():
    judgements = ExactJudge(unknown="unjudged").judge([Pair("lion", "cat"), Pair("lion", "lion")])
    assert judgements[0] == Unjudged("exact: not the truth as written")
    assert judgements[1].category.label == "specific"


def test_bad_unknown():
    with pytest.raises(ValueError, match="unknown: expected 'wrong' or 'unjudged'"):
        ExactJudge(unknown="maybe")
