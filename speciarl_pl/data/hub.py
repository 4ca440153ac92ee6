"""Tables of images read with the `datasets` library: from a hub, or from a local copy."""

from io import BytesIO
from pathlib import Path
from typing import Any, Final

from datasets.arrow_dataset import Dataset
from datasets.combine import concatenate_datasets
from datasets.dataset_dict import DatasetDict
from datasets.features import ClassLabel
from datasets.features import Image as ImageFeature
from datasets.load import load_dataset, load_from_disk
from PIL.Image import Image

from speciarl_pl.data.images import MAX_PIXELS, decode_image
from speciarl_pl.data.source import Row
from speciarl_pl.errors import DataError

_SAVED: Final = ("dataset_dict.json", "dataset_info.json")
"""Files by which a folder written by `save_to_disk` is told."""


class HubTable:
    """One split of a data set of the `datasets` library.

    Nothing is loaded before it is needed. A copy in another process loads by itself.

    Args:
        path: `owner/name` of a hub, or a local folder: one written by `save_to_disk`, or one of
            Parquet files.
        split: Name of the split there; `all` takes all together.
        image_column: Column of images.
        label_column: Column of labels: texts, or numbers with names.
        config: Configuration of the data set, if it has several.
    """

    def __init__(
        self, path: str, split: str, image_column: str, label_column: str, config: str | None
    ) -> None:
        self.path = path
        self.split = split
        self.image_column = image_column
        self.label_column = label_column
        self.config = config
        self._loaded: Dataset | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def labels(self) -> list[str]:
        """Give the label of every row, numbers turned into names.

        Raises:
            DataError: If the data set cannot be loaded or a label is no name.
        """
        table = self._table()
        column, feature = list(table[self.label_column]), table.features[self.label_column]
        if isinstance(feature, ClassLabel):
            return [self._named(feature, at, number) for at, number in enumerate(column)]
        for at, label in enumerate(column):
            if not isinstance(label, str) or not label.strip():
                raise DataError(
                    f"{self.path}: row {at} has {label!r} in {self.label_column!r}; expected a name"
                )
        return column

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the image of a row, told by its column `at`."""
        at = int(row["at"])
        cell = self._table()[at][self.image_column]
        name = f"{self.path}, row {at}"
        if cell is None or not (cell["bytes"] or cell["path"]):
            raise DataError(f"{name}: no image in {self.image_column!r}")
        file = BytesIO(cell["bytes"]) if cell["bytes"] else cell["path"]
        return decode_image(file, name, max_pixels)

    def _named(self, feature: ClassLabel, at: int, number: int | None) -> str:
        names: list[str] = feature.names
        if number is None or not 0 <= number < len(names):
            raise DataError(
                f"{self.path}: row {at} has class {number}; expected one of the"
                f" {len(names)} that its features name"
            )
        return names[number]

    def _table(self) -> Dataset:
        if self._loaded is None:
            self._loaded = self._open()
        return self._loaded

    def _open(self) -> Dataset:
        table = self._pick(_load(self.path, self.config))
        for column in (self.image_column, self.label_column):
            if column not in table.column_names:
                there = ", ".join(map(repr, table.column_names))
                raise DataError(
                    f"{self.path}: no column {column!r}; the columns there are: {there}"
                )
        if not isinstance(table.features[self.image_column], ImageFeature):
            raise DataError(f"{self.path}: column {self.image_column!r} does not hold images")
        # Decoding is ours: upright, RGB, within the limit of pixels.
        decoded: Dataset = table.cast_column(self.image_column, ImageFeature(decode=False))
        return decoded

    def _pick(self, loaded: Dataset | DatasetDict) -> Dataset:
        if isinstance(loaded, Dataset):
            return loaded
        if self.split == "all":
            return concatenate_datasets(list(loaded.values()))
        if self.split not in loaded:
            there = ", ".join(map(str, loaded))
            raise DataError(f"{self.path}: no split {self.split!r}; the splits there are: {there}")
        return loaded[self.split]


def _load(path: str, config: str | None) -> Dataset | DatasetDict:
    try:
        if any((Path(path) / name).is_file() for name in _SAVED):
            return load_from_disk(path)
        return load_dataset(path, config)
    except Exception as error:  # the library raises almost anything
        raise DataError(
            f"{path}: cannot be loaded as a data set ({type(error).__name__}: {error}); expected"
            " owner/name of a hub that can be reached, or a folder written by save_to_disk or of"
            " Parquet files"
        ) from error
