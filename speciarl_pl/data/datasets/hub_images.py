"""Any data set of images that the `datasets` library reads."""

from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.labels.label_styles import Labeller, LabelStyle
from speciarl_pl.data.reading.hub import HubTable
from speciarl_pl.data.source import ImageSource, Row, as_table
from speciarl_pl.hub_ids import pinned


class HubImages(ImageSource):
    """Images and labels of a data set of a hub, or of a local copy of one.

    Args:
        hub: `owner/name`, with `@` and a revision behind it to stay with one version, or a local
            copy: a folder written by `save_to_disk`, one of Parquet files, or one Parquet file,
            which has no splits.
        split: Name of the split there; `all` takes all together.
        image_column: Column of images: pictures as the `datasets` library stores them, the bytes of
            image files, records of `bytes` and `path`, or lists of one of these.
        label_column: Column of labels: texts, or numbers with names. A number without one is no
            label, unless a label style or a mapping says that it is meant.
        prompt_column: Column of the questions asked about the images, if each has its own; an empty
            one stands for that of the data module.
        config: Configuration of the data set, if it has several.
        clean: Turn underscores into blanks and drop a leading number such as `001.`.
        name: Name of the data set; the last part of `hub` by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.
        label_style: How a label there becomes a name, as in `ImageFolder`; by default `numbered`
            with `clean`, else `raw`.
        label_map: File that says what ids stand for, as in `ImageFolder`.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> HubImages("someone/birds", split="train").name
        'birds'
    """

    def __init__(
        self,
        hub: str,
        split: str = "test",
        image_column: str = "image",
        label_column: str = "label",
        prompt_column: str | None = None,
        config: str | None = None,
        clean: bool = True,
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
        label_style: LabelStyle | None = None,
        label_map: str | None = None,
    ) -> None:
        last = pinned(hub)[0].rstrip("/").rpartition("/")[2].removesuffix(".parquet")
        super().__init__(name or last or "hub", limit, seed, include, exclude)
        self.clean = clean
        self._labeller = Labeller(label_style, "numbered" if clean else "raw", label_map)
        self.labels_meant = self._labeller.meant
        self.prompt_column = prompt_column
        self._hub = HubTable(hub, split, image_column, label_column, config, prompt_column)

    def rows(self) -> Dataset:
        """List the rows in their order; the id is the split and the position."""
        labels = self._hub.labels(self._labeller.meant)
        names = self._labeller.names(labels, self._hub.path)
        return hub_rows(self._hub.split, names, self._hub.prompts())

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the image of a row."""
        return self._hub.image(row, max_pixels)


def hub_rows(split: str, truths: list[str], prompts: list[str] | None = None) -> Dataset:
    """Make the table of the rows of a `HubTable`; the column `at` holds the position.

    Example:
        >>> hub_rows("test", ["Samoyed"])[0]["id"]
        'test/000000'
    """
    numbers = [f"{at:06d}" for at in range(len(truths))]
    return as_table(
        {
            "id": [f"{split}/{number}" for number in numbers],
            "truth": truths,
            "subset": [""] * len(truths),
            "at": numbers,
            **({} if prompts is None else {"prompt": prompts}),
        }
    )
