from types import SimpleNamespace

import lightning as L
import pytest
from jsonargparse import ArgumentParser

from speciarl_pl.data.data_module import OpenWorldDataModule
from speciarl_pl.data.datasets import ImageFolder
from speciarl_pl.data.of_trainer import data_of, find_data
from speciarl_pl.errors import DataError
from speciarl_pl.judge import Judge
from speciarl_pl.records import SkippedSample

from .toys import Diary, Numbers, encode

pytestmark = pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec.:FutureWarning"  # Lightning 2.6 on torch 2.13
)


class DoorJudge(Judge):
    """Notes when it is opened and closed."""

    def __init__(self):
        self.events = []

    def open(self):
        self.events.append("open")

    def judge(self, pairs):
        raise AssertionError

    def close(self):
        self.events.append("close")


def _trainer(tmp_path, **options):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    quiet |= {"accelerator": "cpu", "enable_checkpointing": False, "default_root_dir": tmp_path}
    return L.Trainer(**(quiet | options))


def _alone(stage="validate", **arguments):
    data = OpenWorldDataModule(**arguments)
    data.encode = encode
    data.setup(stage)
    return data


def test_validation_goes_through_the_sets_in_order(tmp_path):
    judge, module = DoorJudge(), Diary()
    data = OpenWorldDataModule(
        val=[Numbers(3, "b"), Numbers(2, "a")], judge=judge, val_batch_size=2
    )
    _trainer(tmp_path).validate(module, data, verbose=False)
    assert module.validated == [("b", "0"), ("b", "1"), ("b", "2"), ("a", "0"), ("a", "1")]
    assert judge.events == ["open", "close"]


def test_fit_opens_the_judge_once(tmp_path):
    judge, module = DoorJudge(), Diary()
    data = OpenWorldDataModule(Numbers(6), [Numbers(2, "val")], judge=judge, batch_size=2)
    _trainer(tmp_path, max_epochs=2, log_every_n_steps=1).fit(module, data)
    assert judge.events == ["open", "close"]
    assert len(module.trained) == 6
    assert len(module.validated) == 2 * (2 + 1), "two epochs and the sanity check"


def test_fit_without_validation(tmp_path):
    module = Diary()
    _trainer(tmp_path, max_steps=1).fit(module, OpenWorldDataModule(Numbers(4), batch_size=2))
    assert len(module.trained) == 1


def test_test_takes_val_by_default(tmp_path):
    module = Diary()
    data = OpenWorldDataModule(val=[Numbers(2, "val")])
    _trainer(tmp_path).test(module, data, verbose=False)
    assert [name for name, _ in module.validated] == ["val", "val"]


def test_predict_over_photos(tmp_path, photo, broken):
    for name in ("photos/b.png", "photos/trip/a.png"):
        photo(name)
    broken("photos/c.jpg")
    judge = DoorJudge()
    data = OpenWorldDataModule(images=str(tmp_path / "photos"), judge=judge)
    assert _trainer(tmp_path).predict(Diary(), data) == [["b.png", "trip/a.png"]]
    assert judge.events == []


def test_workers_do_the_same(tmp_path):
    module = Diary()
    data = OpenWorldDataModule(val=[Numbers(5, "val")], val_batch_size=2, num_workers=2)
    _trainer(tmp_path).validate(module, data, verbose=False)
    assert [id_ for _, id_ in module.validated] == list("01234")


def test_an_encoder_of_ones_own_and_the_prompt():
    data = _alone(val=[Numbers(2)], prompt="specific")
    batch = next(iter(data.val_dataloader()))
    assert batch.prompts[0].input_ids.tolist() == [1]
    assert "most specific" in batch.samples[0].prompt


def test_broken_images_are_skipped_counted_and_named(photo, broken, tmp_path):
    photo("root/cat/a.png")
    broken("root/cat/b.jpg")
    photo("root/cat/strip.png", size=(801, 1))
    data = _alone(val=[ImageFolder(str(tmp_path / "root"))])
    for _ in range(2):
        for batch in data.val_dataloader():
            data.note_skipped(batch.skipped)
    summary = data.skipped_summary()
    assert summary.startswith("2 sample(s)")
    assert "b.jpg" in summary
    assert "strip.png" in summary


def test_on_error_raise(broken, tmp_path):
    broken("root/cat/b.jpg")
    data = _alone(val=[ImageFolder(str(tmp_path / "root"))], on_error="raise")
    with pytest.raises(DataError, match=r"b\.jpg"):
        next(iter(data.val_dataloader()))


def test_skipped_samples_survive_a_checkpoint():
    data, fresh = OpenWorldDataModule(), OpenWorldDataModule()
    data.note_skipped([SkippedSample("a", "pets", "broken")])
    fresh.load_state_dict(data.state_dict())
    assert fresh.skipped == data.skipped


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, r"batch_size: expected an int >= 1, got 0"),
        ({"val_batch_size": 0}, r"val_batch_size: expected"),
        ({"num_workers": -1}, r"num_workers: expected an int >= 0"),
        ({"seed": -1}, r"seed: expected an int >= 0"),
        ({"max_image_pixels": 10**9}, r"max_image_pixels: expected an int from 1 to 178956970"),
        ({"on_error": "ignore"}, r"on_error: expected 'skip' or 'raise', got 'ignore'"),
        ({"prompt": "nope"}, r"prompt: expected one of"),
        ({"val": [Numbers(1, "a"), Numbers(2, "a")]}, r"val: two data sets are named 'a'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        OpenWorldDataModule(**arguments)


@pytest.mark.parametrize(
    ("stage", "key"),
    [("fit", "train"), ("validate", "val"), ("test", "test"), ("predict", "images")],
)
def test_a_stage_without_its_data(stage, key):
    with pytest.raises(ValueError, match=rf"data\.{key}: {stage} needs it"):
        OpenWorldDataModule().setup(stage)


def test_too_few_training_images():
    data = _alone("fit", train=Numbers(3), batch_size=4)
    with pytest.raises(ValueError, match=r"batch_size: 4 .* more than the 3 training images"):
        data.train_dataloader()


def test_missing_data_is_named_in_setup(tmp_path):
    with pytest.raises(DataError, match="gone: no such folder"):
        OpenWorldDataModule(ImageFolder(str(tmp_path / "gone"))).setup("fit")


def test_made_from_a_config_by_short_names_without_any_data():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(OpenWorldDataModule, "data")
    values = {
        "class_path": "OpenWorldDataModule",
        "init_args": {
            "train": {"class_path": "ImageFolder", "init_args": {"root": "/no/such/folder"}},
            "val": [
                {"class_path": "Flowers102", "init_args": {"root": "/no", "split": "val"}},
                {"class_path": "WorldImages", "init_args": {"kinds": "held_out", "n": 4}},
            ],
            "judge": {"class_path": "ExactJudge"},
            "on_error": "raise",
        },
    }
    config = parser.parse_object({"data": values})
    text = parser.dump(config)
    assert "speciarl_pl.ImageFolder" in text
    data = parser.instantiate(config).data
    assert isinstance(data, OpenWorldDataModule)


def test_fit_says_once_what_it_teaches_and_what_looks_odd(photo, tmp_path, capsys):
    for name in ("n02085620-Chihuahua/a.png", "n02085936-Maltese/b.png", "notes/._c.png"):
        photo(f"dogs/{name}")
    data = OpenWorldDataModule(ImageFolder(str(tmp_path / "dogs")))
    data.setup("fit")
    said = capsys.readouterr().err
    assert "training on data set 'dogs': 2 images of 2 labels: 'n02085620-Chihuahua', 'n0" in said
    assert said.count("warning: data set 'dogs': labels look like ids of WordNet") == 1
    assert "1 without images (notes/)" in said
    data.setup("fit")
    assert not capsys.readouterr().err


@pytest.mark.parametrize("given", [None, object()], ids=["none", "another"])
def test_a_trainer_without_one_is_told_what_to_give_it(given):
    trainer = SimpleNamespace(datamodule=given)
    assert find_data(trainer) is None
    with pytest.raises(DataError, match=r"^data: expected an OpenWorldDataModule, "):
        data_of(trainer)


def test_it_is_found_by_its_trainer():
    data = OpenWorldDataModule()
    assert data_of(SimpleNamespace(datamodule=data)) is data
