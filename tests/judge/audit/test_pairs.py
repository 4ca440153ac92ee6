import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.errors import DataError
from speciarl_pl.judge.audit import LabelledPair, PairFile, read_pairs
from speciarl_pl.records import Pair

REAL = (
    Path(__file__).parents[4] / "shared" / "data" / "pairs"
    / "finer_openworld_pairs_dog_flower_pet.tsv"
)  # fmt: skip

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ROWS = st.lists(
    st.tuples(TEXT.filter(str.strip), TEXT, st.sampled_from([None, *Category])), max_size=8
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def found(path: Path) -> list[tuple[str, str, Category | None]]:
    return [(row.pair.truth, row.pair.prediction, row.category) for row in read_pairs(path).pairs]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "truth,prediction,category,dataset\nF/A-18,plane,generic,air\n"),
        ("a.CSV", "\ufeffTruth, prediction ,category,dataset\r\nF/A-18,plane,Generic,air\r\n"),
        ("a.csv", "note,ground_truth,dataset,category,prediction\nx,F/A-18,air,generic,plane"),
        ("a.tsv", "dataset\tground_truth\tprediction\tcategory\nair\tF/A-18\tplane\tgeneric\n"),
        (
            "a.jsonl",
            '\n{"truth": "F/A-18", "prediction": "plane", "category": "generic", '
            '"dataset": "air", "other": [1]}\n\n',
        ),
    ],
    ids=["csv", "mark, case, blanks, crlf", "any order, extra column", "tsv", "jsonl"],
)
def test_formats_read_alike(tmp_path, name, text):
    (row,) = read_pairs(write(tmp_path, name, text)).pairs

    assert row == LabelledPair(Pair("F/A-18", "plane", "air"), 2, "air", Category.GENERIC)


def test_columns_that_are_optional(tmp_path):
    (row,) = read_pairs(write(tmp_path, "a.csv", "truth,prediction\nlion,\n")).pairs
    (other,) = read_pairs(
        write(
            tmp_path,
            "a.jsonl",
            '{"ground_truth": "lion", "prediction": "", "category": null, "dataset": null}',
        )
    ).pairs

    assert row == LabelledPair(Pair("lion", ""), 2)
    assert other == LabelledPair(Pair("lion", ""), 1)


@given(rows=ROWS)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_any_text_comes_back_as_written(tmp_path_factory, suffix, rows):
    path = tmp_path_factory.mktemp("pairs") / f"a.{suffix}"
    labels = ["" if label is None else label.label for _, _, label in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        if suffix == "jsonl":
            for (truth, prediction, _), label in zip(rows, labels, strict=True):
                fields = {"truth": truth, "prediction": prediction, "category": label}
                file.write(json.dumps(fields, ensure_ascii=False) + "\n")
        else:
            writer = csv.writer(file, delimiter="\t" if suffix == "tsv" else ",")
            writer.writerow(["truth", "prediction", "category"])
            for (truth, prediction, _), label in zip(rows, labels, strict=True):
                writer.writerow([truth, prediction, label])

    assert found(path) == rows


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "line 1: expected the columns truth"),
        ("a.csv", "truth,answer\n", "line 1: expected the columns truth"),
        ("a.csv", "truth,ground_truth,prediction\n", "line 1: expected the columns truth"),
        ("a.csv", "truth,prediction,prediction\n", "line 1: expected the columns truth"),
        ("a.csv", "truth,prediction\na,b\n \t,b\n", "line 3: truth: expected some text"),
        ("a.csv", "truth,prediction\na,b,c\n", "line 2: expected 2 fields; got '3'"),
        ("a.csv", "truth,prediction\na\n", "line 2: expected 2 fields; got '1'"),
        ("a.csv", 'truth,prediction\na,b\n"a"x,b\n', "line 3: malformed"),
        ("a.csv", "truth,prediction,category\na,b,so so\n", "line 2: category: expected one of"),
        ("a.tsv", "truth,prediction\na,b\n", "line 1: expected the columns truth"),
        ("a.jsonl", '{"truth": "a", "prediction": "b"}\n{"truth"', "line 2: expected a JSON"),
        ("a.jsonl", "[1, 2]", "line 1: expected a JSON object; got"),
        ("a.jsonl", '{"truth": "a"}', "line 1: expected the keys"),
        ("a.jsonl", '{"truth": null, "prediction": "b"}', "line 1: truth: expected a text"),
        ("a.jsonl", '{"truth": "a", "prediction": 7}', "line 1: prediction: expected a text"),
        ("a.jsonl", '{"truth": "a", "prediction": ""}\n{"truth": "", "prediction": "a"}', "line 2"),
        ("a.jsonl", '{"truth": "a", "prediction": "\\ud800"}', "line 1: prediction: no valid"),
        ("a.jsonl", "[" * 100_000, "line 1: expected a JSON"),
        ("a.txt", "truth,prediction\n", "expected a file of pairs: .csv, .tsv or .jsonl"),
    ],
)
def test_malformed_files_are_refused_with_their_line(tmp_path, name, text, message):
    path = write(tmp_path, name, text)

    with pytest.raises(DataError) as caught:
        read_pairs(path)

    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_unreadable_files_are_refused(tmp_path):
    latin = tmp_path / "latin.csv"
    latin.write_bytes("truth,prediction\nCitroën,car\n".encode("latin-1"))

    with pytest.raises(DataError, match="UTF-8"):
        read_pairs(latin)
    with pytest.raises(DataError, match="No such file"):
        read_pairs(tmp_path / "none.csv")


def test_duplicates_stay_and_count(tmp_path):
    text = "truth,prediction,category\na,b,wrong\na,b,generic\na,B,\na,b,\n"

    file = read_pairs(write(tmp_path, "a.csv", text))

    assert (file.rows, len(file.pairs), file.duplicates, file.labelled) == (4, 4, 2, 2)


def test_a_sample_is_drawn_by_seed_in_the_order_of_the_file():
    rows = tuple(LabelledPair(Pair("a", str(line)), line) for line in range(100))
    file = PairFile("a.csv", 100, rows)

    lines = [row.line for row in file.sample(20, seed=1).pairs]

    assert lines == sorted(set(lines))
    assert len(lines) == 20
    assert lines == [row.line for row in file.sample(20, seed=1).pairs]
    assert lines != [row.line for row in file.sample(20, seed=2).pairs]
    assert max(lines) > 60
    assert file.sample(20).rows == 100
    assert file.sample(None) == file.sample(100) == file.sample(1000) == file


@pytest.mark.parametrize("limit", [0, -1])
def test_an_empty_sample_is_refused(limit):
    with pytest.raises(ValueError, match="limit: expected an int >= 1"):
        PairFile("a.csv", 0, ()).sample(limit)


@pytest.mark.skipif(not REAL.exists(), reason="no real pairs in ../shared/data/pairs")
def test_the_real_pairs_are_read():
    file = read_pairs(REAL)

    assert (file.rows, file.labelled) == (2997, 0)
    assert {row.dataset for row in file.pairs} == {"dog", "flower", "pet"}
    assert file.pairs[0] == LabelledPair(Pair("Affenpinscher", "Boston Terrier", "dog"), 2, "dog")
