"""What holds for each of the six: loading, missing files, wrong folders, damage."""

import csv
import random
import shutil

import pytest

from speciarl_pl.data.checks.benchmark_check import BENCHMARKS, check
from speciarl_pl.data.reading import present_files as files
from speciarl_pl.errors import DataError

from .miniatures import TRUTHS, build, listed

NAMES = list(BENCHMARKS)


def everything(name, root):
    """Sources that together read all lists."""
    kind = BENCHMARKS[name]
    levels = ("variant", "family", "manufacturer") if name == "fgvc_aircraft" else (None,)
    for level in levels:
        for split in kind.unions:
            yield kind(str(root), split, **({"level": level} if level else {}))


@pytest.mark.parametrize("name", NAMES)
def test_each_split_loads(name, tmp_path):
    build(name, tmp_path)
    for split, truths in TRUTHS[name].items():
        table = BENCHMARKS[name](str(tmp_path), split).table()
        assert dict(zip(table["id"], table["truth"], strict=True)) == truths
    everything = BENCHMARKS[name](str(tmp_path), "all").table()
    assert dict(zip(everything["id"], everything["truth"], strict=True)) == listed(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_root_may_be_the_folder_or_where_it_was_unpacked(name, tmp_path):
    root = build(name, tmp_path)
    inside = BENCHMARKS[name](str(root)).table()
    assert list(inside["path"]) == list(BENCHMARKS[name](str(tmp_path)).table()["path"])


@pytest.mark.parametrize("name", NAMES)
def test_every_image_opens(name, tmp_path):
    build(name, tmp_path)
    source = BENCHMARKS[name](str(tmp_path), "all")
    assert {source.image(row).size for row in source.table()} == {(24, 16)}


@pytest.mark.parametrize("name", NAMES)
def test_missing_images_stop_it_before_anything_is_read_or_are_left_out(name, tmp_path):
    root = build(name, tmp_path)
    table = BENCHMARKS[name](str(root)).table()
    gone = table["path"][0]
    (root / gone).unlink()
    count = len(table)
    message = (
        rf"{count - 1} of the {count} images of split 'test' are there, 1 missing: \S+; "
        rf".*unpack the archive again.*python -m speciarl_pl data check {name} --root"
    )
    with pytest.raises(DataError, match=message) as caught:
        BENCHMARKS[name](str(root)).table()
    assert gone.rpartition("/")[2] in str(caught.value)
    left = BENCHMARKS[name](str(root), allow_missing=True).table()
    assert list(left["path"]) == list(table["path"])[1:]


@pytest.mark.parametrize("name", NAMES)
def test_no_image_at_all_is_an_error_even_then(name, tmp_path):
    root = build(name, tmp_path)
    for path in root.rglob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError, match=r"none of the \d listed images is there"):
        BENCHMARKS[name](str(root), allow_missing=True).table()


@pytest.mark.parametrize("other", NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_the_folder_of_another_is_recognised(name, other, tmp_path):
    if name == other:
        return
    build(other, tmp_path)
    kind = BENCHMARKS[other].__name__
    message = rf"this looks like .*; use {kind}, or .* data check {other} --root"
    with pytest.raises(DataError, match=message):
        BENCHMARKS[name](str(tmp_path)).table()


@pytest.mark.parametrize("name", NAMES)
def test_no_such_folder(name, tmp_path):
    with pytest.raises(DataError, match=r"gone: no such folder; expected .* data list"):
        BENCHMARKS[name](str(tmp_path / "gone")).table()
    with pytest.raises(DataError, match=r"no such f"):
        BENCHMARKS[name](str(tmp_path)).table()


def test_a_root_or_a_hub_but_not_both():
    with pytest.raises(ValueError, match=r"root: expected a folder, .* got neither"):
        BENCHMARKS["cub"]()
    with pytest.raises(ValueError, match=r"root: expected a folder, .* got both"):
        BENCHMARKS["cub"]("a", hub="b/c")
    with pytest.raises(ValueError, match=r"split_file: expected none with `hub`"):
        BENCHMARKS["cub"](hub="b/c", split_file="x.csv")


@pytest.mark.parametrize("name", NAMES)
def test_a_split_list_replaces_the_splits(name, tmp_path):
    root = build(name, tmp_path)
    ids = sorted(listed(name))
    path = tmp_path / "own.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("split", "filename"), ("val", ids[0]), ("train", ids[1])])
    kind = BENCHMARKS[name]
    for split, wanted in (("val", ids[:1]), ("train", ids[1:2]), ("trainval", ids[:2])):
        assert sorted(kind(str(root), split, split_file=str(path)).table()["id"]) == wanted
    with pytest.raises(DataError, match=r"no images in split 'test'; splits there: train, val"):
        kind(str(root), "test", split_file=str(path)).table()


@pytest.mark.parametrize("name", NAMES)
def test_a_split_list_of_something_else(name, tmp_path):
    root = build(name, tmp_path)
    path = tmp_path / "own.csv"
    one = sorted(listed(name))[0]
    path.write_text(f"split,filename\ntest,x/nothing_1.jpg\ntest,{one}\n")
    with pytest.raises(DataError, match=r"own\.csv: names 1 of 2 images that .*x/nothing_1\.jpg"):
        BENCHMARKS[name](str(root), "test", split_file=str(path)).table()
    left = BENCHMARKS[name](str(root), "test", split_file=str(path), allow_missing=True).table()
    assert list(left["id"]) == [one]


def _truncate(path):
    content = path.read_bytes()
    cut = len(content) // 2
    # Not between two lines: such a cut leaves a shorter list that is whole in itself.
    while content[cut - 1 : cut] == b"\n" or content[cut : cut + 1] == b"\n":
        cut -= 1
    path.write_bytes(content[:cut])


def _garble(path):
    path.write_bytes(random.Random(0).randbytes(max(64, path.stat().st_size)))


DAMAGE = {"delete": lambda path: path.unlink(), "truncate": _truncate, "garble": _garble}
FOUND_BY_CHECK = {
    ("food101", "labels.txt"),
    ("food101", "train.json"),
    ("food101", "test.json"),
    ("oxford_pets", "list.txt"),
}
"""Files that no run needs."""


@pytest.fixture(scope="module", params=NAMES)
def archive(request, tmp_path_factory):
    return request.param, build(request.param, tmp_path_factory.mktemp("archive"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_any_file_is_an_error_that_names_it(archive, damage, tmp_path):
    name, original = archive
    root = tmp_path / "copy"
    shutil.copytree(original, root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    assert files
    for file in files:
        content = file.read_bytes()
        DAMAGE[damage](file)
        if (name, file.name) in FOUND_BY_CHECK:
            said = "\n".join(check(name, str(root), read=True).problems)
        else:
            said = "\n".join(_errors(name, root))
        assert file.name in said, f"{file} {damage}d: {said or 'nothing was said'}"
        file.write_bytes(content)


def _errors(name, root):
    """What a run says that reads the splits and their images."""
    for source in everything(name, root):
        try:
            table = source.table()
        except DataError as error:
            yield str(error)
            continue
        for row in table:
            try:
                source.image(row)
            except DataError as error:
                yield str(error)


def test_every_listed_file_is_looked_for_with_one_listing_a_folder(tmp_path, monkeypatch):
    build("food101", tmp_path)
    listings = []
    there = files.names_in
    monkeypatch.setattr(files, "names_in", lambda folder: listings.append(folder) or there(folder))
    BENCHMARKS["food101"](str(tmp_path), "test").table()
    assert len(listings) == len(set(listings)) == 3
