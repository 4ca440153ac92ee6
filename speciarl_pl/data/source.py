"""`ImageSource`: one collection of labelled images, listed without opening any of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.data.filters import check_labels, keep_classes
from speciarl_pl.data.images.opening import MAX_PIXELS, open_image
from speciarl_pl.data.labels.label_checks import check_truths, doubts_about, tidy_truths
from speciarl_pl.data.reading.left_out import LeftOut
from speciarl_pl.data.reading.lists import unique_ids
from speciarl_pl.data.source_contract import rows_of
from speciarl_pl.errors import DataError
from speciarl_pl.system.file_names import kept_path, opened_path, printable

COLUMNS: Final = ("id", "truth", "subset")
"""Columns of every table; a source may add its own."""

Row: TypeAlias = Mapping[str, Any]
"""One row of a table: column -> value."""


class ImageSource(ABC):
    """One collection of labelled images.

    A source is made from its arguments alone: nothing on disk is touched before `table`, so that a
    configuration can be checked and printed on a machine without the data.

    Args:
        name: Name of the data set; metrics are kept one set per name.
        limit: Keep at most this many images, drawn with `seed`; the images of a smaller limit are
            among those of a larger one. None keeps all.
        seed: Seed of that draw.
        include: Keep the images of these labels alone, before `limit`; None keeps all. Case and
            white space do not matter.
        exclude: Leave out the images of these labels, before `limit`.

    Raises:
        ValueError: If an argument is out of range.
    """

    group: str | None = None
    """Group of benchmarks over which `validate` takes means: `fine_grained`, `very_fine_grained`
    (paper, section 5), or None."""
    taxonomy: str | None = None
    """Name of the packaged taxonomy that knows the labels, or None."""
    labels_meant: bool = False
    """Whether labels are known to be names, or the user said what they are to be: those that look
    like ids are then no cause for doubt."""
    doubts: Sequence[str] = ()
    """What the last listing found odd, a line each, with what to do."""

    def __init__(
        self,
        name: str,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> None:
        if not name.strip():
            raise ValueError("name: expected a name for the data set, got an empty text")
        if limit is not None and limit < 1:
            raise ValueError(f"limit: expected an int >= 1 or null, got {limit}")
        if seed < 0:
            raise ValueError(f"seed: expected an int >= 0, got {seed}")
        check_labels("include", include)
        check_labels("exclude", exclude)
        self.name = printable(name)
        self.limit = limit
        self.seed = seed
        self.include = include
        self.exclude = exclude

    @property
    def help(self) -> str:
        """What to do when the images are not what was expected; empty if there is no such help."""
        return ""

    @property
    def notes(self) -> list[str]:
        """What a user should know of the last listing, such as the files that it left out."""
        return []

    @abstractmethod
    def rows(self) -> Dataset:
        """List all images of the collection, in a stable order.

        Returns:
            Columns `id` (unique), `truth`, `subset`, and whatever `image` needs; `prompt` for
            rows with a question of their own, empty in the others.

        Raises:
            DataError: If the collection is missing, empty or not laid out as expected.
        """

    @abstractmethod
    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Make the image of a row.

        Args:
            row: A row of `table`.
            max_pixels: Refuse larger images before decoding them.

        Returns:
            RGB, upright.

        Raises:
            DataError: If it cannot be read.
        """

    def table(self) -> Dataset:
        """List the images that the filters keep, at most `limit` of them, in the order of `rows`.

        Truths are tidied (`speciarl_pl.text`). What was left out or looks odd is then in `notes`
        and `doubts`.

        Raises:
            DataError: As `rows`; if a label of the filters is none of the labels; if they keep no
                image; if a truth that is kept names nothing, such as "None".
        """
        self.doubts = ()
        rows = tidy_truths(rows_of(self))
        check_truths(rows, self.name, self.include, self.exclude)
        rows = keep_classes(rows, self.name, self.include, self.exclude, self.help)
        self.doubts = [*self.doubts, *doubts_about(rows["truth"][:], self.labels_meant)]
        if self.limit is None or self.limit >= len(rows):
            return rows
        drawn: Dataset = rows.select(subset_indices(len(rows), self.limit, self.seed))
        return drawn


class FileSource(ImageSource):
    """A source whose rows hold the `path` of an image file, as `kept_path` makes it.

    One that walks through folders gives `left_out` to `walk_images`, anew at each listing.
    """

    left_out: LeftOut | None = None
    """Files that the last listing did not take for images."""

    @property
    def notes(self) -> list[str]:
        """The files that were left out."""
        return [f"{self.name}: {self.left_out}"] if self.left_out else []

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the file of a row."""
        return open_image(opened_path(row["path"]), max_pixels)


def subset_indices(total: int, limit: int, seed: int) -> list[int]:
    """Draw `limit` of `total` positions, ascending.

    Example:
        >>> set(subset_indices(10, 3, seed=0)) <= set(subset_indices(10, 5, seed=0))
        True
    """
    drawn = np.random.default_rng(seed).permutation(total)[:limit]
    return sorted(int(index) for index in drawn)


def as_table(columns: Mapping[str, Sequence[str]]) -> Dataset:
    """Gather columns of text into a table held in memory.

    What is not UTF-8 is written in hexadecimal, which is how it is shown wherever a table is; a
    `path` is kept so that the file is found.

    Raises:
        DataError: If a truth is not UTF-8: its characters cannot be known.
    """
    return Dataset.from_dict({name: _text(name, cells) for name, cells in columns.items()})


def _text(name: str, cells: Sequence[str]) -> list[str]:
    if name == "path":
        return [kept_path(path) for path in cells]
    shown = [printable(cell) for cell in cells]
    changed = [cell for cell, before in zip(shown, cells, strict=True) if cell != before]
    if name == "truth" and changed:
        raise DataError(
            f"label '{changed[0]}': not UTF-8, so that its characters cannot be known; mend the"
            " table or rename the folder, as by: convmv -f latin1 -t utf8 -r --notest FOLDER"
        )
    return unique_ids(shown) if name == "id" and changed else shown


def file_table(files: Iterator[tuple[str, str, str]]) -> Dataset:
    """Gather (id, truth, path) triples into the table of a `FileSource`."""
    listed = list(files)
    return as_table(
        {
            "id": [id_ for id_, _, _ in listed],
            "truth": [truth for _, truth, _ in listed],
            "subset": [""] * len(listed),
            "path": [path for _, _, path in listed],
        }
    )
