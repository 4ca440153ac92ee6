"""Which folder of an image's path names its class, and which is a split or no class at all."""

# ruff: noqa: SIM905
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from speciarl_pl.data.reading.present_files import name_some
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.errors import DataError

LabelLevel: TypeAlias = Literal["top", "leaf"] | int
"""The folder that is the label: the first below the root, the one that the image lies in, or the
so-manieth below the root, from 1."""

Folders: TypeAlias = tuple[str, ...]
"""Folders between the root and an image, outermost first."""

_SPLITS: Final = {
    "train": ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "valset", "dev"),
    "test": ("test", "testing", "testset"),
}
_CANONICAL: Final = {name: split for split, names in _SPLITS.items() for name in names}

_NO_CLASSES: Final = frozenset(
    "annotation annotations trimaps bounding_boxes bboxes __pycache__".split()
)
"""Folders that archives leave beside the classes; `listing` leaves out those of systems."""

_WRAPPERS: Final = frozenset(
    "images image img imgs photos pictures pics data dataset jpg jpeg jpegimages png files".split()
)
"""Folders that hold the pictures and name no class."""


def is_no_class(folder: str) -> bool:
    """Tell whether a folder beside those of classes is one that archives leave.

    Example:
        >>> [is_no_class(name) for name in ("Annotations", "trimaps", "rose")]
        [True, True, False]
    """
    return folder.casefold() in _NO_CLASSES


@dataclass(frozen=True, slots=True)
class Picked:
    """The images of a folder that are wanted, and where their labels stand."""

    kept: list[int]
    """Positions of the images."""
    folders: list[Folders]
    """Of each, its folders without the one that names the split."""


def pick_split(root: object, images: Sequence[Folders], split: str | None, meant: bool) -> Picked:
    """Tell folders that are splits from classes, and pick one split.

    Folders are splits if all that hold images on one level are named so (`train`, `val`, `valid`,
    `validation`, `test` and their like), or two of the first level are; a class named train among
    others is a class.

    Args:
        root: What to call the root in an error.
        images: Folders of each image, at least one.
        split: The split to pick; `all`: all together; None: there must be none.
        meant: Whether the first level was said to be the label.

    Raises:
        DataError: If there are splits and none is picked, or no such split.
    """
    depth = _split_depth(images)
    everything = list(range(len(images)))
    if split is None and (depth is None or meant):
        return Picked(everything, list(images))
    names = sorted({folders[depth or 0] for folders in images})
    if split is None:
        raise DataError(_unsplit(root, depth or 0, names))
    if depth is None and split not in (*names, "all"):
        raise DataError(
            f"{root}: no folder for split_folder {split!r}; the folders there are:"
            f" {name_some(names, 10)}"
        )
    if depth is None and split == "all":
        return Picked(everything, list(images))
    at = depth or 0
    wanted = [name for name in names if _is_wanted(name, split, names)]
    if not wanted:
        there = ", ".join(name for name in names if _canonical(name))
        raise DataError(f"{root}: no split {split!r}; the splits there are: {there}")
    kept = [place for place in everything if images[place][at] in wanted]
    rest = [(*images[place][:at], *images[place][at + 1 :]) for place in kept]
    return Picked(kept, rest)


def label_folders(
    root: object, images: Sequence[Folders], level: LabelLevel | None
) -> tuple[list[str], str]:
    """Give the folder of each image that is its label.

    Args:
        root: What to call the root in an error.
        images: Folders of each image, without that of a split.
        level: Which is the label; None: on the way down, the first that holds images itself.

    Returns:
        The folders, and what to doubt of the choice; empty where all images lie in the folders of
        the first level, so that there is no choice.

    Raises:
        DataError: If an image has no folder of that level, or the only label is a word such as
            `images`.

    Example:
        >>> deep = [("Animalia", "Mallard"), ("Animalia", "Lion")]
        >>> label_folders("data", deep, "top")
        (['Animalia', 'Animalia'], '')
        >>> label_folders("data", [("rose", "close"), ("rose",)], None)
        (['rose', 'rose'], '')
    """
    levels = list(_levels(images, level))
    short = [at for at, depth in enumerate(levels) if not 0 < depth <= len(images[at])]
    if short:
        lies = "/".join((str(root), *images[short[0]]))
        raise DataError(
            f"{root}: {len(short):,} images have no folder that can be their label, such as those"
            f" in {lies}; expected a folder a class" + (f" on level {level}" if level else "")
        )
    labels = [folders[depth - 1] for folders, depth in zip(images, levels, strict=True)]
    only = sorted(set(labels))
    if all(label.casefold() in _WRAPPERS for label in only):
        raise DataError(
            f"{root}: the only label would be {' or '.join(map(repr, only))}, which names no class;"
            " sort the images into a folder a class, list them with labels in a table (ImageTable),"
            " or predict on them unlabelled"
        )
    return labels, "" if level is not None else _doubt(images, levels)


def _split_depth(images: Sequence[Folders]) -> int | None:
    shallowest = min(map(len, images))
    for depth in range(shallowest):
        names = {folders[depth] for folders in images}
        splits = {name for name in names if _canonical(name)}
        several = len({_canonical(name) for name in splits}) > 1
        if splits and (splits == names or (depth == 0 and several)):
            return depth
        if depth == 0 and splits and _alone_is_deep(images, splits):
            return depth
    return None


def _alone_is_deep(images: Iterable[Folders], splits: Collection[str]) -> bool:
    """Whether the one folder named as a split has class folders, and no other folder has."""
    return all((len(folders) > 1) == (folders[0] in splits) for folders in images)


def _canonical(name: str) -> str | None:
    return _CANONICAL.get(name.casefold())


def _is_wanted(name: str, split: str, names: Collection[str]) -> bool:
    if split in names:
        return name == split
    found = _canonical(name)
    return found is not None and (split == "all" or found == _canonical(split))


def _unsplit(root: object, depth: int, names: Sequence[str]) -> str:
    splits = [name for name in names if _canonical(name)]
    said = f"{root}: its folders {' and '.join(map(repr, splits[:3]))} are splits, not labels"
    one = f"set `root: {root}/{splits[0]}`, or " if depth == 0 else ""
    return (
        f"{said}; {one}`split_folder: {splits[0]}` (`all` takes all together), or"
        " `label_level: top` if the first folder is the label all the same"
    )


def _levels(images: Sequence[Folders], level: LabelLevel | None) -> Iterator[int]:
    holding = set(images)
    for folders in images:
        if isinstance(level, int):
            yield level
        elif level == "top" or not folders:
            yield min(1, len(folders))
        elif level == "leaf":
            yield len(folders)
        else:
            yield next(at for at in range(1, len(folders) + 1) if folders[:at] in holding)


def _doubt(images: Sequence[Folders], levels: Sequence[int]) -> str:
    deep = [at for at, depth in enumerate(levels) if depth > 1]
    if not deep:
        return ""
    folders, depth = images[deep[0]], levels[deep[0]]
    found: Mapping[int, int] = {one: levels.count(one) for one in sorted(set(levels))}
    where = ", ".join(f"{count:,} on level {one}" for one, count in found.items())
    return (
        f"labels are the first folders that hold images ({where}), such as"
        f" {shown(folders[depth - 1])} of {'/'.join(folders)}; `label_level` says which it is to"
        " be: top, leaf, or a number of levels below the root"
    )
