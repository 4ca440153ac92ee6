"""How what a source writes becomes a label: a style, or a file that names ids."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from speciarl_pl.data.labels.clean_up import clean_label
from speciarl_pl.data.labels.label_map import LabelMap, id_key, read_label_map
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.errors import DataError
from speciarl_pl.text import tidy

LabelStyle: TypeAlias = Literal[
    "raw", "plain", "numbered", "indexed", "wordnet", "inaturalist", "id"
]
"""How what a source writes becomes a label; see `STYLES`."""

_INDEX = re.compile(r"^\d+[ _.-]+(?=[^\W\d_])")
_WORDNET = re.compile(r"^(n\d{8})(?:[ _-]+(.+))?$")
_LINEAGE = re.compile(r"^(\d+)[ _](.+)$")
_LEADING_ID = re.compile(r"^(n\d{8}|\d+)(?![^\W_])")
_ABOVE_GENUS: Final = 5
"""Kingdom, phylum, class, order, family."""


def plain_label(written: str) -> str:
    """Turn underscores into blanks.

    Example:
        >>> plain_label("tiger__lily")
        'tiger lily'
    """
    return tidy(tidy(written).replace("_", " "))


def indexed_label(written: str) -> str:
    """Drop a leading number of any form, and turn underscores into blanks.

    Example:
        >>> indexed_label("0_apple_pie"), indexed_label("12 - rose"), indexed_label("737-200")
        ('apple pie', 'rose', '737-200')
    """
    return plain_label(_INDEX.sub("", tidy(written)))


def wordnet_label(written: str) -> str:
    """Give the name behind the id of a WordNet synset.

    Example:
        >>> wordnet_label("n02085936-Maltese_dog"), wordnet_label("n02098105-soft-coated_terrier")
        ('Maltese dog', 'soft-coated terrier')

    Raises:
        ValueError: If there is no name behind the id.
    """
    found = _WORDNET.match(tidy(written))
    if found and found.group(2) is None:
        raise ValueError("an id alone, with no name behind it; name the ids with `label_map: FILE`")
    return plain_label(found.group(2) if found else written)


def inaturalist_label(written: str) -> str:
    """Give the scientific name that ends a lineage of iNaturalist: genus and epithet.

    Example:
        >>> inaturalist_label("00001_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_"
        ...                   "Lumbricus_terrestris")
        'Lumbricus terrestris'

    Raises:
        ValueError: If it is a number alone, or a lineage without genus and epithet.
    """
    clean = tidy(written)
    if clean.isdecimal():
        raise ValueError("a number alone; name the numbers with `label_map: FILE`")
    found = _LINEAGE.match(clean)
    if found is None:
        return plain_label(clean)
    ranks = plain_label(found.group(2)).split()
    if len(ranks) < _ABOVE_GENUS + 2:
        raise ValueError(
            "no lineage such as 00001_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_"
            "Lumbricus_terrestris"
        )
    return " ".join(ranks[_ABOVE_GENUS:])


STYLES: Final[dict[str, Callable[[str], str]]] = {
    "raw": tidy,
    "plain": plain_label,
    "numbered": lambda written: clean_label(tidy(written)),
    "indexed": indexed_label,
    "wordnet": wordnet_label,
    "inaturalist": inaturalist_label,
    "id": tidy,
}
"""Name of the style -> what it does to a tidied text."""


@dataclass(frozen=True, slots=True)
class Labeller:
    """Turns what a source writes into labels.

    Args:
        style: The style that was asked for, or None.
        default: The style if none was.
        label_map: A file that names ids, or None.

    Raises:
        ValueError: If there is no such style, or `id` has no file that names the ids.

    Example:
        >>> Labeller("numbered", "plain").names(["001.Black_footed_Albatross"])
        ['Black footed Albatross']
    """

    style: LabelStyle | None
    default: LabelStyle
    label_map: str | None = None

    def __post_init__(self) -> None:
        if self.style is not None and self.style not in STYLES:
            known = ", ".join(get_args(LabelStyle))
            raise ValueError(f"label_style: expected one of {known}, got {self.style!r}")
        if self.style == "id" and self.label_map is None:
            raise ValueError("label_map: expected a file of id,name with label_style id, got none")

    @property
    def meant(self) -> bool:
        """Whether the user said what labels are to be, so that odd ones need no warning."""
        return self.style is not None or self.label_map is not None

    def names(self, written: Iterable[str], where: str = "labels") -> list[str]:
        """Turn texts into labels.

        Args:
            written: The texts.
            where: What to call their place in an error.

        Raises:
            DataError: If nothing is left of one, its style cannot read it, or the file names ids
                and not this one.
        """
        texts = list(written)
        named = read_label_map(self.label_map) if self.label_map is not None else None
        labels: dict[str, str] = {}
        unknown: list[str] = []
        for text in dict.fromkeys(texts):
            label = self._style(text, where) if named is None else _looked_up(text, named)
            if label is None:
                unknown.append(text)
            else:
                labels[text] = label
        if unknown:
            raise DataError(
                f"{where}: {len(unknown):,} ids are not in {self.label_map}: {shown(unknown)};"
                " expected a name for each"
            )
        return [labels[text] for text in texts]

    def _style(self, text: str, where: str) -> str:
        style = self.style or self.default
        try:
            label = STYLES[style](text)
        except ValueError as error:
            raise DataError(f"{where}: {shown(text)} for label_style {style}: {error}") from None
        if not label:
            raise DataError(f"{where}: {shown(text)} gives an empty label; rename it")
        return label


def _looked_up(text: str, names: LabelMap) -> str | None:
    """Name of an id, or of the id that a text begins with."""
    found = _LEADING_ID.match(tidy(text))
    keys = [id_key(text), *([id_key(found.group(1))] if found else [])]
    return next((names[key] for key in keys if key in names), None)
