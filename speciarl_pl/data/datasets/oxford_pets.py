"""Oxford-IIIT Pet in its original layout."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.listing import require_file, require_folder
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError

PetSplit: TypeAlias = Literal["trainval", "test", "all"]
"""The published splits; `all` is both."""

LISTS: Final[dict[str, str]] = {"trainval": "trainval.txt", "test": "test.txt", "all": "list.txt"}
"""Split -> its list in `annotations/`."""


class OxfordPets(FileSource):
    """Oxford-IIIT Pet: cats and dogs of 37 breeds.

    Layout: `images/Abyssinian_1.jpg`, `annotations/{list,trainval,test}.txt`. The label is the
    breed in the file's name, its case kept: `american bulldog`, `Abyssinian`.

    Args:
        root: Folder that holds `images` and `annotations`.
        split: `trainval`, `test` or `all`.
        name: Name of the data set.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.

    Example:
        >>> OxfordPets("data/pets", split="trainval").name
        'oxford_pets'
    """

    def __init__(
        self,
        root: str,
        split: PetSplit = "test",
        name: str = "oxford_pets",
        limit: int | None = None,
        seed: int = 0,
    ) -> None:
        if split not in LISTS:
            raise ValueError(f"split: expected one of {', '.join(LISTS)}, got {split!r}")
        super().__init__(name, limit, seed)
        self.root = root
        self.split = split

    def rows(self) -> Dataset:
        """List the images in the order of the published list; the id is the name without `.jpg`."""
        root = require_folder(self.root, "Oxford-IIIT Pet: folders images and annotations")
        require_folder(root / "images", "the photos of Oxford-IIIT Pet")
        path = require_file(
            root / "annotations" / LISTS[self.split], "a published list of Oxford-IIIT Pet"
        )
        table = file_table(_files(root, path))
        if len(table) == 0:
            raise DataError(f"{path}: lists no images; expected lines such as 'Abyssinian_1 1 1 1'")
        return table


def pet_label(stem: str) -> str:
    """Give the breed in the name of an image.

    Example:
        >>> pet_label("american_bulldog_10")
        'american bulldog'
    """
    return re.sub(r"_\d+$", "", stem).replace("_", " ")


def _files(root: Path, path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            stem = line.split()[0]
            yield stem, pet_label(stem), str(root / "images" / f"{stem}.jpg")
