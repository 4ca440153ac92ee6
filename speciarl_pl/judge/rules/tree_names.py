"""Which of several trees is for a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from speciarl_pl.answer import answer_key


class SetsOfTrees:
    """Finds the trees that may answer for a data set.

    Case, blanks and marks in names make no difference: `Food-101` is `food101`. The path of a tree
    is its name, too. A single tree is for any data set, but a packaged one not for those of others.

    Args:
        names: Names of the trees at hand.
        datasets: Names of data sets, and of the trees that they belong to where these differ.
        packaged: Folder of the packaged trees.

    Raises:
        ValueError: If two trees have one name, or `datasets` names a tree that is not there.

    Example:
        >>> trees = SetsOfTrees(["cub", "food101"], {"dishes": "food101"}, Path())
        >>> trees.of("Food-101"), trees.of("dishes"), trees.of("my photos"), trees.of("")
        ((1,), (1,), (), (0, 1))
    """

    def __init__(self, names: Sequence[str], datasets: Mapping[str, str], packaged: Path) -> None:
        self._places = {_key(name): (place,) for place, name in enumerate(names)}
        if len(self._places) < len(names):
            raise ValueError(
                f"taxonomy: two trees have one name: {', '.join(names)}; rename a file"
            )
        others = {_key(path.stem) for path in packaged.glob("*.csv")}
        is_packaged = len(names) == 1 and not others.isdisjoint(self._places)
        self._others = others - self._places.keys() if is_packaged else frozenset[str]()
        for dataset, name in datasets.items():
            if _key(name) not in self._places:
                raise ValueError(
                    f"datasets: expected one of {', '.join(names)} for {dataset!r}, got {name!r}"
                )
        self._places |= {
            _key(dataset): self._places[_key(name)] for dataset, name in datasets.items()
        }
        self._all = tuple(range(len(names)))
        self._known: dict[str, tuple[int, ...]] = {}

    def of(self, dataset: str) -> tuple[int, ...]:
        """Places of the trees for a data set: one, none, or all where it is not named."""
        if not dataset:
            return self._all
        if dataset not in self._known:
            key = _key(dataset)
            alone = self._all if len(self._all) == 1 and key not in self._others else ()
            self._known[dataset] = self._places.get(key, alone)
        return self._known[dataset]


def _key(name: str) -> str:
    bare = Path(name).stem if name.lower().endswith(".csv") else name
    return "".join(filter(str.isalnum, answer_key(bare)))
