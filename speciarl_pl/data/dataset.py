"""A source as a torch data set: a position becomes a sample, or a skipped one."""

from typing import Literal, TypeAlias

from datasets.arrow_dataset import Dataset as Table
from torch.utils.data import Dataset

from speciarl_pl.data.images import MAX_PIXELS
from speciarl_pl.data.source import ImageSource
from speciarl_pl.errors import DataError
from speciarl_pl.records import Sample, SkippedSample

OnError: TypeAlias = Literal["skip", "raise"]
"""What to do with a sample that cannot be read: leave it out and name it, or stop."""


class ImageDataset(Dataset[Sample | SkippedSample]):
    """The images of one source with the question asked about each; decoded when asked for.

    Args:
        source: Where the images come from; listed now.
        prompt: Text of the user's turn.
        on_error: `skip` gives a `SkippedSample` for an image that cannot be read, `raise` raises.
        max_image_pixels: Refuse larger images before decoding them.
        first: Position of its first sample among those of all data sets.

    Raises:
        DataError: If the source is missing or empty.
    """

    def __init__(
        self,
        source: ImageSource,
        prompt: str,
        on_error: OnError = "skip",
        max_image_pixels: int = MAX_PIXELS,
        first: int = 0,
    ) -> None:
        self.name = source.name
        self._source = source
        self._prompt = prompt
        self._on_error = on_error
        self._max_image_pixels = max_image_pixels
        self._first = first
        self._table = source.table()
        if len(self._table) == 0:
            raise DataError(f"data set {source.name!r}: no images left; check its path and filters")

    def __len__(self) -> int:
        return len(self._table)

    @property
    def listing(self) -> Table:
        """The rows: `id`, `truth`, `subset` and what the source adds."""
        return self._table

    def __getitem__(self, index: int) -> Sample | SkippedSample:
        """Read the sample at a position.

        Raises:
            DataError: If it cannot be read and `on_error` is `raise`.
        """
        row = self._table[index]
        try:
            image = self._source.image(row, self._max_image_pixels)
        except DataError as error:
            if self._on_error == "raise":
                raise
            return SkippedSample(row["id"], self.name, str(error), self._first + index)
        return Sample(
            row["id"],
            self.name,
            row["truth"],
            self._prompt,
            image,
            row["subset"],
            self._first + index,
            row.get("taxonomy") or self._source.taxonomy or "",
        )
