import pytest
import torch
from scipy.stats import binomtest

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional import judge_coverage
from speciarl_pl.metrics.functional.judge_coverage import (
    COVERAGE_LABELS,
    coverage_counts,
    coverage_interval,
)
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


def test_each_verdict_counts_once():
    expected = {"unjudged": 2, "exact": 1, "taxonomy": 2, "llm": 1, "cached": 2, "other": 2}
    counts = coverage_counts(OUTCOMES)
    assert dict(zip(COVERAGE_LABELS, counts.tolist(), strict=True)) == expected


def test_shares_are_of_what_is_parsed_and_add_up():
    shares = {name: share.item() for name, share in judge_coverage(OUTCOMES).items()}
    assert shares.pop("coverage") == pytest.approx(0.8)
    assert sum(shares.values()) == pytest.approx(0.8)
    assert shares["taxonomy_share"] == pytest.approx(0.2)


def test_the_interval_is_wilsons():
    expected = binomtest(8, 10).proportion_ci(method="wilson")
    found = coverage_interval(coverage_counts(OUTCOMES)).tolist()
    assert found == pytest.approx([expected.low, expected.high], abs=1e-9)


@pytest.mark.parametrize("outcomes", [[], OUTCOMES[-2:]], ids=["none", "unparsed"])
def test_nothing_parsed(outcomes):
    assert all(share.isnan() for share in judge_coverage(outcomes).values())
    assert coverage_interval(torch.zeros(6)).isnan().all()
