"""The names of the built-in world: kind > family > variant.

For instance polygon > hexagon > crimson hexagon.

A family is *easy* if its variants are colours, which the image shows, and *hard* if they are
makers, which it does not: every maker is equally likely and leaves no mark.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COLOURS: Final = {
    "crimson": "red",
    "amber": "yellow",
    "emerald": "green",
    "azure": "blue",
    "violet": "purple",
    "umber": "brown",
    "rose": "pink",
}
"""Colours of the easy variants, each with its everyday word, a synonym."""

MAKERS: Final = (
    *("abbot", "baxter", "corwin", "dalton", "elgin", "farrow", "garrick", "hobson", "ingram"),
    *("jarvis", "kendal", "lomax", "marlow", "norton", "osborn", "penrose", "quiller", "radley"),
    *("selwyn", "tarrant", "upton", "vickers", "wexford", "yardley", "zeller", "bristow"),
    *("conway", "draper"),
)
"""Makers of the hard variants; nothing in an image tells one from another."""

ROOT: Final = "object"
"""Name of everything in the world."""


@dataclass(frozen=True, slots=True)
class Family:
    """The middle level of a name."""

    name: str
    """One lower-case word, unique in the world."""
    easy: bool
    """Whether the image shows which variant it is."""
    synonyms: tuple[str, ...] = ()
    """Other words for the same family."""

    @property
    def marks(self) -> tuple[str, ...]:
        """First words of the variants: colours or makers."""
        return tuple(COLOURS) if self.easy else MAKERS

    @property
    def variants(self) -> tuple[str, ...]:
        """Full names, the finest level."""
        return tuple(f"{mark} {self.name}" for mark in self.marks)

    def variant_synonyms(self, mark: str) -> tuple[str, ...]:
        """Other full names of one variant: the other words for its mark and its family.

        Example:
            >>> Family("bus", True, ("coach",)).variant_synonyms("azure")
            ('blue bus', 'azure coach', 'blue coach')
        """
        marks = (mark, COLOURS[mark]) if self.easy else (mark,)
        families = (self.name, *self.synonyms)
        return tuple(f"{m} {family}" for family in families for m in marks)[1:]


@dataclass(frozen=True, slots=True)
class Kind:
    """The broadest level of a name."""

    name: str
    """One lower-case word, unique in the world."""
    families: tuple[Family, ...]
    """At least one easy and one hard family."""
    synonyms: tuple[str, ...] = ()
    """Other words for the same kind."""


def _easy(name: str, *synonyms: str) -> Family:
    return Family(name, True, synonyms)


def _hard(name: str, *synonyms: str) -> Family:
    return Family(name, False, synonyms)


TRAIN_KINDS: Final = (
    Kind("polygon", (_easy("triangle"), _easy("hexagon"), _hard("star"))),
    Kind("vessel", (_easy("bowl", "basin"), _hard("jug", "pitcher"), _hard("vase"))),
    Kind("fruit", (_easy("cherry"), _easy("banana"), _hard("pear"))),
    Kind("fish", (_easy("ray", "skate"), _hard("carp"), _hard("eel"))),
    Kind("tool", (_easy("spade", "shovel"), _hard("hammer", "mallet"), _hard("saw"))),
    Kind("vehicle", (_easy("bus", "coach"), _easy("bicycle", "bike"), _hard("tractor"))),
    Kind("building", (_easy("tower", "turret"), _easy("hut", "cabin"), _hard("windmill"))),
    Kind("furniture", (_easy("table", "desk"), _hard("chair", "seat"), _hard("bed"))),
)
"""Kinds that the reinforcement run sees."""

HELD_OUT_KINDS: Final = (
    Kind("flower", (_easy("daisy"), _easy("tulip"), _hard("thistle")), ("blossom", "bloom")),
    Kind("hat", (_easy("crown"), _hard("fedora"), _hard("fez")), ("headwear",)),
    Kind("tree", (_easy("pine", "fir"), _easy("palm"), _hard("oak"))),
    Kind("instrument", (_easy("drum"), _hard("guitar"), _hard("trumpet", "bugle"))),
)
"""Kinds that only the base has seen."""

KINDS: Final = TRAIN_KINDS + HELD_OUT_KINDS
"""Every kind of the world."""


def taxonomy_rows() -> Iterator[tuple[str, str, str, str]]:
    """Nodes as (name, parent, synonyms joined by `|`, `yes` if generic), root first."""
    yield ROOT, "", "thing|item", "yes"
    for kind in KINDS:
        yield kind.name, ROOT, "|".join(kind.synonyms), "yes"
        for family in kind.families:
            yield family.name, kind.name, "|".join(family.synonyms), ""
            for mark, variant in zip(family.marks, family.variants, strict=True):
                yield variant, family.name, "|".join(family.variant_synonyms(mark)), ""


def write_taxonomy(path: Path) -> None:
    """Write the naming as the CSV that the taxonomy judge reads.

    Args:
        path: File to write, e.g. `speciarl_pl/judge/rules/taxonomies/world.csv`.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "parent", "synonyms", "generic"))
        writer.writerows(taxonomy_rows())
