import pytest
import torch

from speciarl_pl.metrics.functional import summarize_samples
from speciarl_pl.validation import ImageOutcomes, ValidationOutcomes, vote_key

IMAGES = [
    ImageOutcomes("birds", 0, (4, 4, 2), ("wren", "wren", "bird")),
    ImageOutcomes("birds", 1, (0, -1, -1), ("dog", None, None)),
    ImageOutcomes("pets", 2, (2, 1, 1), ("cat", "none", "none")),
]


def count(images, samples=3):
    outcomes = ValidationOutcomes(["birds", "pets"], samples, "cpu")
    for image in images:
        outcomes.add([image])
    return outcomes


def test_each_data_set_has_its_own_rates_and_votes():
    found = count(IMAGES).summaries()
    expected = summarize_samples(torch.tensor([[4, 4, 2], [0, -1, -1]]))
    majority = found["birds"].pop("majority")
    assert found["birds"] == expected
    assert (majority["counts"]["specific"], majority["counts"]["unparsed"]) == (1, 1)
    assert majority["agreement"] == pytest.approx(2 / 3)
    assert found["pets"]["majority"]["abstain_rate"] == 1.0


def test_neither_order_nor_batches_nor_repetition_matter():
    together = ValidationOutcomes(["birds", "pets"], 3, "cpu")
    together.add([IMAGES[2], IMAGES[1], IMAGES[0], IMAGES[1]])
    assert together.summaries() == count(IMAGES).summaries()
    assert together.codes()["birds"].tolist() == [[4, 4, 2], [0, -1, -1]]


@pytest.mark.filterwarnings("ignore:.*SampleOutcomes was called before")
def test_one_sample_an_image_does_not_vote():
    one = [ImageOutcomes("pets", 0, (4,), ("cat",))]
    found = count(one, samples=1).summaries()
    assert "majority" not in found["pets"]
    assert "best_of_k" not in found["pets"]
    assert found["birds"]["images"] == 0, "a data set without images is there all the same"


@pytest.mark.parametrize(
    ("one", "other"), [("Wren", " wren "), ("None", "I cannot tell."), ("unknown", "None")]
)
def test_answers_that_vote_for_the_same(one, other):
    assert vote_key(one) == vote_key(other)


def test_different_answers_vote_apart_and_no_answer_for_nothing():
    assert len({vote_key("wren"), vote_key("bird"), vote_key("None"), vote_key(None)}) == 4
