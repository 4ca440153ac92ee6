"""Any table of image paths and labels."""

from pathlib import Path
from typing import Any

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.listing import Columns, read_columns, require_columns, require_file
from speciarl_pl.data.lists import unique_ids
from speciarl_pl.data.source import FileSource, as_table
from speciarl_pl.errors import DataError


class ImageTable(FileSource):
    """Images and labels listed in a CSV, JSON Lines or Parquet file.

    Labels pass through exactly as written, commas, accents and all. An image that is missing is
    found out when it is opened, like one that is broken.

    Args:
        path: The table; its ending tells the format: .csv, .jsonl or .parquet.
        image_column: Column of image paths.
        label_column: Column of labels.
        subset_column: Column naming the part of the data set that an image is in, if any.
        root: Folder that relative image paths start from; the table's own folder by default.
        name: Name of the data set; the table's file name without ending by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.

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
        root: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> None:
        super().__init__(name or Path(path).stem or "table", limit, seed, include, exclude)
        self.path = path
        self.image_column = image_column
        self.label_column = label_column
        self.subset_column = subset_column
        self.root = root

    def rows(self) -> Dataset:
        """List the rows in the order of the file; the id is the path as written.

        Raises:
            DataError: If the file or a column is missing, or a cell holds no text.
        """
        path = require_file(self.path, "a table of images and labels (.csv, .jsonl, .parquet)")
        columns = read_columns(path)
        names = [self.image_column, self.label_column]
        require_columns(path, columns, [*names, *filter(None, [self.subset_column])])
        images, labels = (text_cells(path, columns, name) for name in names)
        if not images:
            raise DataError(f"{path}: the table has no rows; expected one row an image")
        root = Path(self.root).expanduser() if self.root is not None else path.parent
        return as_table(
            {
                "id": unique_ids(images),
                "truth": labels,
                "subset": self._subsets(columns, len(images)),
                "path": [str(root / image) for image in images],
            }
        )

    def _subsets(self, columns: Columns, count: int) -> list[str]:
        if self.subset_column is None:
            return [""] * count
        return ["" if cell is None else str(cell) for cell in columns[self.subset_column]]


def text_cells(path: Path, columns: Columns, name: str) -> list[str]:
    """Give the cells of a column, each of which must hold text.

    Raises:
        DataError: Naming the file and the first row (counted from 1, without the header) that
            holds none.
    """
    cells: list[Any] = columns[name]
    for number, cell in enumerate(cells, start=1):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            raise DataError(
                f"{path}: row {number} has an empty {name!r}; fill it in or remove the row"
            )
        if not isinstance(cell, str):
            raise DataError(f"{path}: row {number} has {cell!r} in {name!r}; expected text")
    return cells
