"""Photos without labels, named one by one."""

from collections.abc import Sequence
from pathlib import Path

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.lists import read_lines, unique_ids
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError


class PhotoList(FileSource):
    """Unlabelled photos in the order of a list; their truth is empty.

    A photo that is missing or broken is found out when it is opened.

    Args:
        paths: The photos; or a text file (UTF-8, names as the disk has them) with one path a line,
            which may start from the file's own folder.
        name: Name of the data set.
        limit: Keep at most this many photos, drawn with `seed`.
        seed: Seed of that draw.

    Example:
        >>> table = PhotoList(["a.jpg", "b.jpg"]).table()
        >>> table["id"][:]
        ['a.jpg', 'b.jpg']
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        name: str = "photos",
        limit: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(name, limit, seed)
        self.paths = paths

    def rows(self) -> Dataset:
        """List the photos; the id is the path as written.

        Raises:
            DataError: If the list is empty, or its file is missing or not text.
        """
        paths, root = list(self.paths), Path()
        if isinstance(self.paths, str):
            file = Path(self.paths).expanduser()
            expected = "the path of a photo on each line"
            paths, root = read_lines(file, expected, of_names=True), file.parent
        if not paths:
            raise DataError("images: no photos in the list; name at least one")
        ids = unique_ids(paths)
        return file_table(
            (id_, "", str(root / Path(path).expanduser()))
            for id_, path in zip(ids, paths, strict=True)
        )
