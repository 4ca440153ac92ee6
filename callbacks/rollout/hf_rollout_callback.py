"""Rollouts from transformers' `generate`, with the policy's own weights."""

from speciarl_pl.callbacks.rollout.rollout_callback import RolloutCallback
from speciarl_pl.engine import TransformersEngine
from speciarl_pl.sampling import Sampling


class HFRolloutCallback(RolloutCallback):
    """Draws rollouts by batched `generate`, in the trainer's process.

    Nothing has to be synced: the engine is the policy. It is the slowest engine on a GPU and needs
    nothing beyond the trainer.

    Args:
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample, and per photo in prediction.
        val_sampling: How those are drawn; null: as in training but greedy.
        seed: Seed of all rollouts; null: the run's, from `seed_everything`.
        max_rows: Completions drawn at once; bounds the memory of the key-value cache.
    """

    def __init__(
        self,
        group_size: int = 10,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        val_group_size: int = 1,
        val_sampling: Sampling | None = None,
        seed: int | None = None,
        max_rows: int = 256,
    ) -> None:
        engine = TransformersEngine(max_rows)
        super().__init__(engine, group_size, sampling, val_group_size, val_sampling, seed)
