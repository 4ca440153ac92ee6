"""What a rollout engine is asked: how to draw, and of what."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from speciarl_pl.records import EncodedPrompt, Sample


@dataclass(frozen=True)  # no slots: jsonargparse reads the default's __dict__
class Sampling:
    """How completions are drawn."""

    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    """Tokens outside the smallest set with this probability are never drawn."""
    max_new_tokens: int = 256
    """A longer completion is cut."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion, beside the model's own end of turn; such as `</answer>`, where a
    model goes on after its answer. The text itself is kept."""

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ValueError(f"temperature: expected >= 0, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p: expected more than 0 and at most 1, got {self.top_p}")
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens: expected an int >= 1, got {self.max_new_tokens}")
        if not all(self.stop):
            raise ValueError(f"stop: expected texts that are not empty, got {self.stop}")


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """One sample of which an engine draws a group."""

    sample: Sample
    """The sample; its image is what engines with an image processor of their own take."""
    prompt: EncodedPrompt
    """The same, encoded as the trainer sees it."""
    seeds: tuple[int, ...]
    """One per rollout; a rollout depends on its own seed alone."""


Finished: TypeAlias = Callable[[Sample, str], None]
"""Told the text of each rollout as soon as it is finished, so that judging it can begin; returns at
once, and may be called from any thread and more than once."""


# Seeds of rollouts: each depends on what it is for, not on when or with what it is drawn.


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
