"""What to draw: seeded, balanced lists of world images."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal, TypeAlias

import numpy as np

from speciarl_pl.world.naming import HELD_OUT_KINDS, KINDS, TRAIN_KINDS, Family

KindSet: TypeAlias = Literal["train", "held_out", "all"]

_KINDS = {"train": TRAIN_KINDS, "held_out": HELD_OUT_KINDS, "all": KINDS}
_SEED_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """One image of the world, before it is drawn."""

    kind: str
    """Broad name, e.g. `polygon`."""
    family: str
    """Middle name, e.g. `hexagon`."""
    mark: str
    """Colour of an easy object, maker of a hard one."""
    easy: bool
    """Whether the image shows the mark."""
    seed: int
    """Of pose, background and noise; no two of one list, or of lists of other seeds, are equal."""

    @property
    def truth(self) -> str:
        """The label: the full name."""
        return f"{self.mark} {self.family}"

    @property
    def subset(self) -> str:
        """`easy` or `hard`."""
        return "easy" if self.easy else "hard"

    @property
    def id(self) -> str:
        """Stable and unique name of the image."""
        return f"{self.family}-{self.mark}-{self.seed:016x}"


def _shuffled_forever(items: tuple[str, ...], rng: np.random.Generator) -> Iterator[str]:
    return cycle([items[int(i)] for i in rng.permutation(len(items))])


def _endless(kinds: KindSet, rng: np.random.Generator) -> Iterator[tuple[str, Family, str]]:
    """Rounds in which every family comes once, its marks in turn."""
    families = [(kind.name, family) for kind in _KINDS[kinds] for family in kind.families]
    marks = {family.name: _shuffled_forever(family.marks, rng) for _, family in families}
    while True:
        for index in rng.permutation(len(families)):
            kind, family = families[int(index)]
            yield kind, family, next(marks[family.name])


def world_specs(kinds: KindSet, n: int, seed: int) -> tuple[WorldSpec, ...]:
    """List `n` images; the same arguments give the same list.

    Families come equally often (to within one), and so do the marks of a family. Lists of
    different seeds share no image, so a training and a validation list need only different seeds.

    Args:
        kinds: `train`, `held_out` or `all`.
        n: Number of images.
        seed: 0 to 2**31 - 1.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [spec.subset for spec in world_specs("train", 3, seed=1)].count("easy") in range(4)
        True
    """
    if kinds not in _KINDS:
        raise ValueError(f"kinds: expected one of {', '.join(_KINDS)}; got {kinds!r}")
    if not 0 <= seed < _SEED_LIMIT:
        raise ValueError(f"seed: expected 0 to {_SEED_LIMIT - 1}, got {seed}")
    if n < 0:
        raise ValueError(f"n: expected at least 0 images, got {n}")
    drawn = islice(_endless(kinds, np.random.default_rng([seed, 1])), n)
    return tuple(
        WorldSpec(kind, family.name, mark, family.easy, (seed << 32) | index)
        for index, (kind, family, mark) in enumerate(drawn)
    )
