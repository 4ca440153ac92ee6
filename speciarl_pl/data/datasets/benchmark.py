"""`Benchmark`: what the six benchmarks have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import ClassVar

from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.data.datasets.hub_images import hub_rows
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.labels.clean_up import CLEAN_UPS
from speciarl_pl.data.reading.hub import HubTable
from speciarl_pl.data.reading.layouts import find_root
from speciarl_pl.data.reading.lists import require_unique
from speciarl_pl.data.reading.present_files import absent, name_some
from speciarl_pl.data.reading.splits import read_split
from speciarl_pl.data.source import FileSource, Row, file_table
from speciarl_pl.errors import DataError

FILE_SPLITS = ("train", "val", "trainval", "test", "all")
"""What `split` may be with a `split_file`; `trainval` is train and val together."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One image that an archive lists."""

    id: str
    """Unique within the data set."""
    file: str
    """Path below the archive's folder, with `/` between folders."""
    label: str
    """Its class, cleaned up."""
    split: str
    """Split that lists it."""


class Benchmark(FileSource):
    """One of the six benchmarks of the paper (section 6), from its archive or from a hub.

    All images of the split must be there: half an archive is an error before anything is trained,
    unless `allow_missing`.

    Args:
        root: Folder of the archive, unpacked and not changed, or the folder it was unpacked in.
        split: A split of the archive, or of `split_file`, or of the hub's data set.
        split_file: List of another split than the archive's, for instance CoOp's: CSV with the
            columns filename and split, or CoOp's JSON. The paper's numbers take CoOp's for
            Flowers-102, Food-101 and Oxford Pets. Images that it does not name are left out.
        allow_missing: Leave out images that are listed and not there.
        hub: `owner/name`, or a local copy, to read with the `datasets` library in place of `root`.
        image_column: Column of images there.
        label_column: Column of labels there: texts, or numbers with names.
        config: Configuration there, if it has several.
        name: Name of the data set; that of the benchmark by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.

    Raises:
        ValueError: If an argument is out of range, or neither `root` nor `hub` is given.
    """

    key: ClassVar[str]
    """Name of the benchmark: its key in `published.PUBLISHED`."""
    splits: ClassVar[tuple[str, ...]]
    """Splits that partition the archive."""
    labels_meant = True
    unions: ClassVar[tuple[str, ...]] = ("all",)
    """What else `split` may be: several together."""

    def __init__(
        self,
        root: str | None = None,
        split: str = "test",
        split_file: str | None = None,
        allow_missing: bool = False,
        hub: str | None = None,
        image_column: str = "image",
        label_column: str = "label",
        config: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> None:
        super().__init__(name or self.key, limit, seed, include, exclude)
        if (root is None) == (hub is None):
            what = "neither" if root is None else "both"
            raise ValueError(f"root: expected a folder, or a hub's data set as `hub`, got {what}")
        if hub is not None and split_file is not None:
            raise ValueError(
                "split_file: expected none with `hub`, whose images have no file names"
            )
        if hub is None:
            _check_split(split, FILE_SPLITS if split_file else (*self.splits, *self.unions))
        self.root = root
        self.split = split
        self.split_file = split_file
        self.allow_missing = allow_missing
        self._hub = HubTable(hub, split, image_column, label_column, config) if hub else None

    @property
    def help(self) -> str:
        """The command that checks the archive; empty for a hub's data set."""
        if self.root is None:
            return ""
        more = f" --split-file {quote(self.split_file)}" if self.split_file else ""
        return f"python -m speciarl_pl data check {self.key} --root {quote(self.root)}{more}"

    def rows(self) -> Dataset:
        """List the images of the split, in the order of the archive's list.

        Raises:
            DataError: If the archive is not there, is another one, lacks images, or a list of it is
                damaged; it names the file and the command that tells more.
        """
        if self._hub is not None:
            clean = CLEAN_UPS[self.key]
            return hub_rows(self.split, [clean(label) for label in self._hub.labels()])
        root = self.folder()
        try:
            listed = self._there(root, self.listed())
        except DataError as error:
            raise DataError(f"{error}. To see all that is wrong: {self.help}") from error
        return file_table((one.id, one.label, str(root / one.file)) for one in listed)

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Decode the image of a row."""
        if self._hub is not None:
            return self._hub.image(row, max_pixels)
        return super().image(row, max_pixels)

    def folder(self) -> Path:
        """Find the folder of the archive.

        Raises:
            DataError: If it is missing or holds another benchmark.
        """
        assert self.root is not None
        return find_root(self.key, self.root)

    def listed(self) -> list[Listed]:
        """List the images of the split by the lists alone, whether or not they are there.

        Raises:
            DataError: If a list is missing or damaged.
        """
        if self.split_file is None:
            return self._wanted(self.read(self.folder(), self.split))
        return self._wanted(self._resplit(self.read(self.folder(), "all"), Path(self.split_file)))

    @abstractmethod
    def read(self, root: Path, split: str) -> list[Listed]:
        """Read the lists of the archive.

        Args:
            root: Folder of the archive.
            split: One of `splits` and `unions`; images of other splits may be among the result.

        Raises:
            DataError: Naming the file that is missing or damaged.
        """

    def split_name(self, name: str) -> str:
        """Turn a file as a list of splits writes it into an id of this data set."""
        return name

    def spare_lists(self, root: Path) -> list[str]:
        """Read the lists that `read` needs not, and say what is wrong with them.

        Args:
            root: Folder of the archive.

        Returns:
            One message per list that is missing or damaged; empty if all agree.
        """
        return []

    def _resplit(self, listed: Sequence[Listed], path: Path) -> list[Listed]:
        named = read_split(path)
        require_unique(path, map(self.split_name, named))
        splits = {self.split_name(name): split for name, split in named.items()}
        known = {one.id for one in listed}
        unknown = [name for name in named if self.split_name(name) not in known]
        if unknown and not self.allow_missing:
            raise DataError(
                f"{path}: names {len(unknown):,} of {len(splits):,} images that the lists of"
                f" {PUBLISHED[self.key].title} in {self.root} do not: {name_some(unknown)};"
                " expected a split of this data set, or allow_missing: true"
            )
        return [replace(one, split=splits[one.id]) for one in listed if one.id in splits]

    def _wanted(self, listed: Sequence[Listed]) -> list[Listed]:
        every = (*FILE_SPLITS, *self.splits)
        parts = {"all": every, "trainval": ("train", "val", "trainval")}
        wanted = parts.get(self.split, (self.split,))
        kept = [one for one in listed if one.split in wanted]
        if not kept:
            there = ", ".join(sorted({one.split for one in listed})) or "none"
            raise DataError(
                f"{self.root}: no images in split {self.split!r}; splits there: {there}"
            )
        return kept

    def _there(self, root: Path, listed: list[Listed]) -> list[Listed]:
        missing = set(absent(root, [one.file for one in listed]))
        if missing and not self.allow_missing:
            names = name_some([one.file for one in listed if one.file in missing])
            raise DataError(
                f"{root}: {len(listed) - len(missing):,} of the {len(listed):,} images of split"
                f" {self.split!r} are there, {len(missing):,} missing: {names}; expected all:"
                " unpack the archive again, or set allow_missing: true to go on with these"
            )
        kept = [one for one in listed if one.file not in missing]
        if not kept:
            raise DataError(f"{root}: none of the {len(listed):,} listed images is there")
        return kept


def _check_split(split: str, known: Sequence[str]) -> None:
    if split not in known:
        raise ValueError(f"split: expected one of {', '.join(known)}, got {split!r}")
