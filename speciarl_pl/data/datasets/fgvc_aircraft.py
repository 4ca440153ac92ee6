"""FGVC-Aircraft in its original layout."""

from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeAlias

from PIL.Image import Image

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.labels.clean_up import aircraft_label
from speciarl_pl.data.reading.lists import (
    known_or_all,
    problems_of,
    read_lines,
    read_pairs,
    require_known,
    require_same,
    require_unique,
)
from speciarl_pl.data.source import Row

Level: TypeAlias = Literal["variant", "family", "manufacturer"]
"""How fine the labels are: `737-200`, `Boeing 737` or `Boeing`."""

CLASS_LISTS: Final[dict[str, str]] = {
    "variant": "variants.txt",
    "family": "families.txt",
    "manufacturer": "manufacturers.txt",
}
"""Level -> its list of classes."""

BANNER: Final = 20
"""Height of the copyright notice at the bottom of every photo, in pixels."""


class FGVCAircraft(Benchmark):
    """FGVC-Aircraft: aircraft of 100 variants, 70 families, 30 manufacturers.

    Layout: `data/images/*.jpg`, `data/images_variant_{train,val,trainval,test}.txt` and the same
    for family and manufacturer, `data/{variants,families,manufacturers}.txt`. The copyright notice
    in the lowest 20 pixels of every photo, which names its author, is cut off. Splits: `train`,
    `val`, `trainval`, `test`, `all`.

    Args:
        root: Folder of the archive, or the one it was unpacked in.
        split: A split of the archive, or of `split_file`.
        split_file: List of another split than the archive's.
        level: `variant` (the paper's), `family` or `manufacturer`.
        options: The other arguments of `Benchmark`.

    Example:
        >>> FGVCAircraft("data/fgvc-aircraft-2013b", level="family").name
        'fgvc_aircraft'
    """

    key: ClassVar[str] = "fgvc_aircraft"
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    unions: ClassVar[tuple[str, ...]] = ("trainval", "all")
    taxonomy = PUBLISHED["fgvc_aircraft"].taxonomy

    def __init__(
        self,
        root: str | None = None,
        split: str = "test",
        split_file: str | None = None,
        level: Level = "variant",
        **options: Any,
    ) -> None:
        super().__init__(root, split, split_file, **options)
        if level not in CLASS_LISTS:
            raise ValueError(f"level: expected one of {', '.join(CLASS_LISTS)}, got {level!r}")
        self.level = level
        self.group = PUBLISHED[self.key].group if level == "variant" else None

    @property
    def help(self) -> str:
        """The command that checks the archive at this level."""
        return f"{super().help} --level {self.level}" if self.root else ""

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the lists of a split; the id is the photo's number."""
        source = root / CLASS_LISTS[self.level]
        classes = read_lines(source, f"one {self.level} a line")
        require_unique(source, classes)
        listed = [
            one
            for part in known_or_all(self.splits, split)
            for one in _read_list(root / f"images_{self.level}_{part}.txt", part, classes, source)
        ]
        require_unique(root / f"images_{self.level}_*.txt", (one.id for one in listed))
        return listed

    def split_name(self, name: str) -> str:
        """Give the number in a file's name."""
        return Path(name).stem

    def spare_lists(self, root: Path) -> list[str]:
        """Compare the lists of the levels, and those of trainval with train and val."""
        return problems_of(*(lambda level=level: _compare(root, level) for level in CLASS_LISTS))

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the image of a row, without the notice."""
        image = super().image(row, max_pixels)
        return image.crop((0, 0, image.width, max(1, image.height - BANNER)))


def _read_list(path: Path, split: str, classes: list[str], source: Path) -> list[Listed]:
    pairs = read_pairs(path, "lines such as '0034309 F/A-18'")
    require_unique(path, (number for number, _ in pairs))
    require_known(path, (label for _, label in pairs), classes, source)
    return [
        Listed(number, f"images/{number}.jpg", aircraft_label(label), split)
        for number, label in pairs
    ]


def _compare(root: Path, level: str) -> None:
    """Check the lists of a level against each other, and its photos against the variants'."""
    source = root / CLASS_LISTS[level]
    classes = read_lines(source, f"one {level} a line")
    lists = {
        part: {
            one.id: one.label
            for one in _read_list(root / f"images_{level}_{part}.txt", part, classes, source)
        }
        for part in ("train", "val", "trainval", "test")
    }
    require_same(
        root / f"images_{level}_trainval.txt",
        lists["trainval"],
        root / f"images_{level}_{{train,val}}.txt",
        [*lists["train"], *lists["val"]],
    )
    for part, listed in lists.items():
        variants = root / f"images_variant_{part}.txt"
        numbers = [number for number, _ in read_pairs(variants, "lines such as '0034309 F/A-18'")]
        require_same(root / f"images_{level}_{part}.txt", listed, variants, numbers)
