"""McNemar's test: whether one of two runs is right more often on the same images."""

from dataclasses import dataclass

import torch
from scipy.stats import binom  # type: ignore[attr-defined]
from torch import Tensor


@dataclass(frozen=True, slots=True)
class McNemar:
    """Images on which exactly one of two runs is right, and what follows from them."""

    b: int
    """Images that only run A gets right."""
    c: int
    """Images that only run B gets right."""
    p_value: float
    """Two-sided, of both runs being right equally often; 1 if `b` + `c` is 0."""


def mcnemar(correct_a: Tensor, correct_b: Tensor) -> McNemar:
    """Test whether two runs are right equally often (McNemar, 1947; exact form).

    Of the images on which they differ, each run should be the right one on half; the p-value is
    that of the binomial test, for any number of images: the usual chi-square only approximates it.

    Args:
        correct_a: bool [images]; leave out images that either run has no verdict for.
        correct_b: bool [images], the same images in the same order.

    Raises:
        ValueError: If the tensors are not boolean, one-dimensional and of one length.

    Example:
        >>> mcnemar(torch.tensor([True] * 8), torch.tensor([False] * 6 + [True] * 2))
        McNemar(b=6, c=0, p_value=0.03125)
    """
    for name, correct in (("correct_a", correct_a), ("correct_b", correct_b)):
        if correct.dtype != torch.bool or correct.ndim != 1:
            raise ValueError(
                f"{name}: expected bool [images], got {correct.dtype} {tuple(correct.shape)}"
            )
    if len(correct_a) != len(correct_b):
        raise ValueError(
            f"correct_b: expected the {len(correct_a)} images of correct_a, got {len(correct_b)}; "
            "keep the images that both runs have, in one order"
        )
    b = int((correct_a & ~correct_b).sum())
    c = int((correct_b & ~correct_a).sum())
    return McNemar(b, c, min(1.0, 2 * float(binom.cdf(min(b, c), b + c, 0.5))))
