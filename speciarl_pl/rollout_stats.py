"""What is logged of the rollouts of a step: rewards, categories, lengths."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import torch

from speciarl_pl.grpo import has_signal
from speciarl_pl.metrics.functional import (
    OUTCOME_LABELS,
    correctness,
    harmonic_mean,
    outcome_counts,
    specificity,
)
from speciarl_pl.records import ScoredGroup, Verdict
from speciarl_pl.update import Ranks

_COUNTS: Final = (
    "rollouts",
    "rewarded",
    "reward",
    "tokens",
    "cut",
    "groups",
    "signal",
    "judged",
    "cached",
    "asked",
)
"""What is counted on each rank and summed."""


def rollout_stats(
    scored: Sequence[ScoredGroup], ranks: Ranks, device: torch.device
) -> dict[str, float]:
    """Summarise the rollouts of one step over all ranks.

    Args:
        scored: The scored groups of this rank; may be empty.
        ranks: How to reach the other ranks.
        device: Where tensors for them have to be.

    Returns:
        `reward`, the mean over judged rollouts; `categories/<name>`, shares of all rollouts;
        `correctness`, `specificity` and `hm` of the rollouts; `judge/cached_share` and
        `judge/llm_share`, shares of the verdicts; `length/mean` (tokens) and
        `length/cut_share`; `signal_share`, the share of groups with signal; `rollouts` and
        `tokens`, counts. What is a mean of nothing is absent, so all if no rank has a rollout.
    """
    counts = _count(scored)
    outcomes = outcome_counts(
        torch.tensor([o.code for group in scored for o in group.judged.outcomes], dtype=torch.int64)
    )
    local = torch.tensor([*(counts[name] for name in _COUNTS), *outcomes], dtype=torch.float64)
    summed = ranks.sum(local.to(device)).cpu()
    total = dict(zip(_COUNTS, summed.tolist(), strict=False))
    if not total["rollouts"]:
        return {}
    shares = summed[len(_COUNTS) :]
    stats = {
        "reward": _mean(total["reward"], total["rewarded"]),
        "correctness": correctness(shares).item(),
        "specificity": specificity(shares).item(),
        "hm": harmonic_mean(shares).item(),
        **{
            f"categories/{label.replace(' ', '_')}": count / total["rollouts"]
            for label, count in zip(OUTCOME_LABELS, shares.tolist(), strict=True)
        },
        "judge/cached_share": _mean(total["cached"], total["judged"]),
        "judge/llm_share": _mean(total["asked"], total["judged"]),
        "length/mean": total["tokens"] / total["rollouts"],
        "length/cut_share": total["cut"] / total["rollouts"],
        "signal_share": total["signal"] / total["groups"],
        "rollouts": total["rollouts"],
        "tokens": total["tokens"],
    }
    return {name: value for name, value in stats.items() if not math.isnan(value)}


def _mean(total: float, count: float) -> float:
    """NaN where it is a mean of nothing."""
    return total / count if count else math.nan


def _count(scored: Sequence[ScoredGroup]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in scored:
        rewards = group.rewards[~group.rewards.isnan()]
        rollouts = group.group.rollouts
        counts["groups"] += 1
        counts["signal"] += has_signal(group)
        counts["rollouts"] += len(rollouts)
        counts["tokens"] += sum(rollout.tokens.numel() for rollout in rollouts)
        counts["cut"] += sum(rollout.finish_reason == "length" for rollout in rollouts)
        verdicts = [one for one in group.judged.outcomes if isinstance(one, Verdict)]
        counts["judged"] += len(verdicts)
        counts["cached"] += sum(verdict.cached for verdict in verdicts)
        counts["asked"] += sum(verdict.source.startswith("llm:") for verdict in verdicts)
        counts["rewarded"] += rewards.numel()
        counts["reward"] += rewards.sum().item()  # type: ignore[assignment]
    return counts
