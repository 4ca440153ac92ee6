"""Filters by class: keep the images of some labels, leave out those of others."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from datasets.arrow_dataset import Dataset

from speciarl_pl.answer import answer_key
from speciarl_pl.errors import DataError

_NEAREST: Final = 3


def check_labels(argument: str, labels: list[str] | None) -> None:
    """Check a list of labels as an argument.

    Raises:
        ValueError: If it is empty or holds an empty label.
    """
    if labels is not None and not labels:
        raise ValueError(f"{argument}: expected at least one label or null, got an empty list")
    if any(not label.strip() for label in labels or ()):
        raise ValueError(f"{argument}: expected labels, got an empty text among them")


def keep_classes(
    rows: Dataset,
    name: str,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    advice: str = "",
) -> Dataset:
    """Keep the rows whose label is among `include`, if given, and not among `exclude`.

    Args:
        rows: A table with the column `truth`.
        name: Name of the data set, for errors.
        include: Labels, compared by `answer_key`.
        exclude: Labels, compared by `answer_key`.
        advice: What helps, for errors.

    Raises:
        DataError: If a label is none of the table's, with the nearest ones; if no row is left.

    Example:
        >>> rows = Dataset.from_dict({"truth": ["F-16A/B", "F/A-18", "C-47"]})
        >>> list(keep_classes(rows, "planes", exclude=["f/a-18"])["truth"])
        ['F-16A/B', 'C-47']
    """
    if include is None and exclude is None:
        return rows
    truths = rows["truth"][:]
    labels = {answer_key(truth): truth for truth in truths}
    wanted = _keys("include", include, labels, name) if include is not None else set(labels)
    unwanted = _keys("exclude", exclude or (), labels, name)
    kept = [at for at, truth in enumerate(truths) if answer_key(truth) in wanted - unwanted]
    if not kept:
        raise DataError(_nothing_left(name, len(truths), include, exclude, advice))
    selected: Dataset = rows.select(kept)
    return selected


def _keys(argument: str, labels: Iterable[str], known: dict[str, str], name: str) -> set[str]:
    keys = {answer_key(label): label for label in labels}
    for key, label in keys.items():
        if key not in known:
            near = [known[one] for one in get_close_matches(key, known, _NEAREST)]
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "none is like it"
            raise DataError(
                f"data set {name!r}: {argument} names {label!r}, which is none of its"
                f" {len(known)} labels; {hint}"
            )
    return set(keys)


def _nothing_left(
    name: str,
    total: int,
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    advice: str,
) -> str:
    filters = [
        f"{word} {', '.join(labels)}"
        for word, labels in (("include", include), ("exclude", exclude))
        if labels
    ]
    return (
        f"data set {name!r}: no images left; its filters removed all {total:,}"
        f" ({'; '.join(filters)}); expected at least one: change the filters"
        + (f", or see what is there: {advice}" if advice else "")
    )
