"""Oxford Flowers-102 in its original layout, or with an `images.csv`."""

from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.labels.clean_up import flower_label
from speciarl_pl.data.reading.listing import require_folder
from speciarl_pl.data.reading.lists import require_known, require_unique
from speciarl_pl.data.reading.mat import read_mat
from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.errors import DataError

MAT_SPLITS: Final[dict[str, str]] = {"trnid": "train", "valid": "val", "tstid": "test"}
"""Array in `setid.mat` -> split."""

_EXPECTED: Final = "the original imagelabels.mat and setid.mat, or an images.csv beside jpg"


class Flowers102(Benchmark):
    """Oxford Flowers-102: flowers of 102 classes.

    Layouts: the photos in `jpg/` with the original `imagelabels.mat` and `setid.mat`, or with an
    `images.csv` of the columns filename, split, label, which is preferred if it is there. The
    images are those that the labels name. Splits: `train`, `val`, `test`, `all`, also with CoOp's
    list as `split_file`. The arguments are those of `Benchmark`.

    Example:
        >>> Flowers102("data/flowers").name
        'flowers102'
    """

    key: ClassVar[str] = "flowers102"
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    group = PUBLISHED["flowers102"].group
    taxonomy = PUBLISHED["flowers102"].taxonomy

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the lists, sorted by file name, which is also the id."""
        require_folder(root / "jpg", "the photos of Flowers-102")
        listed = _read_csv(root) if (root / "images.csv").exists() else _read_mat(root)
        return sorted(listed, key=lambda one: one.id)

    def split_name(self, name: str) -> str:
        """Give the file without folder."""
        return name.rpartition("/")[2]


def flower_names() -> list[str]:
    """Give the 102 class names; class 1 of `imagelabels.mat` comes first.

    Example:
        >>> names = flower_names()
        >>> len(names), names[0]
        (102, 'pink primrose')
    """
    path = Path(__file__).with_name("flowers102.txt")
    return path.read_text(encoding="utf-8").splitlines()


def _read_csv(root: Path) -> list[Listed]:
    path = root / "images.csv"
    columns = read_columns(path, ["filename", "split", "label"])
    for number, label in enumerate(columns["label"], start=1):
        if not label.strip():
            raise DataError(f"{path}: row {number} has an empty 'label'; fill it in or remove it")
    require_unique(path, columns["filename"])
    labels = [flower_label(label) for label in columns["label"]]
    require_known(path, labels, flower_names(), "Flowers-102")
    return [
        Listed(name, f"jpg/{name}", label, split)
        for name, label, split in zip(columns["filename"], labels, columns["split"], strict=True)
    ]


def _read_mat(root: Path) -> list[Listed]:
    labels = root / "imagelabels.mat"
    numbers = [int(one) for one in np.atleast_1d(read_mat(labels, ["labels"], _EXPECTED)["labels"])]
    names = flower_names()
    require_known(labels, map(str, numbers), _numbers(len(names)), "Flowers-102")
    return [
        Listed(_file_name(index), f"jpg/{_file_name(index)}", names[numbers[index - 1] - 1], split)
        for split, index in _read_ids(root / "setid.mat", len(numbers))
    ]


def _read_ids(path: Path, count: int) -> list[tuple[str, int]]:
    content = read_mat(path, list(MAT_SPLITS), _EXPECTED)
    ids = [
        (split, int(index))
        for array, split in MAT_SPLITS.items()
        for index in np.atleast_1d(content[array])
    ]
    require_unique(path, (_file_name(index) for _, index in ids))
    require_known(
        path, (str(index) for _, index in ids), _numbers(count), path.with_name("imagelabels.mat")
    )
    return ids


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def _file_name(index: int) -> str:
    return f"image_{index:05d}.jpg"
