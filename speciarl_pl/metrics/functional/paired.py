"""Two runs on the same images: the paired bootstrap."""

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.counts import N_OUTCOMES, image_counts
from speciarl_pl.metrics.functional.difference import Difference, difference_of
from speciarl_pl.metrics.functional.headline import SCORES, headline
from speciarl_pl.metrics.functional.resampling import RESAMPLES, resample_images
from speciarl_pl.metrics.functional.specificity import Weights


def paired_bootstrap(
    codes_a: Tensor,
    codes_b: Tensor,
    weights: Weights = "release",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compare two runs image by image, with the same images drawn for both.

    How hard an image is moves both runs alike, so the interval is narrower than without pairing.
    Each image comes with all its rollouts; unjudged ones are left out of their run's rates.

    Args:
        codes_a: Integers [images, samples]: `Category` values, `UNPARSED`, `UNJUDGED`.
        codes_b: The same images in the same order; the number of samples may differ.
        weights: As for `specificity`.
        resamples: Number of draws.
        seed: Equal seeds give equal results.

    Returns:
        By name, for correctness, specificity and hm: run B minus run A.

    Raises:
        ValueError: If the numbers of images differ, codes are out of range, or `resamples` or
            `weights` are invalid.

    Example:
        >>> a = torch.tensor([[0], [2], [2], [4]] * 25)
        >>> b = torch.tensor([[0], [4], [4], [4]] * 25)
        >>> found = paired_bootstrap(a, b)
        >>> found["correctness"].difference, found["correctness"].p_value
        (0.0, 1.0)
        >>> round(found["specificity"].difference, 3), found["specificity"].p_value < 0.001
        (0.533, True)
    """
    counts_a, counts_b = image_counts(codes_a, "codes_a"), image_counts(codes_b, "codes_b")
    if len(counts_a) != len(counts_b):
        raise ValueError(
            f"codes_b: expected the {len(counts_a)} images of codes_a, got {len(counts_b)}; keep "
            "the images that both runs have, in one order"
        )
    rows = torch.cat((counts_a, counts_b), 1)
    observed = _differences(rows.sum(0).double().cpu(), weights)
    drawn = _differences(resample_images(rows, resamples=resamples, seed=seed), weights)
    return {name: difference_of(observed[name], drawn[name]) for name in SCORES}


def _differences(rows: Tensor, weights: Weights) -> dict[str, Tensor]:
    """[..., 16] -> run B minus run A by name."""
    a = headline(rows[..., :N_OUTCOMES], weights)
    b = headline(rows[..., N_OUTCOMES:], weights)
    return {name: b[name] - a[name] for name in SCORES}
