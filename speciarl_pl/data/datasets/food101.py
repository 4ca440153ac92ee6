"""Food-101 in its original layout."""

import json
from pathlib import Path
from typing import ClassVar

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.labels.clean_up import food_label
from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.lists import (
    known_or_all,
    problems_of,
    read_lines,
    require_known,
    require_same,
    require_unique,
)
from speciarl_pl.errors import DataError


class Food101(Benchmark):
    """Food-101: dishes of 101 kinds.

    Layout: `images/apple_pie/1005649.jpg`, `meta/{classes,train,test}.txt`. The label is the
    folder's name without underscores: `apple pie`. Splits: `train`, `test`, `all`; CoOp's `train`,
    `val`, `test` with its list as `split_file`. The arguments are those of `Benchmark`.

    Example:
        >>> Food101("data/food-101", split_file="data/food101_coop.csv").name
        'food101'
    """

    key: ClassVar[str] = "food101"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    group = PUBLISHED["food101"].group
    taxonomy = PUBLISHED["food101"].taxonomy

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the lists of a split; the id is the path below `images`."""
        source = root / "meta" / "classes.txt"
        classes = read_lines(source, "one class a line, such as apple_pie")
        require_unique(source, classes)
        listed = [
            one
            for part in known_or_all(self.splits, split)
            for one in _read_list(root / "meta" / f"{part}.txt", part, classes, source)
        ]
        require_unique(root / "meta" / "{train,test}.txt", (one.id for one in listed))
        return listed

    def split_name(self, name: str) -> str:
        """Give class folder and file, the end of the path."""
        return "/".join(name.split("/")[-2:])

    def spare_lists(self, root: Path) -> list[str]:
        """Compare `labels.txt` and the JSON lists with the lists that are read."""
        meta = root / "meta"
        lists = [lambda part=part: _compare_json(meta, part) for part in self.splits]
        return problems_of(lambda: _compare_labels(meta), *lists)


def _read_list(path: Path, split: str, classes: list[str], source: Path) -> list[Listed]:
    lines = read_lines(path, "lines such as apple_pie/1005649")
    require_unique(path, lines)
    folders = [line.rpartition("/")[0] for line in lines]
    require_known(path, folders, classes, source)
    return [
        Listed(f"{line}.jpg", f"images/{line}.jpg", food_label(folder), split)
        for line, folder in zip(lines, folders, strict=True)
    ]


def _compare_labels(meta: Path) -> None:
    """Both lists are in one order; what `labels.txt` writes in capitals is left open."""
    labels = read_lines(meta / "labels.txt", "one label a line, such as Apple pie")
    classes = read_lines(meta / "classes.txt", "one class a line, such as apple_pie")
    require_same(
        meta / "labels.txt",
        [label.lower() for label in labels],
        meta / "classes.txt",
        [food_label(name).lower() for name in classes],
    )


def _compare_json(meta: Path, part: str) -> None:
    path, text = meta / f"{part}.json", meta / f"{part}.txt"
    require_file(path, 'an object of lists, such as {"apple_pie": ["apple_pie/1005649"]}')
    try:
        lists = json.loads(path.read_bytes())
        names = [str(name) for folder in lists.values() for name in folder]
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not the JSON that was expected ({error})") from None
    require_same(path, names, text, read_lines(text, "lines such as apple_pie/1005649"))
