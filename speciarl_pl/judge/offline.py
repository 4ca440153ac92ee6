"""The judge that needs nothing but this package."""

from typing import Final

from speciarl_pl.judge.cascade import CascadeJudge
from speciarl_pl.judge.exact import ExactJudge
from speciarl_pl.judge.taxonomy import TaxonomyJudge

BENCHMARKS: Final = (
    "cub",
    "fgvc_aircraft",
    "flowers102",
    "food101",
    "oxford_pets",
    "stanford_cars",
)
"""The packaged taxonomies of the benchmarks."""

TREES: Final = (*BENCHMARKS, "everyday")
"""Those of the offline judge: also everyday things and animals, CIFAR-100 among them."""


def offline_judge() -> CascadeJudge:
    """A judge for the benchmarks and everyday things: equality, then trees; else unjudged.

    `configs/judge/offline.yaml` says the same, to be changed.

    Example:
        >>> from speciarl_pl.records import Pair
        >>> offline_judge().judge([Pair("Samoyed", "a dog")])[0].category.label
        'generic'
    """
    taxonomies = TaxonomyJudge(list(TREES), unknown="unjudged")
    return CascadeJudge([ExactJudge(unknown="unjudged"), taxonomies])
