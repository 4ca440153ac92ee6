import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.swap import EXPECTED, SwappedPair, swap_pairs
from speciarl_pl.judge.audit.verdicts import categories
from speciarl_pl.records import Pair

W, A, G, L, S, M = Category


def rows_of(*predictions: str) -> list[LabelledPair]:
    return [LabelledPair(Pair("x", text), line) for line, text in enumerate(predictions)]


@pytest.mark.parametrize("verdict", [W, G, L, S, M], ids=lambda verdict: verdict.label)
@pytest.mark.parametrize("swapped", list(Category), ids=lambda verdict: verdict.label)
def test_swaps_fit_as_the_levels_demand(rule_judge, verdict, swapped):
    fits = {W: {W}, S: {S}, M: {G, L}, L: {M}, G: {M}}[verdict]
    rows = rows_of("y")

    result = swap_pairs(rule_judge(lambda *_: swapped), rows, [verdict])

    assert result.consistent == Share(int(swapped in fits), 1)
    assert result.inconsistent == (
        () if swapped in fits else (SwappedPair(rows[0], verdict, swapped),)
    )
    assert result.table[verdict][swapped] == sum(map(sum, result.table)) == 1


def test_expected_relation_is_symmetric():
    assert all(row in EXPECTED[column] for row, columns in EXPECTED.items() for column in columns)


def test_pairs_without_two_verdicts_are_left_out_and_counted(rule_judge):
    judge = rule_judge(lambda truth, _: None if truth == "odd" else S)
    rows = rows_of("y", "odd", "none", "I don't know", " ", "z")

    result = swap_pairs(judge, rows, [S, S, A, W, W, None])

    assert judge.asked == [Pair("y", "x"), Pair("odd", "x")]
    assert result.consistent == Share(1, 1)
    assert result.left_out == {"blank": 1, "refusal": 2, "swap unjudged": 1, "unjudged": 1}
    assert result.table[S] == (0, 0, 0, 0, 1, 0, 1)


def test_a_tree_is_symmetric():
    judge = TaxonomyJudge("world")
    names = ["hexagon", "polygon", "red hexagon", "crimson hexagon", "circle", "hexagons"]
    rows = [LabelledPair(Pair(one, other), 1) for one in names for other in names]
    verdicts = categories(judge.judge([row.pair for row in rows]))
    assert len({*verdicts} - {None}) >= 4

    result = swap_pairs(judge, rows, verdicts)

    assert result.consistent.value == 1.0


def test_no_pairs_no_share(rule_judge):
    result = swap_pairs(rule_judge(lambda *_: S), [], [])

    assert result.consistent.value is None
    assert result.inconsistent == ()
