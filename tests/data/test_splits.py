import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.data.datasets import Flowers102, Food101, OxfordPets, StanfordCars
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.reading.splits import count_splits, parse_coop, read_split, write_split
from speciarl_pl.errors import DataError

COOP = {
    "train": [["a/1.jpg", 0, "a"], ["b/2.jpg", 1, "b"]],
    "val": [["a/3.jpg", 0, "a"]],
    "test": [["b/4.jpg", 1, "b"]],
}
SPLITS = {"a/1.jpg": "train", "b/2.jpg": "train", "a/3.jpg": "val", "b/4.jpg": "test"}


def test_coops_json(tmp_path):
    (tmp_path / "split_zhou.json").write_text(json.dumps(COOP))
    assert read_split(tmp_path / "split_zhou.json") == SPLITS


def test_what_is_written_is_read(tmp_path):
    write_split(tmp_path / "deep" / "split.csv", SPLITS)
    assert (tmp_path / "deep" / "split.csv").read_text().startswith("split,filename\ntrain,a/1")
    assert read_split(tmp_path / "deep" / "split.csv") == SPLITS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.json", b"{nope", r"s\.json: not readable JSON"),
        ("s.json", b"\xff\xfe", r"s\.json: not readable JSON"),
        ("s.json", b"[]", r's\.json: no "train" and "test" in it'),
        ("s.json", b'{"train": 1, "test": 2}', r"s\.json: a split of it is no list"),
        ("s.json", b'{"train": [["a"]], "test": []}', r"entry \['a'\]; expected \[path, class"),
        ("s.json", b'{"train": [], "test": []}', r"s\.json: lists no images"),
        ("s.json", b'{"train": [["a",0,"a"]], "test": [["a",0,"a"]]}', r"lists 1 more .*: a;"),
        ("s.csv", b"split,filename\ntrain,a\ntest,a\n", r"s\.csv: lists 1 more than once: a"),
        ("s.csv", b"split,filename\nvalid,a\n", r"s\.csv: split 'valid'; expected one of train"),
        ("s.csv", b"split,filename\n", r"s\.csv: lists no images"),
        ("s.csv", b"split,file\n", r"s\.csv: no column 'filename'"),
        ("s.txt", b"a", r"s\.txt: unknown kind of table"),
    ],
)
def test_bad_lists_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_split(tmp_path / name)


def test_missing_list(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: no such file; expected a CSV .* or CoOp's"):
        read_split(tmp_path / "gone.csv")


@settings(max_examples=40)
@given(
    st.binary()
    | st.recursive(st.integers() | st.text() | st.none(), st.lists).map(
        lambda value: json.dumps({"train": value, "val": value, "test": value}).encode()
    )
)
def test_any_bytes_are_a_list_or_an_error_that_names_it(content):
    try:
        said = f"x.json: {len(parse_coop(content, 'x.json'))} read"
    except DataError as error:
        said = str(error)
    assert said.startswith("x.json: ")


@pytest.mark.parametrize(
    ("source", "written", "id_"),
    [
        (Flowers102, ["image_00001.jpg", "jpg/image_00001.jpg"], "image_00001.jpg"),
        (Food101, ["apple_pie/1.jpg", "images/apple_pie/1.jpg"], "apple_pie/1.jpg"),
        (OxfordPets, ["pug_1.jpg", "pug/pug_1.jpg"], "pug_1"),
        (StanfordCars, ["cars_test/00001.jpg", "test/00001.jpg"], "cars_test/00001.jpg"),
    ],
)
def test_both_forms_of_names(source, written, id_):
    assert {source("x").split_name(name) for name in written} == {id_}


@pytest.mark.parametrize("name", [one.key for one in PUBLISHED.values() if one.coop])
def test_the_real_lists_have_the_published_numbers(shared, name):
    path = shared(f"splits/owc_{name}_split_coop.csv")
    splits = read_split(path)
    with path.open(encoding="utf-8", newline="") as file:
        assert splits == {row["filename"]: row["split"] for row in csv.DictReader(file)}
    assert count_splits(splits) == PUBLISHED[name].coop
