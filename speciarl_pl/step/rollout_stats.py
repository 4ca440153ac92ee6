"""What is logged of the rollouts of a step: rewards, categories, lengths."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import torch

from speciarl_pl.metrics.functional import OUTCOME_LABELS, correctness, harmonic_mean, specificity
from speciarl_pl.records import ScoredGroup, Verdict
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.totals import StepTotals

_COUNTS: Final = ("rewarded", "reward", "tokens", "judged", "cached", "asked")
"""What is counted on each rank and summed, beside `StepTotals`."""


def rollout_stats(
    scored: Sequence[ScoredGroup], totals: StepTotals, ranks: Ranks, device: torch.device
) -> dict[str, float]:
    """Summarise the rollouts of one step over all ranks.

    Args:
        scored: The scored groups of this rank; may be empty.
        totals: Of the step.
        ranks: How to reach the other ranks.
        device: Where tensors for them have to be.

    Returns:
        `reward`, the mean over judged rollouts; `categories/<name>`, shares of all rollouts;
        `correctness`, `specificity` and `hm` of the rollouts; `judge/cached_share` and
        `judge/llm_share`, shares of the verdicts; `length/mean` (tokens) and
        `length/cut_share`; `signal_share`, the share of groups with signal; `skipped_share`, of
        the samples; `rollouts` and `tokens`, counts. What is a mean of nothing is absent.
    """
    counts = _count(scored)
    local = torch.tensor([counts[name] for name in _COUNTS], dtype=torch.float64)
    found = dict(zip(_COUNTS, ranks.sum(local.to(device)).tolist(), strict=True))
    outcomes = torch.tensor(totals.counts)
    stats = {
        "reward": _mean(found["reward"], found["rewarded"]),
        "correctness": correctness(outcomes).item(),
        "specificity": specificity(outcomes).item(),
        "hm": harmonic_mean(outcomes).item(),
        **{
            f"categories/{label.replace(' ', '_')}": _mean(count, totals.rollouts)
            for label, count in zip(OUTCOME_LABELS, totals.counts, strict=True)
        },
        "judge/cached_share": _mean(found["cached"], found["judged"]),
        "judge/llm_share": _mean(found["asked"], found["judged"]),
        "length/mean": _mean(found["tokens"], totals.rollouts),
        "length/cut_share": _mean(totals.cut, totals.rollouts),
        "signal_share": _mean(totals.signal, totals.groups),
        "skipped_share": _mean(totals.skipped, totals.samples),
        "rollouts": float(totals.rollouts),
        "tokens": found["tokens"],
    }
    return {name: value for name, value in stats.items() if not math.isnan(value)}


def _mean(total: float, count: float) -> float:
    """NaN where it is a mean of nothing."""
    return total / count if count else math.nan


def _count(scored: Sequence[ScoredGroup]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in scored:
        rewards = group.rewards[~group.rewards.isnan()]
        counts["tokens"] += sum(rollout.tokens.numel() for rollout in group.group.rollouts)
        verdicts = [one for one in group.judged.outcomes if isinstance(one, Verdict)]
        counts["judged"] += len(verdicts)
        counts["cached"] += sum(verdict.cached for verdict in verdicts)
        counts["asked"] += sum(verdict.source.startswith("llm:") for verdict in verdicts)
        counts["rewarded"] += rewards.numel()
        counts["reward"] += rewards.sum().item()  # type: ignore[assignment]
    return counts
