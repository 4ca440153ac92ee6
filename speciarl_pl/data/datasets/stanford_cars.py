"""Stanford Cars in its original layout."""

from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.labels.clean_up import car_label
from speciarl_pl.data.reading.lists import known_or_all, require_unique
from speciarl_pl.data.reading.mat import read_mat
from speciarl_pl.errors import DataError

_TEST: Final = "cars_test_annos_withlabels.mat"


class StanfordCars(Benchmark):
    """Stanford Cars: cars of 196 makes, models, types and years.

    Layout: `cars_train/*.jpg`, `cars_test/*.jpg`, `devkit/cars_meta.mat`,
    `devkit/cars_train_annos.mat`, and `cars_test_annos_withlabels.mat` in `devkit` or beside it.
    The label is as in `cars_meta.mat`: `Ram C/V Cargo Van Minivan 2012`. Splits: `train`, `test`,
    `all`. The arguments are those of `Benchmark`.

    Example:
        >>> StanfordCars("data/stanford_cars").name
        'stanford_cars'
    """

    key: ClassVar[str] = "stanford_cars"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    group = PUBLISHED["stanford_cars"].group
    taxonomy = PUBLISHED["stanford_cars"].taxonomy

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the annotations of a split; the id is the path, such as `cars_test/00001.jpg`."""
        meta = root / "devkit" / "cars_meta.mat"
        content = read_mat(meta, ["class_names"], "the class names of Stanford Cars")
        names = [car_label(str(name)) for name in np.atleast_1d(content["class_names"])]
        return [
            one
            for part in known_or_all(self.splits, split)
            for one in _read_annotations(_annotations(root, part), part, names, meta)
        ]

    def split_name(self, name: str) -> str:
        """Give the path with the archive's folder, which some lists shorten to `test/`."""
        folder, _, file = name.rpartition("/")
        folder = folder.rpartition("/")[2]
        return f"{folder if folder.startswith('cars_') else f'cars_{folder}'}/{file}"


def _annotations(root: Path, split: str) -> Path:
    if split == "train":
        return root / "devkit" / "cars_train_annos.mat"
    beside = root / _TEST
    return beside if beside.is_file() else root / "devkit" / _TEST


def _read_annotations(path: Path, split: str, names: list[str], meta: Path) -> list[Listed]:
    content = read_mat(path, ["annotations"], f"the labels of the {split} photos of Stanford Cars")
    rows = np.atleast_1d(content["annotations"])
    for field in ("fname", "class"):
        if field not in (rows.dtype.names or ()):
            raise DataError(f"{path}: its annotations have no {field!r}; expected file and class")
    files = [f"cars_{split}/{row['fname']}" for row in rows]
    require_unique(path, files)
    return [
        Listed(file, file, _name(path, row, names, meta), split)
        for file, row in zip(files, rows, strict=True)
    ]


def _name(path: Path, row: Any, names: list[str], meta: Path) -> str:
    number = int(row["class"])
    if not 1 <= number <= len(names):
        raise DataError(
            f"{path}: {row['fname']} has class {number}; expected one of the {len(names)} classes"
            f" of {meta}"
        )
    return names[number - 1]
