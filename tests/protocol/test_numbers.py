import json

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from speciarl_pl.older_protocol import Prediction
from speciarl_pl.older_protocol.protocol import mean, share
from speciarl_pl.older_protocol.text_pairs import distinct_pairs

NAN = float("nan")


def predictions(*answers, images=()):
    ids = images or [""] * len(answers)
    return distinct_pairs(
        Prediction("x", answer, sample_id=one) for answer, one in zip(answers, ids, strict=True)
    )


def test_a_share_of_independent_predictions():
    found = predictions("a", "b", "b", "c", "a", "b")
    scored = share(torch.tensor([1.0, 0.0, NAN]), found)
    expected = binomtest(2, 5).proportion_ci(method="wilson")
    assert scored["value"] == pytest.approx(2 / 5)
    assert scored["ci95"] == pytest.approx([expected.low, expected.high], abs=1e-9)
    assert (scored["n"], scored["left_out"]) == (5, 1)


def test_a_share_with_several_answers_to_an_image():
    """The interval is over the means of the images, here all of two answers."""
    images = [str(number // 2) for number in range(80)]
    answers = ["a" if number % 5 == 0 else "b" for number in range(80)]
    scored = share(torch.tensor([1.0, 0.0]), predictions(*answers, images=images))
    means = np.array([one == "a" for one in answers]).reshape(40, 2).mean(1)
    half = 1.959964 * means.std(ddof=1) / np.sqrt(40)
    assert scored["value"] == pytest.approx(means.mean())
    assert scored["ci95"] == pytest.approx([means.mean() - half, means.mean() + half])


def test_intervals_stay_in_range():
    values = torch.tensor([1.0, 0.9])
    found = predictions("a", "a", "a", "b")
    assert mean(values, found)["ci95"][1] == 1.0
    copied = predictions("a", "a", "b", "a", images=["1", "1", "2", "3"])
    low, high = share(torch.tensor([0.0, 1.0]), copied)["ci95"]
    assert (low, high > 0) == (0.0, True)


def test_a_mean():
    scored = mean(torch.tensor([-0.5, 0.25, 1.0], dtype=torch.float64), predictions(*"aabbbc"))
    values = np.array([-0.5, -0.5, 0.25, 0.25, 0.25, 1.0])
    half = 1.959964 * values.std(ddof=1) / np.sqrt(6)
    assert scored["value"] == pytest.approx(values.mean())
    assert scored["ci95"] == pytest.approx([values.mean() - half, values.mean() + half])


@pytest.mark.parametrize("score", [share, mean])
@pytest.mark.parametrize("found", [predictions(), predictions("a", "a")], ids=["none", "left out"])
def test_nothing_to_score_is_none_and_not_nan(score, found):
    values = torch.full((len(found.pairs),), NAN)
    expected = {"value": None, "ci95": None, "n": 0, "left_out": len(found.pair_of)}
    assert score(values, found) == expected
    assert json.loads(json.dumps(score(values, found), allow_nan=False)) == expected
