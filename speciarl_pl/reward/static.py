"""Rewards that look at each rollout alone, for comparison (paper, section 3)."""

import math
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

from speciarl_pl.category import Category
from speciarl_pl.records import JudgedGroup
from speciarl_pl.reward.reward import Reward, fill_unread, outcome_codes

TableName: TypeAlias = Literal["binary", "graded1", "graded2", "graded3"]

STATIC_TABLES: Final[Mapping[TableName, tuple[float, ...]]] = {
    "binary": (0.0, 0.0, 0.0, 0.0, 1.0, 1.0),
    "graded1": (0.0, 0.25, 0.5, 0.75, 1.0, 1.0),
    "graded2": (0.0, 0.0, 0.5, 0.75, 1.0, 1.0),
    "graded3": (0.0, 0.0, 0.0, 0.75, 1.0, 1.0),
}
"""Reward per category, from wrong to more specific."""


class StaticReward(Reward):
    """A fixed reward per category, whatever the rest of the group did.

    Args:
        weights: Name of one of the paper's tables, or a reward for each of the six category labels
            (`wrong`, `abstain`, `generic`, `less specific`, `specific`, `more specific`).
        unparsed_reward: Reward of a rollout without a readable answer.

    Raises:
        ValueError: If the table is unknown, a label is missing or unknown, or a number is not
            finite.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unjudged, Verdict
        >>> from speciarl_pl.reward import trial_group
        >>> outcomes = [Verdict(Category.GENERIC, "exact"), Unjudged("down")]
        >>> StaticReward("graded1")(trial_group(outcomes))
        tensor([0.5000,    nan])
    """

    def __init__(
        self,
        weights: TableName | Mapping[str, float] = "binary",
        unparsed_reward: float = -1.0,
    ) -> None:
        self.table = _table(weights)
        self.unparsed_reward = unparsed_reward
        if not all(map(math.isfinite, (*self.table, unparsed_reward))):
            raise ValueError(
                f"weights, unparsed_reward: expected finite numbers, got {self.table} and "
                f"{unparsed_reward}"
            )

    def __call__(self, group: JudgedGroup) -> Tensor:
        """Reward each rollout by its own category; see the class and `Reward`."""
        codes = outcome_codes(group.outcomes)
        rewards = torch.tensor(self.table, dtype=torch.float32)[codes.clamp(min=0)]
        return fill_unread(rewards, codes, self.unparsed_reward)


def _table(weights: TableName | Mapping[str, float]) -> tuple[float, ...]:
    if isinstance(weights, str):
        if weights not in STATIC_TABLES:
            known = ", ".join(STATIC_TABLES)
            raise ValueError(f"weights: expected one of {known} or a mapping, got {weights!r}")
        return STATIC_TABLES[weights]
    by_category = {Category.parse(label): float(value) for label, value in weights.items()}
    missing = [category.label for category in Category if category not in by_category]
    if missing:
        raise ValueError(f"weights: expected all six categories, missing {', '.join(missing)}")
    return tuple(by_category[category] for category in Category)
