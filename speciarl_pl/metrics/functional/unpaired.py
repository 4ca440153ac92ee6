"""Two runs of which only the counts are known: the bootstrap without pairs."""

import numpy as np
import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED
from speciarl_pl.metrics.functional.counts import FIRST_CODE, N_OUTCOMES
from speciarl_pl.metrics.functional.difference import Difference, difference_of
from speciarl_pl.metrics.functional.headline import SCORES, headline
from speciarl_pl.metrics.functional.resampling import RESAMPLES, check_resamples
from speciarl_pl.metrics.functional.specificity import Weights


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
