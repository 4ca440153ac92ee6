"""Any folder of class sub-folders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.labels import clean_label
from speciarl_pl.data.left_out import LeftOut
from speciarl_pl.data.listing import class_folders, require_folder, walk_images
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError

LabelStyle: TypeAlias = Literal["plain", "numbered", "raw"]
"""How a folder name becomes a label; see `folder_label`."""


class ImageFolder(FileSource):
    """Images sorted into one sub-folder a class; the folder's name is the label.

    Images may lie at any depth below the class folder; files that are no images, hidden files and
    files beside the class folders are left out, counted and named in `notes`.

    Args:
        root: Folder that holds the class folders.
        label_style: `plain` turns `_` into a blank, `numbered` also drops a leading number such as
            the `001.` of CUB-200-2011, `raw` keeps the folder's name.
        name: Name of the data set; the name of `root` by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.

    Example:
        >>> ImageFolder("data/birds").name
        'birds'
    """

    def __init__(
        self,
        root: str,
        label_style: LabelStyle = "plain",
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> None:
        super().__init__(name or Path(root).name or "folder", limit, seed, include, exclude)
        self.root = root
        self.label_style = label_style

    def rows(self) -> Dataset:
        """List the images, sorted by path; the id is the path below `root`."""
        root = require_folder(self.root, "a folder with one sub-folder of images per class")
        self.left_out = LeftOut()
        table = file_table(self._files(root))
        if len(table) == 0:
            found = f" ({self.left_out})" if self.left_out else ""
            raise DataError(f"{root}: no images in class sub-folders{found}; {_advice(root)}")
        return table

    def _files(self, root: Path) -> Iterator[tuple[str, str, str]]:
        for folder in class_folders(root, self.left_out):
            truth = folder_label(folder.name, self.label_style)
            for path in walk_images(folder, self.left_out):
                yield path.relative_to(root).as_posix(), truth, str(path)


def folder_label(folder: str, style: LabelStyle = "plain") -> str:
    """Turn the name of a class folder into a label.

    Example:
        >>> folder_label("001.Black_footed_Albatross", "numbered")
        'Black footed Albatross'
        >>> folder_label("tiger_lily")
        'tiger lily'

    Raises:
        DataError: If nothing is left of the name.
    """
    if style == "numbered":
        label = clean_label(folder)
    else:
        label = folder if style == "raw" else folder.replace("_", " ").strip()
    if not label:
        raise DataError(f"class folder {folder!r}: its name gives an empty label; rename it")
    return label


def _advice(root: Path) -> str:
    loose = sum(1 for _ in walk_images(root))
    if loose:
        return f"{loose} lie beside them: sort them into folders, or predict on them unlabelled"
    return "expected files such as tiger_lily/001.jpg"
