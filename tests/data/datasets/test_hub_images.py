"""Local copies of hubs' data sets: the same library reads them without a network."""

import pickle
from io import BytesIO

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets import Image as ImageFeature
from PIL import Image

from speciarl_pl.data.datasets import CUB200, FGVCAircraft, HubImages, OxfordPets
from speciarl_pl.errors import DataError

CLASSES = ["001.Black_footed_Albatross", "022.Chuck_will_Widow"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def photo(seed, size=(8, 30)):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    content = BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    return {"bytes": content.getvalue(), "path": None}


def table(labels, feature=None, image="image", label="label"):
    feature = feature or ClassLabel(names=CLASSES)
    rows = {image: [photo(at) for at in range(len(labels))], label: labels}
    return Dataset.from_dict(rows, features=Features({image: ImageFeature(), label: feature}))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "saved"
    DatasetDict({"train": table([0]), "test": table([1, 0, 1])}).save_to_disk(path)
    return str(path)


def test_a_revision_behind_the_id_is_asked_for(monkeypatch):
    asked = []

    def load_dataset(*words, **options):
        asked.append((*words, options))
        return DatasetDict({"test": table([1])})

    monkeypatch.setattr("speciarl_pl.data.reading.hub.load_dataset", load_dataset)
    for hub in ("someone/birds", "someone/birds@v1.2"):
        source = HubImages(hub)
        assert (source.name, len(source.table())) == ("birds", 1)
    assert asked == [
        ("someone/birds", None, {"revision": None}),
        ("someone/birds", None, {"revision": "v1.2"}),
    ]


def test_numbers_become_names(saved):
    source = HubImages(saved)
    rows = source.table()
    assert list(rows["id"]) == ["test/000000", "test/000001", "test/000002"]
    assert list(rows["truth"]) == [
        "Chuck will Widow",
        "Black footed Albatross",
        "Chuck will Widow",
    ]
    assert source.image(rows[2]).tobytes() == Image.open(BytesIO(photo(2)["bytes"])).tobytes()


def test_labels_stay_as_written_if_asked(saved):
    assert HubImages(saved, "train", clean=False).table()["truth"] == CLASSES[:1]


def test_all_splits_together(saved):
    assert len(HubImages(saved, "all").table()) == 4


def test_one_split_saved_alone(tmp_path):
    table([0, 1]).save_to_disk(tmp_path / "alone")
    assert len(HubImages(str(tmp_path / "alone")).table()) == 2


def test_a_folder_of_parquet(tmp_path):
    folder = tmp_path / "parquet"
    folder.mkdir()
    table([0, 1, 1]).to_parquet(folder / "test-00000-of-00001.parquet")
    source = HubImages(str(folder), limit=2, exclude=["black footed albatross"])
    assert list(source.table()["truth"]) == ["Chuck will Widow"] * 2
    assert source.image(source.table()[0]).mode == "RGB"


def test_other_columns_and_texts(tmp_path):
    rows = table(["F/A-18", "F-16A/B"], Value("string"), "photo", "variant")
    rows.save_to_disk(tmp_path / "planes")
    columns = {"image_column": "photo", "label_column": "variant"}
    source = HubImages(str(tmp_path / "planes"), **columns)
    assert list(source.table()["truth"]) == ["F/A-18", "F-16A/B"]
    plane = FGVCAircraft(hub=str(tmp_path / "planes"), **columns)
    assert list(plane.table()["truth"]) == ["F/A-18", "F-16A/B"]
    assert plane.image(plane.table()[0]).size == (8, 10)


def test_a_benchmark_cleans_its_labels(saved, tmp_path):
    assert CUB200(hub=saved).table()["truth"][0] == "Chuck will Widow"
    pets = ClassLabel(names=["Abyssinian", "american_bulldog"])
    table([1, 0], pets).save_to_disk(tmp_path / "pets")
    source = OxfordPets(hub=str(tmp_path / "pets"), name="pets")
    assert (source.name, list(source.table()["truth"])) == (
        "pets",
        ["american bulldog", "Abyssinian"],
    )


def test_a_copy_in_another_process_reads_by_itself(saved):
    source = HubImages(saved)
    row = source.table()[0]
    copy = pickle.loads(pickle.dumps(source))
    assert copy.image(row).tobytes() == source.image(row).tobytes()


def test_nothing_is_loaded_when_it_is_made():
    assert HubImages("no/such", name="x").name == "x"


def test_bad_input_is_named(saved, tmp_path):
    with pytest.raises(DataError, match=r"no split 'val'; the splits there are: train, test"):
        HubImages(saved, "val").table()
    with pytest.raises(DataError, match=r"no column 'x'; the columns there are: 'image', 'label'"):
        HubImages(saved, label_column="x").table()
    with pytest.raises(DataError, match=r"column 'label' does not hold images"):
        HubImages(saved, image_column="label").table()
    with pytest.raises(DataError, match=r"gone: cannot be loaded as a data set .*Parquet"):
        HubImages(str(tmp_path / "gone")).table()
    table([None, 0]).save_to_disk(tmp_path / "holes")
    with pytest.raises(DataError, match=r"row 0 has class None; expected one of the 2"):
        HubImages(str(tmp_path / "holes")).table()
    table([" ", "a"], Value("string")).save_to_disk(tmp_path / "empty")
    with pytest.raises(DataError, match=r"row 0 has an empty 'label' \(' '\); fill it in"):
        HubImages(str(tmp_path / "empty")).table()


def test_a_broken_image_is_named(tmp_path):
    rows = {"image": [{"bytes": b"junk", "path": None}, None], "label": ["a", "b"]}
    features = Features({"image": ImageFeature(), "label": Value("string")})
    Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "broken")
    source = HubImages(str(tmp_path / "broken"))
    first, second = source.table()
    with pytest.raises(DataError, match=r"broken, row 0: not a readable image"):
        source.image(first)
    with pytest.raises(DataError, match=r"broken, row 1: no image in 'image'"):
        source.image(second)


# ------------------------------------------------- Parquet that another wrote

PICTURE = photo(0)["bytes"]
RECORD = {"bytes": PICTURE, "path": "a.png"}


@pytest.mark.parametrize(
    "cell",
    [PICTURE, RECORD, {"bytes": PICTURE}, {"bytes": None, "path": "a.png"}, [PICTURE], [RECORD]],
    ids=["bytes", "record", "bytes alone", "path", "list of bytes", "list of records"],
)
def test_pictures_without_features(tmp_path, cell):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([cell], kind if isinstance(cell, dict) and not cell["bytes"] else None)
    pq.write_table(pa.table({"image": images, "label": ["Citroën"]}), tmp_path / "t.parquet")
    (tmp_path / "a.png").write_bytes(PICTURE)
    source = HubImages(str(tmp_path / "t.parquet"))
    row = source.table()[0]
    assert (source.name, row["truth"]) == ("t", "Citroën")
    assert source.image(row).tobytes() == Image.open(BytesIO(PICTURE)).tobytes()


def test_lists_of_one_picture_with_features(tmp_path):
    features = Features({"image": datasets.Sequence(ImageFeature()), "label": Value("string")})
    rows = {"image": [[photo(0)], [], [photo(1), photo(2)]], "label": ["a cat", "dog", "ox"]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "t.parquet")
    source = HubImages(str(tmp_path / "t.parquet"))
    one, none, two = source.table()
    assert source.image(one).tobytes() == Image.open(BytesIO(PICTURE)).tobytes()
    with pytest.raises(DataError, match=r"row 1: no image in 'image'"):
        source.image(none)
    with pytest.raises(DataError, match=r"row 2: 2 images in 'image'; expected one"):
        source.image(two)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"image": ["a.png"], "label": ["x"]},
            r"does not hold images; it holds text; .*ImageTable",
        ),
        ({"image": [1], "label": ["x"]}, r"does not hold images; it holds Value\('int64'\)"),
        ({"image": [1], "photo": [PICTURE], "label": ["x"]}, r"those that do: 'photo'; give one"),
        ({"image": [PICTURE], "label": [7]}, r"row 0 has 7 in 'label', a number"),
        ({"image": [PICTURE], "label": ["0"]}, r"row 0 has '0' in 'label', a number"),
        ({"image": [PICTURE], "label": ["None"]}, r"row 1 .*: the truth is 'None'"),
        ({"image": [PICTURE], "label": ["NaN"]}, r"row 1 .*: the truth is 'NaN'"),
        ({"image": [PICTURE], "label": [None]}, r"row 0 has an empty 'label'"),
    ],
    ids=["text", "numbers", "another column", "a number", "zero", "None", "NaN", "null"],
)
def test_bad_parquet_is_named(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=message):
        HubImages(str(tmp_path / "t.parquet")).table()


def test_a_mapping_names_numbers_without_features(tmp_path):
    pq.write_table(pa.table({"image": [PICTURE] * 2, "label": [7.0, 3]}), tmp_path / "t.parquet")
    (tmp_path / "m.json").write_text('{"7": "rose", "3": "lily"}')
    source = HubImages(str(tmp_path / "t.parquet"), label_map=str(tmp_path / "m.json"))
    assert source.table()["truth"][:] == ["rose", "lily"]
    assert HubImages(str(tmp_path / "t.parquet"), label_style="raw").table()["truth"][:] == [
        "7",
        "3",
    ]


def test_a_column_twice_is_named(tmp_path):
    arrays = [pa.array([PICTURE]), pa.array(["x"]), pa.array(["y"])]
    (tmp_path / "two").mkdir()
    twice = pa.Table.from_arrays(arrays, ["image", "label", "label"])
    pq.write_table(twice, tmp_path / "two" / "test.parquet")
    with pytest.raises(DataError, match=r"test\.parquet: 1 names of columns occur twice.*'label'"):
        HubImages(str(tmp_path / "two")).table()
