"""The paper's reward: as specific as the group could be (paper, section 3)."""

import math
from typing import Literal

import torch
from torch import Tensor

from speciarl_pl.category import Category
from speciarl_pl.records import JudgedGroup
from speciarl_pl.reward.reward import Reward, fill_unread, outcome_codes


def reference_level(codes: Tensor) -> Category | None:
    """Level c* that a rollout of the group must reach.

    The best category among the judged rollouts, with two exceptions: finer than the truth is not
    asked for (more specific becomes specific), and to be wrong is never enough (wrong becomes
    abstain, which then nobody reaches).

    Args:
        codes: int64 [N]; unparsed and unjudged rollouts do not count.

    Returns:
        The level, or None if no rollout was judged.

    Example:
        >>> reference_level(torch.tensor([0, 2, 5, -1]))
        <Category.SPECIFIC: 4>
    """
    judged = codes[codes >= 0]
    if not len(judged):
        return None
    best = Category(int(judged.max()))
    return min(max(best, Category.ABSTAIN), Category.SPECIFIC)


def best_of_group(codes: Tensor, mode: Literal["all", "single"], unparsed_reward: float) -> Tensor:
    """Rewards of one group from its outcome codes; see `BestOfGroupReward`.

    Args:
        codes: int64 [N].
        mode: Whether all rollouts that reach the reference level are rewarded, or the first.
        unparsed_reward: Reward of an unparsed rollout.

    Returns:
        float32 [N]; NaN where unjudged.

    Example:
        >>> best_of_group(torch.tensor([2, 4, 5, 0, -1, -2]), "all", -1.0)
        tensor([ 0.,  1.,  1.,  0., -1., nan])
    """
    level = reference_level(codes)
    reached = codes >= level if level is not None else torch.zeros_like(codes, dtype=torch.bool)
    if mode == "single":
        reached = reached & (reached.cumsum(0) == 1)
    return fill_unread(reached.float(), codes, unparsed_reward)


class BestOfGroupReward(Reward):
    """Reward 1 for a rollout that is as specific as the best of its group, else 0.

    With c_best the best category among the judged rollouts of the group, the reference level c* is
    specific if c_best is more specific, abstain if c_best is wrong, else c_best. A rollout at or
    above c* gets 1, another 0; if everything is wrong, all get 0. An unparsed rollout gets
    `unparsed_reward`, an unjudged one NaN, and neither counts for c_best.

    In mode `single` only the first rollout, in the order of the group, that reaches c* gets 1. The
    rank to reach is c*, not c_best: the rule makes specific and more specific one rank, so a
    specific rollout that comes before a more specific one is the one rewarded.

    Args:
        mode: `all` (the paper's main form) or `single`.
        unparsed_reward: Reward of a rollout without a readable answer.

    Raises:
        ValueError: If `mode` is neither, or `unparsed_reward` is not finite.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unparsed, Verdict
        >>> from speciarl_pl.reward import trial_group
        >>> generic, wrong = (Verdict(Category(level), "exact") for level in (2, 0))
        >>> BestOfGroupReward()(trial_group([generic, wrong, Unparsed("no answer")]))
        tensor([ 1.,  0., -1.])
    """

    def __init__(
        self, mode: Literal["all", "single"] = "all", unparsed_reward: float = -1.0
    ) -> None:
        if mode not in ("all", "single"):
            raise ValueError(f"mode: expected 'all' or 'single', got {mode!r}")
        if not math.isfinite(unparsed_reward):
            raise ValueError(f"unparsed_reward: expected a finite number, got {unparsed_reward}")
        self.mode = mode
        self.unparsed_reward = unparsed_reward

    def __call__(self, group: JudgedGroup) -> Tensor:
        """Reward the rollouts of one group; see the class and `Reward`."""
        return best_of_group(outcome_codes(group.outcomes), self.mode, self.unparsed_reward)
