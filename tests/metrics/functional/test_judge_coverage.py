import pytest
from scipy.stats import binomtest

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional import judge_coverage
from speciarl_pl.records import Unjudged, Unparsed, Verdict

OUTCOMES = [
    Verdict(Category.SPECIFIC, "exact:same"),
    Verdict(Category.WRONG, "exact:other", cached=True),
    Verdict(Category.GENERIC, "taxonomy:ancestor"),
    Verdict(Category.WRONG, "taxonomy:other"),
    Verdict(Category.WRONG, "llm:single@1:m"),
    Verdict(Category.WRONG, "llm:single@1:m", cached=True),
    Verdict(Category.WRONG, "mine"),
    Verdict(Category.WRONG, "unjudged:odd"),
    Unjudged("timeout", transient=True),
    Unjudged("llm: too long"),
    Unparsed("no answer"),
    Unparsed("answer too long"),
]


def test_shares_are_of_what_is_parsed_and_add_up():
    found = judge_coverage(OUTCOMES)
    assert (found["value"], found["n"]) == (0.8, 10)
    assert found["by_source"] == {"exact": 0.2, "taxonomy": 0.2, "llm": 0.2, "other": 0.2}


def test_the_interval_is_wilsons():
    expected = binomtest(8, 10).proportion_ci(method="wilson")
    assert judge_coverage(OUTCOMES)["ci95"] == [expected.low, expected.high]


@pytest.mark.parametrize("outcomes", [[], OUTCOMES[-2:]], ids=["none", "unparsed"])
def test_nothing_parsed(outcomes):
    found = judge_coverage(outcomes)
    assert (found["value"], found["ci95"], found["n"]) == (None, None, 0)
    assert set(found["by_source"].values()) == {None}
