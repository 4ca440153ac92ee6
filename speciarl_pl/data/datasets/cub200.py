"""CUB-200-2011 in its original layout."""

from pathlib import Path
from typing import ClassVar, Final

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.labels.clean_up import cub_label
from speciarl_pl.data.reading.lists import read_pairs, require_same, require_unique
from speciarl_pl.errors import DataError

_SPLITS: Final = {"1": "train", "0": "test"}
"""`is_training_image` in `train_test_split.txt` -> split."""


class CUB200(Benchmark):
    """CUB-200-2011: birds of 200 species.

    Layout: `images/001.Black_footed_Albatross/*.jpg`, `images.txt`, `image_class_labels.txt`,
    `train_test_split.txt`, `classes.txt`. The label is the folder's name without its number and
    underscores: `Black footed Albatross`. Splits: `train`, `test`, `all`. The arguments are those
    of `Benchmark`.

    Example:
        >>> CUB200("data/CUB_200_2011", split="train").name
        'cub'
    """

    key: ClassVar[str] = "cub"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    taxonomy = PUBLISHED["cub"].taxonomy

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read all lists, in the order of `images.txt`; the id is the path below `images`."""
        images = _table(root / "images.txt", "lines such as '1 001.Bird/Bird_1.jpg'")
        classes = _table(root / "classes.txt", "lines such as '1 001.Bird'")
        labels = _table(root / "image_class_labels.txt", "lines such as '1 1'")
        splits = _table(root / "train_test_split.txt", "lines such as '1 0'")
        require_unique(root / "images.txt", images.values())
        require_same(
            root / "image_class_labels.txt", labels.keys(), root / "images.txt", images.keys()
        )
        require_same(
            root / "train_test_split.txt", splits.keys(), root / "images.txt", images.keys()
        )
        return [
            Listed(
                path,
                f"images/{path}",
                cub_label(_class(root, classes, labels[number], path)),
                _split(root, splits[number], number),
            )
            for number, path in images.items()
        ]


def _table(path: Path, expected: str) -> dict[str, str]:
    pairs = read_pairs(path, expected)
    require_unique(path, (number for number, _ in pairs))
    return dict(pairs)


def _class(root: Path, classes: dict[str, str], number: str, path: str) -> str:
    """Folder of a class number, which must be the one that the image lies in."""
    folder = classes.get(number)
    if folder is None or folder != path.rpartition("/")[0]:
        raise DataError(
            f"{root / 'image_class_labels.txt'} puts {path} into class {number}, which is"
            f" {folder or 'not there'} in {root / 'classes.txt'}; expected the folder of the image"
            f" in {root / 'images.txt'}: one of the three is damaged"
        )
    return folder


def _split(root: Path, flag: str, number: str) -> str:
    if flag not in _SPLITS:
        path = root / "train_test_split.txt"
        raise DataError(f"{path}: image {number} has {flag!r}; expected 1 (train) or 0 (test)")
    return _SPLITS[flag]
