"""Which groups an update has to look at."""

from collections.abc import Sequence

from speciarl_pl.records import ScoredGroup


def has_signal(group: ScoredGroup) -> bool:
    """Whether any rollout of the group is better or worse than another."""
    return bool(group.advantages.any())


def is_judged(group: ScoredGroup) -> bool:
    """Whether any rollout of the group has a reward."""
    return not bool(group.rewards.isnan().all())


def groups_to_learn_from(
    groups: Sequence[ScoredGroup], keep_without_signal: bool
) -> list[ScoredGroup]:
    """Drop the groups that cannot change the policy, before any forward pass.

    A group whose rewards are all equal adds nothing to the surrogate; with a KL term it still
    pulls towards the base.

    Args:
        groups: All scored groups of a mini-batch.
        keep_without_signal: Keep judged groups without signal, for their KL term.
    """
    keep = is_judged if keep_without_signal else has_signal
    return [group for group in groups if keep(group)]
