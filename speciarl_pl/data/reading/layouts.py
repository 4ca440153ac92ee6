"""The layouts of the six archives: finding the folder, and telling one from another."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.reading.listing import require_folder
from speciarl_pl.errors import DataError


@dataclass(frozen=True, slots=True)
class Layout:
    """How an archive lies on disk once unpacked."""

    holds: str
    """What its folder holds, in words."""
    marks: tuple[str, ...]
    """Paths that only this archive has; one of them is enough to tell it."""
    below: tuple[str, ...]
    """Where its folder lies below the one that the archive was unpacked in."""


LAYOUTS: Final[dict[str, Layout]] = {
    "cub": Layout(
        "images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and a folder images",
        ("images.txt", "image_class_labels.txt", "train_test_split.txt"),
        ("CUB_200_2011",),
    ),
    "fgvc_aircraft": Layout(
        "a folder data with images, variants.txt and images_variant_*.txt",
        ("variants.txt", "families.txt", "manufacturers.txt", "images_variant_test.txt"),
        ("data", "fgvc-aircraft-2013b/data", "fgvc-aircraft-2013b"),
    ),
    "flowers102": Layout(
        "a folder jpg and its label files",
        ("imagelabels.mat", "setid.mat", "jpg"),
        ("102flowers", "flowers-102", "oxford_flowers"),
    ),
    "food101": Layout(
        "folders images and meta",
        ("meta/classes.txt", "meta/train.txt", "meta/test.txt"),
        ("food-101",),
    ),
    "oxford_pets": Layout(
        "folders images and annotations",
        ("annotations/list.txt", "annotations/trainval.txt", "annotations/test.txt"),
        ("oxford-iiit-pet", "oxford_pets"),
    ),
    "stanford_cars": Layout(
        "folders cars_train, cars_test and devkit",
        ("devkit/cars_meta.mat", "devkit/cars_train_annos.mat", "cars_train", "cars_test"),
        ("stanford_cars", "car196", "cars"),
    ),
}
"""Name of the data set -> its layout."""


def find_root(key: str, root: str) -> Path:
    """Find the folder of an archive: `root` itself or the place below it where it unpacks.

    Args:
        key: Name of the data set.
        root: What the user named.

    Raises:
        DataError: If it is no folder, or holds another of the six.
    """
    title, layout = PUBLISHED[key].title, LAYOUTS[key]
    folder = require_folder(
        root, f"{title}: {layout.holds}; where to get it: python -m speciarl_pl data list"
    )
    for place in (folder, *(folder / name for name in layout.below)):
        if _fits(place, layout):
            return place
    if other := recognise(folder):
        raise DataError(
            f"{folder}: this looks like {PUBLISHED[other].title}, not like {title}"
            f" ({layout.holds}); use {PUBLISHED[other].source}, or the folder of {title}."
            " To check what is there:"
            f" python -m speciarl_pl data check {other} --root {quote(root)}"
        )
    return folder


def recognise(folder: Path) -> str | None:
    """Tell which of the six archives a folder holds; None if none."""
    for key, layout in LAYOUTS.items():
        if any(_fits(folder / name, layout) for name in ("", *layout.below)):
            return key
    return None


def _fits(folder: Path, layout: Layout) -> bool:
    return any((folder / mark).exists() for mark in layout.marks)
