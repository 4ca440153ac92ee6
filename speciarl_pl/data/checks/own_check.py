"""Looking for what is wrong with data sets of a user's own."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.checks.preview import count, said_of_prompts
from speciarl_pl.data.dataset import own_prompts
from speciarl_pl.data.labels.label_checks import same_names
from speciarl_pl.data.reading.present_files import name_some, names_in
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.source import ImageSource
from speciarl_pl.errors import DataError
from speciarl_pl.system.file_names import opened_path

WatchRows: TypeAlias = Callable[[Sequence[int]], Iterable[int]]
"""Passes positions on, one by one; to show progress."""

Place: TypeAlias = tuple[str, str, str]
"""Role of a data set, label and id of an image."""


@dataclass(slots=True)
class OwnReport:
    """What was found."""

    counts: list[str] = field(default_factory=list)
    """Images and labels of each data set, a line each."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, a line each; empty if nothing is."""
    notes: list[str] = field(default_factory=list)
    """What is odd and may be meant."""


def check_own(
    sources: Sequence[tuple[str, ImageSource]], read: bool = False, watch: WatchRows = iter
) -> OwnReport:
    """Look at the labels and images of data sets, and for images that several of them hold.

    Args:
        sources: Role (such as `train`) and data set.
        read: Decode every image and look for equal ones.
        watch: Passes on the rows that are read.
    """
    report = OwnReport()
    files: dict[str, list[Place]] = defaultdict(list)
    pictures: dict[str, list[Place]] = defaultdict(list)
    for role, source in sources:
        try:
            table = source.table()
        except DataError as error:
            report.problems.append(f"{role}: {error}")
            continue
        named = f"{role} {source.name!r}"
        truths = table["truth"][:]
        labels = Counter(truths)
        report.counts.append(
            f"{named}: {count(len(table), 'image')} of {count(len(labels), 'label')}"
        )
        if own := sum(map(bool, own_prompts(table))):
            report.notes.append(f"{named}: {said_of_prompts(own, len(table))}")
        _look_at_labels(report, named, source, labels)
        if "path" in table.column_names:
            _look_for_files(report, named, table)
            for path, truth, id_ in zip(table["path"][:], truths, table["id"][:], strict=True):
                files[path].append((role, truth, id_))
        if read:
            _read(report, named, source, table, watch, role, pictures)
    _look_for_equal(report, "the same file", files)
    _look_for_equal(report, "equal pictures", pictures)
    return report


def _look_at_labels(
    report: OwnReport, named: str, source: ImageSource, labels: Mapping[str, int]
) -> None:
    report.problems += [f"{named}: {doubt}" for doubt in source.doubts]
    report.notes += [f"{named}: {note}" for note in source.notes]
    for spellings in same_names(list(labels)):
        names = ", ".join(shown(label) for label in spellings)
        report.problems.append(f"{named}: one label in several spellings: {names}")
    single = [shown(label) for label, number in labels.items() if number == 1]
    if single and len(single) < len(labels):
        labels_of_one = f"{count(len(single), 'label')} with one image"
        report.notes.append(f"{named}: {labels_of_one}: {name_some(single)}")


def _look_for_files(report: OwnReport, named: str, table: Dataset) -> None:
    there: dict[Path, frozenset[str]] = {}
    missing = []
    for kept, id_ in zip(table["path"][:], table["id"][:], strict=True):
        path = Path(opened_path(kept))
        names = there.setdefault(path.parent, names_in(path.parent))
        if path.name not in names:
            missing.append(id_)
    if missing:
        report.problems.append(
            f"{named}: {count(len(missing), 'image')} listed and not there: {name_some(missing)}"
        )


def _read(
    report: OwnReport,
    named: str,
    source: ImageSource,
    table: Dataset,
    watch: WatchRows,
    role: str,
    pictures: dict[str, list[Place]],
) -> None:
    unreadable = []
    for at in watch(range(len(table))):
        row = table[at]
        try:
            image = source.image(row)
        except DataError as error:
            unreadable.append(str(error))
            continue
        digest = hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()
        pictures[digest].append((role, row["truth"], row["id"]))
    report.problems += [f"{named}: {reason}" for reason in unreadable]


def _look_for_equal(report: OwnReport, what: str, found: Mapping[str, Sequence[Place]]) -> None:
    """Name what occurs twice: with two labels or in two roles it is wrong, else it may be meant."""
    labels, roles, others = [], [], []
    for places in (places for places in found.values() if len(places) > 1):
        of_labels = len({truth for _, truth, _ in places}) > 1
        of_roles = len({role for role, _, _ in places}) > 1
        labels += [places] if of_labels else []
        roles += [places] if of_roles else []
        others += [] if of_labels or of_roles else [places]
    for which, lines, how in (
        (labels, report.problems, "under different labels"),
        (roles, report.problems, "in different roles"),
        (others, report.notes, "more than once"),
    ):
        if which:
            examples = [" = ".join(_named(place) for place in places[:3]) for places in which]
            lines.append(f"{what} {how}, {count(len(which), 'time')}: {name_some(examples)}")


def _named(place: Place) -> str:
    role, truth, id_ = place
    return f"{id_} ({role}, {shown(truth)})"
