from speciarl_pl.category import Category
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.paraphrase import (
    Changed,
    RewordingResult,
    UnstablePair,
    reword_pairs,
)
from speciarl_pl.judge.audit.rewordings import REWORDINGS
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.records import Pair

W, A, G, L, S, M = Category
STOP, UPPER = REWORDINGS[1], REWORDINGS[2]


def rows_of(*predictions: str) -> list[LabelledPair]:
    return [LabelledPair(Pair("x", text), line) for line, text in enumerate(predictions)]


def test_a_judge_that_reads_what_is_meant_is_stable(rule_judge):
    judge = rule_judge(lambda _, prediction: S if "samoyed" in prediction.lower() else W)

    stability = reword_pairs(judge, rows_of("Samoyed", "Husky dog"), [S, W])

    assert stability.stable == Share(2, 2)
    assert stability.unstable == ()
    assert [each.same.value for each in stability.rewordings] == [1.0] * 8
    doubled = stability.rewordings[-1]
    assert doubled == RewordingResult("doubled blanks", Share(1, 1), unjudged=0, unsuited=1)
    assert len(judge.asked) == 7 + 8


def test_changed_verdicts_are_listed_most_first(rule_judge):
    said = {"a.": G, "A": S, "b.": W, "B": W, "c.": S, "C": S}
    rows = rows_of("a", "b", "c")

    stability = reword_pairs(rule_judge(lambda _, text: said[text]), rows, [S, S, S], [STOP, UPPER])

    assert stability.stable == Share(1, 3)
    assert stability.unstable == (
        UnstablePair(rows[1], S, (Changed("X.", "b.", W), Changed("upper case", "B", W))),
        UnstablePair(rows[0], S, (Changed("X.", "a.", G),)),
    )
    assert [each.same for each in stability.rewordings] == [Share(1, 3), Share(2, 3)]


def test_an_unjudged_wording_is_neither_the_same_nor_another(rule_judge):
    said = {"a.": None, "A": S, "b.": None, "B": W, "c.": S, "C": S}
    rows = rows_of("a", "b", "c")

    stability = reword_pairs(rule_judge(lambda _, text: said[text]), rows, [S, S, S], [STOP, UPPER])

    assert (stability.stable, stability.incomplete) == (Share(1, 1), 2)
    assert [pair.row for pair in stability.unstable] == [rows[1]]
    assert stability.rewordings == (
        RewordingResult("X.", Share(1, 1), unjudged=2, unsuited=0),
        RewordingResult("upper case", Share(2, 3), unjudged=0, unsuited=0),
    )


def test_refusals_blanks_and_unjudged_pairs_are_left_out(rule_judge):
    judge = rule_judge(lambda *_: S)

    stability = reword_pairs(judge, rows_of("none", "unsure", "", "a"), [A, W, W, None])

    assert stability.left_out == {"blank": 1, "refusal": 2, "unjudged": 1}
    assert stability.stable.value is None
    assert judge.asked == []
