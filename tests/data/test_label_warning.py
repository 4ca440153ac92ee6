"""Labels that a judge does not know are counted before anything is drawn."""

import pytest
from PIL import Image

from speciarl_pl.data import ImageDataset, OpenWorldDataModule
from speciarl_pl.data.datasets import ImageFolder, MixedImages
from speciarl_pl.data.labels.label_warning import label_warnings
from speciarl_pl.judge import CascadeJudge, ExactJudge, LLMJudge, TaxonomyJudge

KNOWN, UNKNOWN = "Samoyed", "Flumpet"
LLM = "http://127.0.0.1:9/v1"


@pytest.fixture
def pets(tmp_path):
    for label, number in ((KNOWN, 3), (UNKNOWN, 2)):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for at in range(number):
            Image.new("RGB", (9, 9)).save(tmp_path / "pets" / label / f"{at}.png")
    return ImageFolder(str(tmp_path / "pets"))


def warnings(judge, source, role="train"):
    return list(label_warnings(judge, ImageDataset(source, ""), role))


@pytest.mark.parametrize(
    ("judge", "effect"),
    [
        (TaxonomyJudge("oxford_pets"), "unjudged and masked"),
        (
            CascadeJudge([ExactJudge("unjudged"), TaxonomyJudge("oxford_pets")]),
            "unjudged and masked",
        ),
        (CascadeJudge([TaxonomyJudge("oxford_pets"), ExactJudge()]), "called wrong"),
    ],
    ids=["tree", "cascade", "cascade ending in wrong"],
)
def test_unknown_labels_are_counted_with_their_images_and_named(pets, judge, effect):
    (line,) = warnings(judge, pets)
    assert line == (
        "warning: data.judge does not know 1 of 2 labels of train data set 'pets' (2 of 5 images): "
        f"'Flumpet'; answers to them are {effect}, but for the label itself and refusals"
    )


@pytest.mark.parametrize(
    "judge",
    [
        LLMJudge(LLM, "m"),
        CascadeJudge([TaxonomyJudge("oxford_pets"), LLMJudge(LLM, "m")]),
        TaxonomyJudge("oxford_pets"),
    ],
    ids=["LLM", "LLM behind a tree", "tree that knows all"],
)
def test_nothing_is_said_where_all_may_be_known(tmp_path, pets, judge):
    whole = isinstance(judge, TaxonomyJudge)
    assert warnings(judge, ImageFolder(pets.root, include=[KNOWN]) if whole else pets) == []


def test_equality_alone_is_a_note_for_training_only(pets):
    (line,) = warnings(ExactJudge(), pets)
    assert line.startswith("note: data.judge calls an answer right only if it is the label as it")
    assert warnings(ExactJudge(), pets, "val") == []


def test_a_mix_asks_the_tree_of_each_part(pets):
    parts = [ImageFolder(pets.root, name=name, include=[KNOWN]) for name in ("pets", "cub")]
    judge = TaxonomyJudge(["oxford_pets", "cub"], datasets={"pets": "oxford_pets", "cub": "cub"})
    (line,) = warnings(judge, MixedImages(parts, limit=2))
    assert "does not know 1 of 2 labels" in line


@pytest.mark.parametrize(("stage", "count"), [("fit", 2), ("validate", 1)])
def test_a_data_module_says_it_once_a_data_set(pets, capsys, stage, count):
    data = OpenWorldDataModule(train=pets, val=[pets], judge=TaxonomyJudge("oxford_pets"))
    for _ in range(2):
        data.setup(stage)
        data.teardown(stage)
    assert capsys.readouterr().err.count("warning: data.judge does not know 1 of 2") == count


def test_photos_without_labels_are_asked_nothing(pets, capsys):
    data = OpenWorldDataModule(images=pets.root, judge=TaxonomyJudge("oxford_pets"))
    data.setup("predict")
    assert "does not know" not in capsys.readouterr().err
