"""Seeds of rollouts: each depends on what it is for, not on when or with what it is drawn."""

import hashlib


def rollout_seed(run_seed: int, step: int, sample_id: str, index: int) -> int:
    """Seed of one rollout.

    Args:
        run_seed: Seed of the run.
        step: Training batches before this one; -1 in validation, so that base and trained model
            are asked with the same luck.
        sample_id: Name of the sample, with its data set.
        index: Which rollout of its group.

    Returns:
        An integer in [0, 2**63).

    Example:
        >>> rollout_seed(0, 3, "world/17", 1) == rollout_seed(0, 3, "world/17", 1)
        True
    """
    text = f"{run_seed}\x00{step}\x00{sample_id}\x00{index}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
