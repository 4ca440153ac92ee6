import json

import pytest
import torch

from speciarl_pl.metrics.functional import summarize, wilson_interval

NAMES = ("correctness", "specificity", "hm", "abstain_rate", "wrong_rate")
COUNTS = torch.tensor([2, 1, 3, 2, 8, 4, 10, 2])


def test_holds_the_numbers_of_results_json():
    summary = json.loads(json.dumps(summarize(COUNTS), allow_nan=False))
    assert list(summary) == [
        *("n", "images", "samples", "counts"),
        *("correctness", "specificity", "hm", "abstain_rate", "wrong_rate", "ci95"),
    ]
    assert (summary["n"], summary["images"], summary["samples"]) == (30, 32, 1)
    assert summary["counts"] == {
        "unjudged": 2,
        "unparsed": 1,
        "wrong": 3,
        "abstain": 2,
        "generic": 8,
        "less specific": 4,
        "specific": 10,
        "more specific": 2,
    }
    assert summary["correctness"] == 24 / 30
    assert summary["specificity"] == pytest.approx((8 * 0.2 + 4 * 0.6 + 12) / 24)
    assert summary["hm"] == pytest.approx(2 / (1 / summary["correctness"] + 24 / 16))
    assert summary["abstain_rate"] == pytest.approx(2 / 30)
    assert summary["wrong_rate"] == pytest.approx(4 / 30)
    assert list(summary["ci95"]) == [*NAMES]
    for name, (low, high) in summary["ci95"].items():
        assert low < summary[name] < high
    for name, count in [("correctness", 24), ("abstain_rate", 2), ("wrong_rate", 4)]:
        assert summary["ci95"][name] == wilson_interval(count, 30)


def test_intervals_of_what_never_happens_begin_at_zero():
    found = summarize(torch.tensor([0, 0, 0, 0, 0, 0, 49, 0]))
    assert found["ci95"]["wrong_rate"][0] == 0.0
    assert found["ci95"]["correctness"][1] == 1.0


def test_undefined_is_none():
    nothing = summarize(torch.tensor([5, 0, 0, 0, 0, 0, 0, 0]))
    assert (nothing["n"], nothing["counts"]["unjudged"]) == (0, 5)
    assert [nothing[key] for key in ("correctness", "specificity", "hm", "wrong_rate")] == [
        None
    ] * 4
    assert nothing["ci95"] == dict.fromkeys(NAMES)
    wrong = summarize(torch.tensor([0, 1, 4, 0, 0, 0, 0, 0]))
    assert (wrong["correctness"], wrong["specificity"], wrong["hm"]) == (0.0, None, 0.0)
    assert wrong["ci95"]["specificity"] is None
    assert wrong["ci95"]["hm"] == [0.0, 0.0]
    json.dumps(wrong, allow_nan=False)


def test_repeats_exactly():
    assert summarize(COUNTS, seed=3) == summarize(COUNTS.clone(), seed=3)


def test_bad_shape():
    with pytest.raises(ValueError, match=r"counts: expected shape \(8,\), got \(6,\)"):
        summarize(torch.zeros(6))
