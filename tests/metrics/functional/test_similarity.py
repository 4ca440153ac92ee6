import numpy as np
import pytest
import torch

from speciarl_pl.metrics.functional import concept_similarity, cosines, semantic_similarity
from speciarl_pl.metrics.functional.similarity import best_cosines

RANDOM = torch.Generator().manual_seed(0)
TRUTHS = torch.randn(9, 5, generator=RANDOM)
PREDICTIONS = torch.randn(9, 5, generator=RANDOM)
CONCEPTS = [torch.randn(count, 5, generator=RANDOM) for count in (1, 3, 2, 0, 4, 1, 1, 2, 6)]


def plain_cosine(one, other):
    one, other = one.double().numpy(), other.double().numpy()
    return float(np.dot(one, other) / np.sqrt(np.dot(one, one) * np.dot(other, other)))


def test_cosines_equal_a_plain_loop():
    expected = [plain_cosine(*pair) for pair in zip(TRUTHS, PREDICTIONS, strict=True)]
    assert cosines(TRUTHS, PREDICTIONS).tolist() == pytest.approx(expected, abs=1e-12)
    assert semantic_similarity(TRUTHS, PREDICTIONS).item() == pytest.approx(np.mean(expected))


def test_the_best_concept_counts_and_none_is_zero():
    expected = [
        max((plain_cosine(truth, row) for row in rows), default=0.0)
        for truth, rows in zip(TRUTHS, CONCEPTS, strict=True)
    ]
    assert best_cosines(TRUTHS, CONCEPTS).tolist() == pytest.approx(expected, abs=1e-12)
    assert concept_similarity(TRUTHS, CONCEPTS).item() == pytest.approx(np.mean(expected))


def test_length_makes_no_difference_and_zero_is_like_nothing():
    assert cosines(TRUTHS, 1e-20 * TRUTHS).tolist() == pytest.approx([1.0] * 9)
    assert cosines(TRUTHS, -3e9 * TRUTHS).tolist() == pytest.approx([-1.0] * 9)
    assert cosines(TRUTHS, torch.zeros(9, 5)).tolist() == [0.0] * 9
    assert cosines(TRUTHS, TRUTHS).max() <= 1


def test_half_precision_is_summed_in_full():
    whole = semantic_similarity(TRUTHS.half().float(), PREDICTIONS.half().float())
    assert semantic_similarity(TRUTHS.half(), PREDICTIONS.half()) == whole


def test_no_embeddings():
    assert semantic_similarity(torch.zeros(0, 5), torch.zeros(0, 5)).isnan()
    assert concept_similarity(torch.zeros(0, 5), []).isnan()


def test_bad_shapes():
    with pytest.raises(ValueError, match="predictions: expected vectors of 5 numbers"):
        cosines(TRUTHS, PREDICTIONS[:, :4])
    with pytest.raises(ValueError, match="concepts: expected one tensor for each of 9 truths"):
        concept_similarity(TRUTHS, CONCEPTS[:8])


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_numbers_that_are_none(value):
    broken = PREDICTIONS.clone()
    broken[3, 2] = value
    with pytest.raises(ValueError, match="predictions: expected finite numbers"):
        cosines(TRUTHS, broken)
    with pytest.raises(ValueError, match="truths: expected finite numbers"):
        cosines(broken, TRUTHS)
