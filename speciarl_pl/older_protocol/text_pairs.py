"""The predictions of a run as few distinct pairs and the places where each occurs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from speciarl_pl.run.rollouts import Prediction

TextPair: TypeAlias = tuple[str, str | None]
"""Truth and answer; None for an unparsed one."""


@dataclass(frozen=True, slots=True)
class DistinctPairs:
    """Predictions with a truth, in an order that does not depend on that in which they came."""

    pairs: tuple[TextPair, ...]
    """Every truth and answer that occur together, once; sorted, equal answers side by side."""
    pair_of: Tensor
    """int64 [n]: place in `pairs` of each prediction."""
    image_of: Tensor
    """int64 [n]: number of the image of each prediction, from 0 to images - 1."""

    @property
    def repeats_images(self) -> bool:
        """Whether an image has several predictions, which are then not independent."""
        return bool(self.image_of.numel()) and int(self.image_of[-1]) + 1 < self.image_of.numel()


def distinct_pairs(predictions: Iterable[Prediction]) -> DistinctPairs:
    """Gather predictions; those with a blank truth are left out, as there is nothing to compare.

    Args:
        predictions: In any order, gone through once.

    Example:
        >>> found = distinct_pairs(Prediction(truth, "x") for truth in ("b", "a", "b"))
        >>> found.pairs, found.pair_of.tolist(), found.image_of.tolist()
        ((('a', 'x'), ('b', 'x')), [0, 1, 1], [0, 1, 2])
    """
    numbers: dict[TextPair, int] = {}
    found = [
        (one.sample_id, numbers.setdefault((one.truth, one.answer), len(numbers)))
        for one in predictions
        if one.truth.strip()
    ]
    pairs = sorted(numbers, key=_order)
    place = {numbers[pair]: index for index, pair in enumerate(pairs)}
    rows = sorted((sample_id, place[number]) for sample_id, number in found)
    return DistinctPairs(
        tuple(pairs),
        torch.tensor([pair for _, pair in rows], dtype=torch.int64),
        _image_numbers([sample_id for sample_id, _ in rows]),
    )


def _order(pair: TextPair) -> tuple[bool, str, str]:
    truth, answer = pair
    return answer is not None, answer or "", truth


def _image_numbers(sample_ids: list[str]) -> Tensor:
    """Numbers that grow by one at each new id; a blank id is always new."""
    shifted = ["", *sample_ids]
    new = [not own or own != before for own, before in zip(sample_ids, shifted, strict=False)]
    return torch.tensor(new, dtype=torch.int64).cumsum(0) - 1
