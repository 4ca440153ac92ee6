import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import compare
from speciarl_pl.judge.audit.kappa import Estimate
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.records import Pair

W, A, G, L, S, M = Category
SAID = st.lists(st.tuples(*[st.sampled_from([None, *Category])] * 2), max_size=40)


def compared(said):
    rows = [LabelledPair(Pair("a", str(line)), line) for line in range(len(said))]
    return compare(rows, [one for one, _ in said], [other for _, other in said], seed=3)


@given(said=SAID)
def test_figures_equal_a_plain_count(said):
    agreement = compared(said)
    both = [(one, other) for one, other in said if one is not None and other is not None]
    wrong = [other for one, other in both if not one.is_correct]
    right = [other for one, other in both if one.is_correct]

    assert agreement.accuracy == Share(sum(one == other for one, other in both), len(both))
    assert agreement.wrong_judged_right == Share(sum(x.is_correct for x in wrong), len(wrong))
    assert agreement.right_judged_wrong == Share(sum(not x.is_correct for x in right), len(right))
    assert (agreement.judged, agreement.unjudged) == (len(both), len(said) - len(both))
    order = [None if place == 6 else Category(place) for place in range(7)]
    assert agreement.confusion == tuple(
        tuple(said.count((one, other)) for other in order) for one in order
    )
    if both:
        mean = sum(other - one for one, other in both) / len(both)
        assert agreement.mean_difference == pytest.approx(mean)
    else:
        assert agreement.mean_difference is None
    assert len(agreement.disagreements) == sum(one != other for one, other in both)


@given(said=SAID)
def test_unjudged_pairs_change_no_figure(said):
    judged = [pair for pair in said if None not in pair]

    agreement, alone = compared(said), compared(judged)

    assert agreement.kappa_linear == alone.kappa_linear
    assert agreement.accuracy == alone.accuracy
    assert agreement.mean_difference == alone.mean_difference


def test_disagreements_come_most_severe_first():
    said = [(S, M), (A, G), (M, W), (S, S), (W, A), (W, M), (G, S), (None, S), (L, A)]

    found = [(each.reference, each.judged) for each in compared(said).disagreements]

    assert found == [(M, W), (W, M), (L, A), (G, S), (A, G), (S, M), (W, A)]


@pytest.mark.parametrize(
    "said", [[], [(None, None)], [(S, S)], [(S, S)] * 30], ids=["no pair", "unjudged", "1", "same"]
)
def test_degenerate_pairs_have_no_kappa(said):
    agreement = compared(said)

    assert agreement.kappa == agreement.kappa_linear == agreement.kappa_quadratic == Estimate(None)
