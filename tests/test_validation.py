from dataclasses import replace

import pytest
import torch

from speciarl_pl.metrics.functional import summarize_samples
from speciarl_pl.records import SkippedSample
from speciarl_pl.step.validation import (
    ImageOutcomes,
    ValidationOutcomes,
    skipped_by_dataset,
    vote_key,
)

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
    assert found["birds"].pop("cut") == 0
    assert found["birds"].pop("skipped") == {"count": 0, "samples": []}
    assert found["birds"] == expected
    assert (majority["counts"]["specific"], majority["counts"]["unparsed"]) == (1, 1)
    assert majority["agreement"] == pytest.approx(2 / 3)
    assert found["pets"]["majority"]["abstain_rate"] == 1.0


def test_neither_order_nor_batches_nor_repetition_matter():
    together = ValidationOutcomes(["birds", "pets"], 3, "cpu")
    together.add([IMAGES[2], IMAGES[1], IMAGES[0], IMAGES[1]])
    assert together.summaries() == count(IMAGES).summaries()
    assert together.codes()["birds"].tolist() == [[4, 4, 2], [0, -1, -1]]


def test_answers_that_were_cut_count_once_an_image():
    cut = [replace(image, cut=n) for image, n in zip(IMAGES, (3, 1, 0), strict=True)]
    found = count([*cut, cut[0]]).summaries()
    assert (found["birds"]["cut"], found["pets"]["cut"]) == (4, 0)


def test_unreadable_images_are_counted_and_named_in_the_order_of_the_data():
    outcomes = count(IMAGES)
    broken = [SkippedSample(f"{n}.jpg", "birds", f"{n}: empty", n) for n in range(9, -1, -1)]
    outcomes.skip([*broken, broken[3]])
    found = outcomes.summaries()
    assert found["birds"]["skipped"]["count"] == 10
    assert found["birds"]["skipped"]["samples"][1] == {"id": "1.jpg", "reason": "1: empty"}
    assert found["pets"]["skipped"]["count"] == 0


def test_names_are_capped_and_counts_are_not():
    broken = [SkippedSample(f"{n}.jpg", "birds", "empty", n) for n in range(60)]
    found = skipped_by_dataset(broken)["birds"]
    assert (found["count"], len(found["samples"])) == (60, 50)


@pytest.mark.filterwarnings("ignore:.*Outcomes was called before")
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
