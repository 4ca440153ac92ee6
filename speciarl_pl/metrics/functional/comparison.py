"""A difference between two runs with its interval and p-value."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import binomtest  # type: ignore[attr-defined]
from torch import Tensor

from speciarl_pl.category import UNJUDGED
from speciarl_pl.metrics.functional.counts import FIRST_CODE, N_OUTCOMES, image_counts
from speciarl_pl.metrics.functional.intervals import (
    RESAMPLES,
    check_resamples,
    percentile_interval,
    resample_images,
)
from speciarl_pl.metrics.functional.numbers import Interval, interval, number
from speciarl_pl.metrics.functional.rates import SCORES, Weights, headline


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one run is from another in one statistic."""

    difference: float | None
    """Run B minus run A; None where either is undefined."""
    ci95: Interval
    """Percentile interval of 95 %; None where the difference is never defined."""
    p_value: float | None
    """Two-sided, of no difference; never 0, as a bootstrap of R draws cannot show less than
    2 / (R + 1)."""


def difference_of(observed: Tensor, drawn: Tensor) -> Difference:
    """Sum up the bootstrap draws of a difference.

    The p-value is twice the smaller share of draws at or beyond 0, with the observed one counted
    among them (Davison and Hinkley, 1997, equation 4.11).

    Args:
        observed: Scalar, the difference of the runs as they are.
        drawn: [resamples]; undefined ones (NaN) are left out.

    Example:
        >>> import torch
        >>> found = difference_of(torch.tensor(0.2), torch.tensor([0.1, 0.2, 0.3, 0.4]))
        >>> found.p_value
        0.4
    """
    defined = drawn[~drawn.isnan()]
    value = number(observed)
    if value is None or not len(defined):
        return Difference(None, None, None)
    beyond = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    p_value = min(1.0, 2 * (beyond + 1) / (len(defined) + 1))
    return Difference(value, interval(percentile_interval(defined.double())), p_value)


# Two runs on the same images: the paired bootstrap.


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


# Two runs of which only the counts are known: the bootstrap without pairs.


def unpaired_bootstrap(
    counts_a: Tensor,
    counts_b: Tensor,
    samples_a: int = 1,
    samples_b: int = 1,
    weights: Weights = "release",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compare two runs as if their images had nothing in common.

    Where the rollouts are at hand, `paired_bootstrap` says more. Counts do not tell how much the
    rollouts of an image resemble each other: with several samples an image, as many predictions are
    drawn as there are images, so that the interval is rather too wide than too narrow.

    Args:
        counts_a: [8], as from `outcome_counts`.
        counts_b: [8].
        samples_a: Rollouts an image behind `counts_a`.
        samples_b: Rollouts an image behind `counts_b`.
        weights: As for `specificity`.
        resamples: Number of draws.
        seed: Equal seeds give equal results.

    Returns:
        By name, for correctness, specificity and hm: run B minus run A.

    Raises:
        ValueError: If counts have another shape, or an argument is out of range.

    Example:
        >>> a = torch.tensor([0, 0, 20, 0, 60, 0, 20, 0])
        >>> b = torch.tensor([0, 0, 20, 0, 20, 0, 60, 0])
        >>> found = unpaired_bootstrap(a, b)["specificity"]
        >>> round(found.difference, 3), found.p_value < 0.001
        (0.4, True)
    """
    check_resamples(resamples)
    generator = np.random.default_rng(seed)
    pairs = (("a", counts_a, samples_a), ("b", counts_b, samples_b))
    for run, counts, samples in pairs:
        _check(run, counts, samples)
    observed = [headline(counts.cpu().double(), weights) for _, counts, _ in pairs]
    a, b = (
        headline(_drawn(counts, samples, resamples, generator), weights)
        for _, counts, samples in pairs
    )
    return {
        name: difference_of(observed[1][name] - observed[0][name], b[name] - a[name])
        for name in SCORES
    }


def _check(run: str, counts: Tensor, samples: int) -> None:
    if counts.shape != (N_OUTCOMES,):
        raise ValueError(
            f"counts_{run}: expected shape ({N_OUTCOMES},), got {tuple(counts.shape)}; see "
            "outcome_counts"
        )
    if samples < 1:
        raise ValueError(f"samples_{run}: expected an int >= 1, got {samples}")


def _drawn(counts: Tensor, samples: int, resamples: int, generator: np.random.Generator) -> Tensor:
    """Counts of resampled predictions, float64 [resamples, 8]."""
    observed = counts.detach().cpu().double().numpy().copy()
    observed[UNJUDGED - FIRST_CODE] = 0.0
    n = observed.sum()
    if not n:
        return torch.zeros(resamples, N_OUTCOMES, dtype=torch.float64)
    drawn = generator.multinomial(max(1, round(n / samples)), observed / n, size=resamples)
    return torch.from_numpy(drawn).double()


# McNemar's test: whether one of two runs is right more often on the same images.


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
    return McNemar(b, c, float(binomtest(b, b + c).pvalue) if b + c else 1.0)
