"""Photos without labels."""

from collections.abc import Iterator
from pathlib import Path

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.left_out import LeftOut
from speciarl_pl.data.listing import walk_images
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
