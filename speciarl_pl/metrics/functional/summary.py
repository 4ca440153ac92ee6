"""The numbers of one data set as `results.json` holds them (ARCHITECTURE.md)."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NotRequired, TypedDict

from torch import Tensor

from speciarl_pl.category import UNPARSED, Category
from speciarl_pl.metrics.functional.best_of_k import BestOfKCurve, best_of_k_curve
from speciarl_pl.metrics.functional.counts import (
    N_OUTCOMES,
    OUTCOME_LABELS,
    count_of,
    image_counts,
    n_correct,
    n_predictions,
    outcome_counts,
)
from speciarl_pl.metrics.functional.intervals import (
    bootstrap_interval,
    percentile_interval,
    resample_images,
    wilson_interval,
)
from speciarl_pl.metrics.functional.numbers import Interval, interval, number
from speciarl_pl.metrics.functional.rates import Weights, harmonic_mean, headline, specificity


class Summary(TypedDict):
    """Value of one data set in `results.json`; None stands for an undefined number."""

    n: int
    """Predictions that the rates are over: all but the unjudged."""
    images: int
    """Images, judged or not."""
    samples: int
    """Rollouts an image; a prediction is a rollout."""
    counts: dict[str, int]
    """By category label, and `unparsed`, `unjudged`; they add up to images times samples."""
    correctness: float | None
    """Share that is generic or better."""
    specificity: float | None
    """Mean level weight of the correct; None if none is."""
    hm: float | None
    """Harmonic mean of the two; 0 if none is correct."""
    abstain_rate: float | None
    """Share of refusals."""
    wrong_rate: float | None
    """Share of wrong or unparsed."""
    ci95: dict[str, Interval]
    """95 % intervals of the five. One sample an image: Wilson for the shares, bootstrap over
    predictions for `specificity` and `hm`. Several: bootstrap over images for all."""
    cut: NotRequired[int]
    """Rollouts that were cut before they ended; where a validation has counted them."""
    skipped: NotRequired["Skipped"]
    """Images that could not be read and are in none of the above."""
    best_of_k: NotRequired[BestOfKCurve]
    """What the best of k samples reaches; with several samples an image."""
    majority: NotRequired["MajoritySummary"]
    """Values of the majority vote; with several samples an image."""


class Skipped(TypedDict):
    """Images of a data set that could not be read."""

    count: int
    """How many."""
    samples: list[dict[str, str]]
    """`id` and `reason` of the first of them, in the order of the data."""


class MajoritySummary(Summary):
    """Values of the answers that most rollouts of each image give; one prediction an image."""

    agreement: float | None
    """Mean share of an image's rollouts that give that answer."""


def summarize(counts: Tensor, weights: Weights = "release", seed: int = 0) -> Summary:
    """Put the metrics of one data set and their intervals into plain numbers.

    Args:
        counts: int64 [8], as from `outcome_counts`, of one prediction an image; see
            `summarize_samples` for several.
        weights: As for `specificity`.
        seed: Of the bootstrap; the same counts and seed give the same intervals.

    Raises:
        ValueError: If `counts` has another shape or `weights` are invalid.

    Example:
        >>> import torch
        >>> summary = summarize(torch.tensor([1, 1, 1, 0, 4, 0, 4, 0]))
        >>> summary["n"], summary["correctness"], round(summary["specificity"], 3)
        (10, 0.8, 0.6)
        >>> [round(bound, 3) for bound in summary["ci95"]["correctness"]]
        [0.49, 0.943]
    """
    if counts.shape != (N_OUTCOMES,):
        raise ValueError(f"counts: expected shape ({N_OUTCOMES},), got {tuple(counts.shape)}")
    exact = counts.detach().cpu().double()
    level = partial(specificity, weights=weights)
    mean = partial(harmonic_mean, weights=weights)
    n = int(n_predictions(exact))
    wrong = count_of(exact, Category.WRONG) + count_of(exact, UNPARSED)
    bounds = {
        "correctness": wilson_interval(int(n_correct(exact)), n),
        "specificity": interval(bootstrap_interval(exact, level, seed=seed)),
        "hm": interval(bootstrap_interval(exact, mean, seed=seed)),
        "abstain_rate": wilson_interval(int(count_of(exact, Category.ABSTAIN)), n),
        "wrong_rate": wilson_interval(int(wrong), n),
    }
    return summary_of(exact, 1, weights, bounds)


def summary_of(
    counts: Tensor, samples: int, weights: Weights, bounds: dict[str, Interval]
) -> Summary:
    """Put together the numbers that a summary has whatever its samples.

    Args:
        counts: float64 [8], of all rollouts.
        samples: Rollouts an image.
        weights: As for `specificity`.
        bounds: By name of the value.
    """
    values = {name: number(value) for name, value in headline(counts, weights).items()}
    return {
        "n": int(n_predictions(counts)),
        "images": int(counts.sum()) // samples,
        "samples": samples,
        "counts": dict(zip(OUTCOME_LABELS, map(int, counts.tolist()), strict=True)),
        "correctness": values["correctness"],
        "specificity": values["specificity"],
        "hm": values["hm"],
        "abstain_rate": values["abstain_rate"],
        "wrong_rate": values["wrong_rate"],
        "ci95": bounds,
    }


# The numbers of one data set with several samples an image.


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
    bounds = {name: interval(percentile_interval(values)) for name, values in draws.items()}
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


# Majority vote: the answer that most rollouts of an image give.


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer that a group of rollouts agrees on."""

    index: int
    """First rollout of the group that gives it."""
    votes: int
    """Rollouts that give it."""
    share: float
    """`votes` divided by the number of rollouts, from above 0 to 1: the agreement."""


def majority_vote(keys: Sequence[Hashable | None]) -> Vote:
    """Find the most frequent answer of a group (self-consistency; Wang et al., 2023).

    Rollouts without an answer vote together for none at all, which loses to an answer with as many
    votes. Among answers with equally many votes the first to appear wins.

    Args:
        keys: Key of the answer of each rollout, equal for equal answers; None where there is no
            answer.

    Raises:
        ValueError: If there is no rollout.

    Example:
        >>> majority_vote(["dog", "samoyed", None, "samoyed"])
        Vote(index=1, votes=2, share=0.5)
        >>> majority_vote([None, "dog"]).index, majority_vote([None, "dog", None]).index
        (1, 0)
    """
    if not keys:
        raise ValueError("keys: expected one key per rollout, got none; a vote needs a rollout")
    votes = Counter(keys)  # in order of first appearance, and max takes the first of equals
    winner = max(votes, key=lambda key: (votes[key], key is not None))
    return Vote(keys.index(winner), votes[winner], votes[winner] / len(keys))
