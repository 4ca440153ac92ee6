import os

import pytest

from speciarl_pl.data.datasets import ImageFolder, MixedImages
from speciarl_pl.errors import DataError


def test_labels_are_folder_names(photo, tmp_path):
    for name in ("tiger_lily/b.png", "tiger_lily/deep/a.png", "rose/c.png", ".git/x.png", "y.png"):
        photo(name)
    source = ImageFolder(str(tmp_path), name="garden")
    table = source.table()
    assert list(table["id"]) == ["rose/c.png", "tiger_lily/b.png", "tiger_lily/deep/a.png"]
    assert list(table["truth"]) == ["rose", "tiger lily", "tiger lily"]
    assert set(table["subset"]) == {""}
    assert source.image(table[0]).size == (8, 6)


def test_accents_commas_and_long_names_pass_unchanged(photo, tmp_path):
    names = ["Citroën", "lynx, bobcat", "é" * 100]
    for name in names:
        photo(f"{name}/a.png")
    assert sorted(ImageFolder(str(tmp_path)).table()["truth"]) == sorted(names)


def test_folder_name_without_a_label(photo, tmp_path):
    photo("_/a.png")
    with pytest.raises(DataError, match=r"class folders of .*: '_' gives an empty label"):
        ImageFolder(str(tmp_path)).table()


def test_missing_root(tmp_path):
    with pytest.raises(DataError, match=r"gone: no such folder; expected a folder with one sub-"):
        ImageFolder(str(tmp_path / "gone")).table()


def test_root_is_a_file(photo):
    with pytest.raises(DataError, match=r"a\.png: is a file, not a folder"):
        ImageFolder(str(photo("a.png"))).table()


def test_empty_root(tmp_path):
    with pytest.raises(DataError, match="no images in class sub-folders; expected files such as"):
        ImageFolder(str(tmp_path)).table()


def test_root_with_loose_images_only(photo, tmp_path):
    photo("a.png")
    with pytest.raises(DataError, match="1 lie beside them"):
        ImageFolder(str(tmp_path)).table()


def test_what_is_left_out_is_counted_and_named(photo, tmp_path):
    for name in ("rose/a.png", "rose/.b.png", "loose.png", ".git/x.png", "@eaDir/y.png"):
        photo(name)
    (tmp_path / "rose" / "notes.txt").touch()
    source = ImageFolder(str(tmp_path), name="garden")
    assert len(source.table()) == 1
    (note,) = source.notes
    assert note.startswith("garden: left out 5: 3 hidden or of the system (.git/, @eaDir/, .b.png)")
    assert "1 beside the class folders (loose.png)" in note
    assert "1 no image (notes.txt)" in note
    assert MixedImages([source], limit=1).notes == [note]


def test_a_class_whose_name_is_not_utf8_has_no_label(photo, tmp_path):
    photo(os.fsdecode(b"Citro\xebn/a.png"))
    with pytest.raises(DataError, match=r"label 'Citro\\xebn': not UTF-8.* rename the folder"):
        ImageFolder(str(tmp_path)).table()


def test_a_file_whose_name_is_not_utf8_is_read(photo, tmp_path):
    photo(os.fsdecode(b"rose/\xff.png"))
    source = ImageFolder(str(tmp_path))
    assert source.table()["id"][:] == [r"rose/\xff.png"]
    assert source.image(source.table()[0]).size == (8, 6)


# ---------------------------------------------------------------------- splits


def images(photo, *names):
    for name in names:
        photo(f"root/{name}")


@pytest.fixture
def split_root(photo, tmp_path):
    images(
        photo, "train/cat/a.png", "train/dog/b.png", "Valid/cat/c.png", "test/x.png", "more/y/z.png"
    )
    return str(tmp_path / "root")


@pytest.mark.parametrize(
    "names",
    [
        ("train/cat/a.png", "val/cat/a.png"),
        ("train/cat/a.png",),
        ("Training/cat/a.png", "validation/cat/a.png", "test/a.png"),
        ("train/cat/a.png", "sample/b.png"),
        ("train/cat/a.png", "valid/cat/a.png", "extra/cat/b.png"),
        ("cat/train/a.png", "cat/val/b.png", "dog/train/c.png"),
    ],
    ids=["two", "one", "other names", "one deep beside a flat one", "beside others", "in classes"],
)
def test_splits_are_no_labels(photo, tmp_path, names):
    images(photo, *names)
    with pytest.raises(DataError, match=r"are splits, not labels; .*`split_folder: \w+`") as error:
        ImageFolder(str(tmp_path / "root")).table()
    first = names[0].split("/")[0]
    if first != "cat":
        assert f"`root: {tmp_path / 'root'}/{first}`" in str(error.value) or "Training" in names[0]


def test_a_class_named_train_is_a_class(photo, tmp_path):
    images(photo, "car/a.png", "plane/b.png", "train/c.png")
    assert ImageFolder(str(tmp_path / "root")).table()["truth"][:] == ["car", "plane", "train"]


@pytest.mark.parametrize(
    ("split", "ids", "truths"),
    [
        ("train", ["train/cat/a.png", "train/dog/b.png"], ["cat", "dog"]),
        ("validation", ["Valid/cat/c.png"], ["cat"]),
        ("more", ["more/y/z.png"], ["y"]),
    ],
)
def test_a_split_is_picked(split_root, split, ids, truths):
    table = ImageFolder(split_root, split_folder=split).table()
    assert (table["id"][:], table["truth"][:]) == (ids, truths)


def test_splits_that_cannot_be_picked_are_named(split_root, photo, tmp_path):
    with pytest.raises(DataError, match=r"no split 'dev2'; the splits there are: Valid, test, tr"):
        ImageFolder(split_root, split_folder="dev2").table()
    with pytest.raises(DataError, match=r"1 images have no folder that can be their label.*test"):
        ImageFolder(split_root, split_folder="test").table()
    photo("flat/cat/a.png")
    with pytest.raises(
        DataError, match=r"no folder for split_folder 'train'; the folders there are: cat"
    ):
        ImageFolder(str(tmp_path / "flat"), split_folder="train").table()


def test_splits_below_classes_and_all_together(photo, tmp_path):
    images(photo, "cat/train/a.png", "cat/val/b.png", "dog/train/c.png")
    root = str(tmp_path / "root")
    assert ImageFolder(root, split_folder="train").table()["truth"][:] == ["cat", "dog"]
    assert ImageFolder(root, split_folder="all").table()["truth"][:] == ["cat", "cat", "dog"]
    assert ImageFolder(root, label_level="top").table()["truth"][:] == ["cat", "cat", "dog"]


# ---------------------------------------------------------------------- levels


@pytest.mark.parametrize(
    ("level", "truths"),
    [
        ("top", ["Animalia", "Animalia"]),
        (2, ["Aves", "Mammalia"]),
        ("leaf", ["mallard duck", "lion"]),
        (None, ["mallard duck", "lion"]),
    ],
)
def test_levels_of_a_hierarchy(photo, tmp_path, level, truths):
    images(photo, "Animalia/Aves/mallard_duck/a.png", "Animalia/Mammalia/lion/b.png")
    source = ImageFolder(str(tmp_path / "root"), label_level=level)
    assert source.table()["truth"][:] == truths
    if level is None:
        (doubt,) = source.doubts
        assert "'mallard_duck' of Animalia/Aves/mallard_duck; `label_level`" in doubt
    else:
        assert not source.doubts


def test_a_level_that_is_not_there(photo, tmp_path):
    images(photo, "cat/a.png", "dog/deep/b.png")
    with pytest.raises(DataError, match=r"1 images have no folder .* in .*cat; .* on level 2"):
        ImageFolder(str(tmp_path / "root"), label_level=2).table()
    with pytest.raises(ValueError, match=r"label_level: expected top, leaf or an int >= 1, got 0"):
        ImageFolder("root", label_level=0)


@pytest.mark.parametrize("names", [("images",), ("x/images", "y/JPG")], ids=["one", "two"])
def test_folders_that_name_no_class(photo, tmp_path, names):
    images(photo, *(f"{name}/a.png" for name in names))
    with pytest.raises(DataError, match=r"the only label would be .*'images', which names no cl"):
        ImageFolder(str(tmp_path / "root")).table()


# ---------------------------------------------------------------- what is left


def test_what_is_no_class_is_left_out_and_named(photo, tmp_path):
    images(
        photo,
        "cat/a.png",
        "cat/@eaDir/a.png",
        "__MACOSX/cat/a.png",
        ".git/x.png",
        "annotations/trimap.png",
        "loose.png",
    )
    (tmp_path / "root" / "notes").mkdir()
    (tmp_path / "root" / "notes" / "a.xml").write_text("<a/>")
    source = ImageFolder(str(tmp_path / "root"))
    assert source.table()["id"][:] == ["cat/a.png"]
    (note,) = source.notes
    assert note.startswith("root: left out 7: 3 hidden or of the system (")
    for said in ("__MACOSX/", ".git/", "@eaDir/", "1 beside the class folders (loose.png)"):
        assert said in note
    assert "1 in folders named annotations (annotations/trimap.png)" in note
    assert "1 no image (a.xml)" in note
    assert "1 without images (notes/)" in note


def test_a_flat_folder_has_nothing_to_say(photo, tmp_path):
    images(photo, "cat/a.png", "dog/b.png")
    source = ImageFolder(str(tmp_path / "root"))
    source.table()
    assert not source.notes
    assert not source.doubts


@pytest.mark.parametrize(
    ("folder", "options", "label"),
    [
        ("n02085620-Chihuahua", {"label_style": "wordnet"}, "Chihuahua"),
        ("\ufeffMaine__Coon\u200b", {}, "Maine Coon"),
        ("102", {"label_map": "map.csv"}, "Samoyed"),
        ("102", {"label_style": "raw"}, "102"),
    ],
)
def test_labels_of_folders(photo, tmp_path, monkeypatch, folder, options, label):
    images(photo, f"{folder}/a.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.csv").write_text("id,name\n102,Samoyed\n")
    source = ImageFolder("root", **options)
    assert source.table()["truth"][:] == [label]
    assert not source.doubts


def test_ids_are_doubted_and_refusals_refused(photo, tmp_path):
    images(photo, "102/a.png", "7/b.png")
    source = ImageFolder(str(tmp_path / "root"))
    source.table()
    assert "labels look like ids ('102', '7'): set `label_map: FILE`" in source.doubts[0]
    images(photo, "unknown/c.png")
    with pytest.raises(DataError, match=r"row 3 \('unknown/c\.png'\): the truth is 'unknown'"):
        ImageFolder(str(tmp_path / "root")).table()
    assert len(ImageFolder(str(tmp_path / "root"), exclude=["unknown"]).table()) == 2
