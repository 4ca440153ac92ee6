"""Oxford-IIIT Pet in its original layout."""

from pathlib import Path
from typing import ClassVar, Final

from speciarl_pl.data.datasets.benchmark import Benchmark, Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.labels.clean_up import pet_label
from speciarl_pl.data.reading.listing import require_folder
from speciarl_pl.data.reading.lists import (
    problems_of,
    read_lines,
    require_known,
    require_same,
    require_unique,
)
from speciarl_pl.errors import DataError

_FIELDS: Final = 4
"""Name, class, species and breed within the species."""
_EXPECTED: Final = "a published list of Oxford-IIIT Pet: lines such as 'Abyssinian_1 1 1 1'"
_LISTS: Final = {"all": ("trainval", "test")}


class OxfordPets(Benchmark):
    """Oxford-IIIT Pet: cats and dogs of 37 breeds.

    Layout: `images/Abyssinian_1.jpg`, `annotations/{trainval,test}.txt`. The label is the breed in
    the file's name, its case kept: `american bulldog`, `Abyssinian`. Splits: `trainval`, `test`,
    `all`; CoOp's `train`, `val`, `test` with its list as `split_file`. The arguments are those of
    `Benchmark`.

    Example:
        >>> OxfordPets("data/pets", split="trainval").name
        'oxford_pets'
    """

    key: ClassVar[str] = "oxford_pets"
    splits: ClassVar[tuple[str, ...]] = ("trainval", "test")
    group = PUBLISHED["oxford_pets"].group
    taxonomy = PUBLISHED["oxford_pets"].taxonomy

    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the lists of a split; the id is the name without `.jpg`."""
        require_folder(root / "images", "the photos of Oxford-IIIT Pet")
        folder = root / "annotations"
        listed = [
            one
            for part in _LISTS.get(split, (split,))
            for one in _read_list(folder / f"{part}.txt", part)
        ]
        require_unique(folder / "{trainval,test}.txt", (one.id for one in listed))
        return listed

    def split_name(self, name: str) -> str:
        """Give the name without folder and ending."""
        return Path(name).stem

    def spare_lists(self, root: Path) -> list[str]:
        """Compare `list.txt` with the lists of both splits."""
        folder = root / "annotations"
        return problems_of(lambda: _compare(folder))


def pet_names() -> list[str]:
    """Give the 37 breeds, in the order of their numbers.

    Example:
        >>> names = pet_names()
        >>> len(names), names[:2]
        (37, ['Abyssinian', 'american bulldog'])
    """
    path = Path(__file__).with_name("oxford_pets.txt")
    return path.read_text(encoding="utf-8").splitlines()


def read_stems(path: Path) -> list[str]:
    """Read the names of images in a published list; lines with `#` are comments.

    Raises:
        DataError: If the list is missing, empty or damaged, or names a breed that is none.
    """
    lines = [line for line in read_lines(path, _EXPECTED) if not line.startswith("#")]
    if not lines:
        raise DataError(f"{path}: lists no images; expected {_EXPECTED}")
    for line in lines:
        fields = line.split()
        if len(fields) != _FIELDS or not all(field.isdecimal() for field in fields[1:]):
            raise DataError(f"{path}: the line {line!r} is damaged; expected {_EXPECTED}")
    stems = [line.split()[0] for line in lines]
    require_unique(path, stems)
    require_known(path, map(pet_label, stems), pet_names(), "Oxford-IIIT Pet")
    return stems


def _read_list(path: Path, split: str) -> list[Listed]:
    return [Listed(stem, f"images/{stem}.jpg", pet_label(stem), split) for stem in read_stems(path)]


def _compare(folder: Path) -> None:
    parts = [stem for part in _LISTS["all"] for stem in read_stems(folder / f"{part}.txt")]
    both = folder / "{trainval,test}.txt"
    require_same(folder / "list.txt", read_stems(folder / "list.txt"), both, parts)
