"""Rollouts from transformers' `generate`, with the policy's own weights."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from speciarl_pl.callbacks.finished_rows import FinishedRows
from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.callbacks.seeded_sampler import SeededSampler
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import Policy
from speciarl_pl.records import EncodedPrompt, Rollout, RolloutGroup
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling


class HFRolloutCallback(RolloutCallback):
    """Draws rollouts by batched `generate`, in the trainer's process.

    Nothing has to be synced: the engine is the policy. It is the slowest engine on a GPU and needs
    nothing beyond the trainer.

    Args:
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample.
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
        super().__init__(group_size, sampling, val_group_size, val_sampling, seed)
        if max_rows < 1:
            raise ValueError(f"max_rows: expected an int >= 1, got {max_rows}")
        self.max_rows = max_rows

    def generate(
        self,
        module: SpeciaRLModule,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order."""
        policy = module.loaded_policy
        with policy.evaluating():
            return [
                group
                for part in _parts(requests, self.max_rows)
                for group in _generate(policy, part, sampling, finished)
            ]


def _parts(requests: Sequence[RolloutRequest], max_rows: int) -> Iterator[Sequence[RolloutRequest]]:
    """Consecutive requests of at most `max_rows` rollouts, but at least one request."""
    size = max(1, max_rows // len(requests[0].seeds))
    for start in range(0, len(requests), size):
        yield requests[start : start + size]


@torch.no_grad()
def _generate(
    policy: Policy,
    requests: Sequence[RolloutRequest],
    sampling: Sampling,
    finished: Finished | None = None,
) -> list[RolloutGroup]:
    inputs = _pad([request.prompt for request in requests], policy.pad_token_id, policy.device)
    seeds = [seed for request in requests for seed in request.seeds]
    sampler = SeededSampler(
        seeds,
        sampling.max_new_tokens,
        sampling.temperature,
        sampling.top_p,
        policy.banned_token_ids,
    )
    with policy.autocast(), _no_settings_of_its_own(policy.base):
        tokens = policy.model.generate(
            **inputs,
            generation_config=_config(policy, sampling, len(requests[0].seeds)),
            logits_processor=[sampler],
            stopping_criteria=[FinishedRows(policy, requests, finished)] if finished else [],
            tokenizer=policy.tokenizer,  # looked at for stop texts alone
        )
    completions = tokens[:, inputs["input_ids"].shape[1] :].cpu()
    logprobs = sampler.logprobs.cpu()
    rollouts = iter(
        _rollout(policy, sampling, *row) for row in zip(completions, logprobs, seeds, strict=True)
    )
    return [
        RolloutGroup(request.sample, request.prompt, tuple(next(rollouts) for _ in request.seeds))
        for request in requests
    ]


@contextmanager
def _no_settings_of_its_own(model: Any) -> Iterator[None]:
    """Hide the generation settings of the checkpoint.

    `generate` falls back on them for everything that it is not told, such as `suppress_tokens` or
    `no_repeat_ngram_size`, and the sampler would no longer draw from the policy that is scored.
    """
    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _config(policy: Policy, sampling: Sampling, group_size: int) -> GenerationConfig:
    """Leave every choice to the sampler."""
    return GenerationConfig(
        do_sample=True,
        num_return_sequences=group_size,
        max_new_tokens=sampling.max_new_tokens,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        min_p=None,
        repetition_penalty=1.0,
        eos_token_id=policy.eos_token_ids,
        stop_strings=list(sampling.stop) or None,
        pad_token_id=policy.pad_token_id,
    )


def _pad(
    prompts: Sequence[EncodedPrompt], pad_token_id: int, device: torch.device
) -> dict[str, Tensor]:
    """Prompts padded on the left to one length, as `generate` takes them."""
    length = max(prompt.input_ids.numel() for prompt in prompts)

    def row(values: Tensor, fill: int) -> Tensor:
        return torch.nn.functional.pad(values, (length - values.numel(), 0), value=fill)

    inputs = {
        "input_ids": torch.stack([row(p.input_ids, pad_token_id) for p in prompts]),
        "attention_mask": torch.stack([row(torch.ones_like(p.input_ids), 0) for p in prompts]),
        "mm_token_type_ids": torch.stack([row(p.mm_token_type_ids, 0) for p in prompts]),
        **_join([prompt.vision for prompt in prompts]),
    }
    return {name: value.to(device) for name, value in inputs.items()}


def _join(visions: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([vision[name] for vision in visions]) for name in visions[0]}


def _rollout(
    policy: Policy, sampling: Sampling, completion: Tensor, logprobs: Tensor, seed: int
) -> Rollout:
    """Cut what `generate` padded after the end."""
    length, ended = _end(policy, sampling, completion)
    if length == 0:
        raise RolloutError("generate returned an empty completion")
    tokens = completion[:length].clone()
    return Rollout(
        tokens=tokens,
        logprobs=logprobs[:length].clone(),
        text=policy.decode(tokens),
        finish_reason="stop" if ended else "length",
        seed=seed,
    )


def _end(policy: Policy, sampling: Sampling, completion: Tensor) -> tuple[int, bool]:
    """Number of tokens up to the end of the turn or of a stop text, and whether there is one."""
    ends = torch.isin(completion, torch.tensor(policy.eos_token_ids)).nonzero()
    length = int(ends[0, 0]) + 1 if len(ends) else completion.numel()

    def stopped(count: int) -> bool:
        text = policy.decode(completion[:count])
        return any(stop in text for stop in sampling.stop)

    if not sampling.stop or not stopped(length):
        return length, len(ends) > 0
    return bisect_left(range(length), True, key=stopped), True
