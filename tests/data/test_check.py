"""`check` on miniatures, and on lists of full size whose photos are only said to be there."""

import csv
import json

import numpy as np
import pytest
from scipy.io import savemat

from speciarl_pl.data.checks.benchmark_check import check
from speciarl_pl.data.datasets.flowers102 import flower_names
from speciarl_pl.data.datasets.oxford_pets import pet_names
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.reading import present_files as files
from speciarl_pl.errors import DataError

from .datasets.miniatures import TRUTHS, build, listed, write_mat, write_meta

NAMES = list(PUBLISHED)


class Everything(frozenset):
    """A folder in which any file lies."""

    def __contains__(self, name):
        return True


@pytest.fixture
def every_photo(monkeypatch):
    monkeypatch.setattr(files, "names_in", lambda folder: Everything())


def lines(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")


def cub(root):
    folders = [f"{number:03d}.Bird_{number}" for number in range(1, 201)]
    images = [folders[at % 200] for at in range(11788)]
    lines(root / "classes.txt", [f"{n} {name}" for n, name in enumerate(folders, 1)])
    lines(root / "images.txt", [f"{n} {name}/{n}.jpg" for n, name in enumerate(images, 1)])
    lines(root / "image_class_labels.txt", [f"{n} {(n - 1) % 200 + 1}" for n in range(1, 11789)])
    lines(root / "train_test_split.txt", [f"{n} {int(n <= 5994)}" for n in range(1, 11789)])


def aircraft(root):
    numbers = {"train": range(3334), "val": range(3334, 6667), "test": range(6667, 10000)}
    numbers["trainval"] = range(6667)
    levels = {"variant": ("variants", 100), "family": ("families", 70)}
    levels["manufacturer"] = ("manufacturers", 30)
    for level, (plural, count) in levels.items():
        lines(root / f"{plural}.txt", [f"F/A-{n}" for n in range(count)])
        for split, photos in numbers.items():
            path = root / f"images_{level}_{split}.txt"
            lines(path, [f"{n:07d} F/A-{n % count}" for n in photos])


def flowers(root):
    (root / "jpg").mkdir()
    savemat(root / "imagelabels.mat", {"labels": [[n % 102 + 1 for n in range(8189)]]})
    ids = np.arange(1, 8190)
    splits = {"trnid": ids[:1020], "valid": ids[1020:2040], "tstid": ids[2040:]}
    savemat(root / "setid.mat", splits)


def food(root):
    classes = [f"dish_{n}" for n in range(101)]
    lines(root / "meta" / "classes.txt", classes)
    lines(root / "meta" / "labels.txt", [f"Dish {n}" for n in range(101)])
    for split, numbers in (("train", range(750)), ("test", range(750, 1000))):
        names = {name: [f"{name}/{n}" for n in numbers] for name in classes}
        lines(root / "meta" / f"{split}.txt", [one for some in names.values() for one in some])
        (root / "meta" / f"{split}.json").write_text(json.dumps(names))


def pets(root):
    (root / "images").mkdir()
    stems = [f"{pet_names()[n % 37].replace(' ', '_')}_{n}" for n in range(7349)]
    lists = {"trainval": stems[:3680], "test": stems[3680:], "list": stems}
    for name, some in lists.items():
        lines(root / "annotations" / f"{name}.txt", [f"{stem} 1 1 1" for stem in some])


def cars(root):
    write_meta(root / "devkit" / "cars_meta.mat", [f"Car C/V {n} 2012" for n in range(196)])
    for path, count in (
        (root / "devkit" / "cars_train_annos.mat", 8144),
        (root / "cars_test_annos_withlabels.mat", 8041),
    ):
        write_mat(path, [(f"{n + 1:05d}.jpg", n % 196 + 1) for n in range(count)])


FULL = dict(zip(NAMES, (cub, aircraft, flowers, food, pets, cars), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_lists_of_full_size_agree_with_what_is_published(name, tmp_path, every_photo):
    FULL[name](tmp_path)
    report = check(name, str(tmp_path))
    assert report.problems == ()
    assert report.ok
    counts = {count.what: count.there for count in report.counts}
    assert counts == {**PUBLISHED[name].images, "classes": PUBLISHED[name].classes}


PAPER = {
    "cub": (200, 5794),
    "fgvc_aircraft": (100, 3333),
    "flowers102": (102, 2463),
    "food101": (101, 30300),
    "oxford_pets": (37, 3669),
    "stanford_cars": (196, 8041),
}
"""Classes and test images of the paper (section 6)."""


def test_the_published_figures_are_those_of_the_paper():
    assert {key: (one.classes, one.test) for key, one in PUBLISHED.items()} == PAPER


@pytest.mark.parametrize(
    ("level", "classes"), [("variant", 100), ("family", 70), ("manufacturer", 30)]
)
def test_each_level_of_the_aircraft_has_its_classes(level, classes, tmp_path, every_photo):
    aircraft(tmp_path)
    report = check("fgvc_aircraft", str(tmp_path), level=level, split="test")
    assert [count.there for count in report.counts] == [3333, classes]
    assert report.ok


def coop(shared, name):
    path = shared("splits") / f"owc_{name}_split_coop.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return path, [row["filename"] for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flowers102", "food101", "oxford_pets", "stanford_cars"])
def test_the_real_coop_lists_agree_with_what_is_published(name, shared, tmp_path, every_photo):
    """The archive's own lists are made of the same names, in its layout."""
    path, names = coop(shared, name)
    write = {"flowers102": flowers, "food101": _food, "oxford_pets": _pets, "stanford_cars": cars}
    write[name](tmp_path, *([names] if name in ("food101", "oxford_pets") else []))
    report = check(name, str(tmp_path), str(path))
    assert report.problems == ()
    counts = {count.what: count.there for count in report.counts}
    assert counts == {**PUBLISHED[name].coop, "classes": PUBLISHED[name].classes}
    assert counts["test"] == PAPER[name][1]


def _food(root, names):
    stems = [name.removesuffix(".jpg") for name in names]
    classes = sorted({stem.partition("/")[0] for stem in stems})
    lines(root / "meta" / "classes.txt", classes)
    lines(root / "meta" / "labels.txt", [name.replace("_", " ").capitalize() for name in classes])
    for split, some in (("train", stems[:75750]), ("test", stems[75750:])):
        lines(root / "meta" / f"{split}.txt", some)
        (root / "meta" / f"{split}.json").write_text(json.dumps({"any": some}))


def _pets(root, names):
    (root / "images").mkdir()
    stems = [name.rpartition("/")[2].removesuffix(".jpg") for name in names]
    lists = {"trainval": stems[:3680], "test": stems[3680:], "list": stems}
    for name, some in lists.items():
        lines(root / "annotations" / f"{name}.txt", [f"{stem} 1 1 1" for stem in some])


@pytest.mark.parametrize("name", NAMES)
def test_a_miniature_is_counted_and_its_lack_named(name, tmp_path):
    build(name, tmp_path)
    report = check(name, str(tmp_path), read=True)
    counts = {count.what: count for count in report.counts}
    for split, images in TRUTHS[name].items():
        assert counts[split].listed == counts[split].there == len(images)
    assert counts["classes"].there == len(set(listed(name).values()))
    assert len(report.problems) == len(report.counts), "the numbers, and nothing else"
    published = PUBLISHED[name].images["test"]
    assert f"split test: {len(TRUTHS[name]['test'])} listed" in "\n".join(report.problems)
    assert f"{published:,} published" in "\n".join(report.problems)
    assert report.notes == ()


@pytest.mark.parametrize("name", NAMES)
def test_files_missing_broken_equal_and_unlisted_are_named(name, tmp_path):
    root = build(name, tmp_path)
    photos = sorted(root.rglob("*.jpg"))
    photos[0].unlink()
    photos[1].write_bytes(b"junk")
    photos[2].write_bytes(photos[3].read_bytes())
    (photos[2].parent / "stranger.jpg").write_bytes(photos[3].read_bytes())
    report = check(name, str(tmp_path), read=True)
    problems, notes = "\n".join(report.problems), "\n".join(report.notes)
    assert "1 listed and not there: " in problems
    assert photos[0].name in problems
    assert f"{photos[1]}: not a readable image" in problems
    assert "1 there and not listed: " in notes
    assert "stranger.jpg" in notes
    assert "identical files: " in notes
    assert photos[2].name in notes
    assert not report.ok


def test_reading_is_only_on_demand(tmp_path):
    root = build("food101", tmp_path)
    next(root.rglob("*.jpg")).write_bytes(b"junk")
    assert not any("readable" in problem for problem in check("food101", str(root)).problems)


def test_a_split_list_of_unknown_images_still_counts_the_known(tmp_path):
    build("flowers102", tmp_path)
    path = tmp_path / "coop.csv"
    path.write_text("split,filename\ntest,image_00001.jpg\ntest,image_09999.jpg\n")
    report = check("flowers102", str(tmp_path), str(path), "test")
    assert report.counts[0].there == 1
    assert "names 1 of 2 images that the lists" in report.problems[0]


def test_real_photos(shared):
    """4,696 flowers with the CoOp split and 600 pets, of which 598 are listed."""
    flowers_root, pets_root = str(shared("flowers102")), str(shared("oxford_pets"))
    path, names = coop(shared, "flowers102")
    report = check("flowers102", flowers_root, str(path))
    assert sum(count.there for count in report.counts[:-1]) == 4696
    assert f"{len(names) - 4696:,} of {len(names):,} images" in report.problems[0]
    report = check("oxford_pets", pets_root)
    assert {count.what: count.there for count in report.counts} == {
        "trainval": 300,
        "test": 298,
        "classes": 3,
    }
    assert report.notes == (
        "2 there and not listed: images/Abyssinian_34.jpg, images/Abyssinian_82.jpg",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("birds", "x"), r"name: expected one of cub, .*, got 'birds'"),
        (("cub", "x", None, "val"), r"split: expected one of train, test, got 'val'"),
        (("cub", "x", "coop.csv"), r"split_file: expected none, CoOp has no split of CUB"),
        (("cub", "x", None, None, False, "family"), r"level: expected none for CUB"),
        (("fgvc_aircraft", "x", None, None, False, "model"), r"level: expected one of variant"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        check(*arguments)


def test_another_data_set(tmp_path):
    build("food101", tmp_path)
    with pytest.raises(DataError, match=r"this looks like Food-101, not like CUB-200-2011"):
        check("cub", str(tmp_path))


def test_the_flowers_have_their_names():
    assert len(set(flower_names())) == PUBLISHED["flowers102"].classes
