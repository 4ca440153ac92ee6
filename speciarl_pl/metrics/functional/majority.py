"""Majority vote: the answer that most rollouts of an image give."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


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
