import pytest
import torch
from PIL import Image

from speciarl_pl.data.dataset import Collate, pin
from speciarl_pl.errors import DataError
from speciarl_pl.records import Sample, SkippedSample

from .toys import encode


def _sample(id_, size=(2, 2)):
    return Sample(id_, "pets", "cat", "What is it?", Image.new("RGB", size))


BAD = SkippedSample("bad", "pets", "broken")


def test_keeps_order_and_gathers_the_skipped():
    batch = Collate(encode)([_sample("a"), BAD, _sample("b")])
    assert [sample.id for sample in batch.samples] == ["a", "b"]
    assert len(batch.prompts) == 2
    assert batch.skipped == [BAD]


def test_all_broken_is_an_empty_batch():
    batch = Collate(encode)([BAD, BAD])
    assert (batch.samples, batch.prompts, len(batch.skipped)) == ([], [], 2)


def test_nothing_is_an_empty_batch():
    assert Collate(encode)([]).samples == []


def test_what_the_model_cannot_take_is_skipped():
    batch = Collate(encode)([_sample("strip", (401, 1)), _sample("a")])
    assert [sample.id for sample in batch.samples] == ["a"]
    assert (
        "pets/strip: the model cannot take this 401 x 1 image (absolute" in batch.skipped[0].reason
    )


def test_or_raises_if_asked_to():
    with pytest.raises(DataError, match=r"pets/strip: the model cannot take"):
        Collate(encode, on_error="raise")([_sample("strip", (1, 401))])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_pinned_prompts():
    prompt = pin(Collate(encode)([_sample("a")])).prompts[0]
    assert prompt.input_ids.is_pinned()
    assert prompt.vision["pixel_values"].is_pinned()
