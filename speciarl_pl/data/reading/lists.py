"""Reading the text lists of an archive, and checking what they name."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.present_files import name_some
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.reading.text_file import read_text
from speciarl_pl.errors import DataError


def read_lines(path: Path, expected: str, of_names: bool = False) -> list[str]:
    """Read the lines of a list, blank ones left out.

    Args:
        path: The file; see `read_text` for its encoding.
        expected: What it should hold, for the message.
        of_names: Whether they are names of files, which need not be UTF-8.

    Raises:
        DataError: If it is missing, not text or empty.
    """
    require_file(path, expected)
    try:
        text = read_text(path, errors="surrogateescape" if of_names else "strict")
    except DataError as error:
        raise DataError(f"{error}; expected {expected}") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path}: no line in it; expected {expected}")
    return lines


def read_pairs(path: Path, expected: str) -> list[tuple[str, str]]:
    """Read lines of a word and the rest, such as `0034309 F/A-18`.

    Raises:
        DataError: As `read_lines`; if a line has one word only.
    """
    pairs = [tuple(line.split(maxsplit=1)) for line in read_lines(path, expected)]
    for number, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise DataError(f"{path}: line {number} is {shown(pair[0])}; expected {expected}")
    return [(pair[0], pair[1]) for pair in pairs]


def require_unique(path: str | Path, names: Iterable[str]) -> None:
    """Check that a list names nothing twice.

    Raises:
        DataError: Naming the file and the first few.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: lists {len(twice):,} more than once: {name_some(twice)}; expected each once"
        )


def require_same(path: Path, names: Collection[str], other: Path, others: Collection[str]) -> None:
    """Check that two lists name the same.

    Raises:
        DataError: Naming both files and the first few names that only one has.
    """
    apart = sorted(set(names) ^ set(others))
    if apart:
        raise DataError(
            f"{path} ({len(names):,}) and {other} ({len(others):,}) do not name the same:"
            f" only one has {name_some(apart)}; one of them is damaged"
        )


def require_known(
    path: Path, labels: Iterable[str], classes: Collection[str], source: str | Path
) -> None:
    """Check that all labels are in the list of classes.

    Args:
        path: File with the labels.
        labels: The labels.
        classes: The classes.
        source: Where the classes are listed.

    Raises:
        DataError: Naming both and the first few labels.
    """
    known = set(classes)
    unknown = list(dict.fromkeys(label for label in labels if label not in known))
    if unknown:
        raise DataError(
            f"{path}: {len(unknown):,} labels are outside the {len(known):,} classes of {source}:"
            f" {name_some([shown(label) for label in unknown])}; one of the two is damaged"
        )


def known_or_all(splits: Sequence[str], split: str) -> tuple[str, ...]:
    """Give the splits to read for `split`.

    Example:
        >>> known_or_all(("train", "test"), "all")
        ('train', 'test')
    """
    return tuple(splits) if split == "all" else (split,)


def problems_of(*checks: Callable[[], object]) -> list[str]:
    """Run checks and gather what they say.

    Returns:
        The message of each `DataError`.
    """
    found = []
    for check in checks:
        try:
            check()
        except DataError as error:
            found.append(str(error))
    return found


def unique_ids(names: Sequence[str]) -> list[str]:
    """Tell repeated names apart.

    Example:
        >>> unique_ids(["a.jpg", "b.jpg", "a.jpg"])
        ['a.jpg', 'b.jpg', 'a.jpg#2']
    """
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return ids
