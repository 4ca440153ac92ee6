"""What every reward is: one judged rollout group in, one number a rollout out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED, UNPARSED
from speciarl_pl.records import JudgedGroup, Outcome


class Reward(ABC):
    """Rewards of one rollout group.

    A reward depends on the group alone, keeps no state, and never makes a number out of a missing
    verdict.
    """

    @abstractmethod
    def __call__(self, group: JudgedGroup) -> Tensor:
        """Reward the rollouts of one group.

        Args:
            group: N rollouts with all that is known of them: `outcomes`, `answers`, `thinking`,
                the `rollouts` themselves (text, tokens, why they ended) and the `sample`. A reward
                that draws at random draws from `seed`, so that a resumed run draws the same again.

        Returns:
            float32 [N]; NaN for every `Unjudged`.
        """


def outcome_codes(outcomes: Sequence[Outcome]) -> Tensor:
    """Codes of `outcomes` as int64 [N]: a `Category`, `UNPARSED` or `UNJUDGED`.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unjudged, Unparsed, Verdict
        >>> outcomes = [Verdict(Category.SPECIFIC, "exact"), Unparsed("no answer"), Unjudged("off")]
        >>> outcome_codes(outcomes)
        tensor([ 4, -1, -2])
    """
    return torch.tensor([outcome.code for outcome in outcomes], dtype=torch.int64)


def fill_unread(rewards: Tensor, codes: Tensor, unparsed_reward: float) -> Tensor:
    """Set what does not depend on a verdict: `unparsed_reward` for unparsed, NaN for unjudged.

    Args:
        rewards: float32 [N], read only where there is a verdict.
        codes: int64 [N], as from `outcome_codes`.
        unparsed_reward: Reward of a rollout without a readable answer.

    Returns:
        float32 [N], a new tensor.
    """
    rewards = rewards.masked_fill(codes == UNPARSED, unparsed_reward)
    return rewards.masked_fill(codes == UNJUDGED, torch.nan)
