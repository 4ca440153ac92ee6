"""Oxford Flowers-102 in its original layout, or with an `images.csv`."""

from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from datasets.arrow_dataset import Dataset
from scipy.io import loadmat  # type: ignore[attr-defined]

from speciarl_pl.data.listing import read_columns, require_columns, require_file, require_folder
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError

FlowerSplit: TypeAlias = Literal["train", "val", "test", "all"]
"""Splits of Flowers-102; `all` is the three together."""

MAT_SPLITS: Final[dict[str, str]] = {"trnid": "train", "valid": "val", "tstid": "test"}
"""Array in `setid.mat` -> split."""

SPLITS: Final = ("train", "val", "test", "all")
"""What `split` may be."""


class Flowers102(FileSource):
    """Oxford Flowers-102: flowers of 102 classes.

    Layouts of `root`: the photos in `jpg/` with the original `imagelabels.mat` and `setid.mat`, or
    with an `images.csv` of the columns filename, split, label, which is preferred if it is there.
    The images are those that the labels name.

    Args:
        root: Folder that holds `jpg`.
        split: `train`, `val`, `test` or `all`.
        split_file: CSV with the columns filename and split, to use another split than the layout's
            own, for instance CoOp's; images that it does not name are left out.
        name: Name of the data set.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.

    Example:
        >>> Flowers102("data/flowers").name
        'flowers102'
    """

    def __init__(
        self,
        root: str,
        split: FlowerSplit = "test",
        split_file: str | None = None,
        name: str = "flowers102",
        limit: int | None = None,
        seed: int = 0,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
        super().__init__(name, limit, seed)
        self.root = root
        self.split = split
        self.split_file = split_file

    def rows(self) -> Dataset:
        """List the images of the split, sorted by file name, which is also their id."""
        root = require_folder(self.root, "Flowers-102: a folder jpg and its label files")
        require_folder(root / "jpg", "the photos of Flowers-102")
        labels, splits = _read_csv(root) if (root / "images.csv").exists() else _read_mat(root)
        if self.split_file is not None:
            splits = _read_splits(Path(self.split_file))
        names = sorted(name for name in labels if self._wanted(splits.get(name)))
        if not names:
            there = ", ".join(sorted(set(splits.values()))) or "none"
            raise DataError(f"{root}: no images in split {self.split!r}; splits there: {there}")
        return file_table((name, labels[name], str(root / "jpg" / name)) for name in names)

    def _wanted(self, split: str | None) -> bool:
        return split is not None and self.split in ("all", split)


def flower_names() -> list[str]:
    """Give the 102 class names; class 1 of `imagelabels.mat` comes first.

    Example:
        >>> names = flower_names()
        >>> len(names), names[0]
        (102, 'pink primrose')
    """
    path = Path(__file__).with_name("flowers102.txt")
    return path.read_text(encoding="utf-8").splitlines()


def _read_csv(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    path = root / "images.csv"
    columns = read_columns(path)
    require_columns(path, columns, ["filename", "split", "label"])
    for number, label in enumerate(columns["label"], start=1):
        if not label.strip():
            raise DataError(f"{path}: row {number} has an empty 'label'; fill it in or remove it")
    names = columns["filename"]
    return (
        dict(zip(names, columns["label"], strict=True)),
        dict(zip(names, columns["split"], strict=True)),
    )


def _read_splits(path: Path) -> dict[str, str]:
    columns = read_columns(require_file(path, "a CSV with the columns filename and split"))
    require_columns(path, columns, ["filename", "split"])
    return dict(zip(columns["filename"], columns["split"], strict=True))


def _read_mat(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    classes = _load(root / "imagelabels.mat", ["labels"])["labels"].ravel()
    ids = _load(root / "setid.mat", list(MAT_SPLITS))
    names = flower_names()
    labels = {
        _file_name(index): names[int(number) - 1] for index, number in enumerate(classes, start=1)
    }
    splits = {
        _file_name(int(index)): split
        for array, split in MAT_SPLITS.items()
        for index in ids[array].ravel()
    }
    return labels, splits


def _file_name(index: int) -> str:
    return f"image_{index:05d}.jpg"


def _load(path: Path, arrays: list[str]) -> dict[str, Any]:
    require_file(path, "the original imagelabels.mat and setid.mat, or an images.csv beside jpg")
    try:
        content: dict[str, Any] = loadmat(path)  # type: ignore[no-untyped-call]
    except Exception as error:  # scipy raises almost anything on a damaged file
        raise DataError(f"{path}: not a readable .mat file ({error}); fetch it again") from error
    for array in arrays:
        if array not in content:
            raise DataError(f"{path}: no array {array!r} in it; fetch it again")
    return content
