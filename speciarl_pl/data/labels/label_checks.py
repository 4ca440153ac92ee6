"""What is wrong, or odd, with the truths of a data set."""

# ruff: noqa: SIM905
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from datasets.arrow_dataset import Dataset

from speciarl_pl.answer import answer_key, is_refusal
from speciarl_pl.data.reading.present_files import name_some
from speciarl_pl.data.reading.shown import row_names, shown
from speciarl_pl.errors import DataError
from speciarl_pl.text import tidy

_MISSING: Final = frozenset(
    "nan <na> #n/a #na undefined missing unlabeled unlabelled no_label not_available".split()
)
"""How tables write that there is no label, beside what refuses to answer."""

_MOST: Final = 0.5
"""Share of the labels above which they look like something else than names."""

_HEX = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}"
_LOOKS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "ids of WordNet before names": (re.compile(r"n\d{8}[ _-]+.+"), "`label_style: wordnet`"),
    "ids of WordNet": (re.compile(r"n\d{8}"), "`label_map: FILE` (id,name)"),
    "lineages of iNaturalist": (
        re.compile(r"\d+[ _][A-Z][a-z]+(?:[ _][\w-]+){6,}"),
        "`label_style: inaturalist`",
    ),
    "lineages": (re.compile(r"(?:[^/>|;]+[/>|;]){3,}[^/>|;]+"), "`label_map: FILE` (id,name)"),
    "numbers before names": (re.compile(r"\d+\. ?[^\W\d_].*"), "`label_style: numbered`"),
    "indices before names": (re.compile(r"\d+[ _-]+[^\W\d_].*"), "`label_style: indexed`"),
    "ids": (
        re.compile(
            rf"\d+|{_HEX}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[a-z]{{1,2}}\d+"
            r"|(?i:class|label|cls|category|cat|id|species|object)[ _-]*\d+"
        ),
        "`label_map: FILE` (id,name)",
    ),
    "names with underscores": (re.compile(r".*[^\W_]_[^\W_].*"), "`label_style: plain`"),
}
"""What labels may look like -> their form, and what makes names of them."""

_DISTINCT: Final = ("numbers before names", "indices before names")
"""Those that are told from names ("2012 Ram") by numbers of which none occurs twice."""

_GARBLED = re.compile(
    "[\ufffd\u0080-\u009f]|\u00c3[\u0080-\u00bf]|\u00e2\u20ac|\u00c2[\u00a0-\u00bf]"
)
"""What UTF-8 looks like that was read as Latin-1."""


def tidy_truths(rows: Dataset) -> Dataset:
    """Tidy the column `truth` of a table."""
    truths = rows["truth"][:]
    clean = {truth: tidy(truth) for truth in set(truths)}
    if all(truth == name for truth, name in clean.items()):
        return rows
    tidied: Dataset = rows.remove_columns("truth").add_column(
        "truth", [clean[truth] for truth in truths]
    )
    return tidied


def check_truths(
    rows: Dataset,
    name: str,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
) -> None:
    """Refuse truths that name nothing: a model that refuses to answer would be called right.

    Args:
        rows: A table with the columns `id` and `truth`; photos without labels pass.
        name: Name of the data set, for errors.
        include: Labels that alone are kept.
        exclude: Labels that are left out.

    Raises:
        DataError: Naming the rows, counted from 1.
    """
    truths = rows["truth"][:]
    wanted = None if include is None else {answer_key(label) for label in include}
    unwanted = {answer_key(label) for label in exclude or ()}
    bad = {
        truth
        for truth in set(truths)
        if names_nothing(truth)
        and answer_key(truth) not in unwanted
        and (wanted is None or answer_key(truth) in wanted)
    }
    if not bad or bad == set(truths) == {""}:
        return
    at = [number for number, truth in enumerate(truths) if truth in bad]
    ids = rows.select(at[:3])["id"]
    raise DataError(
        f"data set {name!r}: {row_names([number + 1 for number in at])}"
        f" ({', '.join(shown(one) for one in ids)}): the truth is {shown(truths[at[0]])}, which"
        " names nothing; give a name, or leave the images out with"
        f" `exclude: [{', '.join(shown(truth) for truth in sorted(bad)[:3])}]`"
    )


def names_nothing(truth: str) -> bool:
    """Tell whether a truth is a refusal, a sign for no label, or without letter or digit.

    Example:
        >>> [names_nothing(text) for text in ("None", "n/a", "unknown", "NaN", "-", "")]
        [True, True, True, True, True, True]
        >>> [names_nothing(text) for text in ("nonesuch", "unknown warrior", "16.4")]
        [False, False, False]
    """
    if not any(one.isalnum() for one in truth):
        return True
    return answer_key(truth).replace(" ", "_") in _MISSING or is_refusal(truth)


def doubts_about(truths: Sequence[str], meant: bool) -> list[str]:
    """Say what makes labels unlike names.

    Args:
        truths: The labels.
        meant: Whether the user said what they are to be; only garbled ones are named then.

    Returns:
        A line each, with examples and what to set; empty if they look like names.

    Example:
        >>> print(*doubts_about(["n02085620-Chihuahua", "n02085936-Maltese"], meant=False))
        labels look like ids of WordNet before names ('n02085620-Chihuahua', 'n02085936-Maltese'): \
set `label_style: wordnet`, or `label_style: raw` if they are what the model is to say
        >>> doubts_about(["Chihuahua", "Maltese"], meant=False)
        []
    """
    labels = list(dict.fromkeys(filter(None, truths)))
    doubts = [] if meant else [doubt for doubt in [_look(labels)] if doubt]
    garbled = [label for label in labels if _GARBLED.search(label)]
    if garbled:
        doubts.append(
            f"{len(garbled):,} labels look as if read in a wrong encoding ({_examples(garbled)}):"
            " save the file as UTF-8"
        )
    return doubts


def _look(labels: Sequence[str]) -> str:
    for what, (form, advice) in _LOOKS.items():
        alike = [label for label in labels if form.fullmatch(label)]
        if len(alike) <= _MOST * len(labels) or (what in _DISTINCT and _repeats(alike)):
            continue
        return (
            f"labels look like {what} ({_examples(alike)}): set {advice}, or `label_style: raw` if"
            " they are what the model is to say"
        )
    return ""


def _repeats(labels: Collection[str]) -> bool:
    numbers = [re.split(r"\D", label, maxsplit=1)[0] for label in labels]
    return len(set(numbers)) < len(numbers)


def _examples(labels: Sequence[str]) -> str:
    return name_some([shown(label) for label in labels])


def same_names(truths: Sequence[str], key: Callable[[str], str] = answer_key) -> list[list[str]]:
    """Find labels that are spelt differently and are one to every judge.

    Example:
        >>> same_names(["Maine Coon", "maine coon", "Bengal"])
        [['Maine Coon', 'maine coon']]
    """
    found: dict[str, list[str]] = {}
    for truth in dict.fromkeys(truths):
        found.setdefault(key(truth), []).append(truth)
    return [spellings for spellings in found.values() if len(spellings) > 1]
