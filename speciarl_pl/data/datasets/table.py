"""Any table of image paths and labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.labels.label_cells import label_cells
from speciarl_pl.data.labels.label_styles import Labeller, LabelStyle
from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.lists import unique_ids
from speciarl_pl.data.reading.prompt_cells import prompt_cells
from speciarl_pl.data.reading.shown import row_names, shown
from speciarl_pl.data.reading.tables import Columns, read_columns
from speciarl_pl.data.reading.text_file import check_encoding
from speciarl_pl.data.source import FileSource, as_table
from speciarl_pl.errors import DataError

_OTHER_COLUMNS: Final = "; `image_column` and `label_column` say which to take"


class ImageTable(FileSource):
    """Images and labels listed in a CSV, TSV, JSON Lines or Parquet file.

    Labels pass through as written, commas, accents and all, but for what cannot be seen. A number
    is no label, unless a label style or a mapping says that it is meant. An image that is missing
    is found out when it is opened, like one that is broken.

    Args:
        path: The table; its ending tells the format: .csv or .tsv (commas, semicolons, tabs or bars
            between cells, as its header has them), .jsonl, .json or .parquet.
        image_column: Column of image paths.
        label_column: Column of labels.
        subset_column: Column naming the part of the data set that an image is in, if any.
        prompt_column: Column of the questions asked about the images, if each has its own; an empty
            cell stands for that of the data module.
        root: Folder that relative image paths start from; the table's own folder by default.
        name: Name of the data set; the table's file name without ending by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.
        label_style: How a cell becomes the label, as in `ImageFolder`; `raw` by default, and if
            given, also of numbers.
        label_map: File that says what ids stand for, as in `ImageFolder`.
        encoding: Encoding of a text file, such as cp1252; by default UTF-8, or what a byte order
            mark says.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> ImageTable("data/birds.csv").name
        'birds'
    """

    def __init__(
        self,
        path: str,
        image_column: str = "image",
        label_column: str = "label",
        subset_column: str | None = None,
        prompt_column: str | None = None,
        root: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
        label_style: LabelStyle | None = None,
        label_map: str | None = None,
        encoding: str | None = None,
    ) -> None:
        super().__init__(name or Path(path).stem or "table", limit, seed, include, exclude)
        self.path = path
        self.image_column = image_column
        self.label_column = label_column
        self.subset_column = subset_column
        self.prompt_column = prompt_column
        self.root = root
        check_encoding(encoding)
        self.encoding = encoding
        self._labeller = Labeller(label_style, "raw", label_map)
        self.labels_meant = self._labeller.meant

    def rows(self) -> Dataset:
        """List the rows in the order of the file; the id is the path as written.

        Raises:
            DataError: If the file or a column is missing or damaged, an image is no path, or a
                label no name.
        """
        path = require_file(self.path, "a table of images and labels (.csv, .jsonl, .parquet)")
        names = [
            self.image_column,
            self.label_column,
            *filter(None, [self.subset_column, self.prompt_column]),
        ]
        columns = read_columns(path, names, self.encoding, _OTHER_COLUMNS)
        images = path_cells(path, columns[self.image_column], self.image_column)
        meant = self._labeller.meant
        cells = label_cells(columns[self.label_column], path, self.label_column, meant)
        labels = self._labeller.names(cells, str(path))
        if not images:
            raise DataError(f"{path}: the table has no rows; expected one row an image")
        root = Path(self.root).expanduser() if self.root is not None else path.parent
        return as_table(
            {
                "id": unique_ids(images),
                "truth": labels,
                "subset": self._subsets(columns, len(images)),
                "path": [str(root / image) for image in images],
                **self._prompts(columns, path),
            }
        )

    def _subsets(self, columns: Columns, count: int) -> list[str]:
        if self.subset_column is None:
            return [""] * count
        return ["" if cell is None else str(cell) for cell in columns[self.subset_column]]

    def _prompts(self, columns: Columns, path: Path) -> dict[str, list[str]]:
        if self.prompt_column is None:
            return {}
        return {"prompt": prompt_cells(columns[self.prompt_column], path, self.prompt_column)}


def path_cells(path: Path, cells: Sequence[Any], column: str) -> list[str]:
    """Give the cells of a column of images, each of which must hold a path.

    Raises:
        DataError: Naming the file and the rows (counted from 1, without the header) that hold none.
    """
    empty = [
        at
        for at, cell in enumerate(cells, start=1)
        if cell is None or (isinstance(cell, str) and not cell.strip())
    ]
    if empty:
        has = "has" if len(empty) == 1 else "have"
        raise DataError(
            f"{path}: {row_names(empty)} {has} an empty {column!r}; fill it in or remove the row"
        )
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, str):
            raise DataError(
                f"{path}: row {number} has {shown(cell)} in {column!r}; expected a path"
            )
        if cell.startswith(("http://", "https://", "data:image/")):
            raise DataError(
                f"{path}: row {number} has {shown(cell)} in {column!r}; expected the path of a"
                " file: nothing is downloaded, fetch the images first"
            )
    return list(cells)
