"""What the best of k samples an image reaches, by category (paper, section 1: "best of 64")."""

import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.metrics.functional.counts import N_OUTCOMES


def best_of_k(codes: Tensor, k: int) -> Tensor:
    """Share of images whose best of k samples reaches each category, estimated without bias.

    For an image with n samples of which b lie below a category, the chance that k of them, drawn
    without replacement, all lie below is C(b, k) / C(n, k); the share is one minus its mean over
    the images. This is the mean over all subsets of size k, as for pass@k.

    Args:
        codes: Integers [images, samples]: `Category` values, `UNPARSED` (counts as wrong),
            `UNJUDGED` (left out).
        k: Samples of which the best counts; an image with fewer judged samples is left out.

    Returns:
        float64 [6], from wrong (always 1) to more specific; NaN if every image is left out.

    Raises:
        ValueError: If `codes` is not two-dimensional or `k` is not from 1 to its samples.

    Example:
        >>> best_of_k(torch.tensor([[2, 2, 4], [0, 0, 0]]), k=2)
        tensor([1.0000, 0.5000, 0.5000, 0.3333, 0.3333, 0.0000], dtype=torch.float64)
    """
    if codes.ndim != 2:
        raise ValueError(f"codes: expected [images, samples], got shape {tuple(codes.shape)}")
    if not 1 <= k <= codes.shape[1]:
        raise ValueError(f"k: expected an int from 1 to {codes.shape[1]} samples, got {k}")
    judged = codes != UNJUDGED
    codes = codes[judged.sum(1) >= k]
    judged = codes != UNJUDGED
    levels = torch.arange(len(Category), device=codes.device)
    below = ((codes.unsqueeze(-1) < levels) & judged.unsqueeze(-1)).sum(1)
    below[:, Category.WRONG] = 0
    return 1 - _all_drawn_from(below, judged.sum(1, keepdim=True), k).mean(0)


def best_of_k_counts(codes: Tensor, k: int) -> Tensor:
    """Expected outcome counts of a policy that answers with the best of k samples.

    The metrics take them as they take any counts, e.g. `specificity(best_of_k_counts(codes, 64))`.

    Args:
        codes: As for `best_of_k`.
        k: As for `best_of_k`.

    Returns:
        float64 [8] in the order of `OUTCOME_LABELS`, adding up to the number of images that have k
        judged samples; unparsed samples are among the wrong.

    Raises:
        ValueError: As `best_of_k`.

    Example:
        >>> best_of_k_counts(torch.tensor([[2, 2, 4], [0, 0, 0]]), k=3)
        tensor([0., 0., 1., 0., 0., 0., 1., 0.], dtype=torch.float64)
    """
    reached = best_of_k(codes, k)
    above = torch.cat((reached[1:], reached.new_zeros(1)))
    images = ((codes != UNJUDGED).sum(1) >= k).sum()
    counts = reached.new_zeros(N_OUTCOMES)
    counts[-len(Category) :] = ((reached - above) * images).nan_to_num(0.0)
    return counts


def _all_drawn_from(below: Tensor, n: Tensor, k: int) -> Tensor:
    """C(below, k) / C(n, k) as a product of k factors, exact where it is 0 or 1."""
    drawn = torch.arange(k, dtype=torch.float64, device=below.device)
    factors = (below.unsqueeze(-1) - drawn).clamp(min=0) / (n.unsqueeze(-1) - drawn)
    return factors.prod(-1)
