"""Photos without labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.reading.left_out import LeftOut
from speciarl_pl.data.reading.listing import walk_images
from speciarl_pl.data.reading.lists import read_lines, unique_ids
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError


class PhotoFolder(FileSource):
    """Unlabelled photos at any depth below a folder, or one photo; their truth is empty.

    A file is a photo by its ending, or else by its content; `notes` counts and names the others.

    Args:
        root: The folder, or a single image file.
        name: Name of the data set; the name of `root` by default.
        limit: Keep at most this many photos, drawn with `seed`.
        seed: Seed of that draw.

    Example:
        >>> PhotoFolder("holiday").name
        'holiday'
    """

    def __init__(
        self, root: str, name: str | None = None, limit: int | None = None, seed: int = 0
    ) -> None:
        super().__init__(name or Path(root).name or "photos", limit, seed)
        self.root = root

    def rows(self) -> Dataset:
        """List the photos, sorted by path; the id is the path below `root`."""
        root = Path(self.root).expanduser()
        if not root.exists():
            raise DataError(f"{root}: no such file or folder; expected a folder of photos")
        self.left_out = LeftOut()
        table = file_table(_files(root, self.left_out))
        if len(table) == 0:
            found = f" ({self.left_out})" if self.left_out else ""
            raise DataError(
                f"{root}: no images in it or below it{found}; expected .jpg, .png and such"
            )
        return table


def _files(root: Path, left_out: LeftOut) -> Iterator[tuple[str, str, str]]:
    if not root.is_dir():
        yield root.name, "", str(root)
        return
    for path in walk_images(root, left_out):
        yield path.relative_to(root).as_posix(), "", str(path)


# Photos without labels, named one by one.


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
