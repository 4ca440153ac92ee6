"""How far two stages are apart, data set by data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.metrics.functional import OUTCOME_LABELS
from speciarl_pl.metrics.functional.comparison import (
    Difference,
    McNemar,
    mcnemar,
    paired_bootstrap,
    unpaired_bootstrap,
)
from speciarl_pl.report.stages import Stage, base_pairs
from speciarl_pl.run.rollouts import ImageKey
from speciarl_pl.run.stage_rollouts import Rollouts

Method: TypeAlias = Literal["paired", "unpaired"]
"""`paired`: over the images that both have; `unpaired`: from the counts alone."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two stages on one data set."""

    dataset: str
    """Name of the data set."""
    a: str
    """Name of the stage from which the difference is taken."""
    b: str
    """Name of the other; a difference is that of `b` minus that of `a`."""
    method: Method
    """How it was found."""
    images: int
    """Images compared; 0 where only counts are known."""
    only_a: int
    """Images that only `a` has, left out."""
    only_b: int
    """Images that only `b` has, left out."""
    unlike: int
    """Images left out because their truths differ."""
    differences: Mapping[str, Difference]
    """By name of the value."""
    mcnemar: McNemar | None
    """Of the first rollout of each image; None if unpaired or nothing was judged by both."""


def compare_stages(stages: Sequence[Stage]) -> list[Comparison]:
    """Compare each run with its base, and the runs with each other, on the data sets they share.

    Args:
        stages: As of `stages_of`.
    """
    finals = [stage for stage in stages if not stage.is_base]
    pairs = [*base_pairs(stages), *combinations(finals, 2)]
    return [
        compare(a, b, name)
        for a, b in pairs
        for name in a.results.datasets
        if name in b.results.datasets
    ]


def compare(a: Stage, b: Stage, dataset: str) -> Comparison:
    """Compare two stages on one data set.

    The paired bootstrap draws the images that both have; without the rollouts of both, or without
    a common image, counts are compared as if their images had nothing in common.

    Args:
        a: The stage from which the difference is taken.
        b: The other.
        dataset: Name of a data set of both.
    """
    codes_a, codes_b = _codes(a.rollouts, dataset), _codes(b.rollouts, dataset)
    common = [key for key in codes_a if key in codes_b]
    alike = [key for key in common if _truth(a, key) == _truth(b, key)]
    if not alike:
        return _unpaired(a, b, dataset)
    matrix_a, matrix_b = (_matrix([codes[key] for key in alike]) for codes in (codes_a, codes_b))
    return Comparison(
        dataset,
        a.name,
        b.name,
        "paired",
        images=len(alike),
        only_a=len(codes_a) - len(common),
        only_b=len(codes_b) - len(common),
        unlike=len(common) - len(alike),
        differences=paired_bootstrap(matrix_a, matrix_b),
        mcnemar=_mcnemar(matrix_a[:, 0], matrix_b[:, 0]),
    )


def _unpaired(a: Stage, b: Stage, dataset: str) -> Comparison:
    results = [stage.results.datasets[dataset] for stage in (a, b)]
    (counts_a, samples_a), (counts_b, samples_b) = map(_counts, results)
    differences = unpaired_bootstrap(counts_a, counts_b, samples_a, samples_b)
    return Comparison(dataset, a.name, b.name, "unpaired", 0, 0, 0, 0, differences, None)


def _codes(rollouts: Rollouts | None, dataset: str) -> dict[ImageKey, np.ndarray]:
    codes = rollouts.codes if rollouts else {}
    return {key: value for key, value in codes.items() if key[0] == dataset}


def _truth(stage: Stage, key: ImageKey) -> str:
    assert stage.rollouts is not None
    return stage.rollouts.truths[key]


def _matrix(rows: Sequence[np.ndarray]) -> Tensor:
    """int8 [images, samples]; a shorter row is filled up with what the metrics leave out."""
    matrix = np.full((len(rows), max(map(len, rows))), UNJUDGED, np.int8)
    for row, codes in zip(matrix, rows, strict=True):
        row[: len(codes)] = codes
    return torch.from_numpy(matrix)


def _mcnemar(first_a: Tensor, first_b: Tensor) -> McNemar | None:
    judged = (first_a != UNJUDGED) & (first_b != UNJUDGED)
    if not judged.any():
        return None
    return mcnemar(*(codes[judged] >= Category.GENERIC for codes in (first_a, first_b)))


def _counts(result: Mapping[str, Any]) -> tuple[Tensor, int]:
    """Counts in the order of the metrics, and the rollouts an image."""
    counts = torch.tensor([result["counts"].get(label, 0) for label in OUTCOME_LABELS])
    samples = result.get("samples")
    return counts, samples if isinstance(samples, int) and samples > 0 else 1
