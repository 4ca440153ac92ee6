import json
import unicodedata

import pytest
from datasets import Dataset

from speciarl_pl.data.datasets import ImageTable
from speciarl_pl.errors import DataError

LABELS = [
    "lynx, bobcat",
    unicodedata.normalize("NFC", "Citroën 2CV"),
    unicodedata.normalize("NFD", "Citroën DS"),
    'so-called "tiger"',
    "F/A-18",
    "Nonesuch",
    "x" * 300,
]


def _write(path, labels):
    rows = [{"image": f"img/{index}.png", "label": label} for index, label in enumerate(labels)]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        Dataset.from_list(rows).to_parquet(path)
    else:
        Dataset.from_list(rows).to_csv(path)
    return str(path)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_labels_pass_through_unchanged(photo, tmp_path, ending):
    photo("img/1.png")
    source = ImageTable(_write(tmp_path / f"birds.{ending}", LABELS))
    table = source.table()
    assert list(table["truth"]) == LABELS
    assert list(table["id"])[:2] == ["img/0.png", "img/1.png"]
    assert source.name == "birds"
    assert source.image(table[1]).size == (8, 6)
    with pytest.raises(DataError, match=r"0\.png: no such file"):
        source.image(table[0])


def test_other_columns_root_and_subset(photo, tmp_path):
    photo("elsewhere/a.png")
    path = tmp_path / "t.csv"
    path.write_text("file,class,part\na.png,cat,easy\na.png,lion,\n", encoding="utf-8")
    source = ImageTable(str(path), "file", "class", "part", root=str(tmp_path / "elsewhere"))
    table = source.table()
    assert list(table["id"]) == ["a.png", "a.png#2"]
    assert list(table["subset"]) == ["easy", ""]
    assert source.image(table[1]).size == (8, 6)


def test_absolute_paths(photo, tmp_path):
    image = photo("pictures/a.png")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "t.csv").write_text(f"image,label\n{image},cat\n", encoding="utf-8")
    source = ImageTable(str(tmp_path / "sub" / "t.csv"))
    assert source.image(source.table()[0]).size == (8, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,name\na,b\n", r"t\.csv: no column 'label'; the columns there are: 'image', 'name'"),
        ("path,label\na,b\n", r"t\.csv: no column 'image'; the columns there are: 'path', 'label'"),
        ("image,label\na,cat\nb,\n", r"t\.csv: row 2 has an empty 'label'"),
        ("image,label\na,cat\nb,  \n", r"t\.csv: row 2 has an empty 'label'"),
        ("image,label\n,cat\n", r"t\.csv: row 1 has an empty 'image'"),
        ("image,label\na,b,c\n", r"t\.csv: row 1 has 3 cells and the header 2"),
        ("image,label\n", r"t\.csv: the table has no rows"),
        ("", r"t\.csv: no column 'image'; the columns there are: none"),
    ],
    ids=["no label", "no image", "empty", "blank", "no path", "comma", "no rows", "empty file"],
)
def test_bad_tables_are_named(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        ImageTable(str(tmp_path / "t.csv")).table()


def test_a_label_that_is_a_number(tmp_path):
    Dataset.from_list([{"image": "a.png", "label": 7}]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"row 1 has 7 in 'label', a number; expected text"):
        ImageTable(str(tmp_path / "t.parquet")).table()


def test_missing_table(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: no such file; expected a table"):
        ImageTable(str(tmp_path / "gone.csv")).table()


@pytest.mark.parametrize(
    ("label", "options", "truth"),
    [
        ("102", {"label_map": "m.csv"}, "Samoyed"),
        ("102", {"label_style": "raw"}, "102"),
        ("n02111889-Samoyed", {"label_style": "wordnet"}, "Samoyed"),
        ("american__bulldog", {"label_style": "plain"}, "american bulldog"),
        ("american_bulldog", {}, "american_bulldog"),
    ],
)
def test_styles_and_mappings(tmp_path, label, options, truth):
    (tmp_path / "m.csv").write_text("id,name\n102,Samoyed\n")
    (tmp_path / "t.csv").write_text(f"image,label\na.png,{label}\n")
    if "label_map" in options:
        options = {"label_map": str(tmp_path / "m.csv")}
    source = ImageTable(str(tmp_path / "t.csv"), **options)
    assert source.table()["truth"][:] == [truth]
    assert bool(source.doubts) == (truth == "american_bulldog")
