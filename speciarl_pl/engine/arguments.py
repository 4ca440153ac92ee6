"""Arguments of `vllm.LLM` that make it serve the policy's base and adapter."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import torch

from speciarl_pl.engine.engine import pixel_limits
from speciarl_pl.engine.served import adapter_rank
from speciarl_pl.hub_ids import pinned
from speciarl_pl.policy import Policy

SleepLevel = Literal[0, 1, 2]
"""0: stay; 1: weights move to main memory while the policy is updated; 2: they are dropped and
read from disk again. Both free the key-value cache."""

_RANKS: Final = (8, 16, 32, 64, 128, 256, 320, 512)
"""Sizes that vLLM reserves for adapters."""

_CPU_CACHE_BYTES: Final = 2**30
_CPU_CONTEXT: Final = 8192
_GPU_SHARE: Final = 0.4


def check_rank(policy: Policy, options: Mapping[str, Any]) -> None:
    """Make sure that vLLM has room for the adapter.

    Raises:
        ValueError: If the adapter's rank is above that of the engine.
    """
    rank, most = adapter_rank(policy), options.get("max_lora_rank", _RANKS[-1])
    if rank > most:
        raise ValueError(
            f"engine.max_lora_rank: expected at least the adapter's r={rank}, got {most}"
        )


def engine_arguments(
    policy: Policy,
    kv_cache_bytes: int | None,
    memory_share: float | None,
    sleep_level: SleepLevel,
    ranks: int,
) -> dict[str, Any]:
    """Arguments of `vllm.LLM` that make it serve the policy's base and adapter."""
    gpu = torch.cuda.is_available()
    revision = pinned(policy.base_name)[1]
    limits = {"image": 1}
    if getattr(policy.base.config, "video_token_id", None) is not None:
        limits["video"] = 0
    arguments: dict[str, Any] = {
        "model": policy.base.name_or_path,
        "revision": revision,
        "tokenizer_revision": revision,
        "trust_remote_code": False,
        "dtype": str(policy.compute_dtype).removeprefix("torch."),
        "enable_lora": True,
        "max_loras": 1,
        "max_lora_rank": next(rank for rank in _RANKS if rank >= adapter_rank(policy)),
        "worker_extension_cls": "speciarl_pl.engine.probe.AdapterProbe",
        "logprobs_mode": "processed_logprobs",
        "limit_mm_per_prompt": limits,
        "mm_processor_kwargs": pixel_limits(policy) or None,
        "max_model_len": -1,  # as long as the cache allows
        "enforce_eager": not gpu,
        "use_tqdm_on_load": False,
        "gpu_memory_utilization": memory_share or _GPU_SHARE,
        "enable_sleep_mode": sleep_level > 0,
    }
    if kv_cache_bytes or not gpu:
        arguments["kv_cache_memory_bytes"] = kv_cache_bytes or _CPU_CACHE_BYTES
    if ranks > 1:
        arguments["distributed_executor_backend"] = "external_launcher"
    return arguments


def for_cpus(policy: Policy, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for an engine on a CPU.

    Prompts are not cut into pieces: after all pieces but the last vLLM 0.32 winds a seeded
    generator back, which a CPU's can not do. Cache blocks are the smallest, since rollouts share
    whole blocks of their prompt only; vLLM's own choice of 128 tokens is longer than short prompts.
    """
    if torch.cuda.is_available():
        return {}
    known = int(policy.base.config.get_text_config().max_position_embeddings)
    length = options.get("max_model_len") or min(known, _CPU_CONTEXT)
    return {
        "enable_chunked_prefill": False,
        "max_model_len": length,
        "max_num_batched_tokens": max(length, _CPU_CONTEXT),
        "block_size": 32,
    }
