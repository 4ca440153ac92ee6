"""A look at a data set before anything is trained on it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.dataset import ImageDataset, own_prompts
from speciarl_pl.data.images.kinds import packages_needed
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.source import ImageSource
from speciarl_pl.errors import DataError

_FIRST: Final = 5
"""Labels that the one line of a run shows."""


@dataclass(frozen=True, slots=True)
class Example:
    """One image of a data set."""

    id: str
    """As in `Sample`."""
    truth: str
    """Its label."""
    size: tuple[int, int] | None
    """Width and height in pixels; None if it cannot be read."""
    reason: str
    """Why it cannot be read; empty if it can."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a data set holds."""

    name: str
    """Its name."""
    images: int
    """How many images."""
    labels: tuple[str, ...]
    """Different labels, in the order of the images."""
    datasets: tuple[str, ...]
    """Of each label, the data set or tree that a judge is told; see `Pair`."""
    per_label: tuple[int, int, int]
    """Fewest, median and most images of a label."""
    prompts: int
    """Images with a question of their own."""
    examples: tuple[Example, ...]
    """Images from its beginning to its end."""
    notes: tuple[str, ...]
    """What its listing left out."""
    doubts: tuple[str, ...]
    """What looks odd."""


def preview(source: ImageSource, examples: int = 5) -> Preview:
    """Look at a data set.

    Args:
        source: The data set.
        examples: Images to open, evenly from the first to the last.

    Raises:
        DataError: If it cannot be listed.
    """
    table = source.table()
    counts = Counter(table["truth"][:])
    sizes = sorted(counts.values())
    return Preview(
        source.name,
        len(table),
        tuple(counts),
        tuple(_told(source, table, counts)),
        (sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        sum(map(bool, own_prompts(table))),
        tuple(_example(source, table, at) for at in spread(len(table), examples)),
        (*source.notes, *packages_needed(table["path"][:] if "path" in table.column_names else ())),
        tuple(source.doubts),
    )


def _told(source: ImageSource, table: Dataset, labels: Iterable[str]) -> list[str]:
    """Of each label, the tree of its first row, that of the data set, or this one's name."""
    own = source.taxonomy or source.name
    if "taxonomy" not in table.column_names:
        return [own for _ in labels]
    named = dict(zip(table["truth"][::-1], table["taxonomy"][::-1], strict=True))
    return [named[label] or own for label in labels]


def first_truths(images: ImageDataset) -> str:
    """Say in a line what a data set teaches.

    Example:
        >>> from speciarl_pl.data.datasets import WorldImages
        >>> first_truths(ImageDataset(WorldImages("train", n=2, name="toy"), ""))
        "data set 'toy': 2 images of 2 labels: 'amber table', 'radley windmill'"
    """
    labels = list(dict.fromkeys(images.listing["truth"][:]))
    more = ", ..." if len(labels) > _FIRST else ""
    named = ", ".join(shown(label) for label in labels[:_FIRST])
    return f"data set {images.name!r}: {count(len(images), 'image')} of" + (
        f" {count(len(labels), 'label')}: {named}{more}"
    )


def count(number: int, what: str) -> str:
    """Count things.

    Example:
        >>> count(1, "image"), count(2000, "image")
        ('1 image', '2,000 images')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def said_of_prompts(own: int, images: int) -> str:
    """Say how many images have a question of their own.

    Example:
        >>> said_of_prompts(2, 30)
        'prompts: 2 of 30 images have their own, the others that of data.prompt'
    """
    if own == images:
        return "prompts: every image has its own"
    of = count(images, "image")
    return f"prompts: {own:,} of {of} have their own, the others that of data.prompt"


def spread(total: int, number: int) -> list[int]:
    """Give positions evenly from the first to the last.

    Example:
        >>> spread(9, 5), spread(2, 5), spread(9, 1)
        ([0, 2, 4, 6, 8], [0, 1], [0])
    """
    number = min(number, total)
    return [at * (total - 1) // max(number - 1, 1) for at in range(number)]


def _example(source: ImageSource, table: Dataset, at: int) -> Example:
    row = table[at]
    try:
        return Example(row["id"], row["truth"], source.image(row).size, "")
    except DataError as error:
        return Example(row["id"], row["truth"], None, str(error))


def preview_lines(found: Preview, known: Sequence[str], first: int = 10) -> list[str]:
    """Write a preview as lines of text.

    Args:
        found: The preview.
        known: What the judge knows of the labels, a line each.
        first: Labels to name.
    """
    fewest, median, most = found.per_label
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}, median {median:,}"
    more = f", and {len(found.labels) - first:,} more" if len(found.labels) > first else ""
    named = ", ".join(shown(label) for label in found.labels[:first])
    return [
        f"data set {found.name!r}: {count(found.images, 'image')} of"
        f" {count(len(found.labels), 'label')} ({each} of each)",
        f"  first labels: {named}{more}",
        *([f"  {said_of_prompts(found.prompts, found.images)}"] if found.prompts else []),
        *(f"  {_shown_example(one)}" for one in found.examples),
        *(f"  judge: {line}" for line in known),
        *(f"  note: {note}" for note in found.notes),
        *(f"  warning: {doubt}" for doubt in found.doubts),
    ]


def _shown_example(one: Example) -> str:
    size = f"{one.size[0]} x {one.size[1]}" if one.size else f"cannot be read ({one.reason})"
    return f"{one.id}: {size}, {shown(one.truth)}"
