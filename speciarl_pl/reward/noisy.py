"""A judge that errs at a known rate, to study what it does to training (paper, section 3)."""

import random
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from speciarl_pl.category import Category
from speciarl_pl.records import JudgedGroup, Outcome, Verdict
from speciarl_pl.reward.checked import checked_rewards
from speciarl_pl.reward.reward import Reward


def perturb(outcomes: Sequence[Outcome], probability: float, draw: random.Random) -> list[Outcome]:
    """Move each verdict one rank with `probability`; what has no verdict stays.

    Up and down are equally likely; at either end of the scale the one possible move is made, so
    the share of changed verdicts is `probability` everywhere.

    Args:
        outcomes: N outcomes.
        probability: Between 0 and 1.
        draw: Source of randomness; two numbers are taken per outcome, judged or not.

    Example:
        >>> verdict = Verdict(Category.WRONG, "exact")
        >>> perturb([verdict], 1.0, random.Random(0))
        [Verdict(category=<Category.ABSTAIN: 1>, source='exact+noise', cached=False)]
    """
    draws = [(draw.random() < probability, draw.random() < 0.5) for _ in outcomes]
    return [
        _moved(outcome, up) if moves and isinstance(outcome, Verdict) else outcome
        for outcome, (moves, up) in zip(outcomes, draws, strict=True)
    ]


class NoisyVerdicts(Reward):
    """Another reward, computed on verdicts of which some moved one rank up or down.

    Rollouts of a group are perturbed independently, also where they gave the same answer. The draw
    depends only on `seed` and on that of the group, so a resumed run repeats it.

    Args:
        reward: The reward that sees the perturbed verdicts.
        probability: Chance of a verdict to move, between 0 and 1; the paper tries 0.05, 0.1, 0.25.
        seed: Seed of the study.

    Raises:
        ValueError: If `probability` is no probability.

    Example:
        >>> from speciarl_pl.reward import StaticReward, trial_group
        >>> noisy = NoisyVerdicts(StaticReward("graded1"), probability=1.0)
        >>> best, worst = Category.MORE_SPECIFIC, Category.WRONG
        >>> noisy(trial_group([Verdict(best, "exact"), Verdict(worst, "exact")], seed=7))
        tensor([1.0000, 0.2500])
    """

    def __init__(self, reward: Reward, probability: float = 0.1, seed: int = 0) -> None:
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"probability: expected a number from 0 to 1, got {probability}")
        self.reward = reward
        self.probability = probability
        self.seed = seed

    def __call__(self, group: JudgedGroup) -> Tensor:
        """Reward the group as if it had the perturbed verdicts; see the class and `Reward`."""
        draw = random.Random(f"{self.seed}:{group.seed}")
        moved = perturb(group.outcomes, self.probability, draw)
        return checked_rewards(self.reward, replace(group, outcomes=tuple(moved)))


def _moved(verdict: Verdict, up: bool) -> Verdict:
    if verdict.category in (Category.WRONG, Category.MORE_SPECIFIC):
        up = verdict.category is Category.WRONG
    category = Category(verdict.category + (1 if up else -1))
    return replace(verdict, category=category, source=f"{verdict.source}+noise")
