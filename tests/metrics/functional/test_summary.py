import json

import pytest
import torch

from speciarl_pl.metrics.functional import macro_average, summarize

COUNTS = torch.tensor([2, 1, 3, 2, 8, 4, 10, 2])


def test_holds_the_numbers_of_results_json():
    summary = json.loads(json.dumps(summarize(COUNTS), allow_nan=False))
    assert list(summary) == [
        *("n", "counts", "correctness", "specificity", "hm", "abstain_rate", "wrong_rate", "ci95")
    ]
    assert summary["n"] == 30
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
    assert list(summary["ci95"]) == ["correctness", "specificity", "hm"]
    for name, (low, high) in summary["ci95"].items():
        assert low < summary[name] < high


def test_undefined_is_none():
    nothing = summarize(torch.tensor([5, 0, 0, 0, 0, 0, 0, 0]))
    assert (nothing["n"], nothing["counts"]["unjudged"]) == (0, 5)
    assert [nothing[key] for key in ("correctness", "specificity", "hm", "wrong_rate")] == [
        None
    ] * 4
    assert nothing["ci95"] == {"correctness": None, "specificity": None, "hm": None}
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


def test_macro_average_weighs_data_sets_alike_and_skips_the_undefined():
    sets = {
        "large": summarize(COUNTS * 10),
        "wrong": summarize(torch.tensor([0, 0, 4, 0, 0, 0, 0, 0])),
        "unjudged": summarize(torch.tensor([4, 0, 0, 0, 0, 0, 0, 0])),
    }
    macro = macro_average(sets)
    assert macro["correctness"] == pytest.approx(0.4)
    assert macro["specificity"] == sets["large"]["specificity"]
    assert macro["hm"] == pytest.approx(sets["large"]["hm"] / 2)
    assert macro_average({})["hm"] is None
