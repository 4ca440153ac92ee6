"""Counting a benchmark on disk against the published figures, and naming what is wrong."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, TypeAlias

from speciarl_pl.data.datasets import (
    CUB200,
    Benchmark,
    FGVCAircraft,
    Flowers102,
    Food101,
    OxfordPets,
    StanfordCars,
)
from speciarl_pl.data.datasets.benchmark import Listed
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.images.opening import decode_image
from speciarl_pl.data.reading.lists import problems_of
from speciarl_pl.data.reading.present_files import absent, name_some, unlisted
from speciarl_pl.errors import DataError

BENCHMARKS: Final[dict[str, type[Benchmark]]] = {
    kind.key: kind for kind in (CUB200, FGVCAircraft, Flowers102, Food101, OxfordPets, StanfordCars)
}
"""Name of the benchmark -> its class."""

Watch: TypeAlias = Callable[[Sequence[str]], Iterable[str]]
"""Passes files on, one by one; to show progress."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are of something, and how many there should be."""

    what: str
    """A split, or `classes`."""
    listed: int
    """How many the lists name."""
    there: int
    """How many of these are on disk; for classes, how many have an image."""
    published: int
    """How many the authors publish."""

    @property
    def agrees(self) -> bool:
        """Whether all three are equal."""
        return self.listed == self.there == self.published


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found."""

    title: str
    """Name of the benchmark."""
    root: str
    """Folder of the archive."""
    counts: tuple[Count, ...]
    """One a split, and one of classes."""
    problems: tuple[str, ...]
    """What is wrong, a line each; empty if all agrees."""
    notes: tuple[str, ...]
    """What is odd and harmless: files that no list names, identical files."""

    @property
    def ok(self) -> bool:
        """Whether all agrees with what is published."""
        return not self.problems


def check(
    key: str,
    root: str,
    split_file: str | None = None,
    split: str | None = None,
    read: bool = False,
    level: str | None = None,
    watch: Watch = iter,
) -> CheckReport:
    """Compare a benchmark on disk with its lists and with the published figures.

    Args:
        key: Name of the benchmark.
        root: Folder of its archive.
        split_file: List of another split, such as CoOp's.
        split: One split alone; else all.
        read: Decode every image and look for identical files.
        level: Level of labels, where the benchmark has several.
        watch: Passes on the files that are read.

    Returns:
        The findings.

    Raises:
        ValueError: If an argument names nothing that is known.
        DataError: If `root` is no folder or holds another data set.
    """
    expected = _expected(key, split_file, split)
    sources = _sources(key, root, split_file, level, expected)
    folder = sources[0].folder()
    listed, problems = _listed(sources, expected)
    files = [one.file for one in _once(listed)]
    missing = absent(folder, files)
    counts = [_count(part, listed[part], missing, number) for part, number in expected.items()]
    counts.append(_classes(listed, missing, _class_number(key, level)))
    problems += sources[0].spare_lists(folder)
    problems += [_disagreement(count) for count in counts if not count.agrees]
    problems += _some("listed and not there", missing)
    # Where a part was counted, the files of the others are no strangers.
    notes = [] if split else _some("there and not listed", unlisted(folder, files))
    if read:
        gone = set(missing)
        unreadable, identical = read_all(folder, [f for f in files if f not in gone], watch)
        problems, notes = problems + unreadable, notes + identical
    title = PUBLISHED[key].title
    return CheckReport(title, str(folder), tuple(counts), tuple(problems), tuple(notes))


def read_all(root: Path, files: Sequence[str], watch: Watch = iter) -> tuple[list[str], list[str]]:
    """Decode every file, and find those that are equal byte by byte.

    Returns:
        One message per file that cannot be read, and one per set of equal files.
    """
    unreadable: list[str] = []
    equal: dict[bytes, list[str]] = defaultdict(list)
    for file in watch(files):
        content = (root / file).read_bytes()
        equal[hashlib.sha256(content).digest()].append(file)
        try:
            decode_image(BytesIO(content), root / file)
        except DataError as error:
            unreadable.append(str(error))
    identical = [f"identical files: {', '.join(same)}" for same in equal.values() if len(same) > 1]
    return unreadable, identical


def _expected(key: str, split_file: str | None, split: str | None) -> dict[str, int]:
    """Published number of images of each split to count."""
    if key not in PUBLISHED:
        raise ValueError(f"name: expected one of {', '.join(PUBLISHED)}, got {key!r}")
    published = PUBLISHED[key]
    numbers = published.coop if split_file else published.images
    if not numbers:
        raise ValueError(f"split_file: expected none, CoOp has no split of {published.title}")
    if split is None:
        return numbers
    if split not in numbers:
        raise ValueError(f"split: expected one of {', '.join(numbers)}, got {split!r}")
    return {split: numbers[split]}


def _sources(
    key: str, root: str, split_file: str | None, level: str | None, splits: Iterable[str]
) -> list[Benchmark]:
    """One source a split; with a list of splits, which is for the whole archive, one in all."""
    more: dict[str, Any] = {}
    if level is not None:
        levels = PUBLISHED[key].levels
        if level not in levels:
            known = f"one of {', '.join(levels)}" if levels else f"none for {PUBLISHED[key].title}"
            raise ValueError(f"level: expected {known}, got {level!r}")
        more = {"level": level}
    parts = ["all"] if split_file else splits
    return [BENCHMARKS[key](root, part, split_file, **more) for part in parts]


def _class_number(key: str, level: str | None) -> int:
    published = PUBLISHED[key]
    return published.levels[level] if level else published.classes


def _listed(
    sources: Sequence[Benchmark], splits: Iterable[str]
) -> tuple[dict[str, list[Listed]], list[str]]:
    """Images of each split, and what is wrong with the lists, each message once."""
    read: dict[str, list[Listed]] = {}
    problems = problems_of(*(lambda source=source: _read(source, read) for source in sources))
    if "all" in read:
        read = {split: [one for one in read["all"] if one.split == split] for split in splits}
    return {split: read.get(split, []) for split in splits}, list(dict.fromkeys(problems))


def _read(source: Benchmark, read: dict[str, list[Listed]]) -> None:
    try:
        read[source.split] = source.listed()
    except DataError:
        source.allow_missing = True  # to count what is known of a list that names more
        read[source.split] = source.listed()
        raise


def _once(listed: dict[str, list[Listed]]) -> list[Listed]:
    return list({one.id: one for images in listed.values() for one in images}.values())


def _count(split: str, images: Sequence[Listed], missing: Sequence[str], published: int) -> Count:
    gone = set(missing)
    there = sum(one.file not in gone for one in images)
    return Count(split, len(images), there, published)


def _classes(listed: dict[str, list[Listed]], missing: Sequence[str], published: int) -> Count:
    images, gone = _once(listed), set(missing)
    labels = {one.label for one in images}
    there = {one.label for one in images if one.file not in gone}
    return Count("classes", len(labels), len(there), published)


def _disagreement(count: Count) -> str:
    what = count.what if count.what == "classes" else f"split {count.what}"
    return f"{what}: {count.listed:,} listed, {count.there:,} there, {count.published:,} published"


def _some(what: str, files: Sequence[str]) -> list[str]:
    """A line about some files; none if there are none."""
    return [f"{len(files):,} {what}: {name_some(files)}"] if files else []
