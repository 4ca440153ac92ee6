import pytest
from PIL import Image

from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.dataset import Collate
from speciarl_pl.data.prompt_check import check_prompt
from speciarl_pl.errors import PromptError
from speciarl_pl.records import Sample

from .toys import Numbers, encode


class Strict:
    """Encodes, but no sample that it has a fault for."""

    def __init__(self, error, only=None):
        self.error, self.only, self.asked = error, only, []

    def __call__(self, sample):
        self.asked.append(sample.id)
        if self.only in (None, sample.id):
            raise self.error
        return encode(sample)


@pytest.mark.parametrize(
    "error", [TypeError("odd"), ValueError("no chat template"), RuntimeError("x")], ids=repr
)
def test_what_fails_with_a_plain_image_is_no_fault_of_an_image(error):
    with pytest.raises(PromptError, match=rf"^data.prompt: .*\({type(error).__name__}: {error}\)"):
        check_prompt(Strict(error), "What is it?")


def test_a_prompt_error_is_told_as_it_is():
    with pytest.raises(PromptError, match=r"^data\.prompt: two$"):
        check_prompt(Strict(PromptError("data.prompt: two")), "What is it?")


@pytest.mark.parametrize(
    ("stage", "loader"), [("fit", "train"), ("validate", "val"), ("predict", "predict")]
)
def test_it_is_said_before_the_first_batch_whatever_the_command(stage, loader, tmp_path, photo):
    photo("photos/a.png")
    sources = {"train": Numbers(4), "val": [Numbers(2)], "images": str(tmp_path / "photos")}
    data = OpenWorldDataModule(**sources, batch_size=2)
    data.encode = Strict(PromptError("data.prompt: two"))
    data.setup(stage)
    with pytest.raises(PromptError):
        getattr(data, f"{loader}_dataloader")()
    assert data.encode.asked == ["plain"]


def test_it_is_tried_once():
    data = OpenWorldDataModule(Numbers(4), [Numbers(2, "val")], batch_size=2)
    data.encode = Strict(None, only="nothing")
    data.setup("fit")
    data.train_dataloader()
    data.val_dataloader()
    assert data.encode.asked == ["plain"]


def test_a_prompt_error_in_a_batch_is_no_bad_image():
    collate = Collate(Strict(PromptError("data.prompt: two"), only="1"))
    image = Image.new("RGB", (2, 2))
    samples = [Sample(id_, "numbers", id_, "What is it?", image) for id_ in ("0", "1")]
    with pytest.raises(PromptError):
        collate(samples)
