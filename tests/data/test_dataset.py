import pytest

from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.datasets import ImageFolder, ImageTable
from speciarl_pl.data.source import ImageSource, as_table
from speciarl_pl.errors import DataError
from speciarl_pl.records import Sample, SkippedSample


@pytest.fixture
def source(photo, broken, tmp_path):
    photo("root/cat/0.png")
    broken("root/cat/1.jpg")
    return ImageFolder(str(tmp_path / "root"), name="pets")


def test_gives_samples_and_skipped_ones(source):
    dataset = ImageDataset(source, "What is it?")
    sample, skipped = dataset[0], dataset[1]
    assert len(dataset) == 2
    assert isinstance(sample, Sample)
    assert (sample.id, sample.dataset, sample.truth) == ("cat/0.png", "pets", "cat")
    assert (sample.prompt, sample.image.mode, sample.taxonomy) == ("What is it?", "RGB", "")
    assert sample.path.endswith("root/cat/0.png")
    assert isinstance(skipped, SkippedSample)
    assert (skipped.id, skipped.dataset) == ("cat/1.jpg", "pets")
    assert "1.jpg" in skipped.reason


def test_raises_if_asked_to(source):
    with pytest.raises(DataError, match=r"1\.jpg"):
        ImageDataset(source, "", on_error="raise")[1]


def test_missing_files_of_a_table_are_skipped(tmp_path):
    (tmp_path / "t.csv").write_text("image,label\ngone.png,cat\n")
    skipped = ImageDataset(ImageTable(str(tmp_path / "t.csv")), "")[0]
    assert isinstance(skipped, SkippedSample)
    assert "gone.png: no such file" in skipped.reason


def test_the_pixel_limit_is_passed_on(source):
    assert "max_image_pixels = 47" in ImageDataset(source, "", max_image_pixels=47)[0].reason


def test_a_source_without_rows():
    class Nothing(ImageSource):
        def rows(self):
            return as_table({"id": [], "truth": [], "subset": []})

        def image(self, row, max_pixels=0):
            raise AssertionError

    with pytest.raises(DataError, match=r"data set 'none': no images left"):
        ImageDataset(Nothing("none"), "")
