"""Tables as people have them: each is read rightly, or refused with its reason."""

import codecs
import json
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from speciarl_pl.data.datasets import ImageTable
from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.errors import DataError

LABELS = ["Citroën C3", "lynx, bobcat"]


def table_of(path, content):
    path.write_bytes(content)
    return path


def delimited(delimiter, encoding="utf-8"):
    cells = f'"{LABELS[1]}"' if delimiter == "," else LABELS[1]
    lines = [["image", "label"], ["a.png", LABELS[0]], ["b.png", cells]]
    return "".join(f"{delimiter.join(line)}\n" for line in lines).encode(encoding)


def lines(encoding="utf-8"):
    rows = [
        {"image": f"{one}.png", "label": label} for one, label in zip("ab", LABELS, strict=True)
    ]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(encoding)


READ = {
    "commas": ("t.csv", delimited(",")),
    "semicolons, as Excel writes in Europe": ("t.csv", delimited(";")),
    "semicolons named in the first line": ("t.csv", b"sep=;\n" + delimited(";")),
    "tabs in a .csv": ("t.csv", delimited("\t")),
    "tabs in a .tsv": ("t.TSV", delimited("\t")),
    "bars": ("t.csv", delimited("|")),
    "blanks after commas": (
        "t.csv",
        'image, label\na.png, Citroën C3\nb.png, "lynx, bobcat"\n'.encode(),
    ),
    "ends of lines of Windows": ("t.csv", delimited(",").replace(b"\n", b"\r\n")),
    "byte order mark of UTF-8": ("t.csv", codecs.BOM_UTF8 + delimited(",")),
    "UTF-16 with a mark, as Excel writes Unicode text": ("t.tsv", delimited("\t", "utf-16")),
    "UTF-16 without a mark": ("t.csv", delimited(",", "utf-16-le")),
    "UTF-32": ("t.csv", delimited(",", "utf-32")),
    "another column with commas in its name": (
        "t.csv",
        "image;label;x, y, or z\na.png;Citroën C3;1\nb.png;lynx, bobcat;2\n".encode(),
    ),
    "invisible characters and entities": (
        "t.csv",
        'image,\u200blabel\na.png,Citro&euml;n\u00a0 C3\nb.png,"\ufefflynx,\u00adbobcat"\n'.replace(
            "lynx,\u00adbobcat", "lynx,&nbsp;bob\u00adcat"
        ).encode(),
    ),
    "JSON lines": ("t.jsonl", lines()),
    "JSON lines with a mark and blank lines": (
        "t.ndjson",
        codecs.BOM_UTF8 + lines().replace(b"\n", b"\n\n") + b"\n",
    ),
    "a JSON list": ("t.json", b"[" + lines().replace(b"\n", b",\n") + b"]"),
}


@pytest.mark.parametrize(("name", "content"), READ.values(), ids=READ)
def test_read_rightly(tmp_path, name, content):
    table = ImageTable(str(table_of(tmp_path / name, content))).table()
    assert list(table["truth"]) == LABELS
    assert list(table["id"]) == ["a.png", "b.png"]


def test_an_encoding_that_is_said_is_taken(tmp_path):
    path = table_of(tmp_path / "t.csv", delimited(",", "cp1252"))
    assert list(ImageTable(str(path), encoding="cp1252").table()["truth"]) == LABELS
    with pytest.raises(ValueError, match=r"encoding: expected a name such as .*, got 'nope'"):
        ImageTable(str(path), encoding="nope")


def parquet(columns):
    file = BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), file)
    return file.getvalue()


def picture(size=(8, 6)):
    file = BytesIO()
    Image.new("RGB", size, "red").save(file, format="PNG")
    return file.getvalue()


TWICE = pa.Table.from_arrays([pa.array(["a"])] * 3, ["image", "label", "label"])
REFUSED = {
    "a column twice": ("t.csv", b"image,label,label\na,b,c\n", r"of columns occur twice.*'label"),
    "a cell too many": ("t.csv", b"image,label\na,b,c\n", r"row 1 has 3 cells and the header 2 .*"),
    "Latin-1": (
        "t.csv",
        delimited(",", "latin-1"),
        r"not UTF-8 text: byte 0xeb in line 2, .* as 'a\.png,Citroën C3'.*`encoding: cp1252`",
    ),
    "Latin-1 in JSON": ("t.jsonl", lines("latin-1"), r"not UTF-8 text: byte 0xeb in line 1"),
    "NUL": ("t.csv", b"image,label\na,b\0\n", r"not text, it holds NUL \(line 2\)"),
    "a column twice, but for what shows": (
        "t.csv",
        "image,label,\u200blabel \na,b,c\n".encode(),
        r"occur twice, such as 'label'",
    ),
    "a column twice in Parquet": ("t.parquet", parquet(TWICE), r"occur twice, such as 'label'"),
    "a key twice": ("t.jsonl", b'{"image":"a","label":"b"}\n{"image":"a","image":"b"}\n',
                    r"line 2: the key 'image' occurs twice"),
    "a bad line": ("t.jsonl", b'{"image":"a","label":"b"}\n\n{"image":"a", label}\n',
                   r"line 3: no JSON: .*column 15 of"),
    "a list in a line": ("t.jsonl", b"[1]\n", r"every line must be a JSON object .*row 1 is \[1\]"),
    "a bad JSON list": ("t.json", b'[{"image": "a"},\n oops]', r"no JSON: .*line 2, column 2"),
    "no header": (
        "t.csv",
        b"a.png,cat\n",
        r"no column 'image'.*'a\.png', 'cat'.*first line.*`image_column`",
    ),
    "a workbook": ("t.csv", b"PK\x03\x04junk", r"a zip file or an Excel workbook; .*the sheet"),
    "a workbook by its name": ("t.xlsx", b"PK\x03\x04", r"unknown kind of table.*the sheet as CSV"),
    "a pointer of LFS": ("t.csv", b"version https://git-lfs.x/v1\n", r"Git LFS pointer"),
    "damaged Parquet": ("t.parquet", b"junk", r"cannot be read as \.parquet"),
    "no rows": ("t.jsonl", b"\n", r"the table has no rows"),
    "pictures as records": (
        "t.parquet",
        parquet({"image": [{"bytes": picture(), "path": "a.png"}], "label": ["cat"]}),
        r"column 'image' holds struct<bytes: .*HubImages with `hub: ",
    ),
    "pictures as bytes": (
        "t.parquet",
        parquet({"image": [picture()], "label": ["cat"]}),
        r"column 'image' holds binary; .*HubImages",
    ),
    "pictures in JSON": (
        "t.jsonl",
        json.dumps({"image": {"bytes": "x" * 10**6}, "label": "cat"}).encode(),
        r"row 1 has \{bytes: 'xxx.*expected a path",
    ),
    "addresses": ("t.csv", b"image,label\nhttps://a/b.png,cat\n", r"nothing is downloaded"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_reason(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as error:
        ImageTable(str(table_of(tmp_path / name, content))).table()
    assert str(tmp_path / name) in str(error.value)
    assert len(str(error.value)) - len(str(tmp_path)) < 500


NO_LABELS = {
    "zero": (0, "0", "a number; expected text, a name"),
    "a number": (102, "102", "a number; expected text, a name"),
    "NaN": (float("nan"), "NaN", "empty|names nothing"),
    "None": (None, "None", "empty|names nothing"),
    "blank": ("", " \u200b ", "empty"),
    "unknown": ("unknown", "Unknown", "row 2 .*names nothing.*exclude"),
    "a dash": ("-", "\u2013", "row 2 .*names nothing"),
    "n/a": ("N/A", "<NA>", "row 2 .*names nothing"),
}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "text in jsonl", "text in parquet"])
@pytest.mark.parametrize(("value", "text", "message"), NO_LABELS.values(), ids=NO_LABELS)
def test_what_is_no_name_is_refused_in_every_format(tmp_path, ending, value, text, message):
    path = tmp_path / f"t.{ending.rpartition(' ')[2]}"
    labels = [text if ending.startswith(("csv", "text")) else value]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"image": ["b"], "label": labels}), path)
    elif path.suffix == ".jsonl":
        path.write_text(json.dumps({"image": "b", "label": labels[0]}))
    else:
        path.write_text(f"image,label\nb,{labels[0]}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message.replace("row 2", "row 1")):
        ImageTable(str(path)).table()


def test_refused_rows_are_named(tmp_path):
    path = table_of(tmp_path / "t.csv", b"image,label\na,cat\nb,None\nc,dog\nd,none\n")
    with pytest.raises(DataError, match=r"'t': rows 2, 4 \('b', 'd'\): the truth is 'None'"):
        ImageTable(str(path)).table()
    assert list(ImageTable(str(path), exclude=["None"]).table()["truth"]) == ["cat", "dog"]


def test_csv_cells_are_text_as_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('\ufeffa,b\n"x, y",None\n\n 1.50 ,NA\n', encoding="utf-8")
    assert read_columns(path) == {"a": ["x, y", " 1.50 "], "b": ["None", "NA"]}


def test_jsonl_with_missing_keys(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": "x\\u2028"}\n{"b": "y"}\n', encoding="utf-8")
    assert read_columns(path) == {"a": ["x\u2028", None], "b": [None, "y"]}


def test_missing_table(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: no such file"):
        read_columns(tmp_path / "gone.csv")
