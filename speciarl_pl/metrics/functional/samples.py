"""The numbers of one data set with several samples an image."""

from torch import Tensor

from speciarl_pl.metrics.functional.best_of_k_curve import best_of_k_curve
from speciarl_pl.metrics.functional.counts import image_counts, outcome_counts
from speciarl_pl.metrics.functional.headline import headline
from speciarl_pl.metrics.functional.intervals import percentile_interval
from speciarl_pl.metrics.functional.resampling import resample_images
from speciarl_pl.metrics.functional.specificity import Weights
from speciarl_pl.metrics.functional.summary import (
    MajoritySummary,
    Summary,
    summarize,
    summary_of,
)


def summarize_samples(codes: Tensor, weights: Weights = "release", seed: int = 0) -> Summary:
    """Put the metrics of one data set and their intervals into plain numbers.

    The rates are over all rollouts. Those of one image resemble each other, so that n rollouts tell
    less than n images: with several an image all intervals are from a bootstrap that draws images
    with all their rollouts. With one it is what `summarize` gives for the counts. A bootstrap of
    images that are all alike has no width.

    Args:
        codes: Integers [images, samples]: `Category` values, `UNPARSED`, `UNJUDGED`.
        weights: As for `specificity`.
        seed: Of the bootstrap; the same codes and seed give the same intervals.

    Returns:
        The summary, with `best_of_k` if there are several samples.

    Raises:
        ValueError: If `codes` are out of range, not two-dimensional or without samples, or
            `weights` are invalid.

    Example:
        >>> import torch
        >>> summary = summarize_samples(torch.tensor([[2, 4], [4, 4], [0, 0]] * 20))
        >>> summary["images"], summary["samples"], summary["n"], round(summary["correctness"], 3)
        (60, 2, 120, 0.667)
        >>> [round(bound, 2) for bound in summary["ci95"]["correctness"]]
        [0.55, 0.78]
        >>> summary["best_of_k"]["k"]
        [1, 2]
    """
    counts = image_counts(codes)
    samples = codes.shape[1]
    if samples < 1:
        raise ValueError("codes: expected at least one sample an image, got [images, 0]")
    if samples == 1:
        return summarize(counts.sum(0), weights, seed)
    draws = headline(resample_images(counts, seed=seed), weights)
    bounds = {name: percentile_interval(values) for name, values in draws.items()}
    summary = summary_of(counts.sum(0).cpu().double(), samples, weights, bounds)
    summary["best_of_k"] = best_of_k_curve(codes, weights, seed=seed)
    return summary


def summarize_majority(
    codes: Tensor, votes: Tensor, samples: int, weights: Weights = "release", seed: int = 0
) -> MajoritySummary:
    """Put the metrics of a majority vote into plain numbers; see `majority_vote`.

    Args:
        codes: Integers [images], the outcome of the answer that won.
        votes: Integers [images], how many rollouts gave it.
        samples: Rollouts an image.
        weights: As for `specificity`.
        seed: As for `summarize`.

    Raises:
        ValueError: If `codes` are out of range, `votes` are not from 1 to `samples`, or the shapes
            differ.

    Example:
        >>> import torch
        >>> summary = summarize_majority(torch.tensor([4, 0]), torch.tensor([3, 2]), samples=4)
        >>> summary["correctness"], summary["agreement"]
        (0.5, 0.625)
    """
    if votes.shape != codes.shape or codes.ndim != 1:
        raise ValueError(
            f"votes: expected [images] as codes, got {tuple(votes.shape)} for codes of shape "
            f"{tuple(codes.shape)}"
        )
    if votes.numel() and not 1 <= int(votes.min()) <= int(votes.max()) <= samples:
        raise ValueError(
            f"votes: expected values from 1 to {samples} samples, got {int(votes.min())} to "
            f"{int(votes.max())}"
        )
    given = votes.numel() * samples
    agreement = int(votes.sum()) / given if given else None
    return {**summarize(outcome_counts(codes), weights, seed), "agreement": agreement}
