import pytest

from speciarl_pl.category import Category
from speciarl_pl.older_protocol import Prediction
from speciarl_pl.records import Unjudged, Unparsed, Verdict


@pytest.mark.parametrize(
    "verdict", [Category.LESS_SPECIFIC, "less specific"], ids=["category", "label"]
)
def test_a_verdict(verdict):
    one = Prediction("Samoyed", "spitz", verdict, "taxonomy:ancestor")
    assert one.outcome == Verdict(Category.LESS_SPECIFIC, "taxonomy:ancestor")


@pytest.mark.parametrize("verdict", [None, "unjudged"])
def test_no_verdict(verdict):
    assert isinstance(Prediction("Samoyed", "spitz", verdict, "timeout").outcome, Unjudged)


@pytest.mark.parametrize("verdict", [None, "unparsed", "unjudged"])
def test_no_answer(verdict):
    assert isinstance(Prediction("Samoyed", None, verdict).outcome, Unparsed)


def test_a_verdict_that_is_none():
    with pytest.raises(ValueError, match=r"category: expected one of wrong, .* got 'fine'"):
        _ = Prediction("Samoyed", "spitz", "fine").outcome
