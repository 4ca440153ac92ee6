import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from speciarl_pl.callbacks.thumbnail_writer import Thumbnails, chosen_samples
from speciarl_pl.data import ImageDataset, ImageFolder, WorldImages
from speciarl_pl.run.thumbnails import write_thumbnails


def worlds(*sizes):
    return [
        ImageDataset(WorldImages("all", n=n, seed=place, name=f"world {place}"), "What is it?")
        for place, n in enumerate(sizes)
    ]


def noise(width, height):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_every_data_set_gives_as_many_as_there_are(tmp_path):
    samples = list(chosen_samples(worlds(40, 3), 11))
    assert [sample.dataset for sample in samples] == ["world 0"] * 6 + ["world 1"] * 3
    again = list(chosen_samples(worlds(40, 3), 11))
    assert [sample.id for sample in samples] == [sample.id for sample in again]
    write_thumbnails(tmp_path / "thumbnails.parquet", samples)
    rows = pq.read_table(tmp_path / "thumbnails.parquet").to_pylist()
    assert [row["sample_id"] for row in rows] == [sample.id for sample in samples]
    for row in rows:
        with Image.open(io.BytesIO(row["jpeg"])) as image:
            assert (image.format, *image.size) == ("JPEG", row["width"], row["height"])


def test_a_broken_image_is_left_out(tmp_path):
    (tmp_path / "a").mkdir()
    noise(30, 20).save(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.png").write_bytes((tmp_path / "a" / "1.png").read_bytes()[:200])
    dataset = ImageDataset(ImageFolder(str(tmp_path)), "What is it?")
    assert [sample.id for sample in chosen_samples([dataset], 5)] == ["a/1.png"]


def test_less_than_none_is_no_number_of_images():
    with pytest.raises(ValueError, match="thumbnails: expected an int >= 0, got -1"):
        Thumbnails(-1)
