"""Gradients that are not finite: a run that meets too many of them stops, and says why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speciarl_pl.errors import TrainingError
from speciarl_pl.policy import Policy
from speciarl_pl.policy.weights.finite import not_finite, weights
from speciarl_pl.records import ScoredGroup
from speciarl_pl.system.tensor_files import save_tensors


class GradientWatch:
    """Stops a run that could take no step for a while since gradients were not finite.

    The update has skipped those steps, so that adapter and optimiser are as they were.

    Args:
        most: Batches in a row from which none was learned.
    """

    def __init__(self, most: int = 3) -> None:
        self._most = most
        self._in_a_row = 0

    def see(
        self,
        learned: Mapping[str, float],
        scored: Sequence[ScoredGroup],
        step: int,
        policy: Policy,
        path: Path,
    ) -> None:
        """Look at an update.

        Args:
            learned: What the update gave to log, the same on all ranks.
            scored: What it learned from, on this rank.
            step: Training batches before it.
            policy: The policy.
            path: Where the batch goes at which the run stops; of this rank alone.

        Raises:
            TrainingError: After `most` batches in a row, on all ranks; names the likely cause and
                where the last batch is saved.
        """
        if "grad_norm" in learned:
            self._in_a_row = 0
        elif learned.get("skipped_updates"):
            self._in_a_row += 1
        if self._in_a_row < self._most:
            return
        save_step(path, step, scored)
        raise TrainingError(
            f"the gradients of {self._most} batches in a row were not finite, so that no step was "
            f"taken on them; {likely_cause(policy)}. The last batch is saved in {path}"
        )


def likely_cause(policy: Policy) -> str:
    """Why gradients are not finite, as far as the weights tell."""
    if names := not_finite(weights(policy)):
        return f"weights are not finite: {', '.join(names[:3])}"
    return "the weights are finite; a lower learning rate or model.dtype float32 may help"


def save_step(path: Path, step: int, scored: Sequence[ScoredGroup]) -> None:
    """Save what a step was to learn from, of plain types and tensors (loads with `weights_only`).

    Args:
        path: The file.
        step: Training batches before it.
        scored: Its groups, on this rank.

    Raises:
        RunError: If it cannot be written.
    """
    save_tensors({"step": step, "groups": [_plain(one) for one in scored]}, path)


def _plain(scored: ScoredGroup) -> dict[str, Any]:
    group = scored.group
    return {
        "dataset": group.sample.dataset,
        "sample_id": group.sample.id,
        "truth": group.sample.truth,
        "prompt": group.prompt.input_ids.cpu(),
        "vision": {name: value.cpu() for name, value in group.prompt.vision.items()},
        "tokens": [rollout.tokens for rollout in group.rollouts],
        "logprobs": [rollout.logprobs for rollout in group.rollouts],
        "texts": [rollout.text for rollout in group.rollouts],
        "rewards": scored.rewards,
        "advantages": scored.advantages,
    }
