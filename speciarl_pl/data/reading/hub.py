"""Tables of images read with the `datasets` library: from a hub, or from a local copy."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pyarrow
import pyarrow.parquet
from datasets.arrow_dataset import Dataset
from datasets.combine import concatenate_datasets
from datasets.dataset_dict import DatasetDict
from datasets.features import ClassLabel
from datasets.load import load_dataset, load_from_disk
from PIL.Image import Image

from speciarl_pl.data.images.opening import MAX_PIXELS, decode_image
from speciarl_pl.data.labels.label_cells import label_cells
from speciarl_pl.data.reading.hub_cells import cell_image, check_image_feature, undecoded
from speciarl_pl.data.reading.prompt_cells import prompt_cells
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.reading.tables import require_columns
from speciarl_pl.data.source import Row
from speciarl_pl.errors import DataError
from speciarl_pl.hub_ids import pinned

_SAVED: Final = ("dataset_dict.json", "dataset_info.json")
"""Files by which a folder written by `save_to_disk` is told."""


class HubTable:
    """One split of a data set of the `datasets` library.

    Nothing is loaded before it is needed. A copy in another process loads by itself.

    Args:
        path: `owner/name` of a hub, with `@` and a revision behind it if one is meant, or a local
            copy: a folder written by `save_to_disk`, one of Parquet files, or one Parquet file,
            which has no splits.
        split: Name of the split there; `all` takes all together.
        image_column: Column of images.
        label_column: Column of labels: texts, or numbers with names.
        config: Configuration of the data set, if it has several.
        prompt_column: Column of questions, if there is one.
    """

    def __init__(
        self,
        path: str,
        split: str,
        image_column: str,
        label_column: str,
        config: str | None,
        prompt_column: str | None = None,
    ) -> None:
        self.path = path
        self.split = split
        self.image_column = image_column
        self.label_column = label_column
        self.config = config
        self.prompt_column = prompt_column
        self._loaded: Dataset | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def labels(self, meant: bool = False) -> list[str]:
        """Give the label of every row, numbers turned into names.

        Args:
            meant: Whether numbers without names are meant; see `label_cells`.

        Raises:
            DataError: If the data set cannot be loaded or a label is no name.
        """
        table = self._table()
        column, feature = table[self.label_column][:], table.features[self.label_column]
        if isinstance(feature, ClassLabel):
            column = [self._named(feature, at, number) for at, number in enumerate(column)]
        return label_cells(column, self.path, self.label_column, meant, first=0)

    def prompts(self) -> list[str] | None:
        """Give the question of every row, empty where it has none; None without such a column.

        Raises:
            DataError: If one is no text.
        """
        if self.prompt_column is None:
            return None
        column = self._table()[self.prompt_column][:]
        return prompt_cells(column, self.path, self.prompt_column, first=0)

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the image of a row, told by its column `at`."""
        at = int(row["at"])
        name = f"{self.path}, row {at}"
        found = cell_image(self._table()[at][self.image_column], name, self.image_column)
        file = BytesIO(found) if isinstance(found, bytes) else self._beside(found)
        return decode_image(file, name, max_pixels)

    def _beside(self, path: str) -> Path:
        """An image file that a local copy names starts from where that lies."""
        here = Path(self.path)
        beside = (here.parent if here.is_file() else here) / path
        return beside if beside.exists() else Path(path)

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
        for column in filter(None, (self.image_column, self.label_column, self.prompt_column)):
            if column not in table.column_names:
                there = ", ".join(map(repr, table.column_names))
                raise DataError(
                    f"{self.path}: no column {column!r}; the columns there are: {there}"
                )
        check_image_feature(table.features, self.image_column, self.path)
        # Decoding is ours: upright, RGB, within the limit of pixels.
        return undecoded(table, self.image_column)

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
        if path.endswith(".parquet") and Path(path).is_file():
            return Dataset.from_parquet(path)
        if any((Path(path) / name).is_file() for name in _SAVED):
            return load_from_disk(path)
        name, revision = pinned(path)
        return load_dataset(name, config, revision=revision)
    except Exception as error:  # the library raises almost anything
        _check_columns(Path(path))
        cause = error.__cause__ or error  # it says of itself only that there was an error
        raise DataError(
            f"{path}: cannot be loaded as a data set"
            f" ({type(cause).__name__}: {shown(str(cause), 300)}); expected owner/name of a hub"
            " that can be reached, or a local copy: a folder written by save_to_disk or of Parquet"
            " files, or a Parquet file"
        ) from error


def _check_columns(path: Path) -> None:
    """Name the Parquet file in which two columns have one name, if that is what is wrong."""
    for file in [path] if path.is_file() else sorted(path.rglob("*.parquet")):
        with suppress(pyarrow.ArrowInvalid):
            require_columns(file, pyarrow.parquet.read_schema(file).names, None)
